package bridge

import "time"

// activitySpan is how many seconds are remembered.
const activitySpan = 300

// ActivityStep is how many seconds are one point of what is shown.
const ActivityStep = 5

// activity is how many call events were stored in each of the last seconds, by whomever:
// a ring.
type activity struct {
	seconds [activitySpan]uint32
	newest  int64 // Unix second that the ring ends with
}

// count adds one event to the second in which it was stored.
func (a *activity) count(at time.Time) {
	s := at.Unix()
	if s > a.newest {
		for t := max(a.newest+1, s-activitySpan+1); t <= s; t++ {
			a.seconds[t%activitySpan] = 0
		}
		a.newest = s
	}
	if s > a.newest-activitySpan {
		a.seconds[s%activitySpan]++
	}
}

// Activity returns how many call events a second were stored lately, as averages over
// steps of [ActivityStep] seconds, the oldest first, and when the last step ends. The step
// that is not over is left out.
func (c *Core) Activity(now time.Time) (perSecond []float64, end time.Time) {
	a := &c.activity
	last := now.Unix() / ActivityStep * ActivityStep // exclusive
	perSecond = make([]float64, 0, activitySpan/ActivityStep-1)
	for s := last - activitySpan + ActivityStep; s < last; s += ActivityStep {
		n := 0.0
		for t := s; t < s+ActivityStep; t++ {
			if t <= a.newest && t > a.newest-activitySpan {
				n += float64(a.seconds[t%activitySpan])
			}
		}
		perSecond = append(perSecond, n/ActivityStep)
	}
	return perSecond, time.Unix(last, 0).UTC()
}
