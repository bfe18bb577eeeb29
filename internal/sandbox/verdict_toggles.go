package sandbox

import (
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// toggleRow is a property that goes on and off, and the words for it.
type toggleRow struct {
	kind       simulator.ToggleKind
	rows       [2]string          // off, on
	causes     [2]recording.Cause // off, on
	ofAllViews bool               // any topic of the conversation shows it
}

func toggleRows() []toggleRow {
	return []toggleRow{
		{simulator.ToggleSecurePause, [2]string{rowResumed, rowPaused}, [2]recording.Cause{recording.SecureResumed, recording.SecurePaused}, true},
		{simulator.ToggleHeld, [2]string{rowRetrieved, rowHeld}, [2]recording.Cause{recording.Retrieved, recording.Held}, false},
		{simulator.ToggleMuted, [2]string{rowUnmuted, rowMuted}, [2]recording.Cause{recording.Unmuted, recording.Muted}, false},
		{simulator.ToggleParked, [2]string{rowUnparked, rowParked}, [2]recording.Cause{recording.Unparked, recording.Parked}, false},
	}
}

func isToggle(c recording.Cause) bool {
	return slices.ContainsFunc(toggleRows(), func(r toggleRow) bool { return slices.Contains(r.causes[:], c) })
}

// flip is one change of a property: as it happened, or as it was told.
type flip struct {
	on   bool
	at   time.Time // when it happened, or when its frame was received
	told time.Time // when it was stored
	past time.Time // when the next one happened, or the leg ended
	// shown is when everybody who had shown otherwise had shown it.
	shown time.Time
	seen  bool // it could be told
	// ridden: the start has told it as well.
	ridden bool
	// match is the index of its counterpart, below zero when there is none.
	match int
}

// toggles judges holds, mutes, parks and secure pauses of a leg.
func (j *judge) toggles(t *talk) {
	for _, r := range toggleRows() {
		happened := j.happened(t, r)
		var stored []flip
		for _, e := range t.log.events {
			if r.ofAllViews && e.Data.State == recording.Armed {
				continue // of a call that is not recorded yet, and may be told again when it is
			}
			if i := slices.Index(r.causes[:], e.Data.Cause); i >= 0 {
				stored = append(stored, flip{on: i == 1, at: e.Data.Timing.Received.Time, told: e.at, match: -1})
			}
		}
		align(happened, stored)
		j.count(t, r, happened, stored)
	}
}

// happened returns the changes of a property that a leg should be told.
func (j *judge) happened(t *talk, r toggleRow) []flip {
	var all []simulator.Toggle
	for _, x := range t.Toggles {
		if x.Kind == r.kind {
			all = append(all, x)
		}
	}
	user := t.UserID
	if r.ofAllViews {
		user = ""
	}
	var list []flip
	for i, x := range all {
		past, end := endOf(t.LegTruth), j.to(t)
		if i+1 < len(all) {
			past, end = all[i+1].Version, all[i+1].At
		}
		if !x.At.After(t.from) {
			continue // so it was when it began
		}
		f := flip{
			on: x.On, at: x.At, past: end, match: -1, shown: x.At,
			seen: j.shown(t, user, x.Version, past, x.At, j.to(t)) || end.Sub(x.At) >= j.Reach,
		}
		f.ridden = t.toldWithStart(r.kind, f)
		if r.ofAllViews && !x.On {
			f.shown = later(x.At, j.witness.agreed(t.ConversationID, x.Version, past, end))
		}
		list = append(list, f)
	}
	return list
}

// shown tells whether a version was surely shown to an instance that could tell it: while
// one of them is away, what only one channel shows may be shown to that one. What is shown
// together with the end of the leg is told by that.
func (j *judge) shown(t *talk, user string, first, past int, at, end time.Time) bool {
	channels := j.witness.channels(t.ConversationID, user, first, past, at, end.Add(-slack))
	return channels > 1 || channels == 1 && !j.oneIsAway(at)
}

// oneIsAway tells whether one of the instances was killed, frozen or cut off at a moment, or
// before it could tell what it was shown then, because NATS was away for both.
func (j *judge) oneIsAway(at time.Time) bool {
	told := at
	for _, i := range j.Incidents {
		if i.Kind == Outage && i.lasts(at, at) {
			told = later(told, i.Until.Add(settling))
		}
	}
	return slices.ContainsFunc(j.Incidents, func(i Incident) bool { return i.Kind.silences() && i.lasts(at, told) })
}

// lasts tells whether an incident overlaps a stretch of time, or comes a moment after it.
func (i *Incident) lasts(from, to time.Time) bool {
	return !to.Before(i.At.Add(-moment)) && (i.Until.IsZero() || !from.After(i.Until))
}

// align finds the counterparts: as many as possible in order, those first that could
// be seen and the start has not told. Nothing is told before it happens.
func align(happened, stored []flip) {
	best := make([][]int, len(happened)+1)
	for i := range best {
		best[i] = make([]int, len(stored)+1)
	}
	worth := func(h, s int) int {
		if happened[h].on != stored[s].on || stored[s].at.Before(happened[h].at.Add(-slack)) {
			return 0
		}
		if happened[h].seen && !happened[h].ridden && !stored[s].at.After(happened[h].past.Add(settling)) {
			return 1000 // and not long after it was over
		}
		return 1
	}
	for h := range slices.Backward(happened) {
		for s := range slices.Backward(stored) {
			best[h][s] = max(best[h+1][s], best[h][s+1])
			if w := worth(h, s); w > 0 {
				best[h][s] = max(best[h][s], w+best[h+1][s+1])
			}
		}
	}
	for h, s := 0, 0; h < len(happened) && s < len(stored); {
		switch w := worth(h, s); {
		case best[h][s] == best[h+1][s]:
			h++ // what is told is told of the latest that it can be
		case w > 0 && best[h][s] == w+best[h+1][s+1]:
			happened[h].match, stored[s].match = s, h
			h, s = h+1, s+1
		default:
			s++
		}
	}
}

// brief is how long a resume may be doubted: a pause that comes back within this time, or
// before an incident is over during which nobody could tell, never went away for the
// recorder. To tell such a resume afterwards would record during the pause. The time counts
// from when every topic had shown the end: as long as one says that the pause is on, it is.
const brief = 2 * time.Second

func (j *judge) isBrief(resume *flip) bool {
	return !resume.on && resume.past.Sub(resume.shown)-j.excuse(span{resume.shown, resume.past}) < brief
}

// join lets a secure pause that came back within that time, and was told when it had, be told of
// the first one: for the recorder both are one.
func (j *judge) join(happened []flip) {
	for i := len(happened) - 3; i >= 0; i-- {
		first, resume, again := &happened[i], &happened[i+1], &happened[i+2]
		if first.on && first.match < 0 && resume.match < 0 && j.isBrief(resume) && again.on {
			first.match, again.match = again.match, first.match
		}
	}
}

// count puts the changes of a property into the rows.
func (j *judge) count(t *talk, r toggleRow, happened, stored []flip) {
	secure := r.kind == simulator.ToggleSecurePause
	if secure {
		j.join(happened)
	}
	// apart is set after a change that nobody could have told, and swallowed after a
	// resume that need not be told: the next one only undoes it, and is no change for
	// who has not been told of the first.
	apart, swallowed := false, false
	for _, f := range happened {
		row := j.rows[r.rows[index(f.on)]]
		row.Truth++
		undone, returned := apart, swallowed
		apart, swallowed = false, false
		switch {
		case f.match >= 0:
			j.truths = append(j.truths, stored[f.match].told.Sub(f.at))
		case f.ridden, secure && f.on && (returned || t.log.closed(f.at, f.past)):
			row.Brief++
		case secure && j.isBrief(&f):
			swallowed = true
			row.Brief++
		case undone:
			j.unseen(row, f.at)
		case !f.seen || t.start == nil || j.learnedAfter(t, f.past):
			apart = true
			j.unseen(row, f.at)
		default:
			row.Missing++
			j.violation(Missing, t.name, "no %s: it happened at %s", r.causes[index(f.on)], clock(f.at))
		}
	}
	for _, f := range stored {
		row := j.rows[r.rows[index(f.on)]]
		row.Stored++
		if f.match < 0 && !j.rodeAlong(t, r, f) {
			row.Untrue++
			j.violation(Untrue, t.name, "%s was told at %s and did not happen", r.causes[index(f.on)], clock(f.told))
		}
	}
}

// toldWithStart tells whether the start of a leg told a change as well, because the
// frame that showed it was the first to show the leg as connected. Of the secure pause a
// start tells what is on when it is written.
func (t *talk) toldWithStart(kind simulator.ToggleKind, f flip) bool {
	if t.start == nil {
		return false
	}
	known := t.start.Data.Timing.Received
	if kind == simulator.ToggleSecurePause {
		known = t.start.Data.Timing.Published
	}
	if f.at.After(known.Add(slack)) {
		return false
	}
	leg := &t.start.Data.Leg
	return f.on == map[simulator.ToggleKind]bool{
		simulator.ToggleSecurePause: leg.SecurePause, simulator.ToggleHeld: leg.Held,
		simulator.ToggleMuted: leg.Muted, simulator.ToggleParked: leg.Parked,
	}[kind]
}

// learnedAfter tells whether the leg itself became known only after a moment, so that
// what was over by then is history.
func (j *judge) learnedAfter(t *talk, past time.Time) bool {
	return t.start.Data.Timing.Received.After(past)
}

// rodeAlong tells whether a change that was told in vain is what the leg began with: the
// truth has it as the beginning of the leg. It is told late where a link was frozen meanwhile.
func (j *judge) rodeAlong(t *talk, r toggleRow, f flip) bool {
	return slices.ContainsFunc(t.Toggles, func(x simulator.Toggle) bool {
		return x.Kind == r.kind && x.On == f.on && !x.At.After(t.from) && f.at.Sub(t.from)-j.excuse(span{t.from, f.at}) < brief
	})
}

func index(on bool) int {
	if on {
		return 1
	}
	return 0
}
