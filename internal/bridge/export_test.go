package bridge

import (
	"fmt"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// Count compares what is counted as it changes with a count of everything.
func (c *Core) Count() error {
	states := make(map[recording.State]int)
	for id, l := range c.legs {
		if l.place >= len(c.all) || c.all[l.place] != l {
			return fmt.Errorf("leg %s is not in its place", legName(id))
		}
		if l.published != nil {
			states[l.published.State]++
		}
		if !l.public.Equal(control.LevelOf(l.published)) {
			return fmt.Errorf("leg %s: the level %+v is not what is published", legName(id), l.public)
		}
		if seen, known := c.tracker.Leg(id); known && l.seen != seen {
			return fmt.Errorf("leg %s is believed to be something else than the tracker believes", legName(id))
		}
		if l.seen != nil && laneOf(l.seen) != l {
			return fmt.Errorf("leg %s is marked as another one", legName(id))
		}
		if l.pends() && !l.busy {
			return fmt.Errorf("leg %s has something pending and does not count", legName(id))
		}
	}
	for subject, l := range c.lanes {
		if (l.flight != nil || l.queued) && !l.busy {
			return fmt.Errorf("%s is at work and does not count", subject)
		}
	}
	if len(c.all) != len(c.legs) {
		return fmt.Errorf("%d legs in a row, %d known", len(c.all), len(c.legs))
	}
	for state, n := range c.states {
		if n != states[state] {
			return fmt.Errorf("%d legs are %q, %d are counted", states[state], state, n)
		}
	}
	return nil
}

// Published are the data of the last event of a leg, as they are known.
func (c *Core) Published(id call.ID) *recording.CallData { return c.legs[id].published }
