package lease

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// term is the state of a lease that is held, owned by lead's goroutine.
type term struct {
	claim
	unanswered time.Time // when the first renewal since the last confirmed one was sent
	lost       error     // set once; then nothing is renewed and nothing released
	suspect    bool
	cancel     context.CancelCauseFunc
}

// renewal is the outcome of one attempt to renew.
type renewal struct {
	sent     time.Time
	revision uint64 // 0: unknown
	lost     error
	seen     *Entry // what the key holds instead, when lost
	err      error  // why unknown
}

// lead runs fn and renews until fn returned, then releases the lease.
func (h *hold) lead(ctx context.Context, won claim, fn func(context.Context, Term) error) error {
	termCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t := &term{claim: won, cancel: cancel}
	h.begin(t)
	defer h.end()

	done := make(chan error, 1)
	go func() {
		done <- fn(termCtx, Term{Number: won.number, Instance: h.ours.Instance, Since: h.ours.Since})
	}()
	// The lease outlives ctx for as long as fn needs to wind down.
	working := context.WithoutCancel(ctx)
	renewed := make(chan renewal, 1)
	busy := false
	next := time.NewTimer(time.Until(won.sent.Add(h.renewEvery())))
	defer next.Stop()
	deadline := time.NewTimer(time.Until(won.sent.Add(h.trusted())))
	defer deadline.Stop()
	for {
		select {
		case err := <-done:
			if busy {
				h.settle(t, <-renewed) // its revision is the one to release
			}
			h.release(working, t)
			if errors.Is(context.Cause(termCtx), ErrResigned) {
				err = errors.Join(ErrResigned, err)
			}
			return errors.Join(t.lost, err)
		case <-next.C:
			if t.lost != nil {
				continue
			}
			busy = true
			last := t.revision
			go func() { renewed <- h.renew(working, last) }()
		case r := <-renewed:
			busy = false
			next.Reset(h.settle(t, r))
			deadline.Reset(time.Until(t.sent.Add(h.trusted())))
		case e := <-h.events:
			h.witness(t, e)
			deadline.Reset(time.Until(t.sent.Add(h.trusted())))
		case <-deadline.C:
			h.doubt(t)
		}
	}
}

func (h *hold) begin(t *term) {
	h.log.Info("holding the lease", "term", t.number)
	h.mu.Lock()
	h.stats.Terms++
	h.resign = t.cancel
	h.mu.Unlock()
	h.setHolder(h.self(t))
}

func (h *hold) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resign = nil
}

func (h *hold) self(t *term) Holder {
	return Holder{Known: true, Instance: h.ours.Instance, Self: true, Suspect: t.suspect, Revision: t.revision, Since: h.ours.Since}
}

// renew writes the key once, and finds out what a conflict means.
func (h *hold) renew(ctx context.Context, last uint64) renewal {
	r := renewal{sent: time.Now()}
	update, cancel := context.WithTimeout(ctx, h.timeout())
	defer cancel()
	revision, err := h.options.Store.Put(update, h.options.Key, h.value, last)
	var other *ConflictError
	switch {
	case err == nil:
		r.revision = revision
		return r
	case !errors.As(err, &other):
		r.err = err
		return r
	case other.Revision == 0:
		r.lost = fmt.Errorf("%w: it expired", ErrLost)
		return r
	}
	e, err := h.get(ctx)
	switch {
	case err != nil:
		r.err = err
	case e.Revision < other.Revision:
		r.err = errors.New("the replica that answered lags behind")
	case h.mine(e): // an earlier renewal was stored after all
		r.revision, r.sent = e.Revision, time.Time{}
	default:
		r.lost, r.seen = lostTo(e), &e
	}
	return r
}

// lostTo says who has the lease instead of us.
func lostTo(e Entry) error {
	if e.Deleted {
		return fmt.Errorf("%w: it expired or was deleted", ErrLost)
	}
	if r, ok := parse(e.Value); ok {
		return fmt.Errorf("%w: %s holds it", ErrLost, r.Instance)
	}
	return fmt.Errorf("%w: somebody unknown holds it", ErrLost)
}

