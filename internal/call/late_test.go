package call_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// A question that left before the pause was heard of cannot end it, and one that is
// answered with a pause begins it, in doubt.
func TestAnswerOlderThanTheTopic(t *testing.T) {
	paused := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.SecurePause = call.Yes })
	tr := tracker("ua")
	kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected")), snap("ua", 20, customer(), paused))
	if got := kinds(tr, snap(call.ViewREST, 20.05, customer(), agent("a", "ua", "connected"))); len(got) != 0 {
		t.Errorf("an answer of before the pause ends it: %v", got)
	}
	if got := kinds(tr, snap(call.ViewREST, 25, customer(), agent("a", "ua", "connected"))); !cmp.Equal(got, map[string][]string{"a": {"secure-?"}}) {
		t.Errorf("an answer of after the pause: %v", got)
	}
	kinds(tr, snap("ua", 30, customer(), agent("a", "ua", "connected")))
	got := kinds(tr, snap(call.ViewREST, 30.05, customer(), paused))
	if !cmp.Equal(got, map[string][]string{"a": {"secure+?"}}) || !tr.Doubtful("c") {
		t.Errorf("a pause in an answer that crossed a frame: %v, doubtful %v", got, tr.Doubtful("c"))
	}
}

// A frame that shows a party still there that is known to have left is late as a
// whole: nothing in it has a newer value.
func TestLateFrameChangesNothing(t *testing.T) {
	tr := tracker("ua", "ub")
	b := agent("b", "ub", "terminated")
	kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected")), snap("ua", 60, customer(), agent("a", "ua", "connected"), b))
	before, _ := tr.Leg(call.ID{Conversation: "c", Leg: "a"})
	was := before.Facts
	late := with(agent("a", "ua", "connected"), func(p *call.Participant) {
		p.Muted, p.Held, p.SecurePause, p.Attributes = call.Yes, call.Yes, call.Yes, map[string]string{"case": "old"}
	})
	got := kinds(tr, snap("ua", 61, customer(), late, agent("b", "ub", "connected")))
	after, _ := tr.Leg(call.ID{Conversation: "c", Leg: "a"})
	if len(got) != 0 || after.SecurePause || after.Attributes != nil {
		t.Errorf("a late frame is believed: %v, %+v", got, after)
	}
	if diff := cmp.Diff(was.Peers, after.Peers); diff != "" {
		t.Error(diff)
	}
}

// A frame that shows a leg less far than REST has is older than that, and ends no hold.
func TestAFrameFromBeforeTheConnect(t *testing.T) {
	tr := tracker("ua")
	holding := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.Held = call.Yes })
	kinds(tr, snap(call.ViewREST, 10, customer(), holding))
	rings := with(agent("a", "ua", "alerting"), func(p *call.Participant) { p.Held = call.No })
	if got := kinds(tr, snap("ua", 11, customer(), rings)); len(got) != 0 {
		t.Errorf("an old frame is believed: %v", got)
	}
}

// One topic has missed the end of a pause. Another one has shown the very changes that it has,
// and then the end: REST need not wait until the first one has been silent for long.
func TestATopicThatHasMissedTheEndOfAPause(t *testing.T) {
	paused := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.SecurePause = call.Yes })
	b := agent("b", "ub", "connected")
	for _, known := range []bool{true, false} {
		tr := tracker("ua", "ub")
		show := func(view string, received float64, change string, a call.Participant) {
			s := snap(view, received, customer(), a, b)
			s.CorrelationID = change
			kinds(tr, s)
		}
		show("ua", 10, "on", paused)
		show("ub", 10, "on", paused)
		if known {
			show("ua", 12, "more", paused)
		}
		show("ub", 12, "more", paused)
		show("ua", 13, "off", agent("a", "ua", "connected"))
		if got := kinds(tr, snap(call.ViewREST, 13.4, customer(), agent("a", "ua", "connected"), b)); (len(got) == 2) != known {
			t.Errorf("shown before: %v, edges %v", known, got)
		}
	}
}

