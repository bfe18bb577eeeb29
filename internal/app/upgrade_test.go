package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// pair are two instances that know of each other; the first one leads.
func (s *site) pair(more ...string) (one, two *instance) {
	s.t.Helper()
	one, _ = s.logged("one", more...)
	one.ready(s.t).leads(s.t).calm(s.t)
	two, _ = s.logged("two", more...)
	two.ready(s.t)
	natstest.Eventually(s.t, "the instances know of each other", func() bool {
		a, b := one.Status().Peer, two.Status().Peer
		return a != nil && a.Ready && b != nil && b.Ready
	})
	return one, two
}

// Both instances end and others begin while people talk, as in an upgrade of
// everything at once. What somebody observed is told once; what began and nobody
// observed is the only thing that may be unknown.
func TestBothAreReplacedUnderTraffic(t *testing.T) {
	t.Parallel()
	s := newSite(t, busy())
	one, two := s.pair()
	end := s.talk(15)
	s.answered(15)
	ends := make(chan error, 2)
	from := time.Now().Add(-time.Second) // a frame of the last moment may not arrive
	for _, i := range []*instance{one, two} {
		go func() { ends <- i.stop() }()
	}
	if err := errors.Join(<-ends, <-ends); err != nil {
		t.Fatal(err)
	}
	s.answered(5)
	three, _ := s.logged("three")
	four, _ := s.logged("four")
	three.ready(t)
	four.ready(t)
	blind := span{from, time.Now()}
	s.answered(15)
	end()
	c := s.told(blind)
	if c.reconciled == 0 {
		t.Error("nothing was learned from REST: this proves nothing")
	}
}

// A restart of the session hands over, renews and rejoins as standby while people
// talk. The next one returns the lead. Nothing is lost, and nothing has to be learned
// from REST, because somebody observed all the while.
func TestRestartUnderTraffic(t *testing.T) {
	t.Parallel()
	s := newSite(t, busy())
	one, two := s.pair()
	end := s.talk(15)
	s.answered(10)
	for i, leader := range []*instance{one, two} {
		other := []*instance{two, one}[i]
		leader.Restart("requested")
		other.leads(t)
		s.fed("the session was restarted", func(feed []recording.FeedData) bool {
			return slices.ContainsFunc(feed, func(f recording.FeedData) bool {
				return f.Event == recording.FeedRestarted && f.Instance == leader.Report().Instance
			})
		})
		leader.ready(t)
		s.answered(10)
	}
	end()
	c := s.told()
	if want := []string{"one", "two", "one"}; !slices.Equal(c.leaders, want) {
		t.Errorf("leaders: %v", c.leaders)
	}
	for _, f := range c.feed {
		if f.Event == recording.FeedGapOpened && f.Cause != recording.GapStarted {
			t.Errorf("a restart has left a gap: %s of %s", f.Cause, f.Instance)
		}
	}
}

// A restart that was asked for and that the platform refuses is not forgotten: it is tried again.
func TestRefusedRestartIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, busy())
	one, _ := s.pair()
	if _, err := s.org.Inject(simulator.Fault{Kind: simulator.FaultREST, Path: "/api/v2/notifications/channels", Status: 500, Count: 1}); err != nil {
		t.Fatal(err)
	}
	one.Restart("requested")
	s.fed("the session was restarted", func(feed []recording.FeedData) bool {
		begun, done := 0, 0
		for _, f := range feed {
			switch f.Event {
			case recording.FeedRestarting:
				begun++
			case recording.FeedRestarted:
				done++
			default:
			}
		}
		return begun == 2 && done == 1
	})
}

// The schedule restarts by itself: here because the token ends soon, by the same path
// as every day. The session goes on over the end of several tokens.
func TestScheduleRestartsByItself(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{Users: 60, Speed: 40, TokenLife: 6 * time.Second})
	s.pair()
	end := s.talk(10)
	s.fed("each instance has restarted twice", func(feed []recording.FeedData) bool {
		count := make(map[string]int)
		for _, f := range feed {
			if f.Event == recording.FeedRestarted && f.Reason == "token_expiry" {
				count[f.Instance]++
			}
		}
		return count["one"] > 1 && count["two"] > 1
	})
	s.answered(10)
	end()
	s.told()
}

// In process mode a restart is the end of the process, after it has handed over.
func TestProcessModeLeaves(t *testing.T) {
	t.Parallel()
	s := newSite(t, busy())
	one, two := s.pair("RESTART_MODE=process")
	end := s.talk(15)
	s.answered(10)
	one.Restart("requested")
	<-one.Done()
	if err := one.stop(); err != nil {
		t.Errorf("an instance that was told to restart ends with %v", err)
	}
	two.leads(t)
	again, _ := s.logged("one", "RESTART_MODE=process") // as an orchestrator does
	again.ready(t)
	s.answered(10)
	end()
	s.told()
	if two.Report().Role != recording.Primary {
		t.Error("the process that has just come took the lead from the one that observed all the while")
	}
}

