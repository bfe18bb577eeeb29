package call

import "time"

// The states of a participant that mean something here; all others leave the phase
// to the times.
func stateOf(p *Participant) Phase {
	switch p.State {
	case "alerting", "offering", "dialing", "contacting":
		return Armed
	case "connected", "parked":
		return Connected
	case "disconnected", "terminated":
		return Ended
	default:
		return Unknown
	}
}

// phaseOf is how far a participant has come by its own words. A leg that listens in
// has not come anywhere until it barges.
func phaseOf(p *Participant) Phase {
	said := stateOf(p)
	if said == Ended || !p.End.IsZero() {
		return Ended
	}
	if r := roleOf(p); r == RoleMonitor || r == RoleCoach || noCall(p) {
		return Unknown
	}
	if said == Unknown && !p.Connected.IsZero() {
		return Connected
	}
	return said
}

// reached is how far a participant has come, listeners included.
func reached(p *Participant) Phase {
	if !p.End.IsZero() {
		return Ended
	}
	if p.Connected.IsZero() {
		return stateOf(p)
	}
	return max(stateOf(p), Connected)
}

// connectedAt is when the participant began to take part in the conversation, zero
// when it never did.
func connectedAt(p *Participant) time.Time {
	switch roleOf(p) {
	case RoleMonitor, RoleCoach:
		return time.Time{}
	case RoleBarge:
		if !p.Barge.IsZero() {
			return p.Barge
		}
	default:
	}
	if stateOf(p) == Armed || noCall(p) {
		return time.Time{}
	}
	return p.Connected
}

// noCall reports whether the participant is in a state that belongs to something else
// than a call. Who accepts a callback counts as connected before anybody is called.
func noCall(p *Participant) bool {
	switch p.State {
	case "scheduled", "converting", "uploading", "transmitting":
		return true
	default:
		return false
	}
}

func roleOf(p *Participant) Role {
	switch {
	case p.Barged != "" || !p.Barge.IsZero():
		return RoleBarge
	case p.Coached != "":
		return RoleCoach
	case p.Monitored != "":
		return RoleMonitor
	case p.ConsultParticipantID != "" && isStaff(p.Purpose) && p.Attributes["consultInitiator"] != "true":
		return RoleConsultTarget
	default:
		return RoleAgent
	}
}

// supervises is the participant that p listens to or speaks into, as far as p says.
func supervises(p *Participant) string {
	switch {
	case p.Barged != "":
		return p.Barged
	case p.Coached != "":
		return p.Coached
	default:
		return p.Monitored
	}
}

func isStaff(purpose string) bool { return purpose == "agent" || purpose == "user" }

func isOutside(purpose string) bool { return purpose == "customer" || purpose == "external" }

// late reports whether p is older than what is already known of the participant:
// it has gone back in phase, or from terminated to disconnected. Absence of a
// participant or of a time proves nothing, since the platform leaves fields out as it likes.
func late(known *party, p *Participant) bool {
	said := stateOf(p)
	switch known.phase {
	case Ended:
		return p.End.IsZero() && said != Ended && said != Unknown || known.terminated && p.State == "disconnected"
	case Connected:
		return said == Armed && p.Connected.IsZero()
	default:
		return false
	}
}
