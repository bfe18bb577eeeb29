package sandbox

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// exposedFor is for how long a leg may be told to record while its secure pause is
// on: the way of one frame through a busy machine.
const exposedFor = 2 * time.Second

// pauses judges for how long a leg was told to record during a secure pause.
func (j *judge) pauses(t *talk) {
	var on *simulator.Toggle
	for i := range t.Toggles {
		x := &t.Toggles[i]
		if x.Kind != simulator.ToggleSecurePause {
			continue
		}
		if on != nil && !x.On {
			j.pause(t, on, x.At)
		}
		on = nil
		if x.On {
			on = x
		}
	}
	if on != nil {
		j.pause(t, on, j.to(t))
	}
}

// pause judges one secure pause of a leg, up to its end.
func (j *judge) pause(t *talk, on *simulator.Toggle, end time.Time) {
	begin := on.At
	if begin.Before(t.from) {
		begin = t.from
	}
	if !end.After(begin) {
		return
	}
	if t.start != nil && !on.At.After(t.from) && t.start.Data.State == recording.Recording && j.stillOn(t, on, end) {
		j.v.Exposures.Count++
		j.violation(Exposed, t.name, "it was told to record when it started, and the secure pause was on")
	}
	open := t.log.recordingDuring(begin, end)
	var longest, excused time.Duration
	for _, s := range open {
		j.exposures = append(j.exposures, s.to.Sub(s.from))
		longest = max(longest, s.to.Sub(s.from))
		excused = max(excused, s.to.Sub(s.from)-j.excuse(s))
	}
	if on.At.After(t.from) && len(open) > 0 && open[0].to.Before(end) {
		j.pauseDelays = append(j.pauseDelays, open[0].to.Sub(begin))
	}
	limit := exposedFor
	if !j.shown(t, "", on.Version, on.Version+1, on.At, end) {
		limit = j.Reach // only a later frame or REST can have shown it
	}
	if excused > limit {
		j.violation(Exposed, t.name, "it was told to record for %v of a secure pause that began at %s, %v of it without excuse",
			longest.Round(time.Millisecond), clock(on.At), excused.Round(time.Millisecond))
	}
}

// stillOn tells whether the pause was on when the start of the leg was received.
func (j *judge) stillOn(t *talk, on *simulator.Toggle, end time.Time) bool {
	received := t.start.Data.Timing.Received.Time
	return received.Before(end.Add(-slack)) && !on.At.After(received)
}

// excuse is how much of a span lies within the consequences of incidents.
func (j *judge) excuse(s span) time.Duration {
	var most time.Duration
	for _, x := range j.excused {
		from, to := later(s.from, x.from), earlier(s.to, x.to)
		most = max(most, to.Sub(from))
	}
	return most
}

// recordingDuring returns the parts of a stretch of time in which the state told is
// recording.
func (l *legLog) recordingDuring(begin, end time.Time) []span {
	var open []span
	for i := range l.events {
		if l.events[i].Data.State != recording.Recording {
			continue
		}
		until := end
		if i+1 < len(l.events) {
			until = earlier(l.events[i+1].at, end)
		}
		from := later(l.events[i].at, begin)
		if !until.After(from) {
			continue
		}
		if n := len(open); n > 0 && open[n-1].to.Equal(from) {
			open[n-1].to = until
			continue
		}
		open = append(open, span{from, until})
	}
	return open
}

// closed tells whether a leg that was told of was never told to record in a stretch
// of time, beyond what a frame needs.
func (l *legLog) closed(begin, end time.Time) bool {
	for _, s := range l.recordingDuring(begin, end) {
		if s.to.Sub(s.from) > exposedFor || s.to.Equal(end) {
			return false
		}
	}
	return len(l.events) > 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
