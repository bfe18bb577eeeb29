package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// hears folds a notification of the agent's topic with the id of its change, on a channel.
func (i *instance) hears(channel int, change string, parties ...call.Participant) {
	i.hearsOf("ua", channel, change, parties...)
}

func (i *instance) hearsOf(user string, channel int, change string, parties ...call.Participant) {
	s := &call.Snapshot{
		ConversationID: "conv", View: user, Topic: user, Received: i.now, SecurePause: call.No,
		Channel: channel, CorrelationID: change, Participants: parties,
	}
	for _, p := range parties {
		s.SecurePause = max(s.SecurePause, p.SecurePause)
	}
	i.Observe(s, i.now)
}

// frozenLink plays a call to the leader, with a pause that begins and ends and another step
// in the middle, while the link of the standby delivers nothing.
func frozenLink(t *testing.T) (r *rig, one, two *instance, frames []call.Participant) {
	t.Helper()
	r, one, two = pair(t)
	paused, joined := on(), on()
	joined.Muted = call.Yes
	over := muted("leg", "ua")
	frames = []call.Participant{paused, joined, joined, over}
	for k, p := range frames {
		r.wait(2 * time.Second)
		one.hears(0, changes[k], caller(), p)
		one.sends()
	}
	two.reads()
	r.wait(2 * time.Second)
	return r, one, two, frames
}

// The third change is told by nobody: it changes nothing that is told.
var changes = []string{"on", "muted", "other", "off"}

// The notifications of seconds come at once, after the stream has told it all: the standby
// tells nothing of it again, however long it waits, and nothing when it leads.
func TestLateNotificationsAreNotNews(t *testing.T) {
	for _, leads := range []bool{false, true} {
		r, one, two, frames := frozenLink(t)
		for k, p := range frames {
			r.wait(time.Millisecond)
			two.hears(0, changes[k], caller(), p)
		}
		if leads {
			one.Follow()
			two.Lead(2)
			two.expects()
			continue
		}
		for range 3 {
			r.wait(600 * time.Millisecond)
			one.works(two)
			two.standsIn()
		}
		if d := r.last(); d.State != recording.Recording {
			t.Errorf("at last %s", d.State)
		}
	}
}

// The other instance was shown all of a burst within one moment: what comes late here is no older
// than the first of it, and may be no news.
func TestLateNotificationsOfOneMomentAreNoNews(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	again := held(r.now.Add(-time.Second))
	frames := []call.Participant{talking("leg", "ua"), talking("leg", "ua"), again}
	frames[0].State, frames[0].Connected = "alerting", time.Time{}
	for k, p := range frames {
		one.hears(0, changes[k], caller(), p)
	}
	one.expects("prepare delivered", "start established", "update held")
	two.reads()
	r.wait(8 * time.Second)
	for k, p := range frames {
		two.hears(0, changes[k], caller(), p)
	}
	one.Follow()
	two.Lead(2)
	two.expects()
	r.wait(time.Minute)
	two.expects()
}

// isBusy lets the channel 0 deliver something every so often.
func (i *instance) isBusy(every time.Duration) {
	for n := range 100 {
		i.wait(every)
		i.Observe(&call.Snapshot{ConversationID: "busy", View: "ub", CorrelationID: fmt.Sprint(n), Received: i.now}, i.now)
	}
}

// A leader asks REST before its late notifications come: what they show may be older than the
// answer. One that shows the same hold proves it; else REST is asked again.
func TestLateNotificationsAreNoNewsAfterAnAnswer(t *testing.T) {
	r := newRig(t)
	one := r.instance("one")
	one.Lead(1)
	one.isBusy(20 * time.Millisecond)
	r.wait(4 * time.Second)
	one.sees(call.ViewREST, caller(), muted("leg", "ua"))
	one.expects("start established") // and that it is muted
	one.hears(0, "before", caller(), talking("leg", "ua"))
	one.expects()

	for _, mute := range []bool{false, true} {
		r := newRig(t)
		one := r.instance("one")
		one.Lead(1)
		one.sees("ua", caller(), talking("leg", "ua"))
		one.sends()
		one.isBusy(20 * time.Millisecond)
		r.wait(4 * time.Second)
		again, word := talking("leg", "ua"), "held"
		again.Held, again.StartHold = call.Yes, r.now.Add(-time.Second)
		if mute {
			again, word = muted("leg", "ua"), "muted"
		}
		one.sees(call.ViewREST, caller(), again)
		one.expects("update " + word)
		one.hears(0, "before", caller(), talking("leg", "ua"))
		one.expects()
		one.hears(0, "then", caller(), again)
		one.expects()
		r.wait(time.Second)
		if asked := one.Asks(r.now); len(asked) != 1 {
			t.Errorf("asked about %d conversations, not 1", len(asked))
		}
		one.sees(call.ViewREST, caller(), again)
		one.expects()
		one.hears(0, "now", caller(), talking("leg", "ua"))
		if told := words(one.sends()); len(told) != 1 {
			t.Error(word, told)
		}
	}
}

