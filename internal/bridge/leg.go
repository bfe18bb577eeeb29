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
	*lane
	id call.ID
	// seen is the belief of the tracker; nil until it knows the leg.
	seen *call.Leg
	// published is the data of the last event in the stream; nil when there is none.
	published *recording.CallData
	// pending are the edges that are observed and not known to be published.
	pending []call.Edge
	// ahead are the steps that somebody else has published and we have not observed.
	ahead []mark
	// facts: something changed that is no edge, at the time, and from where it is
	// known.
	facts time.Time
	from  control.Source
	// settle: compare the levels when the edges are out, since some were collapsed
	// or learned from REST.
	settle bool
	// resumed is when the end of a secure pause that somebody else told was received.
	resumed time.Time
	// history: it ended before the stream begins, so nobody can say whether it was told.
	history bool
	// written is when the last event was published, stopped when the last one was a
	// stop or came after it.
	written time.Time
}

// mark is a step that was published before it was observed.
type mark struct {
	key call.Key
	at  time.Time
}

// sent is the payload of a leg's flight.
type sent struct {
	data recording.CallData
	key  call.Key // zero for an update of facts and a refresh
}

func (c *Core) newLeg(id call.ID, subject string) *legLane {
	l := &legLane{id: id}
	l.lane = &lane{owner: l, subject: subject}
	c.lanes[subject], c.legs[id] = l.lane, l
	return l
}

// observe takes what a snapshot changed about the leg.
func (l *legLane) observe(c *Core, ch *call.Change, from control.Source, now time.Time) {
	l.seen = ch.Leg
	for i := range ch.Edges {
		e := &ch.Edges[i]
		c.stats.Edges++
		if e.Reconciled {
			c.stats.Reconciled++
			c.recover(l.id)
			if c.reconciledAt.After(l.seen.Facts.Alerting) && e.Received.Sub(e.Occurred) > missedAfter && !e.Estimated {
				c.miss(l.seen.UserID)
			}
		}
		if e.Phase() != call.Unknown && e.Phase() <= control.LevelOf(l.published).Phase {
			continue // published by somebody already
		}
		if l.swallow(e.Key) || l.told(e.Key) {
			continue
		}
		l.pending = append(l.pending, *e)
		if l.flight == nil {
			l.notBefore = time.Time{} // control does not wait for facts
		}
	}
	if l.published == nil && l.seen.Phase == call.Ended && now.Sub(l.seen.End) > c.opts.Retention {
		l.pending, l.history = nil, true
		c.stats.TooOld++
	}
	if len(l.pending) > c.opts.MaxPending {
		l.collapse(c)
	}
	if ch.Facts {
		if l.facts.IsZero() {
			l.facts = now
		}
		l.from = from
	}
	c.afterCall(l, now)
	c.enqueue(l.lane)
}

// swallow takes an observed step out of those that were published ahead of us, and
// with it the ones before it, whose notifications we have missed.
func (l *legLane) swallow(k call.Key) bool {
	i := slices.IndexFunc(l.ahead, func(m mark) bool { return m.key == k })
	if i < 0 {
		return false
	}
	l.ahead = slices.Delete(l.ahead, 0, i+1)
	return true
}

// told reports whether a step leads to where the leg is when everything pending is
// published: somebody was faster, and it needs no event.
func (l *legLane) told(k call.Key) bool {
	if l.published == nil || k.Phase() != call.Unknown {
		return false
	}
	level := control.LevelOf(l.published)
	for i := range l.pending {
		level = level.Step(l.pending[i].Key)
	}
	return level.Step(k).Equal(level)
}

// inverse is the step that undoes a step; phases have none.
func inverse(k call.Kind) call.Kind {
	if k < call.SecureOn || k > call.SupervisedOff {
		return 0
	}
	return k ^ 1 // on and off stand next to each other, on first and even
}

// collapse drops the steps between levels, and keeps start and stop.
func (l *legLane) collapse(c *Core) {
	c.stats.Collapsed++
	l.pending = slices.DeleteFunc(l.pending, func(e call.Edge) bool { return e.Phase() == call.Unknown })
	l.settle = true
}

// learned takes an event that somebody else has stored.
func (l *legLane) learned(c *Core, e *Entry, now time.Time) error {
	event, err := decodeCall(e.Data)
	if err != nil {
		return err
	}
	d := &event.Data
	if l.published != nil && d.Revision != l.published.Revision+1 {
		c.stats.Holes++
	}
	before, after := control.LevelOf(l.published), control.LevelOf(d)
	if before.SecurePause && !after.SecurePause {
		l.resumed = d.Timing.Received.Time
	}
	first := l.published == nil
	l.published, l.written, l.history = d, e.Time, false
	c.witness(e)
	belief := control.Recover(d)
	live := l.seen != nil && !c.tracker.Adopted(l.id)
	l.seen = c.tracker.Adopt(&belief)
	switch {
	case live && first:
		l.settle = true // we began in the middle: the levels may differ
	case live:
		l.match(call.Between(before, after, true), c.tracker.Seen(l.id).After(d.Timing.Received.Time), now)
	}
	l.prune()
	if l.facts.IsZero() {
		return nil
	}
	// Facts that were told by somebody who knew more lately stay.
	if _, differs := control.Differs(d, l.seen, c.opts.Names); !differs || !c.tracker.Seen(l.id).After(d.Timing.Received.Time) {
		l.facts = time.Time{}
	}
	return nil
}

