package genesys_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test; it is used up only when the test fails.
const patience = 20 * time.Second

// recorder is a sink that remembers.
type recorder struct {
	mu        sync.Mutex
	changed   chan struct{}
	snapshots []call.Snapshot
	agents    []genesys.AgentUpdate
	feeds     []genesys.FeedStatus
	directory *genesys.Directory
	down      map[string]genesys.Cause
	all       bool // everybody is down
	held      call.Flag
	holds     int // changes of held, of any leg on its user's topic
}

func newRecorder() *recorder {
	return &recorder{changed: make(chan struct{}), down: make(map[string]genesys.Cause)}
}

func (r *recorder) update(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *recorder) Snapshot(s *call.Snapshot) {
	r.update(func() {
		kept := *s
		kept.Participants = slices.Clone(s.Participants) // filled anew with the next frame
		r.snapshots = append(r.snapshots, kept)
		for _, p := range s.Participants {
			if p.UserID == s.View && p.State == "connected" && p.Held != r.held {
				r.held = p.Held
				r.holds++
			}
		}
	})
}

func (r *recorder) Flush() {}

func (r *recorder) Agent(u genesys.AgentUpdate) {
	r.update(func() { r.agents = append(r.agents, u) })
}

func (r *recorder) Directory(d *genesys.Directory) {
	r.update(func() { r.directory = d })
}

func (r *recorder) Feed(f genesys.FeedStatus) {
	r.update(func() {
		r.feeds = append(r.feeds, f)
		if f.Users == nil {
			r.all = !f.Up
		}
		for _, u := range f.Users {
			r.all = false
			if f.Up {
				delete(r.down, u)
			} else {
				r.down[u] = f.Cause
			}
		}
	})
}

// until waits for a condition on what was recorded.
func (r *recorder) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		r.mu.Lock()
		done, changed := ok(), r.changed
		r.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("waited in vain for %s; down: %v, feeds: %+v", what, r.down, r.feeds)
		}
	}
}

// within waits until held has changed at least n times.
func (r *recorder) within(n int) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		r.mu.Lock()
		have, changed := r.holds, r.changed
		r.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			return
		}
	}
}

// causes lists the causes of downs in their order.
func (r *recorder) causes() []genesys.Cause {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []genesys.Cause
	for _, f := range r.feeds {
		if !f.Up && !slices.Contains(list, f.Cause) {
			list = append(list, f.Cause)
		}
	}
	return list
}

// states lists the states of a leg as they were seen on its user's topic.
func (r *recorder) states(leg *simulator.Leg) (list []string) {
	for _, s := range r.snapshots {
		if s.ConversationID != leg.Call().ID() || s.View != leg.UserID() {
			continue
		}
		for _, p := range s.Participants {
			if p.ID == leg.ID() && (len(list) == 0 || list[len(list)-1] != p.State) {
				list = append(list, p.State)
			}
		}
	}
	return list
}

// seen waits until a leg was seen in a state.
func (r *recorder) seen(t *testing.T, leg *simulator.Leg, state string) {
	t.Helper()
	r.until(t, "leg "+state, func() bool { return slices.Contains(r.states(leg), state) })
}

// memory is a channel store.
type memory struct {
	mu   sync.Mutex
	data []byte
}

func (m *memory) Load(context.Context) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.data, nil
}

func (m *memory) Save(_ context.Context, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = data
	return nil
}

// rig is an organization and a platform connected to it.
type rig struct {
	*recorder
	org      *simulator.Org
	platform *genesys.Platform
	stop     func()
}

func organization(t *testing.T, o simulator.Options) *simulator.Org {
	t.Helper()
	org, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := org.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); group.Wait() })
	return org
}

// options connect to an organization with short timings.
func options(org *simulator.Org) genesys.Options {
	return genesys.Options{
		ClientID: "sim-client", ClientSecret: "sim-secret", APIURL: org.URL(), LoginURL: org.URL(),
		AgentEvents: true,
		Timings: genesys.Timings{
			BackoffMin: 5 * time.Millisecond, BackoffMax: 200 * time.Millisecond, Overlap: 50 * time.Millisecond,
		},
	}
}

// connect runs a platform until the test ends or stop is called.
func connect(t *testing.T, org *simulator.Org, o genesys.Options) *rig {
	t.Helper()
	r := &rig{recorder: newRecorder(), org: org}
	r.platform, r.stop = runUntil(t, o, r.recorder)
	return r
}

// run runs a platform until the test ends.
func run(t *testing.T, o genesys.Options, sink genesys.Sink) *genesys.Platform {
	t.Helper()
	p, _ := runUntil(t, o, sink)
	return p
}

func runUntil(t *testing.T, o genesys.Options, sink genesys.Sink) (*genesys.Platform, func()) {
	t.Helper()
	p, err := genesys.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := p.Run(ctx, sink); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	stop := func() { cancel(); group.Wait() }
	t.Cleanup(stop)
	return p, stop
}

func start(t *testing.T, so simulator.Options, change func(*genesys.Options)) *rig {
	t.Helper()
	org := organization(t, so)
	o := options(org)
	if change != nil {
		change(&o)
	}
	r := connect(t, org, o)
	r.ready(t)
	return r
}

// ready waits until all users are up.
func (r *rig) ready(t *testing.T) {
	t.Helper()
	r.until(t, "readiness", func() bool { return len(r.feeds) > 1 && !r.all && len(r.down) == 0 && r.platform.Status().Ready })
}

// back waits until all users were lost for a cause and are up again.
func (r *rig) back(t *testing.T, cause genesys.Cause) {
	t.Helper()
	r.until(t, "recovery from "+string(cause), func() bool {
		lost := slices.ContainsFunc(r.feeds, func(f genesys.FeedStatus) bool { return !f.Up && f.Cause == cause })
		return lost && !r.all && len(r.down) == 0
	})
}

func (r *rig) inject(t *testing.T, f simulator.Fault) {
	t.Helper()
	if _, err := r.org.Inject(f); err != nil {
		t.Fatal(err)
	}
}

// call plays a short call with the first user and expects all of it to arrive.
func (r *rig) call(t *testing.T) {
	t.Helper()
	c := r.org.Call(simulator.Inbound{})
	leg := c.Alert(r.org.Users()[0])
	r.seen(t, leg, "alerting")
	leg.Answer()
	r.seen(t, leg, "connected")
	c.CustomerHangsUp()
	r.seen(t, leg, "terminated")
}
