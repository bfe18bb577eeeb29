package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// on is a leg in a secure pause.
func on() call.Participant {
	p := talking("leg", "ua")
	p.SecurePause = call.Yes
	return p
}

// G5: a leader whose channel delivers nothing does not know of the pause. The standby
// knows, waits for half a second, and tells it. It tells nothing else.
func TestStandbyTellsAPauseThatTheLeaderDoesNot(t *testing.T) {
	r, one, two := pair(t)
	paused := on()
	paused.Held = call.Yes
	two.sees("ua", caller(), paused)
	r.wait(400 * time.Millisecond)
	two.expects()
	r.wait(200 * time.Millisecond)
	two.expects("pause secure_paused")
	one.reads()
	one.sees("ua", caller(), paused)
	for _, d := range one.sends() {
		if d.Cause == recording.SecurePaused {
			t.Errorf("the pause is told twice")
		}
	}
	if d := r.last(); d.State != recording.Paused || !d.Leg.Held {
		t.Errorf("last told %s, held %v", d.State, d.Leg.Held)
	}
}

// The leader has told the end of one pause and is gone when the next one begins, so soon
// that the standby has never believed the end. It tells the second one all the same.
func TestStandbyTellsAPauseThatFollowsAResume(t *testing.T) {
	r, one, two := pair(t)
	tell := func(p call.Participant) {
		for _, i := range []*instance{one, two} {
			i.sees("ua", caller(), p)
		}
		one.sends()
		two.reads()
	}
	tell(on())
	r.wait(700 * time.Millisecond)
	tell(talking("leg", "ua"))
	r.wait(4 * time.Second)
	one.sees(call.ViewREST, caller(), talking("leg", "ua"))
	one.expects("resume secure_resumed")
	two.reads()
	r.wait(100 * time.Millisecond)
	two.sees("ua", caller(), on())
	two.expects()
	r.wait(499 * time.Millisecond)
	two.expects()
	r.wait(time.Millisecond)
	two.expects("pause secure_paused")
}

// The notification of a pause comes late, after the leader has told the pause; then the
// leader tells its end. Nothing says since that the pause is on: it is not told again.
func TestStandbyDoesNotRepeatAPauseThatIsOver(t *testing.T) {
	r, one, two := pair(t)
	one.sees("ua", caller(), on())
	one.sends()
	r.wait(time.Second)
	two.sees("ua", caller(), talking("leg", "ua"))
	two.reads() // seems to be history
	two.sees("ua", caller(), on())
	r.wait(2 * time.Second)
	one.sees("ua", caller(), talking("leg", "ua"))
	one.expects("resume secure_resumed")
	two.reads()
	for range 3 {
		r.wait(time.Second)
		two.Tick(r.now)
		two.expects()
	}
	one.Follow()
	two.Lead(2)
	two.expects()
}

// REST is behind and says that a pause is on of which the end is told; our topic says that it is over,
// too soon to be believed. The pause that it shows next is told with its own time.
func TestAPauseIsNotToldWithTheTimeOfADoubtBeforeIt(t *testing.T) {
	r, one, two := pair(t)
	one.sees("ua", caller(), on())
	one.expects("pause secure_paused")
	r.wait(4 * time.Second)
	one.sees("ua", caller(), talking("leg", "ua"))
	one.expects("resume secure_resumed")
	two.reads()
	r.wait(100 * time.Millisecond)
	two.sees(call.ViewREST, caller(), on())
	two.expects()
	r.wait(100 * time.Millisecond)
	two.sees("ua", caller(), talking("leg", "ua"))
	r.wait(500 * time.Millisecond)
	two.expects()
	r.wait(600 * time.Millisecond)
	two.sees("ua", caller(), on())
	shown := r.now
	two.expects()
	r.wait(500 * time.Millisecond)
	two.expects("pause secure_paused")
	if at := r.last().Timing.Occurred; !at.Equal(shown) {
		t.Errorf("told to have begun %s before it was shown", shown.Sub(at.Time))
	}
}

// A pause in doubt that is seen to be over before it was told is not told at all.
func TestDoubtfulPauseIsTakenBack(t *testing.T) {
	r, one, two := pair(t)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), on())
	}
	one.sends()
	two.reads()
	r.wait(4 * time.Second)
	one.sees(call.ViewREST, caller(), talking("leg", "ua"))
	one.expects("resume secure_resumed")
	two.reads()
	r.wait(10 * time.Millisecond)
	two.sees("ua", caller(), on()) // late, or the clocks differ
	two.expects()
	r.wait(400 * time.Millisecond)
	two.sees("ua", caller(), talking("leg", "ua"))
	one.Follow()
	two.Lead(2)
	r.wait(4 * time.Second)
	two.Tick(r.now)
	two.expects()
}