// A pause and its end are told by REST, which has no ids of changes, while the link of the
// instance that leads in the end delivers nothing. That it was silent for unusually long says
// that what comes now is late.
func TestLateNotificationsOfWhatRESTHasToldAreNotNews(t *testing.T) {
	r, one, two := pair(t)
	two.isBusy(20 * time.Millisecond)
	r.wait(4 * time.Second)
	one.sees(call.ViewREST, caller(), on())
	one.expects("pause secure_paused")
	r.wait(4 * time.Second)
	one.sees(call.ViewREST, caller(), talking("leg", "ua"))
	one.expects("resume secure_resumed")
	two.reads()
	one.Follow()
	two.Lead(2)
	two.hears(0, "on", caller(), on())
	two.expects()
	two.hears(0, "off", caller(), talking("leg", "ua"))
	two.expects()
	r.wait(time.Second)
	again := on()
	again.Muted = call.Yes
	two.hears(0, "new", caller(), again)
	two.expects("pause secure_paused", "update muted")
}

// The other instance was started after a pause and tells the leg, which is not paused any more.
// Then the link of this one delivers the pause. One that begins after that is told as usual.
func TestALatePauseThatWasOverBeforeTheStartIsNotNews(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	two.isBusy(20 * time.Millisecond)
	r.wait(6 * time.Second)
	one.sees("ua", caller(), talking("leg", "ua"))
	one.expects("start established")
	two.reads()
	r.wait(2 * time.Second)
	for k, p := range []call.Participant{talking("leg", "ua"), on(), talking("leg", "ua")} {
		two.hears(0, changes[k], caller(), p)
	}
	r.wait(time.Second)
	one.works(two)
	two.standsIn()
	two.hears(0, "new", caller(), on())
	r.wait(time.Second)
	two.standsIn("pause secure_paused")
}

// A silence that is usual for its channel says nothing.
func TestAPauseAfterAUsualSilenceIsNews(t *testing.T) {
	r, one, two := pair(t)
	two.isBusy(5 * time.Second)
	r.wait(4 * time.Second)
	one.sees(call.ViewREST, caller(), on())
	one.sends()
	r.wait(4 * time.Second)
	one.sees(call.ViewREST, caller(), talking("leg", "ua"))
	one.sends()
	two.reads()
	one.Follow()
	two.Lead(2)
	r.wait(time.Second)
	two.hears(0, "on", caller(), on())
	two.expects("pause secure_paused")
}

// A channel is late by itself: what another one brings is news at once. So is a pause on
// the late one that nobody has told the end of, and a change that is known to nobody.
func TestOnTimeNotificationsAreNews(t *testing.T) {
	r, one, two, frames := frozenLink(t)
	one.Follow()
	two.Lead(2)
	two.sends()
	two.hears(0, changes[0], caller(), frames[0])
	again := on()
	again.Muted = call.Yes
	r.wait(100 * time.Millisecond)
	two.hears(1, "new", caller(), again)
	two.expects("pause secure_paused")
}

// A second pause is told although the channel has just been late: after its last late
// notification it is on time.
func TestPauseRightAfterALateBurst(t *testing.T) {
	r, one, two, frames := frozenLink(t)
	one.Follow()
	two.Lead(2)
	two.sends()
	for k, p := range frames {
		two.hears(0, changes[k], caller(), p)
	}
	two.sends()
	r.wait(time.Second)
	again := on()
	again.Muted = call.Yes
	two.hears(0, "new", caller(), again)
	two.expects("pause secure_paused")
}

