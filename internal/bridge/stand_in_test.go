package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// hidden is a pair of which the platform has shown a mute to the standby alone.
func hidden(t *testing.T) (r *rig, one, two *instance) {
	t.Helper()
	r, one, two = pair(t)
	r.wait(time.Second)
	two.sees("ua", caller(), muted("leg", "ua"))
	return r, one, two
}

// works lets a leader tell something of another conversation, for the other instance to
// read.
func (i *instance) works(reader *instance) {
	i.t.Helper()
	n := fmt.Sprint(i.now.UnixNano())
	i.Observe(&call.Snapshot{
		ConversationID: "other" + n, View: "ub", Topic: "ub", Received: i.now, SecurePause: call.No,
		Participants: []call.Participant{caller(), talking("other"+n, "ub")},
	}, i.now)
	if len(i.sends()) == 0 {
		i.t.Fatal("the leader tells nothing")
	}
	reader.reads()
}

// standsIn is what the standby tells when it is asked to look.
func (i *instance) standsIn(want ...string) {
	i.t.Helper()
	i.looks()
	i.expects(want...)
}

// looks lets an instance look twice: what was read shortly before the first time is not
// trusted to be all.
func (i *instance) looks() {
	i.StandIn()
	i.StandIn()
}

// The platform has shown a step to the standby alone. It waits as long as a frame may take,
// and until the leader has told of something that came later than that. The frame that the
// leader gets in the end tells it nothing new.
func TestStandbyTellsWhatTheLeaderWasNotShown(t *testing.T) {
	r, one, two := hidden(t)
	r.wait(400 * time.Millisecond)
	one.works(two)
	two.standsIn()
	r.wait(200 * time.Millisecond)
	two.standsIn() // the leader may not have got as far
	one.works(two)
	two.standsIn("update muted")
	one.reads()
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects()
	if d := r.last(); !d.Leg.Muted || d.Revision != 2 {
		t.Errorf("at last muted %v, revision %d", d.Leg.Muted, d.Revision)
	}
	one.sees("ua", caller(), talking("leg", "ua"))
	one.expects("update unmuted")
	two.reads()
	two.sees("ua", caller(), talking("leg", "ua"))
	two.standsIn()
}

// waitsFor lets a leader wait for two seconds with the end of a leg, for the standby to tell a mute
// before.
func (i *instance) waitsFor(standby *instance) {
	i.t.Helper()
	i.expects()
	i.works(standby)
	standby.standsIn("update muted")
	i.reads()
	i.expects()
	i.wait(2*time.Second - 1)
	i.expects()
	i.wait(1)
	i.expects("stop cleared")
}

// REST tells the leader that a leg has ended of which the standby alone was shown the last
// step. The end waits for that, as long as our own topic does not show it, and not for ever.
func TestTheEndByRESTWaitsForWhatTheStandbyWasShown(t *testing.T) {
	ended := muted("leg", "ua")
	ended.State, ended.End = "terminated", start.Add(2*time.Second)
	r, one, two := hidden(t)
	r.wait(time.Second)
	one.sees(call.ViewREST, caller(), ended)
	one.waitsFor(two)

	r, one, _ = hidden(t)
	one.sees(call.ViewREST, caller(), ended)
	one.expects()
	r.wait(10 * time.Millisecond)
	one.sees("ua", caller(), ended)
	one.expects("stop cleared")
}

// A leader that tells nothing at all is dead, or slow: that is the business of the lease.
func TestStandbyLeavesADeadLeaderToTheLease(t *testing.T) {
	r, _, two := hidden(t)
	for range 5 {
		r.wait(time.Second)
		two.standsIn()
	}
	two.Lead(2)
	two.expects("update muted")
}

// A leader that has just begun may have much to tell that nobody could until then, and tells the
// latest of it first. The standby leaves it the time to get to the rest.
func TestStandbyLeavesALeaderThatHasJustBegunItsTime(t *testing.T) {
	r, one, two := hidden(t)
	one.Follow()
	r.wait(5 * time.Second)
	one.begins()
	one.works(two)
	two.standsIn()
	r.wait(900 * time.Millisecond)
	one.works(two)
	two.standsIn()
	r.wait(200 * time.Millisecond)
	one.works(two)
	two.standsIn("update muted")
}

// A busy leader tells one step of a leg after the other, and has told another one just now: it will come to
// this one.
func TestStandbyLeavesALegToALeaderThatIsAtIt(t *testing.T) {
	r, one, two := pair(t)
	r.wait(time.Second)
	held := muted("leg", "ua")
	held.Held = call.Yes
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), muted("leg", "ua"))
	}
	r.wait(time.Millisecond)
	two.sees("ua", caller(), held)
	r.wait(400 * time.Millisecond)
	one.expects("update muted")
	two.reads()
	r.wait(alone - time.Millisecond)
	one.works(two)
	two.standsIn()
	r.wait(time.Millisecond)
	one.works(two)
	two.standsIn("update held")
}