// A leg that another topic shows to be over, and its own not yet, takes no part in what comes.
func TestPauseOfALegThatIsOver(t *testing.T) {
	tr := tracker("ua", "ub")
	over := with(agent("a", "ua", "terminated"), func(p *call.Participant) { p.Connected, p.End = at(5), at(9) })
	tr.Adopt(&call.Leg{ID: call.ID{Conversation: "c", Leg: "a"}, UserID: "ua", Level: call.Level{Phase: call.Connected, SecurePause: true}})
	kinds(tr, snap("ub", 10, customer(), over, agent("b", "ub", "connected"))) // in doubt: it may be late
	var got []string
	for _, ch := range tr.Expire("c", at(13)) {
		got = append(got, ch.Leg.ID.Leg+" "+name(ch.Edges[0]))
	}
	if want := []string{"b secure-"}; !cmp.Equal(want, got) {
		t.Errorf("edges %v", got)
	}
}

// The first word of a topic is the end of a pause that is known from the stream: it is in
// doubt, whatever else the stream says meanwhile.
func TestADoubtOutlivesTheStream(t *testing.T) {
	tr := tracker("ua", "ub")
	adopt := func(leg, user string, paused bool) {
		tr.Adopt(&call.Leg{ID: call.ID{Conversation: "c", Leg: leg}, UserID: user, Level: call.Level{Phase: call.Connected, SecurePause: paused}})
	}
	adopt("a", "ua", true)
	adopt("b", "ub", true)
	kinds(tr, snap("ub", 10, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")))
	adopt("a", "ua", false)
	if !tr.PauseEnds("c") || !tr.PauseOn("c") {
		t.Errorf("ends %v, on %v", tr.PauseEnds("c"), tr.PauseOn("c"))
	}
}

// A leg that only others show, and that never becomes one, is forgotten.
func TestSweepForgetsWhatNeverBecameALeg(t *testing.T) {
	tr := tracker("ua", "ub")
	kinds(tr, snap("ux", 10, customer(), agent("b", "ub", "connected")))
	if n, _ := tr.Len(); n != 1 || !tr.Doubtful("c") {
		t.Fatalf("%d conversations, doubtful %v", n, tr.Doubtful("c"))
	}
	tr.Sweep(at(5))
	if n, _ := tr.Len(); n != 1 {
		t.Error("swept what was just heard of")
	}
	tr.Sweep(at(10).Add(time.Second))
	if n, _ := tr.Len(); n != 0 {
		t.Errorf("%d conversations are kept", n)
	}
}

// A leg that another topic shows ended long ago was forgotten, not missed.
func TestForgottenLegIsNoDoubt(t *testing.T) {
	for _, test := range []struct {
		seconds float64
		want    bool
	}{{70, true}, {60 + 4*60, true}, {60 + 6*60, false}} {
		tr := tracker("ua", "ub")
		kinds(tr, snap("ua", test.seconds, customer(), agent("a", "ua", "connected"), agent("b", "ub", "terminated")))
		if tr.Doubtful("c") != test.want {
			t.Errorf("%v seconds after the beginning: doubtful %v", test.seconds, !test.want)
		}
	}
}

// A call that is first seen parked is a call, whatever times are left out.
func TestParkedIsConnected(t *testing.T) {
	parked := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.State, p.Connected = "parked", time.Time{} })
	tr := tracker("ua")
	got := kinds(tr, snap("ua", 10, customer(), parked))
	if l, ok := tr.Leg(call.ID{Conversation: "c", Leg: "a"}); !cmp.Equal(got, map[string][]string{"a": {"established"}}) || !ok || !l.Parked {
		t.Errorf("%v", got)
	}
}

