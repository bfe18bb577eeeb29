package bridge

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Observation takes what the platform connection says about itself. When something
// was restored, REST is asked what was missed.
func (e *Engine) Observation(o Observation) {
	e.Do(func(_ *Core, now time.Time) {
		if !o.Up && o.Cause == recording.GapStarted && !e.core.observed.IsZero() && e.core.observed.Before(o.From) {
			o.From = e.core.observed // what came before is somebody else's account
		}
		if e.gaps.observe(o) {
			e.Reconcile()
		}
		e.announceGaps(now)
	})
}

// Reconcile asks for a comparison with REST as soon as possible.
func (e *Engine) Reconcile() {
	e.asked.Add(1)
	select {
	case e.reconcile <- struct{}{}:
	default:
	}
}

// Comparing reports whether a comparison with REST was asked for and is not over: what
// happens meanwhile may be learned from its answers before its notification comes.
func (e *Engine) Comparing() bool { return e.answered.Load() < e.asked.Load() }

// Blind reports whether part of what should be observed is not.
func (e *Engine) Blind() (blind bool) {
	e.Do(func(*Core, time.Time) { blind = e.gaps.blind() })
	return blind
}

// announceGaps writes gaps into the stream as long as this instance leads. What it
// has announced it also closes, leading or not.
func (e *Engine) announceGaps(now time.Time) {
	if leading, _ := e.core.Leading(); !leading {
		return
	}
	for _, g := range e.gaps.missed(e.core.observed) {
		e.opts.Observer.Gap(g.Cause, true)
		opened := g
		opened.To, opened.Recovered, opened.PossiblyLost = recording.Time{}, nil, nil
		opened.RecoveredCount, opened.PossiblyLostCount = 0, 0
		e.announce(recording.FeedData{Event: recording.FeedGapOpened, Gap: opened}, now)
		e.announce(recording.FeedData{Event: recording.FeedGapClosed, Gap: g}, now)
	}
	for _, g := range e.gaps.unannounced() {
		e.opts.Observer.Gap(g.Cause, true)
		e.log.Warn("gap opened", "gap", g.ID, "cause", string(g.Cause), "from", g.From.Time, "all", g.Scope.All, "users", g.Scope.Users)
		e.announce(recording.FeedData{Event: recording.FeedGapOpened, Gap: g}, now)
	}
}

// announce queues a feed event with the present health.
func (e *Engine) announce(d recording.FeedData, now time.Time) {
	if e.opts.Health != nil {
		e.health.fill(&d)
	}
	e.core.Announce(d, now)
}

// Announce queues a feed event.
func (e *Engine) Announce(d recording.FeedData) {
	e.feel()
	e.Do(func(_ *Core, now time.Time) { e.announce(d, now) })
}

func (e *Engine) beat(now time.Time) {
	if leading, _ := e.core.Leading(); !leading {
		return
	}
	e.announceGaps(now)
	if now.Sub(e.core.lastBeat) >= e.opts.Heartbeat {
		e.core.lastBeat = now
		e.announce(recording.FeedData{Event: recording.FeedHeartbeat}, now)
	}
}

// reconciler compares with REST when asked to, and periodically while leading.
func (e *Engine) reconciler(ctx context.Context) {
	ticker := time.NewTicker(e.opts.Reconcile)
	defer ticker.Stop()
	for {
		periodic := false
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			periodic = true
		case <-e.reconcile:
		}
		for wait := time.Second; ; wait = min(2*wait, time.Minute) {
			asked := e.asked.Load()
			err := e.compare(ctx, periodic)
			if err == nil {
				e.answered.Store(asked)
			}
			if err == nil || ctx.Err() != nil {
				break
			}
			e.log.Warn("comparison with the platform failed, trying again", "error", err, "wait", wait.String())
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	}
}

// askers read the questions of each kind.
const askers = 4

// asker reads conversations that contradict themselves.
func (e *Engine) asker(ctx context.Context, questions <-chan string, why Why) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-questions:
			if err := e.read(ctx, id, nil, why); err != nil && ctx.Err() == nil {
				e.log.Warn("a doubtful conversation could not be read", "conversation", id, "error", err)
			}
			e.Do(func(*Core, time.Time) { delete(e.asking, id) })
		}
	}
}

// compare reads every conversation that may have changed unseen: those the platform
// takes for open and those believed open. Every notification shows its conversation
// as a whole, so what was heard of since everything is observed again is left out,
// and where nothing was interrupted, what was heard of since the last comparison.
func (e *Engine) compare(ctx context.Context, periodic bool) error {
	begin := time.Now()
	since := begin.Add(-e.opts.Reconcile)
	var believed []string
	var closing []*gap
	var leading bool
	if !e.Do(func(c *Core, _ time.Time) {
		leading, _ = c.Leading()
		closing = e.gaps.restoredNow()
		for _, g := range closing {
			if g.To.After(since) {
				since = g.To.Time
			}
		}
		believed = c.Believed(since)
		c.recovered, c.recoveredCount = nil, 0
	}) {
		return ctx.Err()
	}
	if periodic && !leading {
		return nil // the leader does it; requests are scarce
	}
	open, err := e.opts.Platform.Open(ctx)
	if err != nil && !errors.Is(err, ErrForbidden) {
		return err
	}
	if err != nil {
		e.log.Warn("open conversations cannot be listed: calls that began unseen stay unseen until they change", "error", err)
	}
	why := WhyGap
	if periodic {
		why = WhyPeriodic
	}
	lost := e.readAll(ctx, believed, open, since, why)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e.opts.Observer.Reconciliation(len(believed)+len(open), len(lost), time.Since(begin))
	if e.awaitEnds(ctx) != nil {
		return ctx.Err()
	}
	var unfinished []string
	e.Do(func(c *Core, now time.Time) {
		if !periodic {
			unfinished = c.Unfinished(now.Add(-c.opts.Grace))
		}
		found := findings{recovered: c.recovered, recoveredCount: c.recoveredCount, lost: c.unread(lost)}
		found.lostCount = len(found.lost)
		for _, g := range e.gaps.close(closing, found) {
			e.opts.Observer.Gap(g.Cause, false)
			e.log.Info("gap closed", "gap", g.ID, "cause", string(g.Cause), "to", g.To.Time, "recovered", g.RecoveredCount, "possibly_lost", g.PossiblyLostCount)
			e.announce(recording.FeedData{Event: recording.FeedGapClosed, Gap: g}, now)
		}
		if leading {
			e.closeForeign(c, begin, found, now)
		}
		c.reconciledAt = now
	})
	e.finish(unfinished)
	return nil
}

