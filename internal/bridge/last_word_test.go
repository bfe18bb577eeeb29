package bridge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Nothing can be told of a leg after its end but the reason of it. So an end waits where others
// may know more, and its reason is asked for where it may have changed unseen.

// While the broker was away, the platform has shown a step to the standby alone, and the end of
// the leg to the leader. When the broker is back the end waits for that step, also one that was
// sent and may not have arrived.
func TestAnEndAfterAnOutageWaitsForWhatTheStandbyWasShown(t *testing.T) {
	for _, sent := range []bool{false, true} {
		r, one, two := hidden(t)
		r.wait(time.Second)
		one.sees("ua", caller(), hungUp())
		if sent {
			for _, m := range one.Next(r.now) {
				one.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Unsure}, r.now)
			}
			r.wait(time.Second)
		}
		one.Returned(r.now)
		one.waitsFor(two)
	}
}

// After an outage nobody tells the end at once: neither a standby, when the other one seems to be
// without the leg, nor a leader that lets go.
func TestAnEndAfterAnOutageIsNotToldByWhoDoesNotLead(t *testing.T) {
	r, one, two := pair(t)
	r.wait(time.Second)
	two.sees("ua", caller(), hungUp())
	r.wait(time.Second)
	two.Returned(r.now)
	for range 2 {
		one.works(two)
		two.standsIn()
		r.wait(time.Second)
	}
	one.works(two)
	two.standsIn("stop cleared")
}

// It waits as well when the lead is taken after an outage, and only then.
func TestAnEndWaitsForWhoLedBeforeAnOutage(t *testing.T) {
	for _, outage := range []bool{true, false} {
		r, one, _ := hidden(t)
		one.Follow()
		r.wait(time.Second)
		one.sees("ua", caller(), hungUp())
		if outage {
			one.Returned(r.now)
		}
		r.wait(2 * time.Second)
		one.begins()
		if outage {
			one.expects()
			r.wait(2 * time.Second)
		}
		one.expects("stop cleared")
	}
}

// hungUp is the leg when it is over.
func hungUp() call.Participant {
	p := talking("leg", "ua")
	p.State, p.End, p.DisconnectType = "terminated", start.Add(2*time.Second), "peer"
	return p
}

// corrected is the end of a leg, and the same with another cause, as the platform corrects it.
func corrected(r *rig) (gone, final call.Participant) {
	gone = talking("leg", "ua")
	gone.State, gone.End, gone.DisconnectType = "disconnected", r.now, "transfer"
	final = gone
	final.State, final.DisconnectType = "terminated", "peer"
	return gone, final
}

// The end of a leg comes late, with a cause that the platform has corrected since: what
// was told of it is not undone, neither at once nor when this instance leads.
func TestLateEndHasNoNews(t *testing.T) {
	r, one, two := pair(t)
	gone, final := corrected(r)
	one.sees("ua", caller(), gone)
	one.expects("stop transferred")
	r.wait(time.Second)
	one.sees("ua", caller(), final)
	r.wait(time.Second)
	one.expects("update data_changed")
	r.wait(time.Minute)
	two.reads()
	two.sees("ua", caller(), gone)
	one.Follow()
	two.Lead(2)
	r.wait(time.Second)
	two.expects()
	// What is news is told.
	final.Wrapup = &call.Wrapup{Code: "sold"}
	two.sees("ua", caller(), final)
	r.wait(time.Second)
	two.expects("update wrapped_up")
}

// Each instance is shown two notifications of the end at the same moment, and the leader tells the
// first one and lets go. The next one tells what the second has corrected.
func TestTheLastWordOnTheEndIsTold(t *testing.T) {
	r, one, two := pair(t)
	gone, final := corrected(r)
	two.sees("ua", caller(), gone)
	two.sees("ua", caller(), final)
	r.wait(time.Millisecond)
	one.sees("ua", caller(), gone)
	one.expects("stop transferred")
	two.reads()
	one.sees("ua", caller(), final)
	one.Follow()
	two.Lead(2)
	r.wait(time.Second)
	two.expects("update data_changed")
	if d := r.last(); d.Leg.DisconnectType != "peer" {
		t.Errorf("it ended by %q", d.Leg.DisconnectType)
	}
}

// The leader is shown the end, and neither what corrects it a moment later nor the wrap-up. The
// other one tells both. When the first one leads again it undoes nothing: what it was shown has no
// wrap-up, and is older.
func TestWhoWasNotShownTheWrapupHasNotTheLastWord(t *testing.T) {
	r, one, two := pair(t)
	gone, final := corrected(r)
	one.sees("ua", caller(), gone)
	two.sees("ua", caller(), gone)
	two.sees("ua", caller(), final)
	one.expects("stop transferred")
	two.reads()
	r.wait(300 * time.Millisecond)
	final.Wrapup = &call.Wrapup{Code: "sold"}
	two.sees("ua", caller(), final)
	one.Follow()
	two.Lead(2)
	r.wait(time.Second)
	two.expects("update wrapped_up")
	one.reads()
	two.Follow()
	one.Lead(3)
	r.wait(time.Second)
	one.expects()
	if d := r.last(); d.Leg.DisconnectType != "peer" {
		t.Errorf("it ended by %q", d.Leg.DisconnectType)
	}
}

