package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// The notifications of a frozen process or link all come at once, when the other
// instance has long told what is in them. Nothing of it is told again by whoever leads
// next.

// late plays holds and mutes that one instance tells, and returns what the other one
// is shown of them when it wakes up.
func late(r *rig, leader *instance) []call.Participant {
	held := talking("leg", "ua")
	var frames []call.Participant
	for range 3 {
		r.wait(time.Second)
		held.Held, held.StartHold = call.Yes, r.now
		for _, f := range []call.Participant{held, talking("leg", "ua"), muted("leg", "ua"), talking("leg", "ua")} {
			frames = append(frames, f)
			leader.sees("ua", caller(), f)
			leader.sends()
			r.wait(100 * time.Millisecond)
		}
	}
	return frames
}

func pair(t *testing.T) (r *rig, one, two *instance) {
	t.Helper()
	r = newRig(t)
	one, two = r.instance("one"), r.instance("two")
	one.Lead(1)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), talking("leg", "ua"))
	}
	one.expects("start established")
	two.reads()
	return r, one, two
}

func TestLateBurstAfterTheTail(t *testing.T) {
	r, one, two := pair(t)
	frames := late(r, one)
	two.reads()
	for _, f := range frames {
		two.sees("ua", caller(), f)
	}
	one.Follow()
	two.Lead(2)
	two.expects()
	r.wait(5 * time.Second)
	two.Tick(r.now)
	two.expects()
}

func TestLateBurstBeginsBeforeTheTail(t *testing.T) {
	for first := range 12 {
		r, one, two := pair(t)
		frames := late(r, one)
		// The first ones come while the tail has not been read yet.
		r.wait(time.Second)
		two.sees("ua", caller(), talking("leg", "ua"))
		for _, f := range frames[:first] {
			two.sees("ua", caller(), f)
		}
		two.reads()
		for _, f := range frames[first:] {
			two.sees("ua", caller(), f)
		}
		one.Follow()
		two.Lead(2)
		two.expects()
		r.wait(5 * time.Second)
		two.Tick(r.now)
		two.expects()
	}
}

// It leads while the burst goes on.
func TestLateBurstOfTheLeader(t *testing.T) {
	for lead := range 12 {
		r, one, two := pair(t)
		frames := late(r, one)
		r.wait(time.Second)
		two.sees("ua", caller(), talking("leg", "ua"))
		two.reads()
		for i, f := range frames {
			if i == lead {
				one.Follow()
				two.Lead(2)
			}
			two.sees("ua", caller(), f)
			two.expects()
			r.wait(10 * time.Millisecond)
		}
		r.wait(5 * time.Second)
		two.Tick(r.now)
		two.expects()
		two.sees("ua", caller(), muted("leg", "ua"))
		two.expects("update muted")
	}
}

// What was believed, because its notification was too late, is not told again when it
// comes.
func TestLateBurstAfterPatience(t *testing.T) {
	r, one, two := pair(t)
	frames := late(r, one)
	two.reads()
	r.wait(31 * time.Second)
	two.Tick(r.now)
	for _, f := range frames {
		two.sees("ua", caller(), f)
	}
	one.Follow()
	two.Lead(2)
	two.expects()
	r.wait(5 * time.Second)
	two.Tick(r.now)
	two.expects()
}

// A step that only resembles one that was told is told when the levels are compared.
func TestLateMarkOfAnotherStep(t *testing.T) {
	r, one, two := pair(t)
	one.sees("ua", caller(), muted("leg", "ua"))
	one.sends()
	one.sees("ua", caller(), talking("leg", "ua"))
	one.sends()
	r.wait(time.Second)
	two.sees("ua", caller(), talking("leg", "ua")) // it has missed both
	two.reads()
	one.Follow()
	two.Lead(2)
	r.wait(time.Second)
	two.sees("ua", caller(), muted("leg", "ua"))
	two.expects()
	if asks := two.Asks(r.now.Add(time.Second)); len(asks) != 1 {
		t.Errorf("asks about %v", asks)
	}
	r.wait(time.Second)
	two.sees(call.ViewREST, caller(), muted("leg", "ua"))
	two.expects("update muted")
}

