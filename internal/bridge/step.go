package bridge

import (
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// A step that is observed becomes pending, or is known to be told, or is in doubt. After a
// freeze that is not judged before the stream is known as well.

// step is one that was observed, and what was known then.
type step struct {
	call.Edge
	leg *legLane
	// said is when it was last said that the secure pause is on, waited since when the
	// notification may have waited, if it did.
	said, waited time.Time
	// old: it may lead from what the stream tells to what was before it. passed: somebody
	// else has told what came after it.
	old, passed bool
}

// consider makes a step pending that nobody has told.
func (l *legLane) consider(c *Core, s *step, now time.Time) {
	e := &s.Edge
	older := l.toldAfter(c, e)
	late := s.passed || l.toldSince(s.waited) || older || l.answeredSince(c, s.waited)
	if reached(l.public, e) {
		return // published by somebody already
	}
	if isPause(*e) && l.toldSince(s.waited) {
		l.clears()
	}
	var over call.Edge
	another := l.isLater(e) && !l.held.IsZero()
	if another {
		over = l.lastHoldOver(e)
	}
	l.doubted = slices.DeleteFunc(l.doubted, func(d call.Edge) bool { return same(d.Key, e.Key) }) // older
	switch {
	case c.echoes.of(l.id, e.Key, e.CorrelationID) && !l.returns(e):
		l.seenAt(e) // this very step is told
	case isPause(*e) && s.said.Before(l.resumed):
		l.doubt(c, e, now) // it was said late: the end of this one is told
	case e.Kind == call.SecureOff && late && l.public.SecurePause:
		l.doubt(c, e, now) // it was said late: this pause began after it
		c.wonder(l.id.Conversation, l.unsure, now, firstAsk)
	case (s.old || late) && e.Phase() == call.Unknown && !l.isLater(e) && l.ever.has(e.Kind):
		switch {
		case l.swallow(c, e, now):
		case older:
			l.hesitate(c, now) // not even at the end is it told
		default:
			l.doubt(c, e, now)
		}
	case l.unmade(e) || l.swallow(c, e, now):
	case l.told(e.Key):
		if another { // so the last one is over
			l.pend(c, &over)
			l.pend(c, e)
		}
	case e.Kind == call.HeldOn && !e.Estimated && !l.isLater(e):
		l.hesitate(c, now) // told already, or older than what is told
	default:
		l.pend(c, e)
	}
}

func (l *legLane) pend(c *Core, e *call.Edge) {
	if l.pending == nil {
		l.pending = c.rooms.edges()
	}
	l.pending = append(l.pending, *e)
	if l.flight == nil {
		c.hasten(&l.lane) // control does not wait for facts
	}
}

// bound drops what is too old to be told, and what is too much.
func (l *legLane) bound(c *Core, now time.Time) {
	if l.published == nil && l.seen.Phase == call.Ended && now.Sub(l.seen.End) > c.opts.Retention {
		l.pending, l.history = nil, true
		c.stats.TooOld++
	}
	if len(l.pending) > c.opts.MaxPending {
		l.collapse(c)
	}
}

// told reports whether a step leads to where the leg is when everything pending is
// published: somebody was faster, and it needs no event.
func (l *legLane) told(k call.Key) bool {
	if l.published == nil || k.Phase() != call.Unknown {
		return false
	}
	level := l.willTell()
	return level.Step(k).Equal(level)
}

// willTell is the level that is told when everything pending is published.
func (l *legLane) willTell() call.Level { return l.tells(l.pending) }

// tells is the level that is told when these steps are published.
func (l *legLane) tells(steps []call.Edge) call.Level {
	level := l.public
	for i := range steps {
		level = steps[i].From(level)
	}
	return level
}

// collapse drops the steps between levels, and keeps start and stop.
func (l *legLane) collapse(c *Core) {
	c.stats.Collapsed++
	l.pending = slices.DeleteFunc(l.pending, func(e call.Edge) bool { return e.Phase() == call.Unknown })
	l.settle = true
}

// postpone keeps a step that is observed in the hush until the hush is over: only then is it
// known what others have told meanwhile. What is too much is not kept.
func (c *Core) postpone(s *step, now time.Time) bool {
	if !c.hush.After(now) {
		return false
	}
	s.old = s.old || s.CorrelationID == "" // else it is known by that
	if len(c.postponed) >= maxEchoes {
		s.old = true
		return false
	}
	s.waited = time.Time{} // what was told since is known better then
	c.postponed = append(c.postponed, *s)
	return true
}

// thaw takes what was observed in the hush, when that is over.
func (c *Core) thaw(now time.Time) {
	if len(c.postponed) == 0 || c.hush.After(now) {
		return
	}
	passed := make(map[*legLane]bool) // a later step of the leg is told: so is what was before
	for i := range slices.Backward(c.postponed) {
		s := &c.postponed[i]
		s.passed = passed[s.leg]
		_, told := c.echoes.change(s.CorrelationID)
		passed[s.leg] = s.passed || told
	}
	for i := range c.postponed {
		s := &c.postponed[i]
		s.leg.consider(c, s, now)
		s.leg.bound(c, now)
		c.enqueue(&s.leg.lane)
	}
	c.postponed = nil
}
