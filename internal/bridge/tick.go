package bridge

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Tick does what time alone makes due: refreshes, patience that has run out, legs
// whose grace is over. Each leg wants it about once a second.
func (c *Core) Tick(now time.Time) {
	c.TickLegs(now, len(c.all))
	c.StandIn()
	c.rooms.shrink()
	c.Sweep(now)
}

// TickLegs does so for the next few legs, so that a hundred thousand of them do not stop
// everything else for as long as that takes.
func (c *Core) TickLegs(now time.Time, few int) {
	for range min(few, len(c.all)) {
		if c.turn >= len(c.all) {
			c.turn = 0
		}
		l := c.all[c.turn]
		l.believe(c, now)
		if c.over(l, now) {
			c.forgetAfterCall(l, now)
			c.forget(l) // the last one takes its place
			continue
		}
		c.turn++
		if c.leading && (now.Sub(l.written) >= c.opts.Refresh || len(l.pending) > 0) {
			c.enqueue(&l.lane)
		}
	}
}

// Legs is how many are known.
func (c *Core) Legs() int { return len(c.all) }

// Sweep forgets what nothing else does: conversations without legs, denials of conversations
// that the stream no longer holds, lanes of forgotten legs. Once a minute is enough.
func (c *Core) Sweep(now time.Time) {
	c.working()
	for id, since := range c.gone {
		if now.Sub(since) > c.opts.Retention {
			delete(c.gone, id)
		}
	}
	for id, asked := range c.answered {
		if now.Sub(asked) > c.opts.Patience {
			delete(c.answered, id)
		}
	}
	c.tracker.Sweep(now.Add(-c.opts.Grace))
}

// over reports whether nothing more is expected of a leg.
func (c *Core) over(l *legLane, now time.Time) bool {
	if l.flight != nil || len(l.pending) > 0 || l.queued {
		return false
	}
	if l.published == nil {
		return l.seen == nil || l.seen.Phase == call.Ended && now.Sub(l.seen.End) > c.opts.Grace
	}
	return l.public.Phase == call.Ended && now.Sub(l.written) > c.opts.Grace
}