// match takes the steps of a stored event out of the pending ones. What is not pending
// was published ahead of us, unless our own topic has spoken since: every snapshot is
// complete, so the step is then history, and the levels are compared when we lead.
func (l *legLane) match(keys []call.Key, history bool, now time.Time) {
	for _, k := range keys {
		if k.Phase() != call.Unknown {
			continue // prune knows
		}
		if i := slices.IndexFunc(l.pending, func(e call.Edge) bool { return e.Key == k }); i >= 0 {
			l.pending = slices.Delete(l.pending, i, i+1)
			continue
		}
		if history {
			l.settle = true
			continue
		}
		l.ahead = append(l.ahead, mark{key: k, at: now})
	}
	if n := len(l.ahead); n > maxAhead {
		l.ahead = slices.Delete(l.ahead, 0, n-maxAhead)
	}
}

const maxAhead = 16

// missedAfter is how late a notification may be before it counts as missed.
const missedAfter = 5 * time.Second

// believe takes over the published level when patience with the notifications that
// should have shown it has run out: somebody has seen it. Step by step would be
// wrong, since the steps in between are history.
func (l *legLane) believe(c *Core, now time.Time) {
	if n := len(l.ahead); n == 0 || now.Sub(l.ahead[n-1].at) < c.opts.Patience {
		return
	}
	level := control.LevelOf(l.published)
	for i := range l.pending {
		level = level.Step(l.pending[i].Key)
	}
	l.ahead = nil
	c.tracker.Believe(l.id, level)
	c.miss(l.seen.UserID)
}

// prune drops the pending edges that say nothing new after what somebody else has
// published: phases that are reached, and steps that lead to where the level is.
func (l *legLane) prune() {
	level := control.LevelOf(l.published)
	l.pending = slices.DeleteFunc(l.pending, func(e call.Edge) bool {
		if reached(level, &e) {
			return true
		}
		next := level.Step(e.Key)
		same := next.Equal(level)
		level = next
		if e.Phase() == call.Connected {
			level = e.After
		}
		return same
	})
}

// reached reports whether a step is behind a level: the leg has ended, or the step
// leads to a phase that is no further.
func reached(level call.Level, e *call.Edge) bool {
	return level.Phase == call.Ended || e.Phase() != call.Unknown && e.Phase() <= level.Phase
}

// next is the pending edge to publish. A secure pause that is on now does not wait
// behind older steps; everything else goes in the order in which it happened.
func (l *legLane) next(heard, now time.Time) *call.Edge {
	level := control.LevelOf(l.published)
	l.pending = slices.DeleteFunc(l.pending, func(e call.Edge) bool { return reached(level, &e) })
	if level.Phase == call.Connected && l.seen.SecurePause && !level.SecurePause {
		if e := l.pauseFirst(level, heard, now); e != nil {
			return e
		}
	}
	if len(l.pending) == 0 {
		return nil
	}
	return &l.pending[0]
}

// pauseFirst returns the step to a secure pause that is believed and not told. When
// none is pending, another instance has told the end of the pause, which we have not
// observed: where our topic has spoken since, the leg is paused again in doubt, until
// we observe the end too; where it has not, the other one knew better.
func (l *legLane) pauseFirst(level call.Level, heard, now time.Time) *call.Edge {
	for i := range l.pending {
		if l.pending[i].Kind == call.SecureOn {
			return &l.pending[i]
		}
	}
	if heard.Before(l.resumed) {
		return nil
	}
	k := call.Key{Kind: call.SecureOn}
	l.ahead = slices.DeleteFunc(l.ahead, func(m mark) bool { return m.key.Kind == call.SecureOff })
	l.pending = slices.Insert(l.pending, 0, call.Edge{
		Key: k, After: level.Step(k), Occurred: now, Estimated: true, Received: now, Reconciled: true,
	})
	return &l.pending[0]
}

// promoted prepares the leg for publishing by this instance: facts are compared where
// this instance has heard of the leg since the last event was made.
func (l *legLane) promoted(c *Core) {
	if l.seen != nil && l.facts.IsZero() && l.published != nil && c.tracker.Seen(l.id).After(l.published.Timing.Received.Time) {
		l.facts = l.written
	}
}

// alone is how long a standby waits for the leader to tell a secure pause.
const alone = 500 * time.Millisecond

