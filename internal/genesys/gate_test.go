package genesys //nolint:testpackage // the gate is private, and only virtual time shows how long it waits

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func limits(count, allowed, reset int) http.Header {
	h := http.Header{}
	h.Set("inin-ratelimit-count", strconv.Itoa(count))
	h.Set("inin-ratelimit-allowed", strconv.Itoa(allowed))
	h.Set("inin-ratelimit-reset", strconv.Itoa(reset))
	return h
}

// pass makes one call and returns how long it had to wait.
func pass(t *testing.T, g *gate, p Priority, status int, h http.Header) time.Duration {
	t.Helper()
	began := time.Now()
	token, err := g.enter(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	waited := time.Since(began)
	g.leave(token, status, h)
	return waited
}

func TestGateKeepsShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		// The platform says: 100 per window, 50 are used, it ends in 30 s.
		pass(t, g, PriorityPeriodic, 200, limits(50, 100, 30))
		for _, c := range []struct {
			p    Priority
			used int // afterwards
		}{{PriorityLegs, 65}, {PriorityDiscovery, 75}, {PriorityDoubts, 80}, {PriorityPauses, 85}, {PriorityChannels, 96}} {
			if w := pass(t, g, c.p, 200, limits(c.used, 100, 30)); w != 0 {
				t.Errorf("priority %d waited %s below its share", c.p, w)
			}
		}
		if w := pass(t, g, PriorityDoubts, 200, limits(66, 100, 60)); w != 30*time.Second {
			t.Errorf("doubts waited %s, want until the window ends", w)
		}
		if w := pass(t, g, PriorityLegs, 200, limits(1, 100, 60)); w != time.Minute {
			t.Errorf("legs waited %s, want until the window ends", w)
		}
	})
}

func TestGateWithoutHeadersCountsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		for i := range defaultAllowed {
			if w := pass(t, g, PriorityChannels, 200, nil); w != 0 {
				t.Fatalf("call %d waited %s", i, w)
			}
		}
		if w := pass(t, g, PriorityChannels, 200, nil); w != time.Minute {
			t.Errorf("the call above the limit waited %s", w)
		}
	})
}

func TestGateObeysRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		h := http.Header{}
		h.Set("Retry-After", "7")
		pass(t, g, PriorityLegs, 429, h)
		if w := pass(t, g, PriorityChannels, 200, nil); w != 7*time.Second {
			t.Errorf("waited %s, want 7s for every priority", w)
		}
		h.Set("Retry-After", time.Now().Add(5*time.Second).UTC().Format(http.TimeFormat))
		pass(t, g, PriorityLegs, 429, h)
		if w := pass(t, g, PriorityLegs, 200, nil); w < 4*time.Second || w > 5*time.Second {
			t.Errorf("waited %s for a date in 5s", w)
		}
		pass(t, g, PriorityLegs, 429, limits(300, 300, 9))
		if w := pass(t, g, PriorityChannels, 200, nil); w != 9*time.Second {
			t.Errorf("waited %s, want until the window ends", w)
		}
		h.Set("Retry-After", "99999999")
		pass(t, g, PriorityLegs, 429, h)
		if w := pass(t, g, PriorityLegs, 200, nil); w != longestBlock {
			t.Errorf("waited %s: nonsense is bounded", w)
		}
	})
}

func TestGateCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		pass(t, g, PriorityLegs, 200, limits(300, 300, 60))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		token, err := g.enter(ctx, PriorityLegs)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		g.leave(token, 0, nil)
		if g.inflight != 0 {
			t.Errorf("%d calls in flight", g.inflight)
		}
	})
}

// An answer that gives room wakes those who wait.
func TestGateWakesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		token, err := g.enter(t.Context(), PriorityLegs)
		if err != nil {
			t.Fatal(err)
		}
		pass(t, g, PriorityLegs, 200, limits(299, 300, 60))
		done := waiting(t, g, PriorityLegs)
		time.Sleep(time.Second)
		g.leave(token, 200, limits(1, 300, 60))
		if w := <-done; w != time.Second {
			t.Errorf("waited %s", w)
		}
	})
}

// waiting makes a call on another goroutine, and returns how long it had to wait.
func waiting(t *testing.T, g *gate, p Priority) <-chan time.Duration {
	t.Helper()
	began, done := time.Now(), make(chan time.Duration, 1)
	go func() {
		token, err := g.enter(t.Context(), p)
		if err != nil {
			t.Error(err)
		}
		done <- time.Since(began)
		g.leave(token, 200, nil)
	}()
	synctest.Wait()
	return done
}

// When the window of a token is used up, or the platform wants no calls for a while, one
// call on a new token does not wait. What it is told counts, and what the old token is
// told then does not.
func TestGateTriesANewToken(t *testing.T) {
	for _, refused := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := newGate()
			old, err := g.enter(t.Context(), PriorityLegs)
			if err != nil {
				t.Fatal(err)
			}
			status := 200
			if refused {
				status = 429
			}
			pass(t, g, PriorityChannels, status, limits(300, 300, 60))
			done := waiting(t, g, PriorityChannels)
			time.Sleep(time.Second)
			g.renewed()
			if w := <-done; w != time.Second {
				t.Errorf("the first call on the new token waited %s", w)
			}
			// Its answer said nothing of a window: this one counts on.
			if w := pass(t, g, PriorityChannels, 200, limits(1, 300, 60)); w != 59*time.Second {
				t.Errorf("the second call waited %s", w)
			}
			g.leave(old, 200, limits(300, 300, 60))
			if w := pass(t, g, PriorityPeriodic, 200, limits(300, 300, 60)); w != 0 {
				t.Errorf("a call waited %s for what the old token was told", w)
			}
			g.renewed()
			if w := pass(t, g, PriorityPeriodic, 200, limits(2, 300, 60)); w != 0 {
				t.Errorf("the first call on the third token waited %s", w)
			}
			if w := pass(t, g, PriorityPeriodic, 429, limits(300, 300, 9)); w != 0 {
				t.Errorf("a call waited %s although its window is empty", w)
			}
			g.renewed()
			pass(t, g, PriorityChannels, 200, limits(3, 300, 60))
			if w := pass(t, g, PriorityChannels, 200, nil); w != 0 {
				t.Errorf("a call waited %s: another token was refused", w)
			}
		})
	}
}

func TestBackoffBounds(t *testing.T) {
	for n := range 100 {
		d := backoff(n, 100*time.Millisecond, 10*time.Second)
		full := min(10*time.Second, 100*time.Millisecond<<min(n, 20))
		if d < full/2 || d > full {
			t.Errorf("try %d: %s, want between %s and %s", n, d, full/2, full)
		}
	}
}