// A pause that comes late, and of which nobody has told the end since it may have been sent,
// is on.
func TestLatePauseThatIsNotToldToBeOverIsOn(t *testing.T) {
	r, one, two := pair(t)
	for k, p := range []call.Participant{on(), talking("leg", "ua")} {
		r.wait(4 * time.Second)
		for _, i := range []*instance{one, two} {
			i.hears(0, changes[k], caller(), p)
		}
		one.sends()
		two.reads()
	}
	r.wait(4 * time.Second)
	one.hears(0, "mute", caller(), muted("leg", "ua"))
	one.sends()
	two.reads()
	r.wait(4 * time.Second)
	two.hears(0, "mute", caller(), muted("leg", "ua"))
	one.Follow()
	two.Lead(2)
	again := on()
	again.Muted = call.Yes
	two.hears(0, "again", caller(), again)
	two.expects("pause secure_paused")
}

// A leg rings during a pause whose end somebody else has told since: it does not start
// paused because of what REST said before that.
func TestALegDoesNotStartInAPauseThatIsToldToBeOver(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	ringing := call.Participant{ID: "leg", UserID: "ua", Purpose: "agent", State: "alerting", Direction: "inbound", Start: r.now, Held: call.No, Muted: call.No, SecurePause: call.Yes}
	for _, i := range []*instance{one, two} {
		i.hears(0, "rings", caller(), ringing)
	}
	one.expects("prepare delivered")
	two.reads()
	connected := on()
	r.wait(2 * time.Second)
	two.sees(call.ViewREST, caller(), connected)
	r.wait(time.Second)
	ringing.SecurePause = call.No
	one.hears(0, "off", caller(), ringing)
	one.expects("update secure_resumed")
	two.reads()
	one.Follow()
	two.Lead(2)
	told := two.sends()
	if len(told) == 0 || told[0].Verb != recording.Start || told[0].State != recording.Recording {
		t.Errorf("told %s", words(told))
	}
}

// The same without the ids: the topics say last that the pause is over, too soon after they
// said that it is on to be believed. So the other one has told, and the standby does not tell
// the pause again, nor its end when it is believed.
func TestStandbyDoesNotRepeatAPauseThatEndsAtOnce(t *testing.T) {
	t.Run("nothing was heard since", func(t *testing.T) { pauseThatEndsAtOnce(t, false) })
	t.Run("REST has said that it is over", func(t *testing.T) { pauseThatEndsAtOnce(t, true) })
}

func pauseThatEndsAtOnce(t *testing.T, asked bool) {
	t.Helper()
	r, one, two := pair(t)
	for _, p := range []call.Participant{on(), talking("leg", "ua")} {
		r.wait(4 * time.Second)
		one.sees("ua", caller(), p)
		one.sends()
	}
	two.reads()
	r.wait(4 * time.Second)
	if asked {
		two.sees(call.ViewREST, caller(), talking("leg", "ua"))
	}
	r.wait(time.Millisecond)
	two.sees("ua", caller(), on())
	two.sees("ua", caller(), talking("leg", "ua"))
	for range 5 {
		r.wait(time.Second)
		one.works(two)
		two.standsIn()
		two.Asks(r.now)
	}
	two.sees(call.ViewREST, caller(), talking("leg", "ua"))
	r.wait(time.Second)
	one.works(two)
	two.standsIn()
	one.Follow()
	two.Lead(2)
	two.expects()
}

// A leg has started in a pause, and somebody else has told both, and then the end of the
// pause. The notification that shows the start comes late, after REST: it shows no second
// pause.
func TestPauseThatWasToldWithTheStartIsTold(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	ringing, over := on(), talking("leg", "ua")
	ringing.State, ringing.Connected = "alerting", time.Time{}
	for k, p := range []call.Participant{ringing, on(), over} {
		one.hears(0, []string{"rings", "start", "off"}[k], caller(), p)
		one.sends()
		r.wait(4 * time.Second)
	}
	two.reads()
	r.wait(4 * time.Second)
	two.sees(call.ViewREST, caller(), over)
	r.wait(time.Millisecond)
	two.hears(0, "start", caller(), on())
	r.wait(time.Second)
	one.works(two)
	two.standsIn()
}