// Without an answer of REST they are compared after a while.
func TestLateMarkOfAnotherStepWithoutREST(t *testing.T) {
	r, one, two := pair(t)
	one.sees("ua", caller(), muted("leg", "ua"))
	one.sends()
	one.sees("ua", caller(), talking("leg", "ua"))
	one.sends()
	r.wait(time.Second)
	two.sees("ua", caller(), talking("leg", "ua"))
	two.reads()
	one.Follow()
	two.Lead(2)
	r.wait(time.Second)
	two.sees("ua", caller(), muted("leg", "ua"))
	two.expects()
	r.wait(31 * time.Second)
	two.expects("update muted")
}

// A new instance knows a leg from the stream, with a hold that is over. The first word
// of its topic is the next hold: it is told, and so is its end.
func TestFirstWordIsANewHold(t *testing.T) {
	r, one, _ := pair(t)
	held := talking("leg", "ua")
	held.Held, held.StartHold = call.Yes, r.now
	for _, f := range []call.Participant{held, talking("leg", "ua")} {
		one.sees("ua", caller(), f)
		one.sends()
	}
	three := r.instance("three")
	three.reads()
	r.wait(5 * time.Second)
	held.StartHold = r.now
	three.sees("ua", caller(), held)
	three.sees("ua", caller(), talking("leg", "ua"))
	gone := talking("leg", "ua")
	gone.State, gone.End, gone.DisconnectType = "terminated", r.now, "client"
	three.sees("ua", caller(), gone)
	one.Follow()
	three.Lead(2)
	three.expects("update held", "update retrieved", "stop cleared")
}

// What was taken for told and was not is told before the end of the leg.
func TestDoubtIsOverAtTheEnd(t *testing.T) {
	r, one, _ := pair(t)
	held := talking("leg", "ua")
	held.Held, held.StartHold = call.Yes, r.now
	again := held
	again.StartHold = r.now.Add(time.Second)
	for _, f := range []call.Participant{held, talking("leg", "ua"), again} {
		one.sees("ua", caller(), f)
		one.sends()
		r.wait(time.Second)
	}
	three := r.instance("three")
	three.reads()
	three.sees("ua", caller(), again)
	r.wait(time.Second)
	three.sees("ua", caller(), talking("leg", "ua")) // looks like the end of the first hold
	gone := talking("leg", "ua")
	gone.State, gone.End, gone.DisconnectType = "terminated", r.now, "client"
	three.sees("ua", caller(), gone)
	one.Follow()
	three.Lead(2)
	three.expects("update retrieved", "stop cleared")
}

// The same of a secure pause: its end is not guessed, not even at the end of the leg.
func TestTheEndOfALegGuessesNoResume(t *testing.T) {
	r, one, two := pair(t)
	one.sees("ua", caller(), on())
	one.expects("pause secure_paused")
	r.wait(3 * time.Second)
	two.sees("ua", caller(), talking("leg", "ua"))
	r.wait(time.Millisecond)
	gone, _ := corrected(r)
	two.sees("ua", caller(), gone)
	two.reads()
	one.Follow()
	two.Lead(2)
	two.expects("stop transferred")
}

// What was believed because its notification did not come is followed on, as long as the
// topic shows nothing else: its notifications are late, and say nothing new.
func TestBeliefFollowsTheStream(t *testing.T) {
	r, one, two := pair(t)
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update muted")
	two.reads()
	r.wait(31 * time.Second)
	two.Tick(r.now)
	one.sees("ua", caller(), talking("leg", "ua"))
	r.wait(time.Second)
	two.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update unmuted")
	two.reads()
	one.Follow()
	two.Lead(2)
	r.wait(time.Minute)
	two.Tick(r.now)
	two.expects()
}

// A topic that shows something else is alive again: what is published before it shows is
// waited for, and not told a second time.
func TestBeliefEndsWithTheNextStep(t *testing.T) {
	r, one, two := pair(t)
	tell := func(p call.Participant, want string) {
		r.wait(time.Second)
		one.sees("ua", caller(), p)
		one.expects(want)
		two.reads()
	}
	tell(muted("leg", "ua"), "update muted")
	r.wait(31 * time.Second)
	two.Tick(r.now)
	tell(talking("leg", "ua"), "update unmuted")
	r.wait(time.Second)
	two.sees("ua", caller(), muted("leg", "ua"))
	two.sees("ua", caller(), talking("leg", "ua"))
	tell(muted("leg", "ua"), "update muted")
	tell(talking("leg", "ua"), "update unmuted")
	two.sees("ua", caller(), muted("leg", "ua"))
	two.sees("ua", caller(), talking("leg", "ua"))
	one.Follow()
	two.Lead(2)
	r.wait(time.Minute)
	two.Tick(r.now)
	two.expects()
}

