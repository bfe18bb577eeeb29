package bridge

import (
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// next is the pending edge to publish. A secure pause that is on now does not wait
// behind older steps, and is not left once it is told; everything else goes in the order
// in which it happened.
func (l *legLane) next(c *Core) *call.Edge {
	level := l.public
	l.pending = slices.DeleteFunc(l.pending, func(e call.Edge) bool { return reached(level, &e) })
	switch {
	case level.Phase != call.Connected:
	case l.seen.SecurePause:
		if e := l.pauseNow(level, l.saidPaused(c)); e != nil {
			return e
		}
	case level.SecurePause:
		l.tighten(level)
	}
	if len(l.pending) == 0 {
		return nil
	}
	return &l.pending[0]
}

// promoted prepares the leg for publishing by this instance: facts are compared where
// this instance has heard of the leg since the last event was made.
func (l *legLane) promoted(c *Core) {
	if l.seen != nil && (!l.behind || l.wrapsUp()) && l.facts.IsZero() && l.published != nil && l.knows(c, l.published) {
		l.facts = l.written
	}
}

// knows reports whether our own topic may have shown more than what an event was made of: of two
// notifications a moment apart, each instance may have been shown another one first.
func (l *legLane) knows(c *Core, d *recording.CallData) bool {
	return c.tracker.Seen(l.id).Add(overtaking).After(d.Timing.Received.Time)
}

// compose returns the next event of the leg: the first pending edge, else a refresh,
// else an update of facts.
func (l *legLane) compose(c *Core, now time.Time) *flight {
	if l.seen == nil || l.history {
		return nil
	}
	if !c.leading {
		if f := l.sacred(c, now); f != nil {
			return f
		}
		return l.standIn(c, now)
	}
	first := l.next(c)
	if first != nil && l.lastWords(c, first) {
		first = l.next(c)
	}
	if first != nil && c.endsEarly(l, first, now) {
		return nil
	}
	if first == nil && l.settle && !l.awaits() && l.differs(c) {
		if !l.unsure.IsZero() && !l.asked { // as a standby it need not ask
			l.asked, l.unsure = true, now.Add(c.opts.Patience)
		}
		if l.unsure.After(now) {
			c.wonder(l.id.Conversation, l.unsure, now, firstAsk)
			l.notBefore = l.unsure
			c.park(&l.lane)
			return nil
		}
		l.level(c, call.Edge{Occurred: now, Estimated: true, Received: now, Reconciled: true})
		first = l.next(c)
	}
	if first != nil {
		e := *first
		if l.published != nil && e.Phase() == call.Unknown {
			// A step is taken from what is published, which may be further than what
			// was believed when the step was observed.
			e.After = l.public.Step(e.Key)
		}
		return l.stepOf(c, l.described(c, &e), &e, now)
	}
	if l.published == nil {
		return nil
	}
	if l.published.State != recording.Stopped && now.Sub(l.written) >= c.opts.Refresh {
		d := c.rooms.described()
		c.opts.Policy.Tell(d, l.seen, l.public, recording.Refreshed, now, c.opts.Names)
		return l.flightOf(c, d, call.Key{}, now)
	}
	if l.facts.IsZero() {
		return nil
	}
	cause, differs := control.Differs(&c.compared, l.published, l.seen, c.opts.Names)
	if due := l.facts.Add(c.opts.Coalesce); differs && cause == recording.DataChanged && now.Before(due) {
		l.notBefore = due
		c.park(&l.lane)
		return nil
	}
	l.facts = time.Time{}
	if l.from.Received.IsZero() {
		l.from.Received = now
	}
	d := c.rooms.described()
	ok := c.opts.Policy.Update(d, l.seen, l.published, l.from, c.opts.Names)
	l.from = control.Source{}
	if !ok {
		c.rooms.replaced(d)
		return nil
	}
	return l.flightOf(c, d, call.Key{}, now)
}

// wrapsUp reports whether a wrap-up code is known that is not told: it is news, however
// late.
func (l *legLane) wrapsUp() bool {
	return l.seen.Ending().Wrapup.Code != "" && l.published != nil && l.published.Leg.Wrapup == nil
}

// described is the leg as the event of a step describes it. Where somebody else has told
// the end of a secure pause and no topic has said since that it is on, that one knew better
// than what is believed here: the step tells no pause.
func (l *legLane) described(c *Core, e *call.Edge) *call.Leg {
	level := l.public
	if level.SecurePause || e.Kind == call.SecureOn {
		return l.seen
	}
	if !l.seen.SecurePause {
		// It was on then, where it is not told to be over.
		e.After.SecurePause = e.After.SecurePause && (l.resumed.IsZero() || l.beganPaused(e))
		return l.seen
	}
	// A leg that is not connected has no pause of its own to be told first.
	if level.Phase != call.Connected && !c.tracker.Paused(l.id.Conversation).Before(l.resumed) {
		return l.seen
	}
	leg := *l.seen
	leg.SecurePause, e.After.SecurePause = false, false
	return &leg
}

// beganPaused reports whether a step is the start of a leg in a secure pause of which the end was told
// while the start was not: it is told as it was, and then the end, unless another pause is on.
func (l *legLane) beganPaused(e *call.Edge) bool {
	return e.Phase() == call.Connected && e.After.SecurePause && e.Received.Before(l.resumed) && !l.public.SecurePause
}

// state is the state that was told last.
func (l *legLane) state() recording.State {
	if l.published == nil {
		return ""
	}
	return l.published.State
}

// differs reports whether the levels have to be compared, and are not the same.
func (l *legLane) differs(c *Core) bool {
	l.settle = len(call.Between(l.public, l.goal(c), !l.seen.Facts.Connected.IsZero())) > 0
	return l.settle
}

// goal is the level to be told. Where somebody else has told the end of a secure pause and
// nobody has said since that it is on, that one knew better than what is believed here.
func (l *legLane) goal(c *Core) call.Level {
	level, told := l.seen.Level, l.public
	if level.SecurePause && !told.SecurePause && told.Phase == call.Connected && l.saidPaused(c).Before(l.resumed) {
		level.SecurePause = false
	}
	return level
}

// level compares what is published with what is to be told, and makes the difference
// pending: steps that were learned as the given one.
func (l *legLane) level(c *Core, learned call.Edge) {
	l.settle = false
	// What was doubted and has no time of its own may be older than what it seems to be.
	l.doubted = slices.DeleteFunc(l.doubted, func(e call.Edge) bool { return e.Estimated })
	l.redeem()
	before := l.willTell()
	goal := l.goal(c)
	for _, k := range call.Between(before, goal, !l.seen.Facts.Connected.IsZero()) {
		before = before.Toward(goal, k)
		learned.Key, learned.After = k, before
		l.pending = append(l.pending, learned)
	}
}

// stepOf is the event of a step of the leg as it is described.
func (l *legLane) stepOf(c *Core, as *call.Leg, e *call.Edge, now time.Time) *flight {
	d := c.rooms.described()
	c.opts.Policy.Event(d, as, e, l.state(), c.opts.Names)
	f := l.flightOf(c, d, e.Key, now)
	if l.beganPaused(e) {
		f.resumed = l.resumed
	}
	return f
}

// flightOf is the event with the data, which are what is published when it is stored.
func (l *legLane) flightOf(c *Core, d *recording.CallData, k call.Key, now time.Time) *flight {
	d.Revision, d.Epoch = 1, c.term()
	if l.published != nil {
		d.Revision = l.published.Revision + 1
	}
	d.Origin.Instance = c.opts.Instance
	d.Timing.Published = recording.At(now)
	f := c.rooms.flight()
	f.data, f.id = d.AppendEvent(c.rooms.take(), c.opts.Source)
	f.payload, f.key = d, k
	return f
}

// settled notes that the event in flight is stored.
func (l *legLane) settled(c *Core, f *flight, now time.Time) {
	d, ok := f.payload.(*recording.CallData)
	if !ok {
		return
	}
	if d.Confidence == recording.Reconciled {
		l.ever.add(l.beside(d))
	}
	l.tell(c, d, true, now)
	c.latencies = append(c.latencies, Latency{
		Verb: d.Verb, Cause: d.Cause, Confidence: d.Confidence,
		SinceReceived: now.Sub(d.Timing.Received.Time), SincePublished: now.Sub(d.Timing.Published.Time),
	})
	d.Origin = recording.Origin{} // it is not asked for again
	if f.standsIn {
		c.stoodIn(now)
	}
	if f.key.Kind == 0 {
		return
	}
	// What we tell undoes what somebody else told: its end is still to be told.
	l.ahead = slices.DeleteFunc(l.ahead, func(m mark) bool {
		return m.key.Kind == inverse(f.key.Kind) && same(m.key, f.key)
	})
	if i := slices.IndexFunc(l.pending, func(e call.Edge) bool { return e.Key == f.key }); i >= 0 {
		l.pending = slices.Delete(l.pending, i, i+1)
	}
	if over := (call.Key{Kind: call.SecureOff}); !f.resumed.IsZero() {
		l.pending = slices.Insert(l.pending, 0, call.Edge{Key: over, After: l.public.Step(over), Occurred: f.resumed, Received: f.resumed, Estimated: true})
	}
	l.spare(c)
}

// spare takes back the room for pending steps when there are none.
func (l *legLane) spare(c *Core) {
	if len(l.pending) == 0 {
		c.rooms.giveEdges(l.pending)
		l.pending = nil
	}
}
