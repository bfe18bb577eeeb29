package simulator

import "time"

// Monitor lets a supervisor listen to a leg. The supervisor's leg is connected
// at once. [Leg.Coach] and [Leg.Barge] turn the same leg into more.
func (l *Leg) Monitor(supervisor User) *Leg {
	return l.supervise(supervisor, func(s *Leg, at time.Time) {
		s.monitors = l.id
		s.note(ToggleMonitoring, true, at)
	})
}

// CoachedBy lets a supervisor speak to the person of a leg, unheard by the far end.
func (l *Leg) CoachedBy(supervisor User) *Leg {
	return l.supervise(supervisor, func(s *Leg, at time.Time) {
		s.coaches = l.id
		s.note(ToggleCoaching, true, at)
	})
}

// BargedBy lets a supervisor join the call of a leg.
func (l *Leg) BargedBy(supervisor User) *Leg {
	return l.supervise(supervisor, func(s *Leg, at time.Time) {
		s.barges, s.bargedAt = l.id, at
		s.note(ToggleBarging, true, at)
	})
}

func (l *Leg) supervise(supervisor User, begin func(s *Leg, at time.Time)) *Leg {
	c := l.call
	var s *Leg
	c.step(func(at time.Time) bool {
		if !l.connectedNow() || l.member == nil {
			return false
		}
		m := c.org.mustMember(supervisor)
		s = c.join(&Leg{
			purpose: l.purpose, member: m, state: stateDialing, direction: outbound,
			queue: l.queue, peer: l.commID, ani: c.ani, dnis: m.address,
		}, at)
		begin(s, at)
		return true
	})
	if s != nil {
		c.step(func(at time.Time) bool {
			s.connect(at)
			return true
		})
	}
	return s
}

// Coach turns a monitoring leg into a coaching one.
func (l *Leg) Coach() {
	l.morph(ToggleCoaching, func(target string, _ time.Time) { l.coaches = target })
}

// Barge turns a monitoring or coaching leg into one that takes part.
func (l *Leg) Barge() {
	l.morph(ToggleBarging, func(target string, at time.Time) { l.barges, l.bargedAt = target, at })
}

func (l *Leg) morph(into ToggleKind, set func(target string, at time.Time)) {
	l.call.step(func(at time.Time) bool {
		target := l.monitors + l.coaches // One of them is empty.
		if !l.connectedNow() || target == "" {
			return false
		}
		if l.monitors != "" {
			l.note(ToggleMonitoring, false, at)
		}
		if l.coaches != "" {
			l.note(ToggleCoaching, false, at)
		}
		l.monitors, l.coaches = "", ""
		set(target, at)
		l.note(into, true, at)
		return true
	})
}
