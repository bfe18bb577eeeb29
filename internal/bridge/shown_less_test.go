package bridge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// An instance that was cut off, or of which a channel has lost notifications, knows parts of
// a call from the stream, from REST and from its topics. These are the parts that once were
// joined wrongly.

// held is an agent who began to hold the call at a time.
func held(since time.Time) call.Participant {
	p := talking("leg", "ua")
	p.Held, p.StartHold = call.Yes, since
	return p
}

// The topic of a standby begins to speak in the middle of a call, of whose steps before it
// has read. It shows the second hold, and so the stream does: the end that it shows then is
// the end of that.
func TestWhatATopicHasPassedIsNotExpected(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	for k, p := range []call.Participant{talking("leg", "ua"), held(r.now.Add(time.Second)), talking("leg", "ua")} {
		one.hears(0, []string{"start", "held", "retrieved"}[k], caller(), p)
		one.sends()
		r.wait(time.Second)
	}
	two.reads()
	again := held(r.now)
	for _, i := range []*instance{two, one} {
		i.hears(0, "again", caller(), again)
	}
	one.expects("update held")
	two.reads()
	one.Follow()
	two.Lead(2)
	two.sends()
	r.wait(3 * time.Second)
	two.hears(0, "over", caller(), talking("leg", "ua"))
	two.expects("update retrieved")
}

// A notification is missing between two holds: both steps that it would have shown are told.
func TestTheEndOfAHoldIsTakenFromTheNextOne(t *testing.T) {
	r, one, two := pair(t)
	r.wait(time.Second)
	first, second := held(r.now), held(r.now.Add(5*time.Second))
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), first)
	}
	one.expects("update held")
	two.reads()
	r.wait(4 * time.Second)
	two.sees("ua", caller(), talking("leg", "ua")) // shown to the standby alone
	r.wait(time.Second)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), second)
		i.sees("ua", caller(), second)
	}
	one.expects("update retrieved", "update held")
	if d := r.last(); !d.Timing.Occurred.Equal(second.StartHold) || d.Timing.Estimated {
		t.Errorf("held since %v", d.Timing.Occurred)
	}
	two.reads()
	r.wait(time.Second)
	one.works(two)
	two.standsIn()
}

// What was told for the leader is older than when the leader reads it. Its own topic speaks
// soon after that, and shows nothing of it: REST is asked at once.
func TestTheLeaderAsksAtOnceAboutAnOldStep(t *testing.T) {
	r, one, two := hidden(t)
	r.wait(600 * time.Millisecond)
	one.works(two)
	two.standsIn("update muted")
	one.reads()
	r.wait(300 * time.Millisecond)
	one.sees("ua", caller(), talking("leg", "ua"))
	if asked := one.Asks(r.now); len(asked) != 0 {
		t.Error("asks although one notification may have overtaken another")
	}
	r.wait(200 * time.Millisecond)
	one.sees("ua", caller(), talking("leg", "ua"))
	if asked := one.Asks(r.now); len(asked) != 1 {
		t.Fatalf("asks %v", asked)
	}
	r.wait(50 * time.Millisecond)
	one.sees(call.ViewREST, caller(), talking("leg", "ua"))
	one.expects("update unmuted")
}

// The leader has told a hold with the start, since it was not shown the frame of the hold. The
// standby is shown all of it late.
func TestAHoldThatWasToldWithTheStartIsTold(t *testing.T) {
	for _, leads := range []bool{true, false} {
		r := newRig(t)
		one, two := r.instance("one"), r.instance("two")
		one.Lead(1)
		since := r.now.Add(time.Second)
		r.wait(time.Second)
		one.hears(0, "also", caller(), held(since))
		one.expects("start established")
		r.wait(3 * time.Second)
		one.hears(0, "over", caller(), talking("leg", "ua"))
		one.expects("update retrieved")
		two.reads()
		r.wait(2 * time.Second)
		two.hears(0, "start", caller(), talking("leg", "ua"))
		two.hears(0, "held", caller(), held(since))
		two.hears(0, "also", caller(), held(since))
		if leads {
			one.Follow()
			two.Lead(2)
			two.expects()
			continue
		}
		two.hears(0, "over", caller(), talking("leg", "ua"))
		for range 3 {
			r.wait(time.Second)
			one.works(two)
			two.standsIn()
		}
	}
}

