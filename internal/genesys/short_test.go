package genesys_test

import (
	"errors"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// spend uses up most of what may be asked: all but what is kept for channels and topics.
func (r *rig) spend(t *testing.T, limit int) {
	t.Helper()
	for r.platform.Status().RateRemaining > limit/5 {
		if _, err := r.platform.Conversation(t.Context(), "unknown", genesys.PriorityChannels); !errors.Is(err, genesys.ErrNotFound) {
			t.Fatal(err)
		}
	}
}

// When requests are short, whether a channel carries its topics is asked all the same: the slot
// does nothing else until it knows.
func TestChannelIsCheckedWhenRequestsAreShort(t *testing.T) {
	const limit = 100
	r := start(t, simulator.Options{Users: 3, EvictionStarves: true, RateLimit: limit}, nil)
	r.ready(t)
	r.spend(t, limit)
	r.inject(t, simulator.Fault{Kind: simulator.FaultEvict})
	r.platform.CheckChannels()
	r.back(t, genesys.CauseStarved)
	r.call(t)
}

// While whoever finds users and counts channels waits for requests, rejected frames are reported,
// and channels are saved.
func TestNothingElseWaitsForRequests(t *testing.T) {
	const limit = 100
	store := &memory{}
	r := start(t, simulator.Options{Users: 3, RateLimit: limit}, func(o *genesys.Options) { o.Store = store })
	r.ready(t)
	r.spend(t, limit) // before the channels are counted
	waitFor(t, "the count to wait", func() bool { return r.platform.Stats().RateWaits > 0 })
	r.inject(t, simulator.Fault{Kind: simulator.FaultMalformed})
	r.back(t, genesys.CauseFrameRejected)
	before, _ := store.Load(t.Context())
	r.inject(t, simulator.Fault{Kind: simulator.FaultEvict})
	r.back(t, genesys.CauseSocketLost)
	waitFor(t, "the new channel to be saved", func() bool {
		data, _ := store.Load(t.Context())
		return len(data) > 0 && string(data) != string(before)
	})
}
