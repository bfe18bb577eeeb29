package bridge_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// The same parts of a call, joined wrongly, repeat a secure pause or tell it for one that is over.

// paused is a pair that both were shown a secure pause, and one has told it.
func paused(t *testing.T) (r *rig, one, two *instance) {
	t.Helper()
	r, one, two = pair(t)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), on())
	}
	one.expects("pause secure_paused")
	two.reads()
	return r, one, two
}

// REST has shown the standby one leg in a pause, and the stream another one that came later.
// The leader tells both that the pause is over, one after the other: nobody says then that it
// is on.
func TestStandbyWithoutTopicsDoesNotRepeatAPause(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	other := on()
	other.ID, other.UserID = "other", "ub"
	see := func(view string, parties ...call.Participant) {
		one.sees(view, parties...)
		one.sends()
	}
	see("ua", caller(), on())
	two.reads()
	r.wait(4 * time.Second)
	two.sees(call.ViewREST, caller(), on())
	r.wait(time.Second)
	see("ub", caller(), on(), other)
	two.reads()
	r.wait(4 * time.Second)
	for _, view := range []string{"ua", "ub"} {
		one.sees(view, caller(), talking("leg", "ua"), talking("other", "ub"))
	}
	one.expects("update conferenced", "resume secure_resumed", "resume secure_resumed")
	two.reads()
	for range 3 {
		r.wait(time.Second)
		two.standsIn()
	}
}

// A frozen link shows the standby at once that a pause went off and on, and then that it is
// over. REST has said so as well. The leader knows of the last end only.
func TestStandbyDoesNotTellAPauseThatIsOver(t *testing.T) {
	r, one, two := paused(t)
	r.wait(8 * time.Second)
	for _, p := range []call.Participant{talking("leg", "ua"), on()} {
		two.sees("ua", caller(), p)
	}
	r.wait(time.Second)
	one.works(two)
	two.looks()
	two.expects()
	two.Asks(r.now)
	r.wait(time.Second)
	two.sees("ua", caller(), talking("leg", "ua"))
	r.wait(time.Millisecond)
	two.sees(call.ViewREST, caller(), talking("leg", "ua"))
	one.works(two)
	two.standsIn()
	r.wait(time.Second)
	one.works(two)
	two.Asks(r.now)
	two.looks()
	for _, d := range two.sends() {
		if d.Cause != "secure_resumed" {
			t.Errorf("told %s", d.Cause)
		}
	}
}

// The topic has not shown the end of a pause, and somebody else has told it. REST agrees, too
// soon after the topic to overrule it: whoever leads then does not tell the pause again.
func TestTheNextLeaderDoesNotRepeatAPauseThatItHasNotSeenEnd(t *testing.T) {
	r, one, two := paused(t)
	r.wait(2 * time.Second)
	one.sees("ua", caller(), talking("leg", "ua"))
	one.expects("resume secure_resumed")
	two.reads()
	r.wait(100 * time.Millisecond)
	two.sees(call.ViewREST, caller(), talking("leg", "ua"))
	one.Follow()
	two.Lead(2)
	two.expects()
	r.wait(time.Second)
	again := on()
	again.Muted = call.Yes
	two.sees("ua", caller(), again)
	two.expects("pause secure_paused", "update muted")
}

