package bridge

import "time"

// What time alone makes due comes with a tick. A process that wakes up for nothing takes the processor from
// others, so that ticks are rare, and earlier only where something is due.

const (
	// lookEvery is how long the engine may sleep, and with manyLegs looksAtMany: each of them is looked at once
	// a second, and not too many at once.
	lookEvery   = 100 * time.Millisecond
	looksAtMany = 20 * time.Millisecond
	manyLegs    = 10_000
	// soonest is how soon after one tick the next one may come.
	soonest = 5 * time.Millisecond
)

// tick does what is due, and once a second what may be late by as much.
func (e *Engine) tick(second bool) {
	if second {
		e.feel()
	}
	e.Do(func(c *Core, now time.Time) {
		since := now.Sub(e.ticked)
		if since > frozenAfter && !e.ticked.IsZero() {
			e.log.Warn("this process did not run for a while", "silent", since.Round(time.Millisecond).String())
		}
		e.ticked = now
		if now.Sub(e.looked) >= lookEvery {
			e.looked = now
			c.StandIn()
		}
		c.TickLegs(now, int(float64(c.Legs())*min(since, lookEvery).Seconds())+1)
		if second {
			c.rooms.shrink()
			e.beat(now)
		}
		if now.Sub(e.swept) >= time.Minute {
			e.swept = now
			c.Sweep(now)
		}
		e.ask(now)
		e.next = e.looked.Add(lookEvery)
		if c.Legs() > manyLegs {
			e.next = now.Add(looksAtMany)
		}
		e.alarm.Reset(e.next.Sub(now))
	})
}

// ask passes on the questions that are due.
func (e *Engine) ask(now time.Time) {
	for _, id := range e.core.Asks(now) {
		if e.asking[id] {
			continue // the question waits for its turn
		}
		questions := e.doubtful
		if e.core.tracker.PauseOn(id) {
			questions = e.urgent
		}
		select {
		case questions <- id:
			e.asking[id] = true
		default: // it is asked again
		}
	}
}

// plan lets the next tick come when something is due before it.
func (e *Engine) plan(now time.Time) {
	due := e.core.Due(now)
	if soon := e.ticked.Add(soonest); due.Before(soon) && !due.IsZero() {
		due = soon
	}
	if !due.IsZero() && due.Before(e.next) {
		e.next = due
		e.alarm.Reset(due.Sub(now))
	}
}
