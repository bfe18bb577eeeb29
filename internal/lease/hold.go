package lease

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"
)

// hold is one call of Hold: a campaign and, when won, a term.
type hold struct {
	*Lease
	ours    record
	value   []byte // ours, encoded
	events  chan Entry
	foreign uint64 // revision of the unreadable value reported last
}

func newHold(l *Lease) *hold { return &hold{Lease: l, events: make(chan Entry)} }

// Fractions of the TTL; the package doc explains them.
func (h *hold) renewEvery() time.Duration { return h.options.TTL / 5 }
func (h *hold) timeout() time.Duration    { return h.options.TTL / 5 }
func (h *hold) retry() time.Duration      { return h.options.TTL / 20 }
func (h *hold) trusted() time.Duration    { return h.options.TTL * 4 / 5 }

// The safety poll, while nothing is heard of the holder, and how often the gate is
// asked. Neither may add much to the TTL when the holder has died.
func (h *hold) poll() time.Duration      { return min(h.options.TTL/10, 300*time.Millisecond) }
func (h *hold) gateEvery() time.Duration { return min(h.retry(), 100*time.Millisecond) }

// run watches the key for as long as it campaigns and holds.
func (h *hold) run(ctx context.Context, fn func(context.Context, Term) error) error {
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watcher sync.WaitGroup
	watcher.Go(func() { h.watch(watching) })
	defer watcher.Wait()
	defer stop()

	h.ours = record{Instance: h.options.Instance, Nonce: rand.Text(), Since: time.Now().UTC()}
	var err error
	if h.value, err = json.Marshal(h.ours); err != nil {
		return fmt.Errorf("encode lease %s: %w", h.options.Key, err)
	}
	won, err := h.campaign(ctx)
	if err != nil {
		return fmt.Errorf("campaign for lease %s: %w", h.options.Key, err)
	}
	return h.lead(ctx, won, fn)
}

// watch delivers what happens to the key. It is a help, not a need: the
// safety poll and the renewals find out everything, only later.
func (h *hold) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := h.options.Store.Watch(ctx, h.options.Key, func(e Entry) {
			select {
			case h.events <- e:
			case <-ctx.Done():
			}
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			h.log.Debug("watch of the lease ended, watching again", "error", err.Error())
		}
		select {
		case <-time.After(h.retry()):
		case <-ctx.Done():
		}
	}
}

// claim is a lease just won.
type claim struct {
	number   uint64    // of the term
	revision uint64    // last one we wrote
	sent     time.Time // when that write was sent
}

// campaign returns when the lease is ours or ctx ended.
func (h *hold) campaign(ctx context.Context) (claim, error) {
	attempt := time.NewTimer(h.soon())
	defer attempt.Stop()
	unanswered := false // an earlier attempt of ours may be stored
	for {
		select {
		case <-ctx.Done():
			return claim{}, context.Cause(ctx)
		case e := <-h.events:
			switch mine := h.observe(e); {
			case mine:
				if won, ok := h.confirm(ctx, e.Revision); ok {
					return won, nil
				}
			case e.Deleted:
				attempt.Reset(h.soon())
			default: // it lives for another TTL, unless it is renewed or released
				attempt.Reset(h.options.TTL + h.poll() + h.options.Delay)
			}
		case <-attempt.C:
			if wait := h.mayAttempt(); wait > 0 {
				attempt.Reset(wait)
				continue
			}
			won, err := h.create(ctx)
			if err == nil {
				return won, nil
			}
			var taken *ConflictError
			if !errors.As(err, &taken) {
				unanswered = true
				attempt.Reset(h.retry())
				continue
			}
			if unanswered {
				if e, err := h.get(ctx); err == nil && e.Revision >= taken.Revision && h.mine(e) {
					if won, ok := h.confirm(ctx, e.Revision); ok {
						return won, nil
					}
				}
			}
			attempt.Reset(h.poll() + mathrand.N(h.poll()) + h.options.Delay)
		}
	}
}

// spread keeps candidates for a free lease apart. It is short because a hand-over
// waits for it; two that meet all the same cost one refused write.
const spread = 10 * time.Millisecond

// soon is the wait before a free lease is taken.
func (h *hold) soon() time.Duration { return h.options.Delay + mathrand.N(spread) }

// mayAttempt is 0, or how long to wait before asking again.
func (h *hold) mayAttempt() time.Duration {
	h.mu.Lock()
	wait := time.Until(h.paused)
	h.mu.Unlock()
	if wait > 0 {
		return wait
	}
	if !h.options.Gate() {
		return h.gateEvery()
	}
	return 0
}

func (h *hold) create(ctx context.Context) (claim, error) {
	h.count(func(s *Stats) { s.Attempts++ })
	sent := time.Now()
	ctx, cancel := context.WithTimeout(ctx, h.timeout())
	defer cancel()
	revision, err := h.options.Store.Put(ctx, h.options.Key, h.value, 0)
	if err != nil {
		return claim{}, err
	}
	return claim{number: revision, revision: revision, sent: sent}, nil
}

// confirm turns an attempt of ours that turned out to be stored into a claim. It
// was seen through a view that may lag, so only a write proves that it still is.
func (h *hold) confirm(ctx context.Context, revision uint64) (claim, bool) {
	sent := time.Now()
	ctx, cancel := context.WithTimeout(ctx, h.timeout())
	defer cancel()
	next, err := h.options.Store.Put(ctx, h.options.Key, h.value, revision)
	return claim{number: revision, revision: next, sent: sent}, err == nil
}

func (h *hold) get(ctx context.Context) (Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout())
	defer cancel()
	return h.options.Store.Get(ctx, h.options.Key)
}

func (h *hold) mine(e Entry) bool {
	r, ok := parse(e.Value)
	return ok && !e.Deleted && r.Nonce == h.ours.Nonce
}

// observe takes note of the holder and reports whether it is us.
func (h *hold) observe(e Entry) (mine bool) {
	if e.Deleted {
		h.setHolder(Holder{Known: true, Free: true, Revision: e.Revision})
		return false
	}
	r, ok := parse(e.Value)
	if !ok {
		if h.foreign != e.Revision {
			h.foreign = e.Revision
			h.log.Error("the lease holds a value that is none; it counts as held by somebody unknown and is left alone until it expires",
				"revision", e.Revision, "bytes", len(e.Value))
		}
		h.setHolder(Holder{Revision: e.Revision})
		return false
	}
	if r.Nonce == h.ours.Nonce {
		return true
	}
	h.setHolder(Holder{Known: true, Instance: r.Instance, Revision: e.Revision, Since: r.Since})
	return false
}
