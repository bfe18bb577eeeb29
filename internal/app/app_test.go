package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is one organization, one broker and any number of instances.
type site struct {
	t    *testing.T
	org  *simulator.Org
	nats *natstest.Server
	js   jetstream.JetStream
}

func newSite(t *testing.T, o simulator.Options) *site {
	t.Helper()
	if o.Users == 0 {
		o.Users = 6
	}
	server := natstest.New(t)
	return newSiteOn(t, server, server.URL(), o)
}

// settingsFor returns the settings of an instance, as an operator would write them.
func (s *site) settingsFor(instance string, more ...string) settings.Settings {
	s.t.Helper()
	env := append([]string{
		"ADAPTER_NAME=Acme", "INSTANCE_ID=" + instance, "GENESYS_CLIENT_ID=sim-client", "GENESYS_CLIENT_SECRET=sim-secret",
		"GENESYS_REGION_HOST=mypurecloud.ie", "GENESYS_API_URL=" + s.org.URL(), "GENESYS_LOGIN_URL=" + s.org.URL(),
		"NATS_URL=" + s.broker(), "HTTP_ADDR=127.0.0.1:0", "LEASE_TTL=1s", "RECORD_TAGS=case",
	}, more...)
	set, err := settings.Load(env)
	if err != nil {
		s.t.Fatal(err)
	}
	return set
}

// broker is where the instances find NATS unless told otherwise.
func (s *site) broker() string {
	if s.nats == nil {
		return "nats://127.0.0.1:1" // it has to be told
	}
	return s.nats.URL()
}

// instance is a running ingestor.
type instance struct {
	*app.App
	stop func() error
}

func (s *site) start(name string, more ...string) *instance {
	s.t.Helper()
	return s.startWith(func(*app.App) {}, name, more...)
}

func (s *site) startWith(change func(*app.App), name string, more ...string) *instance {
	s.t.Helper()
	level := slog.LevelWarn
	if testing.Verbose() {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("instance", name)
	a, err := app.New(app.Options{Settings: s.settingsFor(name, more...), Version: "v0.0.1", Logger: log, Registry: prometheus.NewRegistry()})
	if err != nil {
		s.t.Fatal(err)
	}
	change(a)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- a.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-result })
	s.t.Cleanup(func() { _ = stop() })
	return &instance{App: a, stop: stop}
}

// ready waits until an instance observes everybody.
func (i *instance) ready(t *testing.T) *instance {
	t.Helper()
	natstest.Eventually(t, "the instance is ready", func() bool { return i.Report().Ready })
	return i
}

// leads waits until an instance leads.
func (i *instance) leads(t *testing.T) *instance {
	t.Helper()
	natstest.Eventually(t, "the instance leads", func() bool { return i.Report().Role == recording.Primary })
	return i
}

// calm waits until nothing is compared with REST, so that what happens next is learned
// from its notification.
func (i *instance) calm(t *testing.T) *instance {
	t.Helper()
	natstest.Eventually(t, "no comparison is under way", func() bool {
		s := i.Status()
		return !s.Comparing && s.GapsOpen == 0
	})
	return i
}

// events returns everything in the stream, validated against the contract.
func (s *site) events() []any {
	s.t.Helper()
	var all []any
	s.messages(func(subject string, header nats.Header, data []byte) {
		if err := recordingtest.Validate(subject, header, data); err != nil {
			s.t.Errorf("event on %s: %v\n%s", subject, err, data)
		}
		e, err := recording.Decode(data)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, e)
	})
	return all
}

