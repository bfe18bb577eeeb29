package bridge

import (
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// The platform may show a step to one instance and not to the other: it drops frames, and
// a channel may starve while it lives. What only the standby was shown would be lost, or
// told when it leads. So the standby stands in for a leader that works and has not told
// the step: one that has told of something that came later, for as long as a frame may
// take, and nothing later of this leg. The compare-and-set makes it safe: what the leader
// tells at the same moment is told once.
//
// A leader that does not work is the business of the lease. One that heard of the leg
// later knows better than we do what is now, since every frame is complete, but not what was
// for a while.

const (
	// alone is how long a standby waits for the leader to tell a step.
	alone = 500 * time.Millisecond
	// beginning is how long it leaves to a leader that has just begun what was there before: there may
	// be thousands of steps that nobody could tell, and the first one told need not be the oldest.
	beginning = time.Second
)

// standIn returns the next event of a leg about which the leader was not shown what this
// instance was.
func (l *legLane) standIn(c *Core, now time.Time) *flight {
	if l.seen != nil && l.published != nil {
		l.tighten(l.public) // an end of a pause that came back is not told
		l.disagree(c)
	}
	l.verify(c, now)
	if !l.forsaken(c, now) {
		return nil
	}
	e := l.pending[0]
	if l.lastWords(c, &e) && l.pending[0].Kind != call.SecureOff && l.forsaken(c, now) {
		e = l.pending[0]
	}
	if e.Kind == call.SecureOn && l.seen.SecurePause {
		return nil // see sacred
	}
	if c.endsEarly(l, &e, now) {
		return nil
	}
	if e.Kind == call.SecureOff && !l.resumes(c, &e) {
		return nil
	}
	if l.published != nil && e.Phase() == call.Unknown {
		e.After = l.public.Step(e.Key)
	}
	f := l.stepOf(c, l.described(c, &e), &e, now)
	f.standsIn = true
	return f
}

// disagree makes steps pending that nobody was shown and that follow from what our own topic
// has shown since the last event: REST was asked, and agrees.
func (l *legLane) disagree(c *Core) {
	if len(l.pending) > 0 || !l.settle || l.awaits() {
		return
	}
	seen, asked := c.tracker.Seen(l.id), c.answered[l.id.Conversation]
	if !seen.After(l.published.Timing.Received.Time) || !asked.After(seen) || !l.differs(c) {
		return
	}
	// It may have happened after our topic spoke.
	l.level(c, call.Edge{Occurred: asked, Estimated: true, Received: asked})
}

// forsaken reports whether the leg's next step is one that a working leader should have
// told.
func (l *legLane) forsaken(c *Core, now time.Time) bool {
	if len(l.pending) == 0 || l.seen == nil || l.history {
		return false
	}
	e := &l.pending[0]
	due := l.due(c, e)
	if e.Reconciled || now.Before(due) || c.leaderTold.Before(due) {
		return false
	}
	if l.published == nil {
		return true
	}
	told := l.published.Timing.Received.Time
	return e.Received.After(told) || l.own && e.Received.Equal(told) || l.isOver()
}

// due is when a working leader that was shown a step must have told it.
func (l *legLane) due(c *Core, e *call.Edge) time.Time {
	due := e.Received.Add(alone)
	if atIt := l.written.Add(alone); !l.own && due.Before(atIt) {
		due = atIt // one step after the other: that takes as long as there are many
	}
	if begun := c.leaderBegan.Add(beginning); e.Received.Before(c.leaderBegan) && due.Before(begun) {
		due = begun
	}
	return due
}

// isOver reports whether the next steps, as far as the phase stays, lead back to what is told. A
// secure pause that is over is nothing to be told late.
func (l *legLane) isOver() bool {
	steps := l.pending
	if i := slices.IndexFunc(steps, func(e call.Edge) bool { return e.Phase() != call.Unknown }); i >= 0 {
		steps = steps[:i]
	}
	return len(steps) > 0 && steps[0].Kind != call.SecureOn && steps[0].Kind != call.SecureOff && l.tells(steps).Equal(l.public)
}

// verify has REST asked about the end of a secure pause that the leader is late to tell, so that the
// answer is there when its time is over. The leader may have been shown something else, and of two
// views the one that pauses is right until then.
func (l *legLane) verify(c *Core, now time.Time) {
	if len(l.pending) == 0 {
		return
	}
	e, id := &l.pending[0], l.id.Conversation
	_, asked := c.wonders[id]
	if e.Kind == call.SecureOff && !now.Before(e.Received.Add(firstAsk)) && !asked && !c.answered[id].After(e.Received) {
		c.wonder(id, now.Add(c.opts.Patience), now, 0)
	}
}

// resumes reports whether a secure pause is over for sure: REST has said so since the topic did.
func (l *legLane) resumes(c *Core, e *call.Edge) bool {
	return c.answered[l.id.Conversation].After(e.Received) && !l.seen.SecurePause
}

// A standby that stands in as often within as long is better off than the leader.
const (
	oftenStoodIn = 3
	lately       = 3 * time.Second
)

func (c *Core) stoodIn(now time.Time) {
	c.stood[c.stats.StoodIn%oftenStoodIn] = now
	c.stats.StoodIn++
}

// StandsIn reports whether this instance tells again and again what the leader was not
// shown.
func (c *Core) StandsIn(now time.Time) bool {
	for _, at := range c.stood {
		if now.Sub(at) > lately {
			return false
		}
	}
	return !c.leading
}

// StandIn looks for steps that a working leader has not told. The standby wants it some
// times a second.
func (c *Core) StandIn() {
	// As of the last look: events that were stored together are not read in the order in
	// which their steps came.
	c.leaderTold, c.leaderLooked = c.leaderLooked, c.leaderHeard
	if c.leading {
		return
	}
	for _, w := range c.working() {
		if l, ok := w.owner.(*legLane); ok && len(l.pending) > 0 && l.flight == nil {
			c.enqueue(w)
		}
	}
}

// hears notes until when the leader has heard of everything that it will tell, as far as
// its own word goes.
func (c *Core) hears(instance string, received time.Time) {
	if instance != c.opts.Instance && received.After(c.leaderHeard) {
		c.leaderHeard = received
	}
}
