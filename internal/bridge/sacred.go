package bridge

import (
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// A secure pause is the one step that waits for nothing: not behind older steps, not
// for the lead, not for proof. To wait would record what must not be recorded.

// sacred is a secure pause that nobody has told, for a standby to tell whether there is a
// leader or not. The compare-and-set makes it safe.
func (l *legLane) sacred(c *Core, now time.Time) *flight {
	level := l.public
	if level.Phase != call.Connected || level.SecurePause || !l.seen.SecurePause {
		return nil
	}
	if !l.resumed.IsZero() && c.tracker.PauseEnds(l.id.Conversation) {
		// So the other one has told, and no topic says otherwise. One that is shown later is another.
		l.pending = slices.DeleteFunc(l.pending, inDoubt)
		return nil
	}
	p := l.pauseFirst(level, l.saidPaused(c))
	if p == nil {
		return nil
	}
	if due := p.Received.Add(alone); now.Before(due) {
		l.notBefore = due
		c.park(&l.lane)
		return nil
	}
	e := *l.tighten(level)
	e.After = level.Step(e.Key)
	return l.stepOf(c, l.seen, &e, now)
}

// pauseNow returns the step to the secure pause that is on, where it is not told, and sees
// to it that it is not left where it is. said is when a topic last said that it is on.
func (l *legLane) pauseNow(level call.Level, said time.Time) *call.Edge {
	if !level.SecurePause && l.pauseFirst(level, said) == nil {
		return nil
	}
	return l.tighten(level)
}

// tighten forgets how a secure pause that is told, or will be, went off and on again before
// that was told: whoever reads the end of one records until the next is read, and that is
// now. It returns the one step to a pause that is on and not told.
func (l *legLane) tighten(level call.Level) *call.Edge {
	again := 0 // so many of the pending steps end with the pause on
	for i := range l.pending {
		if isPause(l.pending[i]) {
			again = i + 1
		}
	}
	if l.seen.SecurePause {
		again = len(l.pending)
	}
	told, i := level.SecurePause, -1
	l.pending = slices.DeleteFunc(l.pending, func(e call.Edge) bool {
		i++
		first := isPause(e) && !told
		told = told || first
		return i < again && !first && (isPause(e) || e.Kind == call.SecureOff)
	})
	if i := slices.IndexFunc(l.pending, isPause); i >= 0 {
		return &l.pending[i]
	}
	return nil
}

func isPause(e call.Edge) bool { return e.Kind == call.SecureOn }

// inDoubt reports whether a step is a secure pause that no topic has shown as such.
func inDoubt(e call.Edge) bool {
	return isPause(e) && e.Reconciled && e.Topic == "" && e.CorrelationID == ""
}

// saidPaused is when it was last said that the secure pause of the conversation is on, zero
// when nobody says so. Where neither a topic nor REST has spoken, it is what the stream says
// of the other legs.
func (l *legLane) saidPaused(c *Core) time.Time {
	said := c.tracker.Paused(l.id.Conversation)
	if !said.IsZero() || !c.tracker.PauseOn(l.id.Conversation) {
		return said
	}
	for leg := range c.tracker.Legs(l.id.Conversation) {
		if other := laneOf(leg); other != nil && other.open() && other.public.SecurePause && other.written.After(said) {
			said = other.written
		}
	}
	return said
}

// pauseFirst returns the step to a secure pause that is believed and not told: one that
// is pending, one that was taken for told, or, where another instance has told the end
// of the pause and a topic has said since that it is on, one in doubt. Where no topic
// has, the other one knew better.
func (l *legLane) pauseFirst(level call.Level, said time.Time) *call.Edge {
	if i := slices.IndexFunc(l.pending, isPause); i >= 0 {
		return &l.pending[i]
	}
	k := call.Key{Kind: call.SecureOn}
	e := call.Edge{Key: k, After: level.Step(k), Occurred: said, Estimated: true, Received: said, Reconciled: true}
	if said.IsZero() || said.Before(l.resumed) {
		return nil
	}
	if i := slices.IndexFunc(l.doubted, isPause); i >= 0 && !said.After(l.doubted[i].Received) {
		e = l.doubted[i] // else it may be another one by now
	}
	l.doubted = slices.DeleteFunc(l.doubted, func(d call.Edge) bool { return same(d.Key, k) })
	l.ahead = slices.DeleteFunc(l.ahead, func(m mark) bool { return m.key.Kind == call.SecureOff })
	l.pending = slices.Insert(l.pending, 0, e)
	return &l.pending[0]
}

// outlive doubts the pause that is to be told when somebody else has told an end that came
// after all that is said of it: after a freeze the notifications may be read before the
// stream is.
func (l *legLane) outlive(c *Core, now time.Time) {
	said := c.tracker.Paused(l.id.Conversation)
	if !l.elsewhere || said.IsZero() || !said.Before(l.resumed) {
		return
	}
	l.pending = slices.DeleteFunc(l.pending, func(e call.Edge) bool {
		if isPause(e) {
			l.doubt(c, &e, now)
		}
		return isPause(e)
	})
}

// clears lets what somebody else has told of a leg, without a secure pause, count as the end of
// one that is shown late.
func (l *legLane) clears() {
	level, told := l.public, l.published.Timing.Received.Time
	if level.Phase == call.Connected && !level.SecurePause && told.After(l.resumed) {
		l.resumed, l.elsewhere = told, true
	}
}

// unmade takes back a secure pause that is seen to be over before it was told, when it was
// only believed in doubt, or when somebody else has told a pause and its end: it was that one.
func (l *legLane) unmade(e *call.Edge) bool {
	if e.Kind != call.SecureOff {
		return false
	}
	i := slices.IndexFunc(l.pending, func(p call.Edge) bool {
		return inDoubt(p) || isPause(p) && !l.own && l.elsewhere
	})
	if i < 0 {
		return false
	}
	l.pending = slices.Delete(l.pending, i, i+1)
	return true
}