// The leader was shown a mute and the standby its end, and neither the other one: the standby
// asks as soon as no notification can overtake another, and tells the end when REST agrees.
func TestStandbyTellsTheEndOfWhatItWasNotShown(t *testing.T) {
	for _, over := range []bool{true, false} {
		r, one, two := pair(t)
		r.wait(time.Second)
		one.sees("ua", caller(), muted("leg", "ua"))
		one.expects("update muted")
		two.reads()
		r.wait(300 * time.Millisecond)
		two.sees("ua", caller(), talking("leg", "ua"))
		if asked := two.Asks(r.now); len(asked) != 0 {
			t.Error("asks although one notification may have overtaken another")
		}
		r.wait(700 * time.Millisecond)
		if asked := two.Asks(r.now); len(asked) != 1 {
			t.Fatalf("asks %v", asked)
		}
		r.wait(50 * time.Millisecond)
		if !over {
			two.sees(call.ViewREST, caller(), muted("leg", "ua"))
			one.works(two)
			two.standsIn()
			continue
		}
		answered := r.now
		two.sees(call.ViewREST, caller(), talking("leg", "ua"))
		one.works(two)
		two.standsIn()
		r.wait(600 * time.Millisecond)
		one.works(two)
		two.standsIn("update unmuted")
		if d := r.last(); !d.Timing.Received.Equal(answered) { // it may have happened just before
			t.Errorf("received %v before the answer", answered.Sub(d.Timing.Received.Time))
		}
		one.reads()
		one.expects()
	}
}

// The process of the standby did not run, and wakes up when the leader cannot write any more.
// What it is shown of the past is known; what comes then is told by it, and as what it is.
func TestWhatComesAfterAFreezeIsNotTakenForThePast(t *testing.T) {
	for n := range 16 { // so many events are read, and frames shown, before the rest of both
		events, shown := n/4, n%4
		r := newRig(t)
		one, two := r.instance("one"), r.instance("two")
		one.Lead(1)
		ringing := talking("leg", "ua")
		ringing.State, ringing.Connected, ringing.Start = "alerting", time.Time{}, r.now
		frames := []call.Participant{ringing, talking("leg", "ua"), muted("leg", "ua")}
		ids := []string{"rings", "start", "muted"}
		frozen := r.now
		for k, p := range frames {
			r.wait(time.Second)
			one.hears(0, ids[k], caller(), p)
			one.sends()
		}
		r.wait(5 * time.Second)
		two.Hush(frozen, r.now.Add(300*time.Millisecond))
		show := func(from, to int) {
			for k := from; k < to; k++ {
				r.wait(time.Millisecond)
				two.hears(0, ids[k], caller(), frames[k])
			}
		}
		all := r.stream.log
		r.stream.log = all[:events]
		two.reads()
		show(0, shown)
		r.stream.log = all
		two.reads()
		show(shown, 3)
		r.wait(400 * time.Millisecond)
		two.hears(0, "unmuted", caller(), talking("leg", "ua"))
		since := r.now
		r.wait(2 * time.Second)
		two.Lead(2)
		two.expects("update unmuted")
		if d := r.last(); !d.Timing.Received.Equal(since) {
			t.Errorf("%d events, %d frames: told as what was received %v before", events, shown, since.Sub(d.Timing.Received.Time))
		}
	}
}

// A process was frozen, and nobody tells what its notifications show of that time: it does so
// itself, as what it is. The stream is read before them, between them, or when they are all
// told to be news, since NATS was away.
func TestWhatNobodyToldDuringAFreeze(t *testing.T) {
	for n := range 12 {
		reads, told := n/4, n%4 // so many of the first four the other one has told
		r, one, two := pair(t)
		r.wait(time.Second)
		frozen := r.now
		var frames []call.Participant
		for range 2 {
			frames = append(frames, held(r.now.Add(time.Duration(len(frames))*time.Second)), talking("leg", "ua"))
		}
		want := []string{"update held", "update retrieved", "update held", "update retrieved"}[told:]
		for k, p := range frames {
			if k < told {
				one.hears(0, fmt.Sprint(k), caller(), p)
				one.sends()
			}
			r.wait(time.Second)
		}
		one.Follow()
		two.Hush(frozen, r.now.Add(500*time.Millisecond))
		for k, p := range frames {
			if reads == k {
				two.reads()
			}
			r.wait(time.Millisecond)
			two.hears(0, fmt.Sprint(k), caller(), p)
		}
		r.wait(600 * time.Millisecond)
		again := held(r.now)
		two.hears(0, "again", caller(), again)
		two.reads()
		two.Lead(2)
		two.expects(append(want, "update held")...)
	}
}

