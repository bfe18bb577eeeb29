package call

import (
	"slices"
	"time"
)

// Phase is how far a leg has come. It only grows.
type Phase uint8

// The phases.
const (
	Unknown   Phase = iota // not (yet) a call for this person
	Armed                  // alerting or dialing
	Connected              // talking, or on hold
	Ended                  // final
)

// Level is the part of a leg's state that decides what a recorder does.
type Level struct {
	Phase       Phase
	SecurePause bool
	Held        bool
	Muted       bool
	Parked      bool
	Conference  bool
	// Supervisors are the legs that monitor, coach or barge into this one, by id.
	Supervisors []Supervisor
}

// Supervisor is a leg that listens to or speaks into another one.
type Supervisor struct {
	LegID string
	Mode  Role
}

// Equal reports whether l and b are the same level.
func (l Level) Equal(b Level) bool {
	return l.Phase == b.Phase && l.SecurePause == b.SecurePause && l.Held == b.Held && l.Muted == b.Muted &&
		l.Parked == b.Parked && l.Conference == b.Conference && slices.Equal(l.Supervisors, b.Supervisors)
}

// Kind is what an edge changes.
type Kind uint8

// The kinds of edges, in causal order within one snapshot.
const (
	Delivered Kind = iota + 1
	Originated
	Established
	SecureOn
	SecureOff
	HeldOn
	HeldOff
	MutedOn
	MutedOff
	ParkedOn
	ParkedOff
	ConferenceOn
	ConferenceOff
	SupervisedOn
	SupervisedOff
	Finished // the leg ended
)

// Key identifies what an edge changes, apart from when.
type Key struct {
	Kind Kind
	// Supervisor is set for SupervisedOn and SupervisedOff.
	Supervisor Supervisor
}

// Edge is one step of a leg's level.
type Edge struct {
	Key
	// After is the level after the step.
	After Level
	// Occurred is when it happened at Genesys; Estimated when Genesys gave no time
	// and it is the time of receipt.
	Occurred  time.Time
	Estimated bool
	Received  time.Time
	// Topic and CorrelationID say which notification or answer showed it.
	Topic         string
	CorrelationID string
	// Reconciled: learned from REST or after a gap.
	Reconciled bool
}

// From is the level that the step leads to from a level, which may be another one than when it
// was observed. A step of the phase brings the complete level.
func (e *Edge) From(l Level) Level {
	if e.Phase() != Unknown {
		return e.After
	}
	return l.Step(e.Key)
}

// Phase returns the phase that the key leads to, or Unknown when it is not a step
// of the phase.
func (k Key) Phase() Phase {
	switch k.Kind {
	case Delivered, Originated:
		return Armed
	case Established:
		return Connected
	case Finished:
		return Ended
	default:
		return Unknown
	}
}

// Between returns the steps from a to b in causal order. The phase moves in one
// step, except that a leg of which only the end was seen starts and ends. A leg
// that connects or ends takes its other changes along: the event that says so
// carries the complete level.
func Between(a, b Level, connectedEver bool) []Key { return between(nil, a, b, connectedEver) }

// between appends to keys.
func between(keys []Key, a, b Level, connectedEver bool) []Key {
	if b.Phase > a.Phase {
		if b.Phase == Armed {
			keys = append(keys, Key{Kind: Delivered})
		}
		if a.Phase < Connected && (b.Phase == Connected || b.Phase == Ended && connectedEver) {
			keys = append(keys, Key{Kind: Established})
		}
		if b.Phase == Ended {
			return append(keys, Key{Kind: Finished})
		}
		if a.Phase == Unknown || b.Phase == Connected {
			return keys
		}
	}
	if b.Phase == Ended {
		return keys
	}
	return toggles(keys, a, b)
}

func toggles(keys []Key, a, b Level) []Key {
	flip := func(was, is bool, on, off Kind) {
		switch {
		case is && !was:
			keys = append(keys, Key{Kind: on})
		case was && !is:
			keys = append(keys, Key{Kind: off})
		}
	}
	flip(a.SecurePause, b.SecurePause, SecureOn, SecureOff)
	flip(a.Held, b.Held, HeldOn, HeldOff)
	flip(a.Muted, b.Muted, MutedOn, MutedOff)
	flip(a.Parked, b.Parked, ParkedOn, ParkedOff)
	flip(a.Conference, b.Conference, ConferenceOn, ConferenceOff)
	for _, s := range a.Supervisors {
		if !slices.Contains(b.Supervisors, s) {
			keys = append(keys, Key{Kind: SupervisedOff, Supervisor: s})
		}
	}
	for _, s := range b.Supervisors {
		if !slices.Contains(a.Supervisors, s) {
			keys = append(keys, Key{Kind: SupervisedOn, Supervisor: s})
		}
	}
	return keys
}

// Toward returns l after the step k to a goal: a step to the phase of the goal takes along all
// else, since no other step says it.
func (l Level) Toward(goal Level, k Key) Level {
	if p := k.Phase(); p != Unknown && p == goal.Phase {
		return goal
	}
	return l.Step(k)
}

// Step returns l after the step k.
func (l Level) Step(k Key) Level {
	if p := k.Phase(); p > l.Phase {
		l.Phase = p
	}
	switch k.Kind {
	case SecureOn, SecureOff:
		l.SecurePause = k.Kind == SecureOn
	case HeldOn, HeldOff:
		l.Held = k.Kind == HeldOn
	case MutedOn, MutedOff:
		l.Muted = k.Kind == MutedOn
	case ParkedOn, ParkedOff:
		l.Parked = k.Kind == ParkedOn
	case ConferenceOn, ConferenceOff:
		l.Conference = k.Kind == ConferenceOn
	case SupervisedOn:
		if !slices.Contains(l.Supervisors, k.Supervisor) {
			l.Supervisors = append(slices.Clone(l.Supervisors), k.Supervisor)
		}
	case SupervisedOff:
		l.Supervisors = slices.DeleteFunc(slices.Clone(l.Supervisors), func(s Supervisor) bool { return s == k.Supervisor })
	default:
	}
	return l
}
