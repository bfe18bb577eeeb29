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
		r.wait(1100 * time.Millisecond)
		if asked := two.Asks(r.now); len(asked) != 0 {
			t.Fatalf("after %d events: asks %v, of which was shown only what had waited", before, asked)
		}
		r.wait(200 * time.Millisecond)
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

// What the standby reads is history, and what its topic shows then is where that leads: nothing is asked.
func TestHistoryIsNotDenied(t *testing.T) {
	for told := range 4 {
		r, one, two := pair(t)
		steps := mutes()[1:3]
		shown := talking("leg", "ua")
		for k := range told {
			r.wait(time.Second)
			shown = steps[(k+1)%2]
			one.hears(0, changes[k], caller(), shown)
			one.sends()
		}
		r.wait(100 * time.Millisecond)
		two.sees("ua", caller(), talking("leg", "ua")) // before it reads
		two.reads()
		for range 3 {
			r.wait(1100 * time.Millisecond)
			two.sees("ua", caller(), shown)
			if asked := two.Asks(r.now); len(asked) != 0 {
				t.Fatalf("asks after %d steps", told)
			}
		}
		one.works(two)
		two.standsIn()
	}
}

// REST does not know the leg that it is asked about: that is one question, however often the topic
// speaks.
func TestADeniedStepIsAskedAboutOnce(t *testing.T) {
	r, one, two := pair(t)
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update muted")
	r.wait(10 * time.Millisecond)
	two.sees("ua", caller(), talking("leg", "ua"))
	two.reads()
	questions := 0
	for range 10 {
		r.wait(1100 * time.Millisecond)
		two.sees("ua", caller(), talking("leg", "ua"))
		questions += len(two.Asks(r.now))
		two.sees(call.ViewREST, caller())
	}
	if questions != 1 {
		t.Errorf("%d questions", questions)
	}
}

// The leader reads what was told for it, its own topic denies it well after that, and REST says nothing.
// When its patience is over it trusts its topic.
func TestATopicIsTrustedWhenNobodyAnswers(t *testing.T) {
	r, one, two := hidden(t)
	r.wait(600 * time.Millisecond)
	one.works(two)
	two.standsIn("update muted")
	one.reads()
	r.wait(1100 * time.Millisecond)
	one.sees("ua", caller(), talking("leg", "ua"))
	one.expects()
	for range 29 {
		r.wait(time.Second)
		one.Tick(r.now)
		one.expects()
	}
	r.wait(3 * time.Second)
	one.Tick(r.now)
	one.expects("update unmuted")
}
