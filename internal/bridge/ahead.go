package bridge

import (
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// What another instance tells of a leg may come through the tail before our own topic
// brings it: by milliseconds, or by many seconds after a link or a process was frozen,
// when all notifications come at once. They are then neither told again nor taken for
// news.

// mark is a step that was published before it was observed.
type mark struct {
	key call.Key
	// occurred is when it happened, zero where the platform did not say.
	occurred time.Time
	// at is when it was read here, seen when about it was observed there, told the same by
	// that one's clock.
	at, seen, told time.Time
	// weak: it may never be observed, because our topic has spoken since, or has been
	// silent for long. After a frozen link or process the notifications all come late,
	// so that the step may still be among them. asked: REST is asked about it.
	weak, asked bool
}

// is reports whether an observed step is the one that was published.
func (m *mark) is(e *call.Edge) bool {
	return m.key == e.Key && (m.occurred.IsZero() || e.Estimated || e.Occurred.Sub(m.occurred).Abs() < time.Millisecond)
}

// swallow takes an observed step out of those that were published ahead of us, and with
// it the ones before it that are about the same: their notifications we have missed. A
// weak mark may have been of another step: the levels are compared when the
// notifications have come.
func (l *legLane) swallow(c *Core, e *call.Edge, now time.Time) bool {
	i := slices.IndexFunc(l.ahead, func(m mark) bool { return m.is(e) })
	if i < 0 {
		return false
	}
	if l.ahead[i].weak {
		if slices.ContainsFunc(l.pending, func(p call.Edge) bool { return same(p.Key, e.Key) }) {
			return false // it comes after one that nobody has told
		}
		l.doubt(c, e, now)
	}
	l.passes(i, e.Key)
	return true
}

// seenAt takes a step that is surely the one that was published out of those ahead of us.
func (l *legLane) seenAt(e *call.Edge) {
	if i := slices.IndexFunc(l.ahead, func(m mark) bool { return m.is(e) }); i >= 0 {
		l.passes(i, e.Key)
	}
}

// passes takes a mark out, and those before it that are about the same.
func (l *legLane) passes(i int, k call.Key) {
	rest := l.ahead[i+1:]
	l.ahead = append(slices.DeleteFunc(l.ahead[:i+1], func(m mark) bool { return same(m.key, k) }), rest...)
}

// doubt keeps a step that seems to be told already.
func (l *legLane) doubt(c *Core, e *call.Edge, now time.Time) {
	l.hesitate(c, now)
	l.doubted = append(l.doubted, *e)
}

// isLater reports whether a step is a hold that began after the last one that is told.
func (l *legLane) isLater(e *call.Edge) bool {
	return e.Kind == call.HeldOn && !e.Estimated && e.Occurred.After(l.held)
}

// lastHoldOver is the end of a hold before another one, which begins with a step: one that was
// doubted, or one that was not shown, at the latest then.
func (l *legLane) lastHoldOver(e *call.Edge) call.Edge {
	if i := slices.IndexFunc(l.doubted, func(d call.Edge) bool { return d.Kind == call.HeldOff }); i >= 0 {
		return l.doubted[i]
	}
	over := *e
	over.Kind, over.After.Held, over.Estimated = call.HeldOff, false, true
	return over
}

// returns reports whether a step leads back from older ones that are still to be told: it
// is told once more then, after them.
func (l *legLane) returns(e *call.Edge) bool {
	return e.Kind != call.SecureOn && e.Kind != call.SecureOff &&
		slices.ContainsFunc(l.pending, func(p call.Edge) bool { return p.Kind == inverse(e.Kind) && same(p.Key, e.Key) })
}

// redeem makes the steps pending that were taken for told and were not: those
// that lead elsewhere than what is told, and to what is believed, unless the
// leg has ended and believes nothing. A pause whose end somebody else has told
// is then that one: to tell it with the end of the leg would help nobody.
func (l *legLane) redeem() {
	level := l.public
	n := 0
	for _, e := range l.doubted {
		over := l.seen.Phase == call.Ended
		if level.Step(e.Key).Equal(level) || !over && !l.seen.Step(e.Key).Equal(l.seen.Level) || over && isPause(e) && l.elsewhere {
			continue
		}
		l.pending = slices.Insert(l.pending, n, e)
		n++
	}
	l.doubted = nil
}

// same reports whether two steps are about the same thing, one way or the other.
func same(a, b call.Key) bool {
	return a.Supervisor == b.Supervisor && (a.Kind == b.Kind || a.Kind == inverse(b.Kind))
}

// hesitate has the levels compared, but not before REST was asked, or the patience with
// notifications that may still be on their way has run out.
func (l *legLane) hesitate(c *Core, now time.Time) {
	l.settle, l.unsure, l.asked = true, now.Add(c.opts.Patience), false
}

// toldSince reports whether somebody else has told the state of the leg after a notification
// was sent that has waited since a time.
func (l *legLane) toldSince(waited time.Time) bool {
	return !waited.IsZero() && !l.own && l.published != nil && !l.published.Timing.Received.Before(waited)
}

// answeredSince reports whether REST was asked about the leg after a notification may have been
// sent that has waited since a time: the answer may be the newer word.
func (l *legLane) answeredSince(c *Core, waited time.Time) bool {
	return !waited.IsZero() && c.answered[l.id.Conversation].After(waited)
}

// toldAfter reports whether somebody else has told the state of the leg as it was after the
// change that a step was shown with.
func (l *legLane) toldAfter(c *Core, e *call.Edge) bool {
	if l.own || l.published == nil {
		return false
	}
	told, ok := c.echoes.change(e.CorrelationID)
	return ok && l.published.Timing.Received.After(told.received)
}

// jump takes an event of which the ones before were not read: what we saw before it was
// made may be in them.
func (l *legLane) jump(c *Core, d *recording.CallData, now time.Time) {
	c.stats.Holes++
	l.ever = everything
	l.pending = slices.DeleteFunc(l.pending, func(e call.Edge) bool {
		return e.Phase() == call.Unknown && !e.Received.After(d.Timing.Published.Time)
	})
	l.hesitate(c, now)
}

// holds notes the hold that an event tells.
func (l *legLane) holds(d *recording.CallData) {
	if d.Cause == recording.Held && !d.Timing.Estimated && d.Timing.Occurred.After(l.held) {
		l.held = d.Timing.Occurred.Time
	}
}

// match takes the steps of a stored event out of those that are pending, or doubted and
// older, and returns the others.
func (l *legLane) match(steps []call.Key, d *recording.CallData) (others []call.Key) {
	for _, k := range steps {
		l.doubted = slices.DeleteFunc(l.doubted, func(e call.Edge) bool {
			return same(e.Key, k) && !e.Received.After(d.Timing.Received.Time)
		})
		if i := slices.IndexFunc(l.pending, func(e call.Edge) bool { return e.Key == k }); i >= 0 {
			if id := l.pending[i].CorrelationID; id != "" && id == d.Origin.CorrelationID {
				// The very same step: our topic has passed what was told before it.
				l.ahead = slices.DeleteFunc(l.ahead, func(m mark) bool { return same(m.key, k) })
			}
			l.pending = slices.Delete(l.pending, i, i+1)
			continue
		}
		others = append(others, k)
	}
	return others
}

// expect remembers the steps that were published ahead of us. Where our own topic has
// spoken since, they are history, since every snapshot is complete, or our topic is
// late; the levels are compared when we lead.
func (l *legLane) expect(c *Core, steps []call.Key, d *recording.CallData, history bool, now time.Time) {
	var occurred time.Time
	if isStep := d.Verb != recording.Prepare && d.Verb != recording.Start; len(steps) == 1 && isStep && !d.Timing.Estimated {
		occurred = d.Timing.Occurred.Time
	}
	if history && len(steps) > 0 {
		l.hesitate(c, now)
	}
	for _, k := range steps {
		l.ahead = append(l.ahead, mark{key: k, occurred: occurred, at: now, seen: seenThere(d, now), told: d.Timing.Received.Time, weak: history})
	}
	if n := len(l.ahead); n > maxAhead {
		l.ahead = slices.Delete(l.ahead, 0, n-maxAhead)
	}
}

const maxAhead = 16

// kinds is a set of kinds of steps.
type kinds uint32

// everything is for a leg of which the beginning of the log was not read.
const everything = ^kinds(0)

func (s *kinds) add(steps []call.Key) {
	for _, k := range steps {
		*s |= 1 << k.Kind
	}
}

// has reports whether the set has a kind, or the one that undoes it.
func (s kinds) has(k call.Kind) bool { return s&(1<<k|1<<inverse(k)) != 0 }

// missedAfter is how late a notification may be before it counts as missed.
const missedAfter = 5 * time.Second

// believe takes over the published level when patience with the notifications that
// should have shown it has run out: somebody has seen it. Step by step would be
// wrong, since the steps in between are history.
func (l *legLane) believe(c *Core, now time.Time) {
	if len(l.ahead) == 0 {
		return
	}
	var last, happened time.Time // of those that are expected
	for _, m := range l.ahead {
		if !m.weak && m.at.After(last) {
			last, happened = m.at, m.occurred
			if happened.IsZero() {
				happened = m.at
			}
		}
	}
	if last.IsZero() || now.Sub(last) < c.opts.Patience {
		l.ahead = slices.DeleteFunc(l.ahead, func(m mark) bool { return m.weak && now.Sub(m.at) >= 2*c.opts.Patience })
		return
	}
	level := l.willTell()
	for i := range l.ahead {
		l.ahead[i].weak = true
	}
	l.doubted, l.believed = nil, true
	c.tracker.Believe(l.id, level)
	c.miss(l.seen.UserID, happened)
}

// awaits reports whether a notification is expected that shows what somebody else has
// published.
func (l *legLane) awaits() bool {
	return slices.ContainsFunc(l.ahead, func(m mark) bool { return !m.weak })
}

// inverse is the step that undoes a step; phases have none.
func inverse(k call.Kind) call.Kind {
	if k < call.SecureOn || k > call.SupervisedOff {
		return 0
	}
	return k ^ 1 // on and off stand next to each other, on first and even
}
