package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// A start tells all that the leg is by then: muted, held, parked. What it tells ends later as
// what a step of its own has told.

// ringing is an agent whose station rings.
func ringing() call.Participant {
	p := talking("leg", "ua")
	p.State, p.Connected = "alerting", time.Time{}
	return p
}

// mutes are the notifications of a leg that was muted when it was answered, was not any more,
// was again, and has ended.
func mutes() []call.Participant {
	over := talking("leg", "ua")
	over.State, over.End, over.DisconnectType = "disconnected", start.Add(time.Minute), "peer"
	return []call.Participant{muted("leg", "ua"), talking("leg", "ua"), muted("leg", "ua"), over}
}

// What a start would have told is over before the start was told.
func TestTheEndOfWhatAStartTells(t *testing.T) {
	r := newRig(t)
	one := r.instance("one")
	one.Lead(1)
	one.sees("ua", caller(), ringing())
	one.expects("prepare delivered")
	one.sees("ua", caller(), muted("leg", "ua"))
	r.wait(10 * time.Millisecond)
	one.sees("ua", caller(), talking("leg", "ua"))
	one.expects("start established", "update unmuted")
	if r.last().Leg.Muted {
		t.Error("the leg is told as muted and is not")
	}
}

// A prepare tells all as well.
func TestAPrepareTellsAll(t *testing.T) {
	r := newRig(t)
	one := r.instance("one")
	one.Lead(1)
	silent := ringing()
	silent.Muted = call.Yes
	one.sees("ua", caller(), silent)
	one.expects("prepare delivered")
	if !r.last().Leg.Muted {
		t.Error("the leg is muted and is not told so")
	}
	one.sees("ua", caller(), ringing())
	one.expects("update unmuted")
}

// The other instance has told the start and nothing after it. What it told with the start is
// not what came later.
func TestAfterAStartOfSomebodyElse(t *testing.T) {
	for shown := range 5 { // to the standby, before it reads the start
		for _, before := range []bool{true, false} { // the start, the prepare was read
			r := newRig(t)
			one, two := r.instance("one"), r.instance("two")
			one.Lead(1)
			for _, i := range []*instance{one, two} {
				i.sees("ua", caller(), ringing())
			}
			one.expects("prepare delivered")
			if before {
				two.reads()
			}
			r.wait(time.Second)
			one.sees("ua", caller(), muted("leg", "ua"))
			one.expects("start established")
			for k, p := range mutes() {
				if k == shown {
					two.reads()
				}
				two.sees("ua", caller(), p)
				r.wait(time.Second)
			}
			two.reads()
			one.Follow()
			two.Lead(2)
			two.expects("update unmuted", "update muted", "stop cleared")
		}
	}
}

// The standby has told the start of a leg that the leader was not shown. Before the leader reads
// that, it is shown that the leg is parked: that has come since. The end of a pause is not guessed.
func TestTheLeaderTellsWhatCameSinceAStartThatItWasNotShown(t *testing.T) {
	parked := talking("leg", "ua")
	parked.State = "parked"
	for _, one := range []struct {
		name   string
		first  call.Participant
		later  time.Duration // the notification of the leader
		change string
		shown  call.Participant
		want   []string
	}{
		{"another change, well later", talking("leg", "ua"), 900 * time.Millisecond, "second", parked, []string{"update parked"}},
		{"the same change", talking("leg", "ua"), 900 * time.Millisecond, "first", parked, nil},
		{"another change, which may have overtaken it", talking("leg", "ua"), 400 * time.Millisecond, "second", parked, nil},
		{"the end of a pause", on(), 900 * time.Millisecond, "second", parked, nil},
	} {
		t.Run(one.name, func(t *testing.T) {
			r := newRig(t)
			leader, standby := r.instance("one"), r.instance("two")
			leader.begins()
			standby.reads()
			r.wait(5 * time.Second)
			shows := func(i *instance, change string, p call.Participant) {
				i.Observe(&call.Snapshot{
					ConversationID: "conv", View: "ua", Topic: "ua", CorrelationID: change, Received: r.now,
					SecurePause: p.SecurePause, Participants: []call.Participant{caller(), p},
				}, r.now)
			}
			shows(standby, "first", one.first)
			r.wait(one.later)
			shows(leader, one.change, one.shown) // it has not been sent yet
			shown := r.now
			r.wait(alone)
			standby.Lead(2)
			standby.expects("start established")
			leader.reads()
			leader.expects(one.want...)
			if d := r.last(); len(one.want) > 0 && (!d.Timing.Occurred.Equal(shown) || !d.Timing.Estimated) {
				t.Errorf("told as of %s, estimated %t: it was shown at %s", d.Timing.Occurred, d.Timing.Estimated, shown)
			}
		})
	}
}