// newcomer is a leader that has told a step after a second, and an instance that knows of it
// from the stream only.
func newcomer(t *testing.T, shown call.Participant, told string) (r *rig, one, three *instance) {
	t.Helper()
	r, one, _ = pair(t)
	r.wait(time.Second)
	one.hears(0, "told", caller(), shown)
	one.expects(told)
	three = r.instance("three")
	three.reads()
	r.wait(time.Second)
	return r, one, three
}

// A topic begins to speak with what is older than the stream: an end that is none. When the end
// comes, it is shown to nobody, and REST knows: it is told as that, and not as what the topic
// has shown.
func TestAnEndIsNotToldAsWhatWasBeforeTheBeginning(t *testing.T) {
	r, one, three := newcomer(t, muted("leg", "ua"), "update muted")
	three.hears(0, "before", caller(), talking("leg", "ua"))
	r.wait(time.Second)
	over := r.now
	r.wait(time.Second)
	three.sees(call.ViewREST, caller(), talking("leg", "ua"))
	one.Follow()
	three.Lead(2)
	three.expects("update unmuted")
	if d := r.last(); d.Timing.Received.Before(over) || d.Confidence != recording.Reconciled {
		t.Errorf("told as %s, received %v before it happened", d.Confidence, over.Sub(d.Timing.Received.Time))
	}
}

// The leader has told a hold. The first words of a topic are the end of it, which might be
// older, and the next hold, which is not: so the end was the end.
func TestTheNextHoldProvesTheEndOfTheLast(t *testing.T) {
	r, one, three := newcomer(t, held(start.Add(time.Second)), "update held")
	three.hears(0, "over", caller(), talking("leg", "ua"))
	r.wait(time.Second)
	three.hears(0, "again", caller(), held(r.now))
	one.Follow()
	three.Lead(2)
	told := three.sends()
	if got := words(told); !slices.Equal(got, []string{"update retrieved", "update held"}) {
		t.Fatalf("told %q", got)
	}
	if at := told[0].Timing.Received.Time; !at.Equal(r.now.Add(-time.Second)) {
		t.Errorf("told as received %v ago", r.now.Sub(at))
	}
}

// The first word of a topic is the next hold itself: it proves the end of the last one as well.
func TestTheNextHoldIsAnotherOneThanWhatIsTold(t *testing.T) {
	same := held(start.Add(time.Second))
	_, first, second := newcomer(t, same, "update held")
	second.hears(0, "told", caller(), same)
	first.Follow()
	second.Lead(2)
	second.expects()

	r, one, three := newcomer(t, same, "update held")
	again := held(r.now)
	three.hears(0, "again", caller(), again)
	one.Follow()
	three.Lead(2)
	three.expects("update retrieved", "update held")
	if d := r.last(); !d.Timing.Occurred.Equal(again.StartHold) {
		t.Errorf("held since %v", d.Timing.Occurred)
	}
}

// A process was frozen while a hold ended, another one began, and ended. The other instance was
// shown the last of it only, and has told that. Who tells the hold as well tells its end again.
func TestALateHoldIsNotLeftOn(t *testing.T) {
	r, one, two := pair(t)
	first := held(r.now)
	for _, i := range []*instance{one, two} {
		i.hears(0, "held", caller(), first)
	}
	one.expects("update held")
	two.reads()
	frozen := r.now
	r.wait(3 * time.Second)
	second := held(r.now)
	r.wait(time.Second)
	one.hears(0, "over again", caller(), talking("leg", "ua"))
	one.expects("update retrieved")
	one.Follow()
	r.wait(time.Second)
	two.Hush(frozen, r.now.Add(500*time.Millisecond))
	two.reads()
	two.hears(0, "over", caller(), talking("leg", "ua"))
	two.hears(0, "again", caller(), second)
	two.hears(0, "over again", caller(), talking("leg", "ua"))
	r.wait(600 * time.Millisecond)
	two.Lead(2)
	gone := talking("leg", "ua")
	gone.State, gone.End, gone.DisconnectType = "terminated", r.now, "client"
	two.hears(0, "gone", caller(), gone)
	two.expects("update held", "update retrieved", "stop cleared")
}