// settle applies a renewal and returns when to try the next one.
func (h *hold) settle(t *term, r renewal) time.Duration {
	switch {
	case t.lost != nil:
	case r.lost != nil:
		if r.seen != nil {
			h.observe(*r.seen)
		}
		h.lose(t, r.lost)
	case r.revision == 0:
		h.count(func(s *Stats) { s.Unknown++ })
		h.log.Debug("renewal of the lease without a clear answer, trying again", "error", r.err.Error())
		if t.unanswered.IsZero() {
			t.unanswered = r.sent
		}
		return h.retry()
	default:
		h.confirmed(t, r.revision, r.sent)
	}
	return max(time.Until(t.sent.Add(h.renewEvery())), 0)
}

// confirmed notes that the key is ours. A renewal that was found stored later
// counts from the earliest moment it can have been sent.
func (h *hold) confirmed(t *term, revision uint64, sent time.Time) {
	if sent.IsZero() {
		sent = t.unanswered
	}
	if sent.After(t.sent) {
		t.sent = sent
	}
	t.unanswered = time.Time{}
	t.revision = max(t.revision, revision)
	h.count(func(s *Stats) { s.Renewals++ })
	h.setSuspect(t, time.Since(t.sent) > h.trusted())
	h.setHolder(h.self(t))
}

// witness applies what the watcher saw.
func (h *hold) witness(t *term, e Entry) {
	if e.Revision <= t.revision || t.lost != nil {
		if t.lost != nil {
			h.observe(e)
		}
		return
	}
	if h.observe(e) {
		// A renewal whose answer is still missing; only its acknowledgement or a
		// conflict tells more than that.
		if !t.unanswered.IsZero() {
			h.confirmed(t, e.Revision, time.Time{})
		}
		return
	}
	h.lose(t, lostTo(e))
}

// doubt is the deadline: no renewal was confirmed for too long.
func (h *hold) doubt(t *term) {
	if t.lost != nil || t.suspect {
		return
	}
	h.count(func(s *Stats) { s.Suspected++ })
	h.setSuspect(t, true)
	h.setHolder(h.self(t))
	if h.options.StrictDeadline {
		h.lose(t, fmt.Errorf("%w: not renewed for %v", ErrLost, h.trusted()))
		return
	}
	h.log.Warn("the lease could not be renewed in time; going on until somebody else is known to hold it", "term", t.number)
}

func (h *hold) setSuspect(t *term, suspect bool) {
	if t.suspect != suspect {
		t.suspect = suspect
		h.options.OnSuspect(suspect)
	}
}

// lose ends the term's context for good.
func (h *hold) lose(t *term, why error) {
	t.lost = why
	h.count(func(s *Stats) { s.Lost++ })
	h.log.Warn("lost the lease", "term", t.number, "error", why.Error())
	h.setSuspect(t, false)
	t.cancel(why)
	h.mu.Lock()
	self := h.holder.Self
	h.mu.Unlock()
	if self {
		h.setHolder(Holder{})
	}
}

// release deletes the key at the revision we wrote last. When that fails the key
// expires by itself. A lost lease is left alone.
func (h *hold) release(ctx context.Context, t *term) {
	h.setSuspect(t, false)
	if t.lost != nil {
		return
	}
	h.mu.Lock()
	h.paused = time.Now().Add(h.renewEvery()) // the others first
	h.mu.Unlock()
	err := h.remove(ctx, t.revision)
	if other, ok := errors.AsType[*ConflictError](err); ok {
		// Perhaps an unanswered renewal of ours was stored after all.
		if e, gerr := h.get(ctx); gerr == nil && h.mine(e) && e.Revision >= other.Revision {
			err = h.remove(ctx, e.Revision)
		}
	}
	if err != nil {
		h.log.Warn("could not release the lease, it will expire by itself", "term", t.number, "error", err.Error())
		h.setHolder(Holder{})
		return
	}
	h.log.Info("released the lease", "term", t.number)
	h.setHolder(Holder{Known: true, Free: true, Revision: t.revision})
}

func (h *hold) remove(ctx context.Context, revision uint64) error {
	ctx, cancel := context.WithTimeout(ctx, h.timeout())
	defer cancel()
	return h.options.Store.Delete(ctx, h.options.Key, revision)
}
