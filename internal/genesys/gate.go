package genesys

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Priority orders REST calls when the rate limit runs short.
type Priority int

// The priorities, the most important first.
const (
	PriorityChannels  Priority = iota // channels and topics; used inside
	PriorityPauses                    // calls in a secure pause, of which what is known contradicts itself
	PriorityDoubts                    // other calls of which it does
	PriorityDiscovery                 // users, groups, queues, the list of open calls
	PriorityLegs                      // reads of open calls after a gap
	PriorityPeriodic                  // comparison without an occasion
)

const (
	// defaultAllowed and defaultWindow hold until the platform has told its own.
	defaultAllowed = 300
	defaultWindow  = time.Minute
	// longestBlock bounds what is believed of a Retry-After.
	longestBlock = 10 * time.Minute
)

// gate is the one place where calls wait for the rate limit. The platform tells with
// every answer how much of the window is used; in between the gate counts itself. Each
// priority may use the window up to its share, so that the rest is left to those above.
//
// Each token has a window of its own, or all tokens of a client share one: nobody knows.
// So one call on a new token does not wait, and its answer tells.
type gate struct {
	mu       sync.Mutex
	allowed  int
	used     int
	inflight int
	token    int           // how many there have been
	untried  bool          // no call has been made on the present one
	reset    time.Time     // end of the window
	blocked  time.Time     // after an answer with status 429
	refused  int           // the token that it was given to
	changed  chan struct{} // closed when waiting may be over early
	waits    atomic.Uint64
}

func newGate() *gate {
	return &gate{allowed: defaultAllowed, changed: make(chan struct{})}
}

// share is the part of the window that calls of a priority may use up.
func (g *gate) share(p Priority) int {
	percent := 100
	switch p {
	case PriorityChannels:
	case PriorityPauses:
		percent = 85 // three sessions of channels can be made from the rest
	case PriorityDoubts:
		percent = 80
	case PriorityDiscovery:
		percent = 75
	case PriorityLegs:
		percent = 65
	case PriorityPeriodic:
		percent = 50
	}
	return max(1, g.allowed*percent/100)
}

// renewed says that calls are made on another token from now on.
func (g *gate) renewed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token++
	g.untried = true
	g.wake()
}

// wake lets those look again who wait; the caller holds the lock.
func (g *gate) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// enter waits until a call of this priority may be made. Each enter needs one leave, with
// the token that it returns.
func (g *gate) enter(ctx context.Context, p Priority) (token int, err error) {
	for first := true; ; first = false {
		g.mu.Lock()
		wait := g.wait(p, time.Now())
		if wait > 0 && g.untried {
			wait = 0
		}
		if wait <= 0 {
			g.untried = false
			g.used++
			g.inflight++
			token = g.token
			g.mu.Unlock()
			return token, ctx.Err()
		}
		changed := g.changed
		g.mu.Unlock()
		if first {
			g.waits.Add(1)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			g.mu.Lock()
			g.used++ // balanced by leave
			g.inflight++
			token = g.token
			g.mu.Unlock()
			return token, ctx.Err()
		case <-changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// wait returns how long a call has to wait; the caller holds the lock.
func (g *gate) wait(p Priority, now time.Time) time.Duration {
	if wait := g.blocked.Sub(now); wait > 0 {
		return wait
	}
	if !now.Before(g.reset) {
		g.used = g.inflight
		g.reset = now.Add(defaultWindow)
	}
	if g.used < g.share(p) {
		return 0
	}
	return g.reset.Sub(now)
}

// leave takes in what the answer says about the limit; header is nil without one. An answer
// on an older token tells nothing of the present one.
func (g *gate) leave(token, status int, header http.Header) {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.wake()
	now := time.Now()
	g.inflight--
	if token != g.token {
		return
	}
	if allowed, ok := headerInt(header, "Inin-Ratelimit-Allowed"); ok && allowed > 0 {
		g.allowed = allowed
	}
	if count, ok := headerInt(header, "Inin-Ratelimit-Count"); ok {
		g.used = count + g.inflight
	}
	reset, known := headerInt(header, "Inin-Ratelimit-Reset")
	if known {
		g.reset = now.Add(min(time.Duration(reset)*time.Second, longestBlock))
	}
	if status == http.StatusTooManyRequests {
		pause := retryAfter(header, now)
		if pause == 0 && known {
			pause = time.Duration(reset) * time.Second
		}
		if pause == 0 {
			pause = time.Second
		}
		g.blocked, g.refused = now.Add(min(pause, longestBlock)), token
	} else if header != nil && g.refused != token {
		g.blocked = time.Time{}
	}
}

// closed returns until when even the most important calls wait; zero when they pass.
func (g *gate) closed() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if now.Before(g.blocked) {
		return g.blocked
	}
	if now.Before(g.reset) && g.used >= g.share(PriorityChannels) {
		return g.reset
	}
	return time.Time{}
}

// budget returns the limit of the present window, what is left of it, and its end.
func (g *gate) budget() (allowed, remaining int, reset time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !time.Now().Before(g.reset) {
		return g.allowed, g.allowed - g.inflight, time.Time{}
	}
	return g.allowed, max(0, g.allowed-g.used), g.reset
}

func headerInt(h http.Header, name string) (int, bool) {
	v := strings.TrimSpace(h.Get(name))
	if v == "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || n < 0 || n > 1e9 {
		return 0, false
	}
	return int(n), true
}

// retryAfter reads seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if n, ok := headerInt(h, "Retry-After"); ok {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		return max(0, t.Sub(now))
	}
	return 0
}