// An instance whose topic begins late knows the leg from the stream only. A step that
// the stream has never told is news to it, also where it is over by then; one that it
// has may be the one that was told.
func TestFirstWordsOfALateTopic(t *testing.T) {
	for name, test := range map[string]struct {
		told []call.Participant
		want []string
	}{
		"never told": {nil, []string{"update muted", "update unmuted"}},
		"told":       {[]call.Participant{muted("leg", "ua"), talking("leg", "ua")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			one, two := r.instance("one"), r.instance("two")
			one.Lead(1)
			one.sees("ua", caller(), talking("leg", "ua"))
			one.sends()
			for _, p := range test.told {
				r.wait(time.Second)
				one.sees("ua", caller(), p)
				one.sends()
			}
			r.wait(2 * time.Minute) // longer than anybody waits for a notification
			two.reads()
			two.sees("ua", caller(), muted("leg", "ua"))
			two.sees("ua", caller(), talking("leg", "ua"))
			one.Follow()
			two.Lead(2)
			r.wait(time.Minute)
			two.Tick(r.now)
			two.expects(test.want...)
		})
	}
}

// The wrap-up is the last that is said of a leg. An instance to which it is the first word
// on the leg tells it, with what the stream knows of the end.
func TestWrapupIsNewsHoweverLate(t *testing.T) {
	r, one, _ := pair(t)
	gone := talking("leg", "ua")
	gone.State, gone.End, gone.DisconnectType = "terminated", r.now, "peer"
	one.sees("ua", caller(), gone)
	one.expects("stop cleared")
	three := r.instance("three")
	three.reads()
	gone.Wrapup = &call.Wrapup{Code: "sold"}
	three.sees("ua", caller(), gone)
	one.Follow()
	three.Lead(2)
	r.wait(time.Second)
	three.expects("update wrapped_up")
}

// Right after a freeze nothing is told: what is known may be over, and told.
func TestHush(t *testing.T) {
	r, one, two := pair(t)
	two.Hush(r.now.Add(-4*time.Second), r.now.Add(300*time.Millisecond))
	two.Lead(2) // believes to lead, as it did before it was frozen
	two.sees("ua", caller(), muted("leg", "ua"))
	two.expects()
	for _, p := range []call.Participant{muted("leg", "ua"), talking("leg", "ua")} {
		one.sees("ua", caller(), p)
		one.sends()
	}
	two.reads()
	two.sees("ua", caller(), talking("leg", "ua"))
	r.wait(299 * time.Millisecond)
	two.expects()
	r.wait(time.Millisecond)
	two.sees("ua", caller(), muted("leg", "ua"))
	two.expects("update muted")
}

// What waited while the process did not run was told by somebody else, and ended. It is
// not told again, whatever comes first after the freeze: another agent's topic brings the
// pause and its end within a moment, which is too soon to believe the end.
func TestFreezeTellsNoPauseAgain(t *testing.T) {
	for name, tailFirst := range map[string]bool{"the stream first": true, "the notifications first": false} {
		t.Run(name, func(t *testing.T) {
			r, one, two := pair(t)
			second := talking("second", "ub")
			both := func(i *instance, p call.Participant) {
				i.sees("ua", caller(), p, second)
				i.sees("ub", caller(), p, second)
			}
			for _, i := range []*instance{one, two} {
				i.sees("ua", caller(), on())
			}
			one.expects("pause secure_paused")
			two.reads()
			frozen := r.now
			r.wait(time.Second)
			both(one, on())
			one.sends()
			r.wait(3 * time.Second)
			both(one, talking("leg", "ua"))
			r.wait(3 * time.Second)
			one.sends()
			r.wait(time.Second)
			two.Hush(frozen, r.now.Add(300*time.Millisecond))
			if tailFirst {
				two.reads()
			}
			both(two, on())
			both(two, talking("leg", "ua"))
			two.reads()
			one.Follow()
			two.Lead(2)
			r.wait(300 * time.Millisecond)
			for _, d := range two.sends() {
				if d.Cause == recording.SecurePaused || d.State == recording.Paused {
					t.Errorf("told %s %s, %s, of %s", d.Verb, d.Cause, d.State, d.Leg.ID)
				}
			}
		})
	}
}

