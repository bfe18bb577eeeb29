package bridge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// doubtful lets two views disagree about a pause.
func doubtful(i *instance) {
	a, b := talking("a", "ua"), talking("b", "ub")
	for _, u := range []string{"ua", "ub"} {
		i.sees(u, caller(), a, b)
	}
	a.SecurePause = call.Yes
	i.sees("ua", caller(), a, b)
}

// A doubt is not asked about at once, then less and less often, and not for ever: the
// periodic comparison goes on with it.
func TestAsksAreBounded(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	doubtful(i)
	if early := i.Asks(r.now.Add(100 * time.Millisecond)); len(early) != 0 {
		t.Error("asked before the other view could speak")
	}
	var asked []time.Time
	for range 20 * 60 * 60 {
		r.wait(100 * time.Millisecond)
		if ids := i.Asks(r.now); slices.Equal(ids, []string{"conv"}) {
			asked = append(asked, r.now)
		}
	}
	if n := len(asked); n < 10 || n > 40 {
		t.Fatalf("asked %d times", n)
	}
	if first, last := asked[1].Sub(asked[0]), asked[len(asked)-1].Sub(asked[len(asked)-2]); first > 2*time.Second || last < 30*time.Second {
		t.Errorf("waits of %v at first and %v at last", first, last)
	}
	if rest := start.Add(time.Hour).Sub(asked[len(asked)-1]); rest < 30*time.Minute {
		t.Error("asked for ever")
	}
}

// A platform that denies a conversation is believed when it does so again, and nobody
// has spoken meanwhile.
func TestGone(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.sees("ua", caller(), talking("leg", "ua"))
	i.expects("start established")
	i.Gone("conv", r.now)
	r.wait(10 * time.Second)
	i.Gone("conv", r.now)
	i.expects() // too soon
	r.wait(10 * time.Second)
	i.sees("ua", caller(), talking("leg", "ua"))
	r.wait(20 * time.Second)
	i.Gone("conv", r.now)
	i.expects() // somebody has spoken: that is the first denial
	r.wait(31 * time.Second)
	i.Gone("conv", r.now)
	i.expects()
	r.wait(2 * time.Second)
	i.expects("stop cleared")
	if d := r.last(); d.Confidence != recording.Reconciled {
		t.Error(d.Confidence)
	}
}

// What is believed and was not heard of is asked about, paused legs first.
func TestBelievedAsksForPausedLegsFirst(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	tell := func(conversation string, paused call.Flag) {
		p := talking("leg-"+conversation, "ua")
		p.SecurePause = paused
		i.Observe(&call.Snapshot{
			ConversationID: conversation, View: "ua", Received: r.now, SecurePause: paused, Participants: []call.Participant{p},
		}, r.now)
	}
	tell("a", call.No)
	tell("c", call.Yes)
	tell("b", call.No)
	tell("d", call.Yes)
	r.wait(time.Minute)
	tell("e", call.Yes) // has just spoken
	if got, want := i.Believed(start.Add(time.Second)), []string{"c", "d", "a", "b"}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

// A user who moves to another phone is no news for legs that are over.
func TestMovedConcernsOpenLegs(t *testing.T) {
	r := newRig(t)
	names := newDirectory()
	options := coreOptions("one")
	options.Names = names
	i := &instance{rig: r, Core: bridge.NewCore(options)}
	i.Lead(1)
	gone := talking("old", alice)
	gone.State, gone.End = "terminated", start
	i.sees(alice, caller(), gone, talking("new", alice))
	i.sends()
	names.stations[alice] = recording.Station{ID: "home"}
	i.Moved([]string{alice}, r.now)
	r.wait(time.Second)
	i.expects("update station_changed")
	if d := r.last(); d.Leg.ID != "new" || d.Agent.Station == nil || d.Agent.Station.ID != "home" {
		t.Errorf("%+v", d.Agent)
	}
}

// Of those that contradict themselves, the calls in a secure pause are asked about first.
func TestDoubtsOfPausedCallsAreAskedFirst(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	for _, c := range []struct {
		conversation string
		paused       call.Flag
	}{{"a", call.No}, {"b", call.Yes}, {"c", call.No}, {"d", call.Yes}} {
		silent, speaking := talking("silent-"+c.conversation, "ub"), talking("leg-"+c.conversation, "ua")
		i.Observe(&call.Snapshot{ // the other topic has not shown its leg
			ConversationID: c.conversation, View: "ua", Received: r.now, SecurePause: c.paused, Participants: []call.Participant{speaking, silent},
		}, r.now)
	}
	r.wait(time.Second)
	if got, want := i.Asks(r.now), []string{"b", "d", "a", "c"}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}
