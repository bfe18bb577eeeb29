package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// G5: a leader whose channel delivers nothing does not know of the pause. The standby
// knows, waits for half a second, and tells it. It tells nothing else.
func TestStandbyTellsAPauseThatTheLeaderDoesNot(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), talking("leg", "ua"))
	}
	one.sends()
	two.reads()

	paused := talking("leg", "ua")
	paused.SecurePause, paused.Held = call.Yes, call.Yes
	two.sees("ua", caller(), paused)
	r.wait(400 * time.Millisecond)
	if told := two.sends(); len(told) != 0 {
		t.Fatalf("the standby did not wait for the leader: %+v", told)
	}
	r.wait(200 * time.Millisecond)
	told := two.sends()
	if len(told) != 1 || told[0].Verb != recording.Pause || told[0].Cause != recording.SecurePaused {
		t.Fatalf("the standby told %+v", told)
	}
	one.reads()
	one.sees("ua", caller(), paused)
	for _, d := range one.sends() {
		if d.Cause == recording.SecurePaused {
			t.Errorf("the pause is told twice")
		}
	}
	if d := r.last(); d.State != recording.Paused || d.Leg.Held != true {
		t.Errorf("last told %s, held %v", d.State, d.Leg.Held)
	}
}
