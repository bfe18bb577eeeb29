package bridge

import (
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// legLane is one leg: what is observed, what is published, and the difference.
type legLane struct {
	lane
	id    call.ID
	place int // in all of the core
	// seen is the belief of the tracker; nil until it knows the leg.
	seen *call.Leg
	// published is the data of the last event in the stream; nil when there is none.
	published *recording.CallData
	// public is the level that those data tell, for who asks nothing else of them.
	public call.Level
	// parts are those it was read from, none when it is an event of ours.
	parts recording.Parts
	// own: that is an event of ours.
	own bool
	// pending are the edges that are observed and not known to be published.
	pending []call.Edge
	// ahead are the steps that somebody else has published and we have not observed.
	ahead []mark
	// doubted are the last steps about each thing that were observed and taken for told,
	// on weak evidence.
	doubted []call.Edge
	// held is when the last hold began that was told with its time.
	held time.Time
	// unsure is until when the levels are compared only after an answer of REST, since
	// late notifications of our own may still be on their way; asked says that it was asked
	// for.
	unsure time.Time
	asked  bool
	// facts: something changed that is no edge, at the time, and from where it is
	// known.
	facts time.Time
	from  control.Source
	// settle: compare the levels when the edges are out, since some were collapsed
	// or learned from REST.
	settle bool
	// behind: our last word on the leg is older than what is told. Its facts are no news.
	behind bool
	// believed: the level is taken from the stream, and our topic has shown no other one
	// since.
	believed bool
	// ever are the kinds of steps that somebody else has told of the leg, or REST.
	ever kinds
	// resumed is when the end of a secure pause that was told last was received, and
	// elsewhere whether somebody else told it.
	resumed   time.Time
	elsewhere bool
	// history: it ended before the stream begins, so nobody can say whether it was told.
	history bool
	// written is when the last event was published, stopped when the last one was a
	// stop or came after it.
	written time.Time
	// since is when it came into the state that is published.
	since time.Time
}

func (c *Core) newLeg(id call.ID, subject string) *legLane {
	l := &legLane{id: id}
	l.lane = lane{owner: l, subject: subject}
	c.lanes[subject], c.legs[id] = &l.lane, l
	l.place = len(c.all)
	c.all = append(c.all, l)
	return l
}

// forget drops a leg.
func (c *Core) forget(l *legLane) {
	if l.published != nil {
		c.states[l.published.State]--
	}
	last := len(c.all) - 1
	c.all[l.place] = c.all[last]
	c.all[l.place].place = l.place
	c.all[last] = nil
	c.all = c.all[:last]
	delete(c.legs, l.id)
	delete(c.lanes, l.subject)
	c.tracker.Forget(l.id)
}

// pends reports whether steps or facts were observed that are not in the stream.
func (l *legLane) pends() bool { return len(l.pending) > 0 || !l.facts.IsZero() }

// tell notes what is in the stream now: an event of ours, or of somebody else.
func (l *legLane) tell(c *Core, d *recording.CallData, own bool, at time.Time) {
	if l.public.SecurePause && !d.Leg.SecurePause {
		l.resumed, l.elsewhere = d.Timing.Received.Time, !own
	}
	if own {
		l.parts = recording.Parts{} // it was not read
	}
	l.holds(d)
	l.shows(d)
	c.activity.count(at)
	if l.published != nil {
		c.states[l.published.State]--
	}
	c.states[d.State]++
	c.rooms.replaced(l.published)
	l.published, l.public, l.own, l.written = d, control.LevelOf(d), own, at
}

// observe takes what a snapshot changed about the leg.
func (l *legLane) observe(c *Core, ch *call.Change, from control.Source, now time.Time) {
	l.seen, l.behind = ch.Leg, ch.Behind
	if l.behind && l.flight == nil {
		c.hasten(&l.lane) // our own topic shows now what REST did
	}
	l.believed = l.believed && len(ch.Edges) == 0
	for i := range ch.Edges {
		e := &ch.Edges[i]
		c.stats.Edges++
		if e.Reconciled {
			c.stats.Reconciled++
			c.recover(l.id)
			if c.reconciledAt.After(l.seen.Facts.Alerting) && e.Received.Sub(e.Occurred) > missedAfter && !e.Estimated {
				c.miss(l.seen.UserID, e.Occurred)
			}
		}
		s := step{leg: l, Edge: *e, said: c.tracker.Paused(l.id.Conversation), waited: c.waited, old: ch.Adopted && e.Kind != call.SecureOn}
		if !c.postpone(&s, now) {
			l.consider(c, &s, now)
		}
	}
	l.bound(c, now)
	if ch.Facts && (!l.behind || l.wrapsUp()) {
		if l.facts.IsZero() {
			l.facts = now
		}
		l.from = from
	} else if ch.Facts && l.seen.Phase == call.Ended && c.leading && l.otherwise(c) {
		c.wonder(l.id.Conversation, now.Add(c.opts.Patience), now, overtaking) // who is right?
	}
	c.afterCall(l, now)
	c.enqueue(&l.lane)
}

// beside are the steps that the next event of the leg tells beside that of the phase: a start
// tells more than the start.
func (l *legLane) beside(d *recording.CallData) []call.Key {
	before, after := l.public, control.LevelOf(d)
	before.Phase = after.Phase
	return call.Between(before, after, true)
}

// learned takes an event that somebody else has stored.
func (l *legLane) learned(c *Core, e *Entry, now time.Time) error {
	like := l.published
	if like == nil && l.seen != nil {
		like = &c.compared // most of it is told as we would tell it
		c.opts.Policy.Tell(like, l.seen, l.seen.Level, "", now, c.opts.Names)
	}
	d, err := c.decodeCall(e, like, &l.parts)
	if err != nil {
		return err
	}
	c.decoded = nil // it is the leg's now
	if l.published != nil && d.Revision != l.published.Revision+1 || l.published == nil && d.Revision > 1 && len(l.pending) > 0 {
		l.jump(c, d, now)
	}
	steps, after := l.beside(d), control.LevelOf(d)
	first := l.published == nil
	l.tell(c, d, false, e.Time)
	l.history = false
	c.witness(e)
	if d.Confidence == recording.Observed {
		c.hears(d.Origin.Instance, d.Timing.Received.Time)
	}
	belief := control.Recover(d)
	live := l.seen != nil && !c.tracker.Adopted(l.id)
	l.seen = c.tracker.Adopt(&belief)
	l.seen.Mark = l
	c.tracker.ToldHold(l.id, l.held)
	c.echoes.told(l.id, d, steps, now)
	l.ever.add(steps)
	if first && d.Revision > 1 {
		l.ever = everything
	}
	// What ours would tell with the same phase is no step that comes later.
	var since []call.Edge
	if i := slices.IndexFunc(l.pending, func(e call.Edge) bool { return e.Phase() == after.Phase }); i >= 0 {
		if since = l.happenedSince(i, d); len(since) > 0 {
			steps = nil
		} else {
			steps = call.Between(l.pending[i].After, after, true)
		}
	}
	steps = l.match(steps, d)
	l.pending = append(l.pending, since...)
	switch {
	case live && first:
		l.settle = true // we began in the middle: the levels may differ
		l.expect(c, steps, d, true, now)
	case live && l.believed:
		c.tracker.Believe(l.id, after)
	case live:
		l.expect(c, steps, d, c.tracker.Seen(l.id).After(d.Timing.Received.Time), now)
	case now.Sub(e.Time) < 2*c.opts.Patience:
		l.expect(c, steps, d, true, e.Time)
	}
	l.outlive(c, now)
	l.prune()
	l.spare(c)
	d.Origin = recording.Origin{} // it is not asked for again
	if l.facts.IsZero() {
		return nil
	}
	// Facts that were told by somebody who knew more lately stay.
	if !l.otherwise(c) || !l.knows(c, d) {
		l.facts = time.Time{}
	}
	return nil
}

// happenedSince are the steps from an event of somebody else to the one of ours that tells the same
// phase, the only one that is pending: our topic was shown another change, and so much later that it
// did not overtake the one that is told.
func (l *legLane) happenedSince(i int, d *recording.CallData) (since []call.Edge) {
	e := &l.pending[i]
	if len(l.pending) > 1 || e.Reconciled || d.Confidence != recording.Observed || e.CorrelationID == d.Origin.CorrelationID ||
		e.Received.Sub(d.Timing.Received.Time) < alone {
		return nil
	}
	level := control.LevelOf(d)
	for _, k := range call.Between(level, e.After, true) {
		if k.Kind == call.SecureOff {
			return nil // never guessed
		}
		level = level.Toward(e.After, k)
		step := *e
		step.Key, step.After, step.Occurred, step.Estimated = k, level, e.Received, true
		since = append(since, step)
	}
	return since
}

// prune drops the pending edges that say nothing new after what somebody else has
// published: phases that are reached, and steps that lead to where the level is.
func (l *legLane) prune() {
	level := l.public
	l.pending = slices.DeleteFunc(l.pending, func(e call.Edge) bool {
		if reached(level, &e) {
			return true
		}
		next := e.From(level)
		same := next.Equal(level)
		level = next
		return same
	})
}

// reached reports whether a step is behind a level: the leg has ended, or the step
// leads to a phase that is no further.
func reached(level call.Level, e *call.Edge) bool {
	return level.Phase == call.Ended || e.Phase() != call.Unknown && e.Phase() <= level.Phase
}