// The leader has told the end and died, and the next one is shown the corrected end long after: it
// may be older than what is told, so REST is asked. Its answer is told, and what agrees is not.
func TestALateCorrectionOfAnEndIsAskedFor(t *testing.T) {
	for _, corrects := range []bool{true, false} {
		r, one, two := pair(t)
		gone, final := corrected(r)
		if !corrects {
			gone.DisconnectType = "peer" // and now it comes late
			final.DisconnectType = "transfer"
		}
		one.sees("ua", caller(), gone)
		one.sends()
		two.reads()
		two.Lead(2)
		two.expects()
		r.wait(time.Minute)
		two.sees("ua", caller(), final)
		r.wait(time.Second)
		two.expects()
		if asked := two.Asks(r.now); len(asked) != 1 {
			t.Fatalf("asks about %v", asked)
		}
		answer := final
		answer.DisconnectType = "peer"
		two.sees(call.ViewREST, caller(), answer)
		r.wait(time.Second)
		if corrects {
			two.expects("update data_changed")
		} else {
			two.expects()
		}
		if d := r.last(); d.Leg.DisconnectType != "peer" {
			t.Errorf("it ended by %q", d.Leg.DisconnectType)
		}
	}
}

// A standby is shown it and asks nothing. Whoever leads after it reads the legs that ended
// lately, and an answer to an older question is no news.
func TestACorrectionThatWasShownToAStandbyIsReadLater(t *testing.T) {
	r, one, two := pair(t)
	gone, final := corrected(r)
	r.wait(time.Second)
	one.sees("ua", caller(), gone)
	one.sends()
	two.reads()
	r.wait(500 * time.Millisecond)
	two.sees("ua", caller(), final)
	if asked := two.Asks(r.now.Add(time.Minute)); len(asked) != 0 {
		t.Errorf("the standby asks about %v", asked)
	}
	if late := two.Unfinished(r.now.Add(-time.Minute)); len(late) != 1 {
		t.Errorf("%v would be read", late)
	}
	two.Observe(&call.Snapshot{
		ConversationID: "conv", View: call.ViewREST, Asked: r.now.Add(-time.Second), Received: r.now, SecurePause: call.No,
		Participants: []call.Participant{caller(), final},
	}, r.now)
	two.Lead(2)
	r.wait(time.Second)
	two.expects()
}

// The leader dies after it has told the end of a leg, and before it tells another reason. What the
// other instance knows of that end it knows from the leader: REST is asked, and the reason told.
func TestTheReasonOfAnEndIsAskedForWhenTheLeaderDies(t *testing.T) {
	r, one, two := pair(t)
	r.wait(2 * time.Second)
	ended := hungUp()
	ended.DisconnectType = "transfer"
	one.sees("ua", caller(), ended)
	one.expects("stop transferred")
	two.reads()
	two.Lead(2)
	if late := two.Unfinished(r.now.Add(-time.Minute)); !slices.Equal(late, []string{"conv"}) {
		t.Fatalf("asks about %v", late)
	}
	r.wait(time.Second)
	two.sees(call.ViewREST, caller(), hungUp())
	r.wait(time.Second)
	two.expects("update recovered")
	if d := r.last(); d.Leg.DisconnectType != "peer" {
		t.Errorf("ended by %q", d.Leg.DisconnectType)
	}
}

// Nothing is asked about an end that our own topic has shown, or that REST has told us.
func TestAnEndThatIsKnownIsNotAskedFor(t *testing.T) {
	for _, view := range []string{"ua", call.ViewREST} {
		r, one, two := pair(t)
		r.wait(2 * time.Second)
		one.sees(view, caller(), hungUp())
		two.sees("ua", caller(), hungUp())
		r.wait(2 * time.Second)
		one.expects("stop cleared")
		two.reads()
		for _, i := range []*instance{one, two} {
			if late := i.Unfinished(r.now.Add(-time.Minute)); len(late) != 0 {
				t.Errorf("asks about %v", late)
			}
		}
	}
}

// The leader has told a hold, and our own topic has shown neither that nor its end, and then the
// end of the leg. REST agrees: the hold is over before the leg is, whoever was asked first.
func TestAnAnswerAfterTheEndHidesNoEndOfAHold(t *testing.T) {
	for _, asked := range []bool{false, true} {
		r, one, two := pair(t)
		r.wait(time.Second)
		one.sees("ua", caller(), held(r.now))
		one.expects("update held")
		two.reads()
		r.wait(3 * time.Second)
		two.sees("ua", caller(), talking("leg", "ua"))
		two.sees("ua", caller(), hungUp())
		if asked {
			r.wait(100 * time.Millisecond)
			two.sees(call.ViewREST, caller(), hungUp())
		}
		one.Follow()
		two.Lead(2)
		two.expects("update retrieved", "stop cleared")
	}
}