// What happens after it has begun is told as soon as ever.
func TestStandbyTellsANewLeaderWhatItWasNotShown(t *testing.T) {
	r, one, two := pair(t)
	one.Follow()
	one.begins()
	two.reads()
	r.wait(100 * time.Millisecond)
	two.sees("ua", caller(), muted("leg", "ua"))
	r.wait(alone)
	one.works(two)
	two.standsIn("update muted")
}

// alone is how long a standby waits for a leader that works.
const alone = 500 * time.Millisecond

// isShownHold shows a leader, which has missed what happened before, that a leg is held, for the
// other instance to read.
func (i *instance) isShownHold(reader *instance) {
	i.t.Helper()
	i.wait(100 * time.Millisecond)
	held := talking("leg", "ua")
	held.Held = call.Yes
	i.sees("ua", caller(), held)
	i.expects("update held")
	reader.reads()
	i.wait(time.Second)
	i.works(reader)
}

// The leader missed a step and was then shown the leg: it knows better what is now.
func TestStandbyLeavesALegToALeaderThatWasShownItLater(t *testing.T) {
	_, one, two := hidden(t)
	one.isShownHold(two)
	two.standsIn()
}

// The leader missed two steps of which the second undid the first, and was then shown the leg: it
// knows what is now, and nothing of them. It takes no offence at being told.
func TestStandbyTellsWhatWasForAWhile(t *testing.T) {
	r, one, two := hidden(t)
	r.wait(100 * time.Millisecond)
	two.sees("ua", caller(), talking("leg", "ua"))
	one.isShownHold(two)
	two.standsIn("update muted", "update unmuted")
	one.reads()
	one.expects()
	if d := r.last(); d.Leg.Muted || !d.Leg.Held {
		t.Errorf("at last muted %v, held %v", d.Leg.Muted, d.Leg.Held)
	}
	r.wait(10 * time.Second)
	one.expects()
	two.standsIn()
}

// So it is when the standby was shown the end of the leg as well: what was for a while goes before it.
func TestStandbyTellsWhatWasForAWhileBeforeTheEnd(t *testing.T) {
	r, one, two := hidden(t)
	r.wait(100 * time.Millisecond)
	two.sees("ua", caller(), talking("leg", "ua"))
	one.isShownHold(two)
	two.sees("ua", caller(), hungUp())
	r.wait(time.Second)
	one.works(two)
	two.standsIn("update muted", "update unmuted", "stop cleared")
}

// A standby that was started a moment ago was shown a step and the end, and the leader was not.
// What the first word of a topic shows may be old, but nothing comes after the end.
func TestStandbyTellsWhatItDoubtsBeforeTheEnd(t *testing.T) {
	r, one, _ := hidden(t)
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update muted")
	two := r.instance("two")
	two.reads()
	r.wait(time.Second)
	ended := talking("leg", "ua")
	ended.State, ended.End = "terminated", r.now
	two.sees("ua", caller(), talking("leg", "ua"))
	r.wait(time.Second)
	two.sees("ua", caller(), ended)
	r.wait(time.Second)
	one.works(two)
	two.standsIn("update unmuted", "stop cleared")
}

// The end of a secure pause is nothing that a standby tells in doubt, and the end of the leg does
// not wait for it.
func TestStandbyTellsNoDoubtedResumeBeforeTheEnd(t *testing.T) {
	r, one, two := pair(t)
	two.isBusy(20 * time.Millisecond)
	for _, i := range []*instance{one, two} {
		i.hears(0, "on", caller(), on())
	}
	one.expects("pause secure_paused")
	two.reads()
	r.wait(4 * time.Second)
	joined := on()
	joined.Muted = call.Yes
	one.hears(0, "muted", caller(), joined)
	one.expects("update muted")
	two.reads()
	r.wait(4 * time.Second)
	gone, _ := corrected(r)
	two.hears(0, "off", caller(), talking("leg", "ua")) // the link was held back: it may be older
	two.hears(0, "gone", caller(), gone)
	r.wait(time.Second)
	one.works(two)
	two.standsIn("stop transferred")
}

// A leg that the leader was not shown at all is told from its beginning to its end.
func TestStandbyTellsALegThatTheLeaderWasNotShown(t *testing.T) {
	r, one, two := pair(t)
	r.wait(time.Second)
	show := func(p call.Participant) *call.Snapshot {
		return &call.Snapshot{ConversationID: "hidden", View: "uc", Topic: "uc", Received: r.now, SecurePause: call.No, Participants: []call.Participant{caller(), p}}
	}
	ringing := call.Participant{ID: "new", UserID: "uc", Purpose: "agent", State: "alerting", Direction: "inbound", Start: r.now, Held: call.No, Muted: call.No}
	connected := talking("new", "uc")
	over := connected
	over.State, over.End, over.DisconnectType = "disconnected", r.now.Add(2*time.Second), "peer"
	for _, step := range []struct {
		p    call.Participant
		want string
	}{{ringing, "prepare delivered"}, {connected, "start established"}, {over, "stop cleared"}} {
		two.Observe(show(step.p), r.now)
		two.standsIn()
		r.wait(time.Second)
		one.works(two)
		two.standsIn(step.want)
		one.reads()
		one.expects()
	}
	one.Observe(show(over), r.now)
	one.expects()
}

