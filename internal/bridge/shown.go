package bridge

import (
	"cmp"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// What the stream has told lately is shown to people, whoever wrote it. The core knows it
// anyhow, so it is asked when somebody looks, and nothing is kept or decoded for that
// beside it.

// OpenLeg is a leg that is not stopped, as the stream tells it.
type OpenLeg struct {
	ID    call.ID
	User  string
	State recording.State
	// Since is when it came into the state, Began when it began to alert or to dial. A
	// state that is older than what was read back at a start began at Since or before.
	Since, Began time.Time
	// Reasons say why it is paused.
	Reasons []recording.PauseReason
}

// Open returns the legs that are open, the paused first and then the oldest, at most some
// of them, and how many there are.
func (c *Core) Open(most int) (legs []OpenLeg, count int) {
	first := make([]*legLane, 0, most+1)
	for _, l := range c.legs {
		if !l.open() {
			continue
		}
		count++
		if len(first) == most && (most == 0 || byUrgency(l, first[most-1]) > 0) {
			continue
		}
		at, _ := slices.BinarySearchFunc(first, l, byUrgency)
		first = slices.Insert(first, at, l)[:min(len(first)+1, most)]
	}
	for _, l := range first {
		d := l.published
		o := OpenLeg{ID: l.id, State: d.State, Since: l.since, Began: d.Leg.AlertingTime.Time}
		if d.Agent != nil {
			o.User = d.Agent.UserID
		}
		if d.Pause != nil {
			o.Reasons = slices.Clone(d.Pause.Reasons)
		}
		legs = append(legs, o)
	}
	return legs, count
}

// byUrgency puts the paused legs first, and then the oldest.
func byUrgency(a, b *legLane) int {
	rank := func(l *legLane) int {
		if l.published.State == recording.Paused {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), a.since.Compare(b.since), cmp.Compare(a.id.Leg, b.id.Leg))
}

// PausedSince is when the leg that is paused for longest was paused, zero without one.
func (c *Core) PausedSince() (oldest time.Time) {
	if c.states[recording.Paused] == 0 {
		return oldest
	}
	for _, l := range c.legs {
		if l.open() && l.published.State == recording.Paused && (oldest.IsZero() || l.since.Before(oldest)) {
			oldest = l.since
		}
	}
	return oldest
}

// open reports whether the stream tells the leg, and not that it is stopped.
func (l *legLane) open() bool { return l.published != nil && l.public.Phase != call.Ended }

// shows notes since when the leg is as an event tells it. It is called before the event
// becomes what is published.
func (l *legLane) shows(d *recording.CallData) {
	switch {
	case l.published != nil && l.published.State == d.State:
	case l.published == nil && d.State == recording.Recording && !d.Leg.ConnectedTime.IsZero():
		l.since = d.Leg.ConnectedTime.Time
	default:
		l.since = d.Timing.Occurred.Time
	}
}

// ToldGap is a stretch of time without observation, as the stream tells it.
type ToldGap struct {
	Instance string // that could not observe
	Open     bool
	recording.Gap
}

// maxShownGaps is how many gaps are remembered for those who look.
const maxShownGaps = 20

// Gaps returns the last gaps, the latest first.
func (c *Core) Gaps() []ToldGap {
	gaps := slices.Clone(c.feed.shown)
	slices.Reverse(gaps)
	return gaps
}

// show remembers a gap that was opened or closed, the oldest first.
func (f *feedLane) show(d *recording.FeedData) {
	g := ToldGap{Instance: d.Instance, Open: d.Event == recording.FeedGapOpened, Gap: d.Gap}
	if i := slices.IndexFunc(f.shown, func(x ToldGap) bool { return x.ID == g.ID }); i >= 0 {
		if f.shown[i].Open { // what is closed stays so
			f.shown[i] = g
		}
		return
	}
	if len(f.shown) >= maxShownGaps {
		f.shown = slices.Delete(f.shown, 0, 1)
	}
	f.shown = append(f.shown, g)
}
