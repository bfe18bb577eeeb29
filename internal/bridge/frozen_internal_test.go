package bridge

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// sentOff counts the call events that an engine sends, and answers nothing.
type sentOff struct{ n int }

func (*sentOff) Flush() {}

func (s *sentOff) Send(m Message) error {
	if strings.Contains(m.Subject, ".call.") {
		s.n++
	}
	return nil
}

// bare returns an engine that asks nobody and is told of nothing but calls.
func bare(out Publisher) *Engine {
	return NewEngine(EngineOptions{Publisher: out, Core: CoreOptions{
		Adapter: "acme", Instance: "a", Policy: control.Policy{Purposes: []string{"agent"}}, Names: nameless{},
		Tracker: call.Options{Subscribed: func(string) bool { return true }},
	}, Heartbeat: time.Hour, Reconcile: time.Hour})
}

// answered is what the topic of an agent shows who has answered just now.
func answered(conversation, leg string) *call.Snapshot {
	return &call.Snapshot{ConversationID: conversation, View: "ua", Received: time.Now(), Participants: []call.Participant{
		{ID: leg, UserID: "ua", Purpose: "agent", State: "connected", Connected: time.Now()},
	}}
}

// What follows from snapshots that come together is sent when no further one has come, or by
// whoever uses the engine before.
func TestSnapshotsAreGathered(t *testing.T) {
	out := &sentOff{}
	e := bare(out)
	e.Do(func(c *Core, _ time.Time) { c.Lead(1) })
	e.tick(true)
	for n, follow := range []func(){e.Flush, func() { e.tick(false) }, func() { e.Do(func(*Core, time.Time) {}) }} {
		before := out.n
		for _, leg := range []string{"one", "two"} {
			e.Gather(answered(fmt.Sprint(n), leg))
		}
		if out.n != before {
			t.Errorf("%d: %d events while more may have come", n, out.n-before)
		}
		if follow(); out.n != before+2 {
			t.Errorf("%d: %d events of two legs", n, out.n-before)
		}
	}
	e.Flush()
	if out.n != 6 {
		t.Errorf("%d events of six legs", out.n)
	}
}

// The first thing that happens after a freeze tells nothing; when what has come meanwhile
// has had its time, the engine goes on by itself.
func TestEngineIsSilentAfterAFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &sentOff{}
		e := bare(out)
		say := func(conversation string) { e.Snapshot(answered(conversation, "leg")) }
		e.Do(func(c *Core, _ time.Time) { c.Lead(1) })
		e.tick(true)
		say("one")
		if out.n != 1 {
			t.Fatalf("%d events of one call", out.n)
		}
		time.Sleep(frozenAfter + time.Millisecond) // and no tick
		say("two")
		e.tick(false)
		time.Sleep(thawing - time.Millisecond)
		say("three")
		e.tick(false)
		if out.n != 1 {
			t.Fatalf("%d events right after a freeze", out.n-1)
		}
		time.Sleep(time.Millisecond)
		e.tick(false)
		if out.n != 3 {
			t.Fatalf("%d events of three calls when it is over", out.n)
		}
		time.Sleep(8 * time.Second)
		say("four")
		e.tick(false)
		time.Sleep(time.Second - time.Millisecond) // and one tick in it, so that it is no freeze
		e.tick(false)
		if out.n != 3 {
			t.Fatalf("%d events right after a long freeze", out.n-3)
		}
		time.Sleep(time.Millisecond)
		e.tick(false)
		if out.n != 4 {
			t.Fatalf("%d events of four calls when it is over", out.n)
		}
	})
}

// What has gathered in a longer time takes longer.
func TestThawingTakesAsLongAsTheFreezeDeserves(t *testing.T) {
	for frozen, want := range map[time.Duration]time.Duration{
		frozenAfter: thawing, 2 * time.Second: thawing, 8 * time.Second: time.Second, time.Hour: longestThaw,
	} {
		if got := thaws(frozen); got != want {
			t.Errorf("frozen for %v, silent for %v, want %v", frozen, got, want)
		}
	}
}
