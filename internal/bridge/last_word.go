package bridge

import (
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Nothing can be told of a leg after its end but the reason of it. So an end waits where somebody
// else may know of a step before it, takes along what is in doubt, and its reason is asked for
// where it may have changed unseen.

// lastWord is how long the end of a leg waits that REST has told and our own topic has not
// shown, and every end when the broker is back. What was missed before it may have been shown
// to the other instance, and nothing can be told after the end.
const lastWord = 2 * time.Second

// endsEarly reports whether a step is the end of a leg for which that time is not over, and
// sets the leg aside until then.
func (c *Core) endsEarly(l *legLane, e *call.Edge, now time.Time) bool {
	if e.Phase() != call.Ended {
		return false
	}
	due := c.returned.Add(lastWord)
	if byREST := e.Received.Add(lastWord); e.Reconciled && !l.behind && !c.concludes && byREST.After(due) {
		due = byREST
	}
	return c.waits(&l.lane, due, now)
}

// waits sets a leg aside of which the end is to be told at a time, and reports whether that is
// to come.
func (c *Core) waits(l *lane, due, now time.Time) bool {
	if !now.Before(due) {
		return false
	}
	l.notBefore = due
	c.park(l)
	if due.After(c.ends) {
		c.ends = due
	}
	return true
}

// Returned says that the connection to the broker is back: both instances may have been without,
// and each may know steps that the other one was not shown.
func (c *Core) Returned(now time.Time) { c.returned = now }

// conclude has the ends told that only REST has told, for a leader that is about to let go. Others
// wait for who leads next, who knows them.
func (c *Core) conclude() {
	c.concludes = true
	for _, l := range c.later {
		if leg, ok := l.owner.(*legLane); ok && leg.seen != nil && leg.seen.Phase == call.Ended {
			c.hasten(l)
		}
	}
}

// lastWords makes pending what is in doubt, where a step is the end of the leg: nothing comes
// after it. It reports whether there may be anything.
func (l *legLane) lastWords(c *Core, e *call.Edge) bool {
	if e.Phase() != call.Ended || len(l.doubted)+len(l.ahead) == 0 {
		return false
	}
	l.unseenEnds(c)
	l.redeem()
	return true
}

// unseenEnds adds to the doubts, before the end of a leg is told, the end of what somebody else has
// told: our own topic has spoken well after that one was shown it, and has not shown it. The end of
// a secure pause is not guessed, nor that of what our own topic shows to be on, as it does from its
// first word on where the event of somebody else was known before.
func (l *legLane) unseenEnds(c *Core) {
	level := l.public
	shown, last := c.tracker.Open(l.id)
	for i := range l.ahead {
		m := &l.ahead[i]
		over := call.Key{Kind: inverse(m.key.Kind), Supervisor: m.key.Supervisor}
		known := slices.ContainsFunc(l.doubted, func(e call.Edge) bool { return same(e.Key, over) })
		if known || last.Step(m.key).Equal(last) || over.Kind <= m.key.Kind || m.key.Kind == call.SecureOn || !level.Step(m.key).Equal(level) || shown.Sub(m.told) < overtaking {
			continue
		}
		l.doubted = append(l.doubted, call.Edge{Key: over, Occurred: shown, Estimated: true, Received: shown})
	}
	l.ahead = nil
}

// hearsay reports whether the end of a leg is what somebody else has told, and our own topic has not
// shown as much, or shows it late and otherwise: the reason may be another one.
func (l *legLane) hearsay(c *Core) bool {
	return !l.own && l.published != nil && (!l.knows(c, l.published) || l.behind && l.otherwise(c))
}