// messages calls each for everything in the stream, in order.
func (s *site) messages(each func(subject string, header nats.Header, data []byte)) {
	s.t.Helper()
	ctx := s.t.Context()
	stream, err := s.js.Stream(ctx, "RECORDER_ACME")
	if err != nil {
		s.t.Fatal(err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	for seq := max(info.State.FirstSeq, 1); seq <= info.State.LastSeq; seq++ {
		m, err := stream.GetMsg(ctx, seq)
		if err != nil {
			s.t.Fatal(err)
		}
		each(m.Subject, m.Header, m.Data)
	}
}

// leg returns what the stream tells about a leg, as verb/cause/state.
func (s *site) leg(id string) []string {
	s.t.Helper()
	var out []string
	for _, e := range s.events() {
		c, ok := e.(*recording.CallEvent)
		if !ok || c.Data.Leg.ID != id {
			continue
		}
		if want := uint64(len(out) + 1); c.Data.Revision != want {
			s.t.Errorf("leg %s: revision %d where %d comes next", id, c.Data.Revision, want)
		}
		said := fmt.Sprintf("%s/%s/%s", c.Data.Verb, c.Data.Cause, c.Data.State)
		if c.Data.Confidence == recording.Reconciled {
			said += "?"
		}
		out = append(out, said)
	}
	return out
}

// expect waits until a leg has been told as wanted; changes of facts are left out.
func (s *site) expect(id string, want ...string) {
	s.t.Helper()
	control := func() []string {
		return slices.DeleteFunc(s.leg(id), func(e string) bool {
			return strings.HasPrefix(e, "update/data_changed/") || strings.HasPrefix(e, "update/recovered/")
		})
	}
	deadline := time.Now().Add(20 * time.Second)
	for got := control(); ; got = control() {
		if slices.Equal(got, want) {
			return
		}
		if len(got) > len(want) || time.Now().After(deadline) {
			s.t.Fatalf("leg %s\n got %s\nwant %s", id, strings.Join(got, " "), strings.Join(want, " "))
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.t.Context().Done():
		}
	}
}

// An answered call with everything an agent does to it, from the frame to the stream.
func TestOneCall(t *testing.T) {
	s := newSite(t, simulator.Options{})
	s.start("one").ready(t).leads(t).calm(t)
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	s.expect(leg.ID(), "prepare/delivered/armed")
	leg.Answer()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")
	leg.Hold()
	leg.Retrieve()
	leg.Mute()
	leg.Unmute()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "update/held/recording", "update/retrieved/recording",
		"update/muted/recording", "update/unmuted/recording")
	c.SecurePause(true)
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "update/held/recording", "update/retrieved/recording",
		"update/muted/recording", "update/unmuted/recording", "pause/secure_paused/paused")
	c.SecurePause(false)
	c.CustomerHangsUp()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "update/held/recording", "update/retrieved/recording",
		"update/muted/recording", "update/unmuted/recording", "pause/secure_paused/paused", "resume/secure_resumed/recording",
		"stop/cleared/stopped")
	leg.WrapUp("sold")
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "update/held/recording", "update/retrieved/recording",
		"update/muted/recording", "update/unmuted/recording", "pause/secure_paused/paused", "resume/secure_resumed/recording",
		"stop/cleared/stopped", "update/wrapped_up/stopped")
}

// A call that is open when the ingestor starts is found over REST.
func TestCallInProgressIsFound(t *testing.T) {
	s := newSite(t, simulator.Options{})
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	leg.Answer()
	s.start("one").ready(t).leads(t)
	s.expect(leg.ID(), "start/established/recording?")
	c.CustomerHangsUp()
	s.expect(leg.ID(), "start/established/recording?", "stop/cleared/stopped")
}

// G7: both instances gone, new ones continue every open leg at its next revision,
// and tell the end of the legs that ended meanwhile.
func TestTheStreamIsTheOnlyState(t *testing.T) {
	s := newSite(t, simulator.Options{})
	first := s.start("one").ready(t).leads(t).calm(t)
	open, ended := s.org.Call(simulator.Inbound{}), s.org.Call(simulator.Inbound{})
	a, b := open.Alert(s.org.Users()[0]), ended.Alert(s.org.Users()[1])
	a.Answer()
	b.Answer()
	s.expect(a.ID(), "prepare/delivered/armed", "start/established/recording")
	s.expect(b.ID(), "prepare/delivered/armed", "start/established/recording")
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	ended.CustomerHangsUp()
	s.start("two").ready(t).leads(t).calm(t)
	s.expect(b.ID(), "prepare/delivered/armed", "start/established/recording", "stop/cleared/stopped?")
	open.CustomerHangsUp()
	s.expect(a.ID(), "prepare/delivered/armed", "start/established/recording", "stop/cleared/stopped")
}