// The end of a pause was told by somebody else, and our topic has said nothing since: what
// is told next tells no pause of its own.
func TestStepsTellNoPauseThatIsOver(t *testing.T) {
	r, one, two := paused(t)
	r.wait(4 * time.Second)
	one.sees("ua", caller(), talking("leg", "ua"))
	one.expects("resume secure_resumed")
	two.reads()
	one.Follow()
	two.Lead(2)
	two.expects()
	silent := muted("leg", "ua")
	silent.SecurePause = call.Absent
	two.Observe(&call.Snapshot{ConversationID: "conv", View: "ua", Received: r.now, Participants: []call.Participant{caller(), silent}}, r.now)
	told := two.sends()
	for _, d := range told {
		if d.Verb == recording.Pause || d.State != recording.Recording {
			t.Errorf("told %s %s, %s", d.Verb, d.Cause, d.State)
		}
	}
	if len(told) == 0 {
		t.Error("nothing is told")
	}
}

// A standby believes that a pause was over for a moment, and then tells it. When it leads, it
// does not tell that moment: the pause is on, and a resume would record what must not be
// recorded. One that is over by then is told to be over, once.
func TestStandbyDoesNotLoosenThePauseThatItTold(t *testing.T) {
	for _, over := range []bool{false, true} {
		r, _, two := pair(t)
		two.sees("ua", caller(), on())
		r.wait(100 * time.Millisecond)
		two.sees("ua", caller(), talking("leg", "ua"))
		two.sees(call.ViewREST, caller(), talking("leg", "ua"))
		r.wait(100 * time.Millisecond)
		two.sees("ua", caller(), on())
		two.expects()
		r.wait(300 * time.Millisecond)
		two.expects("pause secure_paused")
		if over {
			r.wait(4 * time.Second)
			two.sees("ua", caller(), talking("leg", "ua"))
		}
		two.Lead(2)
		if over {
			two.expects("resume secure_resumed")
		} else {
			two.expects()
		}
	}
}

// The broker is away while a pause goes on, off and on again. The leader tells what is left of
// it when the broker is back: a resume, even with the pause right behind it, would record
// what must not be recorded.
func TestLeaderDoesNotLoosenAPauseThatIsOn(t *testing.T) {
	for name, before := range map[string]call.Participant{"told before": on(), "not told": talking("leg", "ua")} {
		t.Run(name, func(t *testing.T) {
			r, one, _ := pair(t)
			one.sees("ua", caller(), before)
			one.sends()
			events := len(r.stream.log)
			hold := before
			hold.Muted = call.Yes
			one.sees("ua", caller(), hold)
			away := one.Next(r.now) // and no answer
			if len(away) != 1 {
				t.Fatalf("%d messages", len(away))
			}
			paused := hold
			for _, p := range []call.Flag{call.Yes, call.No, call.Yes} {
				r.wait(3 * time.Second)
				paused.SecurePause = p
				one.sees("ua", caller(), paused)
				one.sees(call.ViewREST, caller(), paused)
			}
			one.Resolve(bridge.Outcome{Token: away[0].Token, Subject: away[0].Subject, Verdict: bridge.Unsure}, r.now)
			r.wait(3 * time.Second)
			one.Tick(r.now)
			one.sends()
			pauses := 0
			for _, e := range r.stream.log[events:] {
				switch d := dataOf(t, e.Data); d.Cause { //nolint:exhaustive // Only these matter here.
				case recording.SecureResumed:
					t.Error("a resume was told while the pause was on")
				case recording.SecurePaused:
					pauses++
				}
			}
			if want := map[string]int{"told before": 0, "not told": 1}[name]; pauses != want {
				t.Errorf("%d pauses told, want %d", pauses, want)
			}
			if d := r.last(); d.State != recording.Paused || !d.Leg.Muted {
				t.Errorf("at last %s, muted %v", d.State, d.Leg.Muted)
			}
		})
	}
}

// The pause goes off and on again unseen by the stream, and then the leg ends: no resume is
// told in between, and one that was left is told.
func TestLeaderDoesNotLoosenAPauseOfALegThatHasEnded(t *testing.T) {
	for last, want := range map[call.Flag][]string{
		call.Yes: {"stop cleared"}, call.No: {"resume secure_resumed", "stop cleared"},
	} {
		r, one, two := pair(t)
		one.sees("ua", caller(), on())
		one.expects("pause secure_paused")
		two.reads()
		two.sees("ua", caller(), on())
		flags := []call.Flag{call.No, call.Yes}
		if last == call.No {
			flags = append(flags, call.No)
		}
		p := on()
		for _, f := range flags {
			r.wait(3 * time.Second)
			p.SecurePause = f
			two.sees("ua", caller(), p)
			two.sees(call.ViewREST, caller(), p)
		}
		r.wait(3 * time.Second)
		p.State, p.End, p.DisconnectType = "disconnected", r.now, "peer"
		two.sees("ua", caller(), p)
		one.Follow()
		two.Lead(2)
		two.expects(want...)
	}
}