// A step of a kind that was told during the freeze may be the one that was told.
func TestFreezeTellsNoStepAgain(t *testing.T) {
	r, one, two := pair(t)
	frozen := r.now
	for _, p := range []call.Participant{muted("leg", "ua"), talking("leg", "ua")} {
		r.wait(time.Second)
		one.sees("ua", caller(), p)
		one.sends()
	}
	two.reads()
	for range 3 { // longer than steps are waited for
		r.wait(3 * time.Minute)
		two.Tick(r.now)
	}
	two.Hush(frozen, r.now.Add(300*time.Millisecond))
	two.sees("ua", caller(), muted("leg", "ua"))
	two.sees("ua", caller(), talking("leg", "ua"))
	one.Follow()
	two.Lead(2)
	r.wait(300 * time.Millisecond)
	two.expects()
}

// The leader has told a mute, and its end does not reach it; the standby missed the mute and
// sees the end. The standby does not know whether it sees the end or is late: REST is asked,
// and when it leads the end is told.
func TestMissedMuteAndSeenEnd(t *testing.T) {
	r, one, two := pair(t)
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update muted")
	two.reads()
	r.wait(500 * time.Millisecond)
	two.sees("ua", caller(), talking("leg", "ua")) // may have been overtaken
	r.wait(400 * time.Millisecond)
	if asks := two.Asks(r.now); len(asks) != 0 {
		t.Errorf("asked too early about %v", asks)
	}
	r.wait(time.Second)
	two.sees("ua", caller(), talking("leg", "ua"))
	r.wait(300 * time.Millisecond)
	if asks := two.Asks(r.now); len(asks) != 1 {
		t.Fatalf("asked about %v", asks)
	}
	two.sees(call.ViewREST, caller(), talking("leg", "ua"))
	two.expects()
	one.Follow()
	two.Lead(2)
	two.expects("update unmuted")
}

// What a start told to be on, and our own topic shows to be on until the end, ends with the leg: its
// end is not told beside.
func TestTheEndOfALegEndsItsHold(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	held, ended := talking("leg", "ua"), talking("leg", "ua")
	held.Held, held.StartHold = call.Yes, r.now
	ended.State, ended.End, ended.Held = "disconnected", r.now, call.Yes
	ended.StartHold = r.now
	one.sees("ua", caller(), held)
	one.expects("start established")
	two.reads()
	r.wait(6 * time.Second)
	two.sees("ua", caller(), held)
	r.wait(time.Millisecond)
	two.sees("ua", caller(), ended)
	one.Follow()
	two.Lead(2)
	r.wait(time.Second)
	two.expects("stop cleared")
}

// What somebody else has told was over before the end of the leg, says our own topic, which has
// spoken well after that one was shown it. It has not shown how it began either. Right after it
// the notifications may have overtaken each other.
func TestTheEndDoesNotHideWhatWasOver(t *testing.T) {
	for after, want := range map[time.Duration][]string{
		time.Second:           {"update retrieved", "stop cleared"},
		time.Second - 1:       {"stop cleared"},
		50 * time.Millisecond: {"stop cleared"},
	} {
		r, one, two := pair(t)
		held, ended := talking("leg", "ua"), talking("leg", "ua")
		held.Held, held.StartHold = call.Yes, r.now
		ended.State, ended.End = "terminated", r.now
		one.sees(call.ViewREST, caller(), held)
		one.expects("update held")
		r.wait(after)
		two.sees("ua", caller(), talking("leg", "ua"))
		r.wait(2 * time.Second)
		two.sees("ua", caller(), ended)
		two.reads()
		one.Follow()
		two.Lead(2)
		two.expects(want...)
		if d := r.last(); d.State != recording.Stopped {
			t.Errorf("at last %s", d.State)
		}
	}
}
