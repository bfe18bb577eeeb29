package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// An answer that lags behind the end of a pause is asked for again until it agrees.
func TestStaleAnswerIsAskedForAgain(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	paused := talking("leg", "ua")
	paused.SecurePause = call.Yes
	running := talking("leg", "ua")
	running.SecurePause = call.No
	i.sees("ua", caller(), running)
	i.sees("ua", caller(), paused)
	i.sends()
	r.wait(500 * time.Millisecond)
	i.sees("ua", caller(), running)
	answers := 0
	for range 100 {
		r.wait(50 * time.Millisecond)
		for range i.Asks(r.now) {
			if answers++; answers == 1 {
				i.sees(call.ViewREST, caller(), paused)
			} else {
				i.sees(call.ViewREST, caller(), running)
			}
		}
		i.sends()
	}
	if d := r.last(); d.State != recording.Recording || answers < 2 {
		t.Errorf("after %d answers the leg is %s", answers, d.State)
	}
}
