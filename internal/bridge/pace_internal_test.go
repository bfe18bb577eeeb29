package bridge

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// refusing accepts no message, and notes when it was asked to take one of a call.
type refusing struct{ at []time.Time }

func (*refusing) Flush() {}

func (r *refusing) Send(m Message) error {
	if strings.Contains(m.Subject, ".call.") {
		r.at = append(r.at, time.Now())
	}
	return errors.New("not now")
}

// running starts an engine that leads.
func running(t *testing.T, out Publisher) *Engine {
	t.Helper()
	e := bare(out)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	e.Do(func(c *Core, _ time.Time) { c.Lead(1) })
	return e
}

// countTicks counts the ticks of some time.
func (e *Engine) countTicks(during time.Duration) (n int) {
	var last time.Time
	for range during / time.Millisecond {
		time.Sleep(time.Millisecond)
		e.Do(func(*Core, time.Time) {
			if e.ticked != last {
				n, last = n+1, e.ticked
			}
		})
	}
	return n
}

// An engine that has nothing to do sleeps, however many legs are open; one with very many looks at a few
// at a time.
func TestTicksAreRareWhereNothingIsDue(t *testing.T) {
	for legs, most := range map[int]int{0: 11, manyLegs: 11, manyLegs + 1: 51} {
		synctest.Test(t, func(t *testing.T) {
			e := running(t, &sentOff{})
			e.Do(func(c *Core, _ time.Time) {
				for n := range legs {
					name := strconv.Itoa(n)
					l := c.newLeg(call.ID{Conversation: "conv", Leg: name}, name)
					l.seen = &call.Leg{Level: call.Level{Phase: call.Connected}}
				}
			})
			time.Sleep(2 * lookEvery)
			if n := e.countTicks(time.Second); n > most || n < most-1 {
				t.Errorf("%d ticks in a second with %d legs, want %d or so", n, legs, most)
			}
		})
	}
}

// What is to be sent again, and what is to be asked, does not wait for the next look.
func TestATickComesWhenSomethingIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &refusing{}
		e := running(t, out)
		time.Sleep(510 * time.Millisecond)
		began := time.Now()
		e.Snapshot(answered("conv", "leg"))
		time.Sleep(3*firstRetry + soonest)
		synctest.Wait()
		want := []time.Duration{0, firstRetry, 3 * firstRetry}
		if len(out.at) != len(want) {
			t.Fatalf("tried %d times, want %d", len(out.at), len(want))
		}
		for i, at := range out.at {
			if late := at.Sub(began) - want[i]; late < 0 || late > soonest {
				t.Errorf("try %d after %s, want %s", i, at.Sub(began), want[i])
			}
		}
		out.at = nil
		asked := time.Now()
		e.Do(func(c *Core, now time.Time) { c.askAt("other", ask{next: now.Add(30 * time.Millisecond)}) })
		time.Sleep(29 * time.Millisecond)
		e.Do(func(c *Core, now time.Time) {
			if len(c.asks) != 1 {
				t.Errorf("nothing is to be asked %s before its time", 30*time.Millisecond-now.Sub(asked))
			}
		})
		time.Sleep(time.Millisecond + soonest)
		synctest.Wait()
		e.Do(func(c *Core, _ time.Time) {
			if len(c.asks) != 0 { // nobody doubts it, so that it is dropped
				t.Error("what is to be asked waits")
			}
		})
	})
}
