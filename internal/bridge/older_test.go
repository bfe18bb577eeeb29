package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// What an instance was shown may be older than what the other one has told. When it leads, it
// tells none of it as news.

// outdated is a pair of which the standby was shown that the leg is not muted, after the leader
// was shown, and has told, that it is.
func outdated(t *testing.T) (r *rig, one, two *instance) {
	t.Helper()
	r, one, two = pair(t)
	r.wait(time.Second)
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update muted")
	r.wait(time.Millisecond)
	two.sees("ua", caller(), talking("leg", "ua"))
	two.reads()
	return r, one, two
}

// A standby was shown an old notification after the leader had told a newer one, and has never
// been told which is right. It asks when it leads, however long ago that was, and only when
// REST does not answer takes its own word for the better one.
func TestALeaderAsksBeforeItTellsWhatMayBeOld(t *testing.T) {
	for _, answer := range []call.Participant{muted("leg", "ua"), talking("leg", "ua"), {}} {
		r, one, two := outdated(t)
		for range 3 {
			r.wait(time.Minute)
			two.Tick(r.now)
		}
		two.Asks(r.now)
		one.Follow()
		two.Lead(2)
		two.expects()
		r.wait(time.Second)
		if asked := two.Asks(r.now); len(asked) != 1 {
			t.Errorf("asked about %d conversations, not 1", len(asked))
		}
		two.expects()
		switch {
		case answer.Muted == call.Yes:
			two.sees(call.ViewREST, caller(), answer)
			two.expects()
			r.wait(time.Minute)
			two.Tick(r.now)
			two.expects()
		case answer.Muted == call.No:
			two.sees(call.ViewREST, caller(), answer)
			two.expects("update unmuted")
		default:
			r.wait(time.Minute)
			two.Tick(r.now)
			two.expects("update unmuted")
		}
	}
}

// Where REST has answered while it was the standby, it need not ask.
func TestALeaderDoesNotAskAgain(t *testing.T) {
	r, one, two := outdated(t)
	r.wait(time.Minute)
	two.Tick(r.now)
	two.sees(call.ViewREST, caller(), talking("leg", "ua"))
	one.Follow()
	two.Lead(2)
	two.expects("update unmuted")
}

// The leader has told the end of a hold and the next one, and the standby was shown neither. An
// answer of REST that shows the next one shows nothing new.
func TestTheNextHoldIsToldOnce(t *testing.T) {
	r, one, two := pair(t)
	first, second := held(r.now.Add(time.Second)), held(r.now.Add(10*time.Second))
	r.wait(time.Second)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), first)
	}
	one.expects("update held")
	two.reads()
	r.wait(10 * time.Second)
	one.sees("ua", caller(), second)
	one.expects("update retrieved", "update held")
	two.reads()
	for range 5 {
		r.wait(time.Minute)
		two.Tick(r.now)
	}
	one.Follow()
	two.Lead(2)
	two.sees(call.ViewREST, caller(), second)
	two.expects()
}

// A process was frozen while the other one told a leg: its ringing, its start, a mute. It is
// shown the first two then, and the mute never. That the leg was not muted when it was
// answered is no end of the mute. Whether it is over REST is asked.
func TestWhatWasBeforeATellingIsNotToldAfterIt(t *testing.T) {
	for n := range 8 {
		hushed, leads, ends := n&1 > 0, n&2 > 0, n&4 > 0
		r := newRig(t)
		one, two := r.instance("one"), r.instance("two")
		one.Lead(1)
		began := r.now
		for k, p := range []call.Participant{ringing(), talking("leg", "ua"), muted("leg", "ua")} {
			one.hears(0, []string{"rings", "start", "muted"}[k], caller(), p)
			one.sends()
			r.wait(600 * time.Millisecond)
		}
		if hushed {
			two.Hush(began, r.now.Add(500*time.Millisecond))
		}
		two.reads()
		for k, p := range []call.Participant{ringing(), talking("leg", "ua")} {
			two.hears(0, []string{"rings", "start"}[k], caller(), p)
			r.wait(time.Millisecond)
		}
		r.wait(time.Second)
		if leads {
			one.Follow()
			two.Lead(2)
			two.expects()
		} else {
			one.works(two)
			two.standsIn()
		}
		r.wait(time.Second)
		if ends {
			two.hears(0, "ends", caller(), mutes()[3])
			two.Lead(3)
			two.expects("stop cleared")
			continue
		}
		for _, i := range []*instance{one, two} {
			i.hears(0, "over", caller(), talking("leg", "ua"))
		}
		if !leads {
			one.expects("update unmuted")
			continue
		}
		two.expects()
		if asked := two.Asks(r.now); len(asked) != 1 {
			t.Errorf("asked about %d conversations, not 1", len(asked))
		}
		two.sees(call.ViewREST, caller(), talking("leg", "ua"))
		two.expects("update unmuted")
	}
}

// A pause is told whatever else the other one has told of its change and after it: to wait
// for an answer would record what must not be recorded.
func TestAPauseIsToldHoweverOld(t *testing.T) {
	r, one, two := pair(t)
	tells := func(change string, p call.Participant, later time.Duration) {
		one.hears(0, change, caller(), p)
		one.sends()
		r.wait(later)
	}
	tells("on", on(), 2*time.Second)
	tells("off", talking("leg", "ua"), 5*time.Second)
	tells("muted", muted("leg", "ua"), 200*time.Millisecond)
	tells("over", talking("leg", "ua"), 200*time.Millisecond)
	two.reads()
	paused := on()
	paused.Muted = call.Yes
	two.hears(0, "muted", caller(), paused)
	r.wait(time.Second)
	two.expects("pause secure_paused")
}

// What was observed while a process that was frozen is silent comes before what time alone
// makes of it: the start before the end of a pause that was in doubt.
func TestWhatWasObservedInAHushComesFirst(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.Hush(r.now, r.now.Add(500*time.Millisecond))
	i.sees("ua", caller(), talking("leg", "ua"))
	for _, p := range []call.Participant{on(), talking("leg", "ua")} {
		i.sees("ub", caller(), p)
		r.wait(time.Millisecond)
	}
	r.wait(5 * time.Second)
	i.Asks(r.now)
	if told := words(i.sends()); len(told) == 0 || told[0] != "start established" {
		t.Errorf("told %q, not the start first", told)
	}
}
