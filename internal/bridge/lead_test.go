package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// TestResumeAfterNewLeaderPausedAgain: the old leader has told the end of a pause, the
// new one has not seen it yet and keeps the leg paused with the next thing it tells.
// Its own notification of the end must then resume the leg: it is not the same end.
func TestResumeAfterNewLeaderPausedAgain(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	paused := talking("leg", "ua")
	paused.SecurePause = call.Yes

	two.Lead(1)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), talking("leg", "ua"))
	}
	two.sends()
	two.Follow()
	one.reads()
	one.Lead(2)
	r.wait(5 * time.Second)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), paused)
	}
	one.sends()
	r.wait(5 * time.Second)
	one.sees("ua", caller(), talking("leg", "ua"))
	one.sends()
	two.reads()
	if d := r.last(); d.Cause != recording.SecureResumed || d.State != recording.Recording {
		t.Fatalf("the old leader told %s %s", d.Cause, d.State)
	}

	// The old leader is gone. The topic of the new one is late, and something changes.
	one.Follow()
	two.Lead(3)
	muted := paused
	muted.Muted = call.Yes
	two.sees("ua", caller(), muted)
	r.wait(time.Second)
	two.sends()
	if d := r.last(); d.State == recording.Recording {
		t.Fatalf("a leg that is believed paused is told as %s", d.State)
	}

	r.wait(time.Second)
	resumed := talking("leg", "ua")
	resumed.Muted = call.Yes
	two.sees("ua", caller(), resumed)
	r.wait(time.Second)
	two.sends()
	if d := r.last(); d.State != recording.Recording || d.Leg.SecurePause {
		t.Errorf("after the end of the pause the leg is told as %s, secure pause %v", d.State, d.Leg.SecurePause)
	}
}

// TestRefreshOfPausedLegStaysPaused: what is told without news keeps the leg as it is told.
func TestRefreshOfPausedLegStaysPaused(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	paused := talking("leg", "ua")
	paused.SecurePause = call.Yes
	i.sees("ua", caller(), paused)
	i.sends()
	r.wait(16 * time.Minute)
	i.Tick(r.now)
	told := i.sends()
	if len(told) != 1 || told[0].Cause != recording.Refreshed || told[0].State != recording.Paused || told[0].Verb != recording.Update {
		t.Errorf("told %+v", told)
	}
}

// TestUpdateNeverChangesState: what a leader tells who believes in a pause of which
// the old one has told the end keeps the leg as it is told, or pauses it.
func TestUpdateNeverChangesState(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	paused := talking("leg", "ua")
	paused.SecurePause = call.Yes
	one.Lead(1)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), talking("leg", "ua"))
	}
	one.sends()
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), paused)
	}
	one.sends()
	two.reads()
	two.Lead(2) // and is asked what it knows
	two.sends()
	two.Follow()
	one.reads()
	r.wait(5 * time.Second)
	one.sees("ua", caller(), talking("leg", "ua"))
	one.Lead(3)
	one.sends()
	two.reads()
	if r.last().State != recording.Recording {
		t.Fatalf("told as %s", r.last().State)
	}
	two.Lead(4)
	other := caller()
	other.Address = "tel:+15550123"
	two.sees("ua", other, paused)
	r.wait(time.Second)
	state := recording.Recording
	for _, d := range two.sends() {
		if d.Verb == recording.Update && d.State != state {
			t.Errorf("an update (%s) leads from %s to %s", d.Cause, state, d.State)
		}
		state = d.State
	}
}

// TestFollowerIsSilent: what had to be sent again is not sent by who leads no more.
func TestFollowerIsSilent(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.sees("ua", caller(), talking("leg", "ua"))
	m := i.Next(r.now)[0]
	i.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Unsure}, r.now)
	i.Follow()
	r.wait(time.Minute)
	i.Tick(r.now)
	i.expects()
	i.Lead(2)
	i.expects("start established")
}

// A message that was refused waits for the tail to show why, and for nothing else.
func TestWhatWasRefusedGoesAsSoonAsTheTailShowsWhy(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	for _, i := range []*instance{one, two} {
		i.Lead(1)
		i.sees("ua", caller(), talking("leg", "ua"))
	}
	one.expects("start established")
	two.sees("ua", caller(), muted("leg", "ua"))
	m := two.Next(r.now)[0]
	two.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Conflict, Sequence: 1}, r.now)
	two.expects()
	two.reads()
	two.expects("update muted")
}

// TestConflictThatTheTailHasOvertaken: the tail may show what stands in the way before
// the broker's answer says so; nothing has to be read then.
func TestConflictThatTheTailHasOvertaken(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.sees("ua", caller(), talking("leg", "ua"))
	i.expects("start established")
	i.sees("ua", caller(), muted("leg", "ua"))
	m := i.Next(r.now)[0]
	i.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Conflict, Sequence: 1}, r.now)
	if loads := i.Loads(); len(loads) != 0 {
		t.Errorf("reads %v", loads)
	}
	i.expects("update muted")
}
