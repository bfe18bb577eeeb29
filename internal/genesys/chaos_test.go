package genesys_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// Faults on top of each other, then peace: everything works again.
func TestManyFaults(t *testing.T) {
	r := start(t, simulator.Options{
		Users: 20, HeartbeatEvery: 20 * time.Millisecond, CloseWarning: 50 * time.Millisecond, RateLimit: 1_000_000,
	}, func(o *genesys.Options) {
		o.Timings.Heartbeat, o.Timings.PingWait = 200*time.Millisecond, 100*time.Millisecond
		o.Timings.Discovery = 100 * time.Millisecond
		o.Timings.RefusedMin, o.Timings.RefusedMax, o.Timings.Grace = time.Millisecond, 20*time.Millisecond, 10*time.Millisecond
		o.Timings.Suspect, o.Timings.Creation = time.Millisecond, time.Millisecond
	})
	kinds := []simulator.FaultKind{
		simulator.FaultCut, simulator.FaultSilence, simulator.FaultStarve, simulator.FaultEvict, simulator.FaultExpireTokens,
		simulator.FaultRevokeTokens, simulator.FaultMaintenance, simulator.FaultMalformed, simulator.FaultOversized,
	}
	statuses := []int{401, 403, 404, 500, 503}
	dice := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		frames := r.platform.Stats().FramesControl
		r.inject(t, simulator.Fault{Kind: kinds[dice.IntN(len(kinds))], Bytes: 1 << 16})
		if dice.IntN(3) == 0 {
			r.inject(t, simulator.Fault{Kind: simulator.FaultREST, Status: statuses[dice.IntN(len(statuses))], Count: 1 + dice.IntN(4)})
		}
		if dice.IntN(3) == 0 {
			r.platform.Suspect([]string{r.org.Users()[0].ID})
		}
		// The next one comes a few heartbeats later, whatever state this one left.
		waitFor(t, "a sign of life", func() bool { return r.platform.Stats().FramesControl > frames+2 })
	}
	r.inject(t, simulator.Fault{Kind: simulator.FaultClear})
	r.until(t, "peace", func() bool { return len(r.down) == 0 && r.platform.Status().Ready })
	// It comes after whatever was still asked for.
	if err := r.platform.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.call(t)
	t.Logf("%+v", r.platform.Stats())
}