// The end of a secure pause is never guessed: REST is asked, and says that it is over, or
// that it is not.
func TestStandbyAsksBeforeItEndsAPause(t *testing.T) {
	for _, over := range []bool{true, false} {
		r, one, two := paused(t)
		r.wait(5 * time.Second)
		two.sees("ua", caller(), talking("leg", "ua"))
		r.wait(200 * time.Millisecond)
		two.standsIn()
		if asked := two.Asks(r.now); len(asked) != 0 {
			t.Fatalf("asks at once %v", asked)
		}
		r.wait(100 * time.Millisecond) // the leader should have told it
		two.standsIn()
		if asked := two.Asks(r.now); len(asked) != 1 || asked[0] != "conv" {
			t.Fatalf("asks %v", asked)
		}
		r.wait(time.Second)
		one.works(two)
		two.standsIn()
		if over {
			two.sees(call.ViewREST, caller(), talking("leg", "ua"))
			two.standsIn("resume secure_resumed")
			one.reads()
			one.sees("ua", caller(), talking("leg", "ua"))
			one.expects()
			continue
		}
		two.sees(call.ViewREST, caller(), on())
		two.standsIn()
	}
}

// Both tell at the same moment: it is told once.
func TestStandbyAndLeaderTellOnce(t *testing.T) {
	r, one, two := hidden(t)
	r.wait(time.Second)
	one.works(two)
	one.sees("ua", caller(), muted("leg", "ua")) // late
	two.looks()
	for _, i := range []*instance{one, two} { // either does not know of the other's
		messages := i.Next(r.now)
		if len(messages) != 1 {
			t.Fatalf("%d messages", len(messages))
		}
		v, seq := r.stream.store(&messages[0], r.now)
		i.Resolve(bridge.Outcome{Token: messages[0].Token, Subject: messages[0].Subject, Verdict: v, Sequence: seq}, r.now)
	}
	one.reads()
	two.reads()
	one.expects()
	two.expects()
	n := 0
	for _, e := range r.stream.log {
		if d := dataOf(t, e.Data); d.Cause == recording.Muted {
			n++
		}
	}
	if n != 1 {
		t.Errorf("told %d times", n)
	}
}

// One frame shows two steps: both are told.
func TestStandbyTellsAllThatAFrameShows(t *testing.T) {
	r, one, two := pair(t)
	r.wait(time.Second)
	both := muted("leg", "ua")
	both.Held = call.Yes
	two.sees("ua", caller(), both)
	r.wait(time.Second)
	one.works(two)
	two.looks()
	if told := two.sends(); len(told) != 2 {
		t.Errorf("%d steps told, want 2", len(told))
	}
	if two.StandsIn(r.now) {
		t.Error("two events say nothing about a leader yet")
	}
	r.wait(2 * time.Second)
	two.sees("ua", caller(), talking("leg", "ua"))
	r.wait(time.Second)
	one.works(two)
	two.looks()
	two.sends()
	if !two.StandsIn(r.now) || two.StandsIn(r.now.Add(time.Second)) {
		t.Error("four events within three seconds are often, and not for long")
	}
	if two.Stats().StoodIn != 4 {
		t.Errorf("%d events", two.Stats().StoodIn)
	}
}

// The leader's clock is ahead: the standby waits all the same.
func TestStandbyWaitsByItsOwnClockToo(t *testing.T) {
	r, one, two := hidden(t)
	r.wait(time.Minute)
	one.works(two)
	r.wait(-time.Minute + 400*time.Millisecond)
	two.standsIn()
	r.wait(200 * time.Millisecond)
	two.standsIn("update muted")
}

// What the standby has from REST, the leader has from there as well.
func TestStandbyLeavesWhatRESTKnowsToTheLeader(t *testing.T) {
	r, one, two := pair(t)
	r.wait(5 * time.Second)
	two.sees(call.ViewREST, caller(), muted("leg", "ua"))
	r.wait(time.Second)
	one.works(two)
	two.standsIn()
}

// What a process of the same name wrote before this one says nothing about a leader.
func TestStandbyDoesNotTakeItselfForTheLeader(t *testing.T) {
	r, one, two := hidden(t)
	r.wait(time.Second)
	one.Follow()
	two.Lead(2)
	two.sends()
	again := r.instance("two")
	again.reads()
	again.sees("ua", caller(), muted("leg", "ua"))
	r.wait(time.Second)
	again.sees("ua", caller(), talking("leg", "ua"))
	r.wait(time.Second)
	two.works(again)
	again.standsIn()
}

// What the leader has stored together is not read in the order in which it came: an event of
// a leg may be the next one.
func TestStandbyReadsOnBeforeItStandsIn(t *testing.T) {
	r, one, two := hidden(t)
	r.wait(time.Second)
	one.works(two)
	two.StandIn()
	two.expects()
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update muted")
	two.reads()
	two.standsIn()
}
