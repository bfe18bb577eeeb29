package bridge

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// What is believed may be behind the views for a moment: a pause that none of them says is
// on is no step, which would have no time either.
func TestPauseThatNobodySaysIsOnIsNoStep(t *testing.T) {
	connected := call.Level{Phase: call.Connected}
	l := &legLane{seen: &call.Leg{Level: connected}}
	l.seen.SecurePause = true
	if e := l.pauseFirst(connected, time.Time{}); e != nil {
		t.Errorf("step %+v", e)
	}
	said := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	if e := l.pauseFirst(connected, said); e == nil || e.Kind != call.SecureOn || !e.Received.Equal(said) {
		t.Errorf("step %+v", e)
	}
}
