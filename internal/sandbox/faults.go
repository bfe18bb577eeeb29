package sandbox

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// Faults lists the faults of the platform that the sandbox can inject.
func Faults() []simulator.FaultKind {
	return []simulator.FaultKind{
		simulator.FaultCut, simulator.FaultSilence, simulator.FaultStarve, simulator.FaultDelay,
		simulator.FaultReorder, simulator.FaultDuplicate, simulator.FaultDrop, simulator.FaultEvict,
		simulator.FaultExpireTokens, simulator.FaultRevokeTokens, simulator.FaultMaintenance,
		simulator.FaultMalformed, simulator.FaultOversized, simulator.FaultREST,
	}
}

// shape gives a fault its parameters. Some hit one channel, which is one instance in
// an organization of this size; some hit everybody; some either.
func shape(kind simulator.FaultKind, channels []simulator.ChannelInfo, rng *rand.Rand) simulator.Fault {
	f := simulator.Fault{Kind: kind}
	one := func() {
		if len(channels) > 0 {
			f.Channel = channels[rng.IntN(len(channels))].ID
		}
	}
	switch kind { //nolint:exhaustive // The others need nothing.
	case simulator.FaultCut, simulator.FaultEvict, simulator.FaultMaintenance:
		if rng.IntN(2) == 0 {
			one()
		}
	case simulator.FaultSilence:
		// Longer than the 45 s after which a client must have noticed by itself.
		one()
		f.For = time.Minute
	case simulator.FaultStarve:
		one()
		f.For = 20 * time.Second
	case simulator.FaultDelay:
		f.For, f.Delay = 3*time.Second, 300*time.Millisecond
	case simulator.FaultReorder:
		f.For, f.Delay, f.Fraction = 3*time.Second, 200*time.Millisecond, 0.3
		f.WithinTopic = rng.IntN(2) == 0
	case simulator.FaultDuplicate:
		f.For, f.Delay, f.Fraction = 3*time.Second, 500*time.Millisecond, 0.5
	case simulator.FaultDrop:
		f.For, f.Fraction = 3*time.Second, 0.3
	case simulator.FaultREST:
		f.For, f.Count = 4*time.Second, 10
		modes := []string{simulator.ModeStatus, simulator.ModeHang, simulator.ModeHTML, simulator.ModeOKError, simulator.ModeGarbage}
		f.Mode = modes[rng.IntN(len(modes))]
		status := []int{429, 500, 503}
		f.Status = status[rng.IntN(len(status))]
	}
	return f
}

// plague injects one of the faults about every FaultEvery until ctx ends.
func (s *session) plague(ctx context.Context) {
	rng := rand.New(rand.NewPCG(s.Seed, 0xfa0175)) //nolint:gosec // A test that can be repeated.
	var blindUntil time.Time
	for {
		// Between half and one and a half of the interval.
		sleep(ctx, time.Duration(float64(s.FaultEvery)*(0.5+rng.Float64())))
		if ctx.Err() != nil {
			return
		}
		kind := s.Options.Faults[rng.IntN(len(s.Options.Faults))]
		fault := shape(kind, connected(s.org.Channels()), rng)
		if blinds(kind) {
			// One instance at a time: two that see nothing have nothing to tell.
			if time.Now().Before(blindUntil) {
				continue
			}
			blindUntil = time.Now().Add(fault.For)
		}
		record, err := s.org.Inject(fault)
		if err != nil {
			s.problem("inject a fault: %v", err)
			continue
		}
		s.show.fault(record)
	}
}

// blinds tells whether a fault lets a channel live and deliver nothing for long.
func blinds(kind simulator.FaultKind) bool {
	return kind == simulator.FaultSilence || kind == simulator.FaultStarve
}

func connected(channels []simulator.ChannelInfo) []simulator.ChannelInfo {
	var up []simulator.ChannelInfo
	for _, c := range channels {
		if c.Connected && !c.Starved {
			up = append(up, c)
		}
	}
	return up
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