// A pause begins and ends, and another leg takes part in it. A frozen link shows it late: when
// the next one begins, it is told as what it is.
func TestALatePauseIsNotTakenForTheNext(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	other := on()
	other.ID, other.UserID = "other", "ub"
	one.hears(0, "start", caller(), talking("leg", "ua"))
	two.hears(0, "start", caller(), talking("leg", "ua"))
	one.sends()
	r.wait(time.Second)
	one.hears(0, "on", caller(), on())
	r.wait(time.Second)
	s := &call.Snapshot{ConversationID: "conv", View: "ub", Topic: "ub", Received: r.now, SecurePause: call.Yes, CorrelationID: "joins", Participants: []call.Participant{caller(), on(), other}}
	one.Observe(s, r.now)
	one.sends()
	r.wait(3 * time.Second)
	over := talking("other", "ub")
	s = &call.Snapshot{ConversationID: "conv", View: "ub", Topic: "ub", Received: r.now, SecurePause: call.No, CorrelationID: "off", Participants: []call.Participant{caller(), talking("leg", "ua"), over}}
	one.Observe(s, r.now)
	one.hears(0, "off", caller(), talking("leg", "ua"), over)
	one.sends()
	two.reads()
	r.wait(2 * time.Second)
	two.hears(0, "on", caller(), on())
	two.hears(0, "joins", caller(), on(), other)
	two.hears(0, "off", caller(), talking("leg", "ua"), over)
	r.wait(3 * time.Second)
	one.Follow()
	two.Lead(2)
	two.sends()
	two.hears(0, "again", caller(), on(), other)
	for _, d := range two.sends() {
		if d.Cause == "secure_paused" && (!d.Timing.Received.Equal(r.now) || d.Origin.CorrelationID == "on") {
			t.Errorf("leg %s: told as what %q shows, %v ago", d.Leg.ID, d.Origin.CorrelationID, r.now.Sub(d.Timing.Received.Time))
		}
	}
	if d := r.last(); d.State != "paused" {
		t.Errorf("at last %s", d.State)
	}
}

// talk is a call of two people of which the standby knows from the stream only, both in a
// secure pause.
func talk(t *testing.T) (r *rig, one, two *instance) {
	t.Helper()
	r = newRig(t)
	one, two = r.instance("one"), r.instance("two")
	one.Lead(1)
	for _, view := range []string{"ua", "ub"} {
		one.sees(view, caller(), on(), other(call.Yes))
	}
	one.sends()
	two.reads()
	r.wait(4 * time.Second)
	return r, one, two
}

// other is the second person of a call.
func other(paused call.Flag) call.Participant {
	p := talking("other", "ub")
	p.SecurePause = paused
	return p
}

// A topic of the standby begins to speak with the end of the pause, which may be old news: it
// is doubted, until REST has answered. The leader has told the end.
func TestStandbyWhoseFirstWordIsTheEndOfAPause(t *testing.T) {
	for _, first := range []bool{true, false} {
		r, one, two := talk(t)
		over := []call.Participant{caller(), talking("leg", "ua"), other(call.No)}
		if first {
			two.sees("ub", over...)
		}
		for _, view := range []string{"ua", "ub"} {
			one.sees(view, over...)
		}
		one.expects("resume secure_resumed", "resume secure_resumed")
		r.wait(time.Millisecond)
		two.reads()
		if !first {
			two.sees("ub", over...)
		}
		for range 3 {
			r.wait(400 * time.Millisecond)
			two.Asks(r.now)
			two.standsIn()
		}
		one.Follow()
		two.Lead(2)
		two.expects()
	}
}

// The leader has learned the end of a pause from REST, and has told it. Then its own topic
// delivers what it has held back: the pause, which the other instance told long ago.
func TestTheLeaderDoesNotTellALatePauseThatItHasTheEndOf(t *testing.T) {
	r, one, two := pair(t)
	r.wait(time.Second)
	two.hears(0, "on", caller(), on())
	r.wait(600 * time.Millisecond)
	two.standsIn("pause secure_paused")
	one.reads()
	joined := []call.Participant{caller(), on(), other(call.Yes)}
	one.sees("ub", joined...)
	one.sends()
	r.wait(5 * time.Second)
	one.sees(call.ViewREST, caller(), talking("leg", "ua"), other(call.No))
	one.pauses("resume secure_resumed", "resume secure_resumed")
	r.wait(time.Second)
	one.hears(0, "on", caller(), on())
	one.pauses()
	r.wait(time.Second)
	one.sees(call.ViewREST, caller(), talking("leg", "ua"), other(call.No))
	one.pauses()
	again := on()
	again.Muted = call.Yes
	r.wait(time.Second)
	one.hears(0, "again", caller(), again, other(call.No))
	one.pauses("pause secure_paused", "pause secure_paused")
}