// The standby takes over at once when the primary leaves, and nothing is told twice.
func TestHandOver(t *testing.T) {
	s := newSite(t, simulator.Options{})
	one := s.start("one").ready(t).leads(t).calm(t)
	two := s.start("two").ready(t)
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	leg.Answer()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	leg.Hold()
	two.leads(t).calm(t)
	c.CustomerHangsUp()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "update/held/recording", "stop/cleared/stopped")
}

// A leader that writes alone does not have its own events delivered, and knows and shows
// them all the same; its standby reads everything, and does as the leader does once it leads.
func TestLeaderReadsNothingBack(t *testing.T) {
	s := newSite(t, simulator.Options{})
	one := s.start("one").ready(t).leads(t).calm(t)
	two := s.start("two").ready(t)
	end := uint64(0)
	readers := func(n int) {
		t.Helper()
		natstest.Eventually(t, fmt.Sprintf("%d consumers", n), func() bool {
			stream, err := s.js.Stream(t.Context(), publish.StreamName("Acme"))
			if err != nil {
				return false
			}
			state := stream.CachedInfo().State
			end = state.LastSeq
			return state.Consumers == n
		})
	}
	readers(1)
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	leg.Answer()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")
	c.SecurePause(true)
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "pause/secure_paused/paused")
	readers(1)
	for _, i := range []*instance{one, two} {
		natstest.Eventually(t, "the open leg is shown", func() bool {
			v := i.Status()
			return v.LastSequence >= end && v.OpenCount == 1 && len(v.Open) == 1 && v.Open[0].State == recording.Paused && len(v.Gaps) > 0
		})
	}
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	two.leads(t).calm(t)
	readers(0)
	c.CustomerHangsUp()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "pause/secure_paused/paused", "stop/cleared/stopped")
	natstest.Eventually(t, "nothing is open", func() bool { return two.Status().OpenCount == 0 })
	// And its messages form a chain.
	stream, err := s.js.Stream(t.Context(), publish.StreamName("Acme"))
	if err != nil {
		t.Fatal(err)
	}
	last, err := stream.GetMsg(t.Context(), stream.CachedInfo().State.LastSeq)
	if err != nil {
		t.Fatal(err)
	}
	if last.Header.Get(jetstream.ExpectedLastMsgIDHeader) == "" && last.Header.Get(jetstream.ExpectedLastSeqHeader) == "" {
		t.Errorf("headers %v", last.Header)
	}
}

// Two instances that both publish, as if there were no lease, still store every
// revision once and in order: the stream decides, not the lease.
func TestTwoLeadersAtOnce(t *testing.T) {
	s := newSite(t, simulator.Options{Users: 40, Speed: 40})
	one := s.startWith((*app.App).IgnoreLease, "one").ready(t).leads(t)
	two := s.startWith((*app.App).IgnoreLease, "two").ready(t).leads(t)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	if err := s.org.Traffic(ctx, simulator.Traffic{CallsPerSecond: 30, Drain: 10 * time.Second}); err != nil {
		t.Fatal(err)
	}
	truth := s.org.Truth()
	natstest.Eventually(t, "everything is told", func() bool {
		return one.Status().Pending == 0 && two.Status().Pending == 0
	})
	starts, stops, writers := map[string]int{}, map[string]int{}, map[string]int{}
	var history recordingtest.History
	s.messages(func(subject string, header nats.Header, data []byte) {
		if err := history.Add(subject, header, data); err != nil {
			t.Error(err)
		}
		if e, err := recording.Decode(data); err == nil {
			if c, ok := e.(*recording.CallEvent); ok {
				writers[c.Data.Origin.Instance]++
				switch c.Data.Verb {
				case recording.Start:
					starts[c.Data.Leg.ID]++
				case recording.Stop:
					stops[c.Data.Leg.ID]++
				default:
				}
			}
		}
	})
	connected := 0
	for _, c := range truth.Conversations {
		for _, l := range c.Legs {
			if l.ConnectedAt.IsZero() || !l.Voice || l.Role == "monitor" || l.Role == "coach" {
				continue
			}
			connected++
			if starts[l.LegID] != 1 || stops[l.LegID] != 1 {
				t.Errorf("leg %s has %d starts and %d stops", l.LegID, starts[l.LegID], stops[l.LegID])
			}
		}
	}
	t.Logf("%d legs, events by writer: %v, conflicts: %d and %d", connected, writers, one.Status().Engine["conflicts"], two.Status().Engine["conflicts"])
	if len(writers) != 2 || connected < 50 {
		t.Errorf("%d legs told by %v: this proves nothing", connected, writers)
	}
}