// A newer version beside this one writes what this one does not know: words, fields
// and whole kinds of events. They are taken as far as they go, and the log of each leg
// goes on behind them.
func TestNewerVersionBeside(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{})
	one, _ := s.logged("one")
	one.ready(t).leads(t).calm(t)
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	leg.Answer()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")

	s.fromTheFuture(t, recording.CallSubject("acme", s.org.Users()[0].ID, c.ID(), leg.ID()), map[string]any{
		"verb": "annotate", "cause": "teleported", "hologram": map[string]any{"layers": []int{1, 2}},
	})
	s.fromTheFuture(t, recording.FeedSubject("acme"), map[string]any{"event": "daydream", "depth": 3, "instance": "newer"})
	s.reportOf(t, one, "newer", 0, map[string]any{"role": "observer", "mood": map[string]any{"good": true}})
	natstest.Eventually(t, "the newer one is known", func() bool {
		peer := one.Status().Peer
		return peer != nil && peer.Instance == "newer"
	})

	leg.Hold()
	natstest.Eventually(t, "the log goes on behind what is not known", func() bool {
		return slices.Equal(s.verbs(leg.ID()), []string{"prepare", "start", "annotate", "update"})
	})
	two, _ := s.logged("two") // reads it all from the stream
	two.ready(t)
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	two.leads(t)
	c.CustomerHangsUp()
	natstest.Eventually(t, "the end is told", func() bool {
		return slices.Equal(s.verbs(leg.ID()), []string{"prepare", "start", "annotate", "update", "stop"})
	})
	var revisions uint64
	s.messages(func(subject string, _ nats.Header, data []byte) {
		var f struct{ Data struct{ Revision uint64 } }
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		if subject != recording.FeedSubject("acme") {
			return
		}
		if revisions++; f.Data.Revision != revisions {
			t.Errorf("feed event %d where %d comes next", f.Data.Revision, revisions)
		}
	})
}

// fromTheFuture writes the next event of a subject: the last one with some of its data
// changed.
func (s *site) fromTheFuture(t *testing.T, subject string, changes map[string]any) {
	t.Helper()
	natstest.Eventually(t, "the event from the future is stored", func() bool {
		stream, err := s.js.Stream(t.Context(), "RECORDER_ACME")
		if err != nil {
			t.Fatal(err)
		}
		last, err := stream.GetLastMsgForSubject(t.Context(), subject)
		if err != nil {
			t.Fatal(err)
		}
		var e map[string]any
		if err := json.Unmarshal(last.Data, &e); err != nil {
			t.Fatal(err)
		}
		data, ok := e["data"].(map[string]any)
		if !ok {
			t.Fatalf("no data in %s", last.Data)
		}
		revision, _ := data["revision"].(float64)
		data["revision"] = revision + 1
		maps.Copy(data, changes)
		id := fmt.Sprintf("%s-future", e["id"])
		e["id"], e["sequence"], e["dimension"] = id, fmt.Sprintf("%020d", int(revision)+1), 5
		m := &nats.Msg{Subject: subject, Header: nats.Header{"Content-Type": {recording.ContentType}}}
		if m.Data, err = json.Marshal(e); err != nil {
			t.Fatal(err)
		}
		_, err = s.js.PublishMsg(t.Context(), m, jetstream.WithMsgID(id), jetstream.WithExpectLastSequencePerSubject(last.Sequence))
		return err == nil
	})
}

// verbs are those of every event of a leg, whatever they are; changes of facts are left
// out. The revisions have no hole.
func (s *site) verbs(leg string) (all []string) {
	s.t.Helper()
	revision := 0
	s.messages(func(_ string, _ nats.Header, data []byte) {
		var e struct {
			Data struct {
				Verb, Cause string
				Revision    int
				Leg         struct{ ID string }
			}
		}
		if err := json.Unmarshal(data, &e); err != nil || e.Data.Leg.ID != leg {
			return
		}
		if revision++; e.Data.Revision != revision {
			s.t.Errorf("revision %d where %d comes next", e.Data.Revision, revision)
		}
		if e.Data.Cause != string(recording.DataChanged) {
			all = append(all, e.Data.Verb)
		}
	})
	return all
}

// reportOf writes the report of an instance that is not there: like that of another
// one, by a clock that differs, and with some changes.
func (s *site) reportOf(t *testing.T, like *instance, name string, clock time.Duration, changes map[string]any) {
	t.Helper()
	r := like.Report()
	r.Instance, r.Role, r.Ready, r.Yielding = name, recording.Secondary, true, false
	r.At, r.Started, r.ReadySince = r.At.Add(clock), r.Started.Add(clock), r.At.Add(clock)
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err = json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	maps.Copy(m, changes)
	if data, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	kv, err := s.js.KeyValue(t.Context(), "RECORDER_ACME_STATE")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = kv.Put(t.Context(), "instance."+name, data); err != nil {
		t.Fatal(err)
	}
}

// Two instances pair although their clocks are hours apart: what counts is when a
// report is heard, not what its clock says.
func TestClocksNeedNotAgree(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{})
	one, _ := s.logged("one")
	one.ready(t).leads(t)
	nc := natstest.Connect(t, s.nats.URL())
	for name, clock := range map[string]time.Duration{"ahead": 5 * time.Hour, "behind": -5 * time.Hour} {
		natstest.Eventually(t, "the other one is known, and ready", func() bool {
			s.reportOf(t, one, name, clock, nil)
			peer := one.Status().Peer
			return peer != nil && peer.Instance == name && peer.Ready
		})
		epoch := one.Report().Epoch
		if _, err := nc.Request(app.ServicePrefix("acme", "one")+".step-down", nil, 5*time.Second); err != nil {
			t.Fatal(err)
		}
		one.role(t, recording.Secondary)
		natstest.Eventually(t, "the lead is taken back from one that does not take it", func() bool {
			s.reportOf(t, one, name, clock, nil)
			return one.Report().Role == recording.Primary && one.Report().Epoch > epoch
		})
	}
	natstest.Eventually(t, "one that is silent is forgotten", func() bool { return one.Status().Peer == nil })
	if status, text := one.readiness(t); status != http.StatusOK {
		t.Errorf("not ready: %s", text)
	}
}
