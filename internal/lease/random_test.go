package lease_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/internal/lease"
)

// step is one thing that happens to one of three instances.
type step struct {
	who    int
	what   string
	pause  time.Duration // afterwards
	faulty fault
}

func steps(rt *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
		return step{
			who:    rapid.IntRange(0, 2).Draw(rt, "who"),
			what:   rapid.SampledFrom([]string{"fault", "fault", "heal", "heal", "stop", "start", "resign"}).Draw(rt, "what"),
			pause:  time.Duration(rapid.IntRange(0, 8000).Draw(rt, "pause_ms")) * time.Millisecond,
			faulty: rapid.SampledFrom([]fault{lost, mute, late, unsettled}).Draw(rt, "fault"),
		}
	}), 1, 40).Draw(rt, "steps")
}

// terms records when functions run.
type terms struct {
	mu      sync.Mutex
	running map[string]uint64
	highest uint64
	errs    []string
	strict  bool
}

func (r *terms) begin(name string, number uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.strict && len(r.running) > 0 {
		r.errs = append(r.errs, fmt.Sprintf("%s begins term %d while %v run", name, number, r.running))
	}
	if number <= r.highest {
		r.errs = append(r.errs, fmt.Sprintf("%s begins term %d after term %d", name, number, r.highest))
	}
	r.highest = number
	r.running[name] = number
}

func (r *terms) end(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, name)
}

// instance calls Hold for ever while it is on.
type instance struct {
	*lease.Lease
	*client
	stop func()
}

func (i *instance) start(r *terms) {
	if i.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_ = i.Hold(ctx, func(ctx context.Context, t lease.Term) error {
				r.begin(i.name, t.Number)
				defer r.end(i.name)
				<-ctx.Done()
				return nil
			})
		}
	}()
	i.stop = func() { cancel(); <-ended; i.stop = nil }
}

// checkLog fails unless each value was succeeded by the same term or by nobody,
// and each deletion was the holder's own.
func checkLog(rt *rapid.T, log []write) {
	var before write
	for _, w := range log {
		holder := nonce(before.Value)
		switch {
		case w.by == "": // an expiry
		case w.Deleted && before.by != w.by:
			rt.Errorf("revision %d: %s deleted the key of %s", w.Revision, w.by, before.by)
		case !w.Deleted && holder != "" && holder != nonce(w.Value):
			rt.Errorf("revision %d: %s wrote over %s, which held it", w.Revision, w.by, before.by)
		}
		before = w
	}
}

// TestAnyScheduleOfFaults is the promise as a whole: whatever happens, nobody
// writes or deletes another's key, terms only grow, with strict deadlines no two
// functions ever run at the same time, and when all is well again somebody leads.
func TestAnyScheduleOfFaults(t *testing.T) {
	for name, strict := range map[string]bool{"strict": true, "keep while suspect": false} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				plan := steps(rt)
				synctest.Test(t, func(*testing.T) { runSchedule(rt, plan, strict) })
			})
		})
	}
}

func runSchedule(rt *rapid.T, plan []step, strict bool) {
	m := newMemory(ttl)
	defer m.close()
	r := &terms{running: map[string]uint64{}, strict: strict}
	var all []*instance
	for _, name := range []string{"a", "b", "c"} {
		c := m.client(name)
		l, err := lease.New(lease.Options{Store: c, Key: "leader", Instance: name, TTL: ttl, StrictDeadline: strict})
		if err != nil {
			rt.Fatal(err)
		}
		i := &instance{Lease: l, client: c}
		i.start(r)
		all = append(all, i)
	}
	for _, s := range plan {
		i := all[s.who]
		switch s.what {
		case "fault":
			i.set(s.faulty)
		case "heal":
			i.set(healthy)
		case "stop":
			if i.stop != nil {
				i.stop()
			}
		case "start":
			i.start(r)
		case "resign":
			i.Resign()
		}
		time.Sleep(s.pause)
	}
	for _, i := range all {
		i.set(healthy)
		i.start(r)
	}
	time.Sleep(4 * ttl)
	r.mu.Lock()
	if len(r.running) != 1 {
		rt.Errorf("when all was well again these led: %v", r.running)
	}
	for _, e := range r.errs {
		rt.Error(e)
	}
	r.mu.Unlock()
	for _, i := range all {
		i.stop()
	}
	checkLog(rt, m.writes())
}