// The process of the standby did not run while a pause ended, and when it runs again the next
// one begins: that may be the old one, shown late. REST is asked, and knows.
func TestPauseThatBeginsRightAfterAFreeze(t *testing.T) {
	for _, begun := range []bool{true, false} {
		r, one, two := paused(t)
		frozen := r.now
		r.wait(5 * time.Second)
		one.sees("ua", caller(), talking("leg", "ua"))
		one.expects("resume secure_resumed")
		r.wait(time.Second)
		two.Hush(frozen, r.now.Add(300*time.Millisecond))
		two.reads()
		two.sees("ua", caller(), talking("leg", "ua"))
		r.wait(90 * time.Millisecond)
		again := on()
		again.Muted = call.Yes
		two.sees("ua", caller(), again)
		r.wait(400 * time.Millisecond)
		two.standsIn()
		if asked := two.Asks(r.now); len(asked) != 1 {
			t.Fatalf("asks %v", asked)
		}
		r.wait(100 * time.Millisecond)
		if !begun {
			two.sees(call.ViewREST, caller(), talking("leg", "ua"))
			r.wait(time.Second)
			two.standsIn()
			continue
		}
		two.sees(call.ViewREST, caller(), again)
		r.wait(600 * time.Millisecond)
		two.standsIn("pause secure_paused") // although there is no leader
	}
}

// An instance tells a pause and is frozen. A second agent joins, and the pause ends. When it
// runs again, the topic of the first agent is through with all of it before the topic of the
// second one begins, with the pause, and before the stream is read: that pause is over.
func TestAPauseIsNotRepeatedAfterAFreeze(t *testing.T) {
	for k := range 3 {
		leads, ends := k > 0, k > 1
		r, one, two := begun(t)
		for _, i := range []*instance{one, two} {
			i.hears(0, "on", caller(), on())
		}
		two.expects("pause secure_paused")
		two.Follow()
		one.reads()
		frozen := r.now
		joined, over := []call.Participant{caller(), on(), other(call.Yes)}, []call.Participant{caller(), talking("leg", "ua"), other(call.No)}
		one.Lead(2)
		r.wait(2 * time.Second)
		one.hearsOf("ub", 1, "joins", joined...)
		one.hears(0, "joins", joined...)
		one.sends()
		r.wait(2 * time.Second)
		one.hearsOf("ub", 1, "off", over...)
		one.hears(0, "off", over...)
		one.pauses("resume secure_resumed", "resume secure_resumed")
		r.wait(time.Second)
		two.Hush(frozen, r.now.Add(500*time.Millisecond))
		two.hears(0, "joins", joined...)
		two.hears(0, "off", over...)
		two.hearsOf("ub", 1, "joins", joined...)
		two.reads()
		two.hearsOf("ub", 1, "off", over...)
		if leads {
			one.Follow()
			two.Lead(3)
		}
		if ends { // soon, with nobody asked
			gone := talking("leg", "ua")
			gone.State, gone.End, gone.DisconnectType = "terminated", r.now, "client"
			r.wait(700 * time.Millisecond)
			two.hears(0, "gone", caller(), gone, other(call.No))
			two.pauses()
			continue
		}
		for range 4 {
			r.wait(time.Second)
			two.Asks(r.now)
			two.StandIn()
			two.pauses()
		}
		if leads {
			again := on()
			again.Muted = call.Yes
			two.hears(0, "again", caller(), again, other(call.Yes))
			two.pauses("pause secure_paused", "pause secure_paused")
		}
	}
}