// awaitEnds waits until the ends are told that REST has told: a gap closes after them.
func (e *Engine) awaitEnds(ctx context.Context) error {
	var ends time.Time
	e.Do(func(c *Core, _ time.Time) { ends = c.ends })
	if wait := time.Until(ends); wait > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		e.Do(func(*Core, time.Time) {}) // sends them
	}
	return nil
}

// finish has conversations read that are over and lack a wrap-up code, in place of those
// that are still to be read: nothing waits for them, least of all the end of a gap.
func (e *Engine) finish(conversations []string) {
	if len(conversations) == 0 {
		return
	}
	select {
	case <-e.unfinished:
	default:
	}
	e.unfinished <- conversations // only the reconciler puts something there
}

// finisher reads them, one after the other.
func (e *Engine) finisher(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case ids := <-e.unfinished:
			e.readLate(ctx, ids)
		}
	}
}

// betweenLate is left between two of them, so that requests are there for what matters.
const betweenLate = time.Second

// readLate reads conversations until there is a newer list of them.
func (e *Engine) readLate(ctx context.Context, ids []string) {
	for _, id := range ids {
		if ctx.Err() != nil || len(e.unfinished) > 0 {
			return
		}
		if err := e.read(ctx, id, nil, WhyPeriodic); err != nil && ctx.Err() == nil {
			e.log.Debug("a conversation that is over could not be read", "conversation", id, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(betweenLate):
		}
	}
}

// closeForeign closes the gaps that an instance announced which is no longer there:
// another one, or this one before it was started again.
func (e *Engine) closeForeign(c *Core, begin time.Time, found findings, now time.Time) {
	for id, g := range c.feed.gaps {
		if g.closing || e.gaps.mine(id) || g.at.After(begin.Add(-c.opts.Patience)) {
			continue
		}
		g.closing = true
		c.feed.gaps[id] = g
		g.gap.To = recording.At(now)
		found.fill(&g.gap)
		e.announce(recording.FeedData{Event: recording.FeedGapClosed, Gap: g.gap}, now)
	}
}

// readAll reads conversations of which no topic has spoken since a time, several at a
// time, and returns those that could not be read.
func (e *Engine) readAll(ctx context.Context, believed []string, open []Open, since time.Time, why Why) []string {
	calls := make(map[string]map[string]string, len(open))
	known := make(map[string]bool, len(believed))
	for _, id := range believed {
		known[id] = true
	}
	ids := believed
	for _, o := range open {
		calls[o.ID] = o.ProtocolCallIDs
		if !known[o.ID] {
			ids = append(ids, o.ID)
		}
	}
	var mu sync.Mutex
	var lost []string
	var readers sync.WaitGroup
	work := make(chan string)
	for range min(4, len(ids)) {
		readers.Go(func() {
			for id := range work {
				if e.fresh(id, since) {
					continue // its turn came late: it has spoken meanwhile
				}
				if err := e.read(ctx, id, calls[id], why); err != nil {
					mu.Lock()
					lost = append(lost, id)
					mu.Unlock()
				}
			}
		})
	}
	for _, id := range ids {
		select {
		case work <- id:
		case <-ctx.Done():
		}
	}
	close(work)
	readers.Wait()
	slices.Sort(lost)
	return lost
}

// fresh reports whether all that is known of a conversation was heard of since a time.
func (e *Engine) fresh(id string, since time.Time) (fresh bool) {
	e.Do(func(c *Core, _ time.Time) { fresh = c.fresh(id, since) })
	return fresh
}

// read reads one conversation and folds it.
func (e *Engine) read(ctx context.Context, id string, calls map[string]string, why Why) error {
	s, err := e.opts.Platform.Conversation(ctx, id, why)
	if errors.Is(err, ErrGone) {
		e.Do(func(c *Core, now time.Time) { c.Gone(id, now) })
		return nil
	}
	if err != nil {
		return err
	}
	for i := range s.Participants {
		if p := &s.Participants[i]; p.ProtocolCallID == "" {
			p.ProtocolCallID = calls[p.ID]
		}
	}
	e.Snapshot(s)
	return nil
}

// GapsOpen counts the stretches without observation that are not over.
func (e *Engine) GapsOpen() (n int) {
	e.Do(func(*Core, time.Time) { n = len(e.gaps.open) })
	return n
}
