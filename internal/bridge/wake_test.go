package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// The standby was frozen while the leader told a start and a mute, and of the mute its own topic shows
// nothing. What it shows next, a while later, is the end: REST is asked at once and the end is told,
// however many events are read before the notification of the start.
func TestTheEndOfWhatWasToldWhileAsleep(t *testing.T) {
	for before := range 3 {
		r := newRig(t)
		one, two := r.instance("one"), r.instance("two")
		one.Lead(1)
		frozen := r.now
		r.wait(time.Second)
		one.hears(0, "start", caller(), talking("leg", "ua"))
		one.expects("start established")
		r.wait(3 * time.Second)
		one.hears(0, "muted", caller(), muted("leg", "ua"))
		one.expects("update muted")
		r.wait(100 * time.Millisecond)
		two.Hush(frozen, r.now.Add(500*time.Millisecond))
		for ; two.tail < before; two.tail++ {
			if err := two.Stored(&r.stream.log[two.tail], r.now); err != nil {
				t.Fatal(err)
			}
		}
		r.wait(time.Millisecond)
		two.hears(0, "start", caller(), talking("leg", "ua"))
		two.reads()
		r.wait(1300 * time.Millisecond)
		two.hears(0, "over", caller(), talking("leg", "ua"))
		two.looks()
		two.expects()
		if asked := two.Asks(r.now); len(asked) != 1 {
			t.Fatalf("after %d events: asks %v", before, asked)
		}
		r.wait(50 * time.Millisecond)
		two.sees(call.ViewREST, caller(), talking("leg", "ua"))
		r.wait(600 * time.Millisecond)
		one.works(two)
		two.standsIn("update unmuted")
	}
}
