package bridge_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// What an instance knows of the last event is what the stream holds, whoever has told it and
// however little of it was read: the memory of the one before is used again.
func TestTheLastEventIsKnownAsItIsStored(t *testing.T) {
	r, one, two := pair(t)
	queued := func(p call.Participant) call.Participant {
		p.QueueID = "queue"
		return p
	}
	third := call.Participant{ID: "other", Purpose: "external", State: "connected", Direction: "outbound", Address: far, Connected: start}
	both := []*instance{one, two}
	check := func(what string) {
		t.Helper()
		want := *r.last()
		want.Origin = recording.Origin{}
		for k, i := range both {
			i.reads()
			if diff := cmp.Diff(&want, i.Published(call.ID{Conversation: "conv", Leg: "leg"})); diff != "" {
				t.Errorf("%s: instance %d knows otherwise (-stored +known):\n%s", what, k+1, diff)
			}
		}
	}
	epoch := uint64(2)
	tells := func(i *instance, what string, parties ...call.Participant) {
		t.Helper()
		for _, other := range both {
			if other != i {
				other.Follow()
			}
		}
		i.Lead(epoch)
		epoch++
		r.wait(10 * time.Second)
		i.sees("ua", parties...)
		told := i.sends()
		r.wait(10 * time.Second)
		i.Tick(r.now)
		if told = append(told, i.sends()...); len(told) == 0 {
			t.Errorf("%s: nothing was told", what)
		}
		check(what)
		for _, other := range both {
			if other != i {
				other.sees("ua", parties...)
			}
		}
	}
	tells(one, "a third party", caller(), third, talking("leg", "ua"))
	tells(one, "and a mute", caller(), third, muted("leg", "ua"))
	tells(two, "without the third party, by the other one", caller(), muted("leg", "ua"))
	tells(one, "with the third party again", caller(), third, muted("leg", "ua"))
	tells(one, "talking", caller(), third, talking("leg", "ua"))
	tells(one, "muted again", caller(), third, muted("leg", "ua"))
	tells(one, "of a queue", caller(), third, queued(muted("leg", "ua")))
	tells(one, "of a queue, talking", caller(), third, queued(talking("leg", "ua")))
	tells(two, "nobody else", queued(talking("leg", "ua")))
	tells(one, "with the third party once more", caller(), third, talking("leg", "ua"))
}