// sacred is the one event that an instance writes without leading: a secure pause that
// the leader has not told. The compare-and-set makes it safe; to wait for a change of
// the lead would record what must not be recorded.
func (l *legLane) sacred(c *Core, now time.Time) *flight {
	level := control.LevelOf(l.published)
	if level.Phase != call.Connected || level.SecurePause || !l.seen.SecurePause {
		return nil
	}
	for i := range l.pending {
		e := l.pending[i]
		if e.Kind != call.SecureOn {
			continue
		}
		if due := e.Received.Add(alone); now.Before(due) {
			l.notBefore = due
			c.park(l.lane)
			return nil
		}
		e.After = level.Step(e.Key)
		return l.flightOf(c, c.opts.Policy.Event(l.seen, &e, l.state(), c.opts.Names), e.Key, now)
	}
	return nil
}

// compose returns the next event of the leg: the first pending edge, else a refresh,
// else an update of facts.
func (l *legLane) compose(c *Core, now time.Time) *flight {
	if l.seen == nil || l.history {
		return nil
	}
	if !c.leading {
		return l.sacred(c, now)
	}
	first := l.next(c.tracker.Seen(l.id), now)
	if first == nil && l.settle && len(l.ahead) == 0 {
		l.level(now)
		first = l.next(c.tracker.Seen(l.id), now)
	}
	if first != nil {
		e := *first
		if l.published != nil && e.Phase() == call.Unknown {
			// A step is taken from what is published, which may be further than what
			// was believed when the step was observed.
			e.After = control.LevelOf(l.published).Step(e.Key)
		}
		return l.flightOf(c, c.opts.Policy.Event(l.seen, &e, l.state(), c.opts.Names), e.Key, now)
	}
	if l.published == nil {
		return nil
	}
	if l.published.State != recording.Stopped && now.Sub(l.written) >= c.opts.Refresh {
		d := c.opts.Policy.Tell(l.seen, control.LevelOf(l.published), recording.Refreshed, now, c.opts.Names)
		return l.flightOf(c, d, call.Key{}, now)
	}
	if l.facts.IsZero() {
		return nil
	}
	cause, differs := control.Differs(l.published, l.seen, c.opts.Names)
	if due := l.facts.Add(c.opts.Coalesce); differs && cause == recording.DataChanged && now.Before(due) {
		l.notBefore = due
		c.park(l.lane)
		return nil
	}
	l.facts = time.Time{}
	if l.from.Received.IsZero() {
		l.from.Received = now
	}
	d, ok := c.opts.Policy.Update(l.seen, l.published, l.from, c.opts.Names)
	l.from = control.Source{}
	if !ok {
		return nil
	}
	return l.flightOf(c, d, call.Key{}, now)
}

// state is the state that was told last.
func (l *legLane) state() recording.State {
	if l.published == nil {
		return ""
	}
	return l.published.State
}

// level compares what is published with what is believed, and makes the difference
// pending, as knowledge gained afterwards.
func (l *legLane) level(now time.Time) {
	l.settle = false
	before := control.LevelOf(l.published)
	after := before
	for _, k := range call.Between(before, l.seen.Level, !l.seen.Facts.Connected.IsZero()) {
		after = after.Step(k)
		l.pending = append(l.pending, call.Edge{
			Key: k, After: after, Occurred: now, Estimated: true, Received: now, Reconciled: true,
		})
	}
}

func (l *legLane) flightOf(c *Core, d recording.CallData, k call.Key, now time.Time) *flight {
	d.Revision, d.Epoch = 1, c.term()
	if l.published != nil {
		d.Revision = l.published.Revision + 1
	}
	d.Origin.Instance = c.opts.Instance
	d.Timing.Published = recording.At(now)
	id, data := encodeCall(c.opts.Source, &d)
	return &flight{id: id, data: data, payload: sent{data: d, key: k}}
}

// settled notes that the event in flight is stored.
func (l *legLane) settled(c *Core, f *flight, now time.Time) {
	s, ok := f.payload.(sent)
	if !ok {
		return
	}
	l.published, l.written = &s.data, now
	c.latencies = append(c.latencies, Latency{
		Verb: s.data.Verb, Cause: s.data.Cause, Confidence: s.data.Confidence,
		SinceReceived: now.Sub(s.data.Timing.Received.Time), SincePublished: now.Sub(s.data.Timing.Published.Time),
	})
	if s.key.Kind == 0 {
		return
	}
	// What we tell undoes what somebody else told: its end is still to be told.
	l.ahead = slices.DeleteFunc(l.ahead, func(m mark) bool {
		return m.key.Kind == inverse(s.key.Kind) && m.key.Supervisor == s.key.Supervisor
	})
	if i := slices.IndexFunc(l.pending, func(e call.Edge) bool { return e.Key == s.key }); i >= 0 {
		l.pending = slices.Delete(l.pending, i, i+1)
	}
}