// The link of the leader is frozen. The other instance waits for it, and then tells everything
// at once. A moment later the link delivers, which is late: not after what was just read, but
// after it was received there.
func TestALatePauseRightAfterItWasTold(t *testing.T) {
	r, one, two := begun(t)
	two.hears(0, "on", caller(), on())
	two.expects("pause secure_paused")
	one.reads()
	joined, over := []call.Participant{caller(), on(), other(call.Yes)}, []call.Participant{caller(), talking("leg", "ua"), other(call.No)}
	r.wait(time.Second)
	one.hearsOf("ub", 1, "joins", joined...)
	one.hears(0, "joins", joined...)
	r.wait(3 * time.Second)
	one.hearsOf("ub", 1, "off", over...)
	one.hears(0, "off", over...)
	r.wait(3 * time.Second)
	one.Lead(2)
	one.pauses("resume secure_resumed", "resume secure_resumed")
	two.reads()
	r.wait(700 * time.Millisecond)
	two.hearsOf("ub", 1, "joins", joined...)
	two.pauses()
	two.hears(0, "joins", joined...)
	two.pauses()
	two.hearsOf("ub", 1, "off", over...)
	two.hears(0, "off", over...)
	two.pauses()
}

// The link of the leader is frozen before a pause begins, and another agent joins. The standby
// tells both. When the link delivers what was before, no pause is on, as far as its topic
// goes: that is no end of this one.
func TestALateFrameEndsNoPause(t *testing.T) {
	r, one, two := begun(t)
	one.reads()
	muted := muted("leg", "ua")
	joined := on()
	joined.Muted = call.Yes
	r.wait(time.Second)
	one.hears(0, "muted", caller(), muted)
	r.wait(time.Second)
	one.hears(0, "on", caller(), joined)
	one.hears(0, "joins", caller(), joined, other(call.Yes))
	one.hearsOf("ub", 1, "joins", caller(), joined, other(call.Yes))
	r.wait(5 * time.Second)
	one.Lead(2)
	one.sends()
	one.Follow()
	two.reads()
	r.wait(100 * time.Millisecond)
	two.hears(0, "muted", caller(), muted)
	two.pauses()
	two.hears(0, "on", caller(), joined)
	two.hears(0, "joins", caller(), joined, other(call.Yes))
	two.pauses()
	if d := r.last(); d.State != recording.Paused {
		t.Errorf("at last %s", d.State)
	}
}

// begun is a pair that both were shown a call, with the ids of its changes; the second one leads
// and has told it.
func begun(t *testing.T) (r *rig, one, two *instance) {
	t.Helper()
	r = newRig(t)
	one, two = r.instance("one"), r.instance("two")
	two.Lead(1)
	for _, i := range []*instance{one, two} {
		i.hears(0, "start", caller(), talking("leg", "ua"))
	}
	two.expects("start established")
	return r, one, two
}

// pauses is what an instance tells of secure pauses.
func (i *instance) pauses(want ...string) {
	i.t.Helper()
	var got []string
	for _, d := range i.sends() {
		if d.Verb == recording.Pause || d.Verb == recording.Resume {
			got = append(got, words([]*recording.CallData{d})...)
		}
	}
	if !slices.Equal(got, want) {
		i.t.Errorf("told %q, want %q", got, want)
	}
}