// REST has shown a leg to the standby, and the leader has told a mute. Then a topic delivers
// what it has held back: how the leg was before. Whoever leads then does not tell an end of
// the mute.
func TestALateFrameEndsNoMute(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	one.hears(0, "start", caller(), talking("leg", "ua"))
	one.expects("start established")
	r.wait(time.Second)
	one.hears(0, "muted", caller(), muted("leg", "ua"))
	one.expects("update muted")
	two.reads()
	r.wait(time.Second)
	two.sees(call.ViewREST, caller(), muted("leg", "ua"))
	r.wait(500 * time.Millisecond)
	one.Follow()
	two.Lead(2)
	two.hears(0, "start", caller(), talking("leg", "ua"))
	two.expects()
	two.hears(0, "muted", caller(), muted("leg", "ua"))
	two.expects()
	r.wait(time.Second)
	two.hears(0, "over", caller(), talking("leg", "ua"))
	two.expects("update unmuted")
}

// The leader tells a mute while the other process is frozen, and dies when that is over. Its
// end is shown to nobody but the one that was frozen, before the hush is over: it is told.
func TestAnEndRightAfterAFreezeIsTold(t *testing.T) {
	r, one, two := pair(t)
	frozen := r.now
	for _, change := range []string{"first", "second"} {
		r.wait(time.Second)
		one.hears(0, change, caller(), muted("leg", "ua"))
		if change == "first" {
			r.wait(time.Second)
			one.hears(0, "over", caller(), talking("leg", "ua"))
		}
		one.sends()
	}
	r.wait(time.Second)
	one.Follow()
	two.Hush(frozen, r.now.Add(500*time.Millisecond))
	two.reads()
	two.hears(0, "first", caller(), muted("leg", "ua"))
	two.hears(0, "over", caller(), talking("leg", "ua"))
	two.hears(0, "second", caller(), muted("leg", "ua"))
	r.wait(100 * time.Millisecond)
	two.hears(0, "over again", caller(), talking("leg", "ua"))
	r.wait(500 * time.Millisecond)
	two.Lead(2)
	two.expects("update unmuted")
}

// The same after a freeze, when REST has answered before the notifications are read.
func TestAFrameFromBeforeAFreezeEndsNoMute(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	frozen := r.now
	one.hears(0, "start", caller(), talking("leg", "ua"))
	one.expects("start established")
	r.wait(time.Second)
	one.hears(0, "muted", caller(), muted("leg", "ua"))
	one.expects("update muted")
	one.Follow()
	r.wait(2 * time.Second)
	two.Hush(frozen, r.now.Add(500*time.Millisecond))
	two.reads()
	two.sees(call.ViewREST, caller(), muted("leg", "ua"))
	two.hears(0, "start", caller(), talking("leg", "ua"))
	two.hears(0, "muted", caller(), muted("leg", "ua"))
	r.wait(600 * time.Millisecond)
	two.Lead(2)
	two.expects()
	two.hears(0, "over", caller(), talking("leg", "ua"))
	two.expects("update unmuted")
}

// The link of the leader was frozen while a hold was told and its end, and another one began.
// REST shows that one before the link delivers what was before it: the end is the end of the
// first one.
func TestALateEndIsNotThatOfTheNextHold(t *testing.T) {
	r, one, two := pair(t)
	first := held(r.now)
	one.hears(0, "held", caller(), first)
	one.expects("update held")
	r.wait(3 * time.Second)
	one.hears(0, "over", caller(), talking("leg", "ua"))
	one.expects("update retrieved")
	one.Follow()
	two.reads()
	two.Lead(2)
	r.wait(2 * time.Second)
	second := held(r.now)
	r.wait(time.Second)
	two.sees(call.ViewREST, caller(), second)
	two.hears(0, "held", caller(), first)
	two.hears(0, "over", caller(), talking("leg", "ua"))
	two.expects("update held")
	two.hears(0, "again", caller(), second)
	two.expects()
	r.wait(time.Second)
	two.hears(0, "over again", caller(), talking("leg", "ua"))
	two.expects("update retrieved")
}