// A conference goes on while one of three is kept waiting, and ends when one leaves.
func TestConferenceOutlivesAHold(t *testing.T) {
	waiting := with(customer(), func(p *call.Participant) { p.Confined = call.Yes })
	a, b := agent("a", "ua", "connected"), agent("b", "ub", "connected")
	got := kinds(tracker("ua", "ub"), snap("ua", 10, customer(), a, b), snap("ua", 20, waiting, a, b), snap("ua", 30, customer(), a, b))
	if want := map[string][]string{"a": {"established"}}; !cmp.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	tr := tracker("ua", "ub")
	got = kinds(tr, snap("ua", 5, customer(), a), snap("ua", 10, customer(), a, b), snap("ua", 20, waiting, a, b), snap("ua", 40, waiting, a))
	if want := map[string][]string{"a": {"established", "conference+", "conference-"}}; !cmp.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

// After a freeze the notifications of before a question come after its answer. That
// they show more than the ones before them does not make them news.
func TestLateFramesDoNotEndThePauseOfAnAnswer(t *testing.T) {
	tr := tracker("ua")
	paused := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.SecurePause = call.Yes })
	kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "alerting")))
	kinds(tr, snap(call.ViewREST, 20, customer(), paused))
	got := kinds(tr, snap("ua", 20.1, customer(), agent("a", "ua", "connected")))
	if len(got) != 0 || !tr.Doubtful("c") {
		t.Errorf("edges %v, doubtful %v", got, tr.Doubtful("c"))
	}
	kinds(tr, snap("ua", 20.2, customer(), paused))
	// What is further than the answer is believed at once.
	got = kinds(tr, snap("ua", 20.9, customer(), agent("a", "ua", "connected"), agent("b", "ub", "alerting")))
	if !cmp.Equal(got["a"], []string{"secure-"}) {
		t.Errorf("edges %v", got)
	}
}

// The first word about a pause that is known from the stream only may be older than
// what the stream told: it ends the pause when REST agrees, or nobody can be asked.
func TestFirstWordDoesNotEndARecalledPause(t *testing.T) {
	begin := func() *call.Tracker {
		tr := tracker("ua")
		leg := call.Leg{ID: call.ID{Conversation: "c", Leg: "a"}, UserID: "ua"}
		leg.Phase, leg.SecurePause, leg.Facts.Connected = call.Connected, true, at(10)
		tr.Adopt(&leg)
		got := kinds(tr, snap("ua", 20, customer(), agent("a", "ua", "connected")))
		if len(got["a"]) != 0 || !tr.Doubtful("c") {
			t.Errorf("edges %v, doubtful %v", got, tr.Doubtful("c"))
		}
		return tr
	}
	if got := kinds(begin(), snap(call.ViewREST, 21, customer(), agent("a", "ua", "connected"))); !cmp.Equal(got["a"], []string{"secure-?"}) {
		t.Errorf("REST agrees: %v", got)
	}
	if got := begin().Expire("c", at(22.1)); len(got) != 1 {
		t.Errorf("nobody contradicts: %v", got)
	}
}

// The disconnect type changes from frame to frame, and the last one counts: a frame that says
// disconnected of who was terminated is older, whatever else it says, and so is one that says it of
// another party.
func TestAFrameFromBeforeTheTermination(t *testing.T) {
	ended := func(state, disconnectType string) call.Participant {
		return with(agent("a", "ua", state), func(p *call.Participant) { p.DisconnectType = disconnectType })
	}
	gone := func(state string) call.Participant {
		return with(customer(), func(p *call.Participant) { p.State, p.End = state, at(60) })
	}
	for name, old := range map[string]*call.Snapshot{
		"of the leg":       snap("ua", 60.5, gone("disconnected"), ended("disconnected", "transfer")),
		"of another party": snap("ua", 60.5, gone("disconnected"), ended("terminated", "transfer")),
	} {
		tr := tracker("ua")
		kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected")), old,
			snap("ua", 60.1, gone("disconnected"), ended("disconnected", "peer")), snap("ua", 60.2, gone("terminated"), ended("terminated", "peer")))
		changes := tr.Fold(old)
		l, _ := tr.Leg(call.ID{Conversation: "c", Leg: "a"})
		if got := l.Facts.Ending().DisconnectType; got != "peer" || len(changes) != 0 {
			t.Errorf("%s: it ended by %q, with %d changes", name, got, len(changes))
		}
		// What no frame has said before is believed as long as it is not older.
		kinds(tr, snap("ua", 61, gone("terminated"), ended("terminated", "client")))
		if got := l.Facts.Ending().DisconnectType; got != "client" {
			t.Errorf("%s: it ended by %q, not as the last frame has it", name, got)
		}
	}
}