// The phone rings in a secure pause, the leader freezes, and the next one tells the end of the
// pause and is not shown the answer. What wakes up tells that, and not the pause with it, since
// that is over and told to be over.
func TestAStartThatIsToldLateTellsNoPauseThatIsOver(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	rings, other := on(), on()
	rings.State, rings.Connected = "alerting", time.Time{}
	other.ID, other.UserID = "other", "ub"
	one.hears(0, "rings", caller(), rings, other)
	for _, i := range []*instance{one, two} {
		i.hearsOf("ub", 1, "rings", caller(), rings, other)
	}
	one.sends()
	two.reads()
	frozen := r.now
	over := rings
	over.SecurePause = call.No
	r.wait(2 * time.Second)
	one.Follow()
	two.Lead(2)
	two.hearsOf("ub", 1, "over", caller(), over, talking("other", "ub"))
	two.sends()
	if d := r.last(); d.Leg.SecurePause {
		t.Fatal("the next leader has not told the end of the pause")
	}
	r.wait(2 * time.Second)
	one.Hush(frozen, r.now.Add(500*time.Millisecond))
	one.reads()
	for k, leg := range []call.Participant{on(), talking("leg", "ua")} {
		rest := talking("other", "ub")
		rest.SecurePause = leg.SecurePause
		one.hearsOf("ub", 1, []string{"answers", "over"}[k], caller(), leg, rest)
		one.hears(0, []string{"answers", "over"}[k], caller(), leg, rest)
	}
	r.wait(600 * time.Millisecond)
	one.sees(call.ViewREST, caller(), talking("leg", "ua"), talking("other", "ub"))
	two.works(one)
	r.wait(100 * time.Millisecond)
	two.works(one)
	one.looks()
	for _, d := range one.sends() {
		if d.Leg.SecurePause || d.Verb == recording.Resume {
			t.Errorf("told %s %s, paused: %v", d.Verb, d.Cause, d.Leg.SecurePause)
		}
	}
	if d := r.last(); d.Leg.ID != "leg" || d.State != recording.Recording {
		t.Errorf("at last leg %s is %s", d.Leg.ID, d.State)
	}
}

// The phone rings in a secure pause, and only the standby is shown the answer. The leader tells the
// end of the pause to the ringing phone. Who leads next tells the start as it was, and then the end.
func TestAStartInAPauseThatIsToldLateTellsThePauseAndItsEnd(t *testing.T) {
	for _, how := range []string{"reads first", "hears first", "hears the end", "hears another one", "reads another one"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t)
			one, two := r.instance("one"), r.instance("two")
			one.Lead(1)
			rings, other := on(), on()
			rings.State, rings.Connected = "alerting", time.Time{}
			other.ID, other.UserID = "other", "ub"
			one.hears(0, "rings", caller(), rings, other)
			for _, i := range []*instance{one, two} {
				i.hearsOf("ub", 1, "rings", caller(), rings, other)
			}
			one.sends()
			two.reads()
			one.Follow()
			two.Lead(2)
			r.wait(2 * time.Second)
			one.hears(0, "answers", caller(), on(), other)
			r.wait(200 * time.Millisecond)
			over := rings
			over.SecurePause = call.No
			two.hearsOf("ub", 1, "over", caller(), over, talking("other", "ub"))
			two.sends()
			if d := r.last(); d.Leg.SecurePause {
				t.Fatal("the leader has not told the end of the pause")
			}
			want := []string{"start established paused leg", "resume secure_resumed recording leg"}
			if how == "reads first" {
				one.reads()
			}
			one.hearsOf("ub", 1, "over", caller(), over, talking("other", "ub"))
			one.hears(0, "over", caller(), talking("leg", "ua"), talking("other", "ub"))
			switch how {
			case "hears the end":
				gone := talking("leg", "ua")
				gone.State, gone.End, gone.DisconnectType = "terminated", r.now, "client"
				one.hears(0, "gone", caller(), gone, talking("other", "ub"))
				want = append(want, "stop cleared stopped leg")
			case "hears another one": // so that one is on
				r.wait(200 * time.Millisecond)
				one.hears(0, "again", caller(), on(), other)
				want = []string{"start established paused leg", "pause secure_paused paused other"}
			case "reads another one": // that is not known to be over
				r.wait(200 * time.Millisecond)
				two.hearsOf("ub", 1, "again", caller(), rings, other)
				two.sends()
				want = want[:1]
			}
			one.reads()
			two.Follow()
			one.Lead(3)
			var told []string
			for _, d := range one.sends() {
				told = append(told, fmt.Sprint(d.Verb, " ", d.Cause, " ", d.State, " ", d.Leg.ID))
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("told otherwise (-want +got):\n%s", diff)
			}
		})
	}
}