// While NATS is away calls go on; what happened comes out afterwards, in order. The end waits
// for what another instance may know.
func TestNATSOutage(t *testing.T) {
	s := newSite(t, simulator.Options{})
	s.start("one").ready(t).leads(t).calm(t)
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	s.expect(leg.ID(), "prepare/delivered/armed")
	s.nats.Stop()
	leg.Answer()
	leg.Hold()
	leg.Retrieve()
	c.CustomerHangsUp()
	back := time.Now()
	if err := s.nats.Start(); err != nil {
		t.Fatal(err)
	}
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "update/held/recording",
		"update/retrieved/recording", "stop/cleared/stopped")
	if waited := time.Since(back); waited < 2*time.Second {
		t.Errorf("the end was told after %v", waited)
	}
}

// Another organization under the same adapter name is refused.
func TestOtherAccountIsRefused(t *testing.T) {
	s := newSite(t, simulator.Options{})
	s.start("one").ready(t).leads(t)
	wrong := s.start("two", "GENESYS_CLIENT_ID=another")
	<-wrong.Done()
	if err := wrong.stop(); !errors.Is(err, app.ErrOtherAccount) {
		t.Errorf("refused with %v", err)
	}
}

// Agents are told completely after a start, and then when something changes.
func TestAgents(t *testing.T) {
	s := newSite(t, simulator.Options{})
	s.start("one").ready(t).leads(t)
	user := s.org.Users()[0]
	last := func() (d recording.AgentData) {
		for _, e := range s.events() {
			if a, ok := e.(*recording.AgentEvent); ok && a.Data.Agent.UserID == user.ID {
				d = a.Data
			}
		}
		return d
	}
	natstest.Eventually(t, "the agent is told after the start", func() bool { return last().Revision == 1 })
	s.org.SetPresence(user, "Meal")
	natstest.Eventually(t, "the meal is told", func() bool { return last().State == recording.NotReady })
	s.org.SetPresence(user, "Offline")
	natstest.Eventually(t, "the agent has gone", func() bool { return last().State == recording.LoggedOff })
}

// The commands of an instance are a NATS service.
func TestCommands(t *testing.T) {
	s := newSite(t, simulator.Options{})
	one := s.start("one", "STARTUP_TYPE=manual")
	nc := natstest.Connect(t, s.nats.URL())
	ask := func(command string) []byte {
		var m *nats.Msg
		natstest.Eventually(t, command+" is answered", func() bool {
			var err error
			m, err = nc.Request(app.ServicePrefix("acme", "one")+"."+command, nil, time.Second)
			return err == nil
		})
		return m.Data
	}
	var status app.Status
	if err := json.Unmarshal(ask("status"), &status); err != nil || status.Connecting || status.Ready {
		t.Fatalf("before start: %+v %v", status, err)
	}
	ask("start")
	one.ready(t).leads(t)
	two := s.start("two").ready(t)
	natstest.Eventually(t, "the other instance is known to be ready", func() bool {
		p := one.Status().Peer
		return p != nil && p.Ready
	})
	ask("step-down")
	two.leads(t)
	ask("restart")
	natstest.Eventually(t, "the session was restarted", func() bool {
		return slices.ContainsFunc(s.events(), func(e any) bool {
			f, ok := e.(*recording.FeedEvent)
			return ok && f.Data.Event == recording.FeedRestarted && f.Data.Instance == "one"
		})
	})
	ask("stop")
	if err := one.stop(); err != nil {
		t.Error(err)
	}
}
