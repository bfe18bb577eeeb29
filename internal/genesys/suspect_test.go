package genesys_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// starved reports whether somebody was reported down as starved.
func (r *rig) starved() bool { return slices.Contains(r.causes(), genesys.CauseStarved) }

// Frames that are late are not lost: the channel is left alone.
func TestLateFramesAreNoStarvation(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, DeliveryDelay: 200 * time.Millisecond}, func(o *genesys.Options) { o.Timings.Grace = time.Second })
	user := r.org.Users()[0]
	for n := range uint64(3) { // however often
		r.org.Call(simulator.Inbound{}).Alert(user).Decline()
		r.platform.Suspect([]string{user.ID})
		waitFor(t, "the verdict", func() bool { s := r.platform.Stats(); return s.Acquitted+s.Replacements > n })
	}
	r.call(t)
	if r.starved() || r.org.ChannelsCreated() != 1 {
		t.Errorf("causes %v, %d channels", r.causes(), r.org.ChannelsCreated())
	}
}

// A channel that delivers to everybody but one is checked first, and replaced when
// something is missing again.
func TestOneUserStarves(t *testing.T) {
	var out logs
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) {
		o.Timings.Grace, o.Logger = 300*time.Millisecond, out.logger()
	})
	deaf, other := r.org.Users()[0], r.org.Users()[1]
	r.inject(t, simulator.Fault{Kind: simulator.FaultDrop, Topic: deaf.ID})
	for strike := range uint64(2) {
		r.platform.Suspect([]string{deaf.ID})
		leg := r.org.Call(simulator.Inbound{}).Alert(other)
		r.seen(t, leg, "alerting")
		waitFor(t, "the verdict", func() bool {
			s := r.platform.Stats()
			return s.Acquitted+s.Replacements > strike
		})
		if got := r.starved(); got != (strike == 1) {
			t.Fatalf("after suspicion %d: starved %v\n%s", strike+1, got, out.String())
		}
	}
	r.inject(t, simulator.Fault{Kind: simulator.FaultClear})
	r.back(t, genesys.CauseStarved)
	r.call(t)
	if n := r.org.ChannelsCreated(); n != 2 {
		t.Errorf("%d channels", n)
	}
}

// The topics of an accused channel are compared: what was taken away comes back
// without another channel.
func TestSuspicionFindsLostTopics(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) { o.Timings.Grace = 300 * time.Millisecond })
	deaf, other := r.org.Users()[0], r.org.Users()[1]
	replaceTopics(t, r.org, accessToken(t, r.org), r.org.Channels()[0].ID, `[{"id":"v2.users.`+other.ID+`.conversations.calls"}]`)
	r.platform.Suspect([]string{deaf.ID})
	r.seen(t, r.org.Call(simulator.Inbound{}).Alert(other), "alerting")
	r.back(t, genesys.CauseChannelLost)
	r.call(t)
	if n := r.org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels", n)
	}
}

// What happened before the user was observed is no reproach to the channel, nor is
// what happened to somebody who is not observed at all.
func TestOldEventsAreNoSuspicion(t *testing.T) {
	var out logs
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) {
		o.Timings.Grace, o.Logger = 50*time.Millisecond, out.logger()
	})
	user := r.org.Users()[0].ID
	r.platform.Missed(user, time.Now().Add(-time.Minute))
	r.platform.Missed(user, time.Now()) // within the error of the clocks
	r.platform.Missed("somebody else", time.Now().Add(time.Hour))
	// A renewal takes longer than the grace.
	if err := r.platform.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := r.platform.Stats(); s.Acquitted != 0 || r.starved() {
		t.Errorf("stats %+v", s)
	}
	// A justified one comes later, and is the only one.
	r.inject(t, simulator.Fault{Kind: simulator.FaultStarve})
	r.platform.Missed(user, time.Now().Add(time.Minute))
	r.back(t, genesys.CauseStarved)
	if n := strings.Count(out.String(), "do not arrive"); n != 1 || r.platform.Stats().Acquitted != 0 {
		t.Errorf("%d verdicts:\n%s", n, out.String())
	}
	if n := r.org.ChannelsCreated(); n != 2 {
		t.Errorf("%d channels", n)
	}
}
