package control

import (
	"slices"
	"strings"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Policy is what the operator decides about recording.
type Policy struct {
	// Purposes are the participant purposes that are legs. Default agent and user.
	Purposes []string
	// PauseOnHold makes hold a pause reason. Default false: hold is an update.
	PauseOnHold bool
	// DataSource is told in every event.
	DataSource string
}

// Wanted reports whether a participant is a leg by this policy.
func (p Policy) Wanted(m *call.Participant) bool {
	return slices.ContainsFunc(p.Purposes, func(s string) bool { return strings.EqualFold(s, m.Purpose) })
}

// Names gives the names and devices that notifications do not carry. A name that is
// not known is empty.
type Names interface {
	User(id string) string
	Queue(id string) string
	// Station is nil when there is none. It may be kept, and is never changed.
	Station(userID string) *recording.Station
}

// reasons is the set that keeps a leg paused, in alphabetical order.
func (p Policy) reasons(l call.Level) []recording.PauseReason {
	var r []recording.PauseReason
	if l.Held && p.PauseOnHold {
		r = append(r, recording.PauseHold)
	}
	if l.SecurePause {
		r = append(r, recording.PauseSecure)
	}
	return r
}

// state is the desired state at a level.
func (p Policy) state(l call.Level) recording.State {
	switch {
	case l.Phase == call.Ended:
		return recording.Stopped
	case l.Phase < call.Connected:
		return recording.Armed
	case len(p.reasons(l)) > 0:
		return recording.Paused
	default:
		return recording.Recording
	}
}

// verb is what the recorder does at a step that leads from one state to another. It
// pauses what records and resumes what is paused; a further reason, or one of two
// that goes away, is an update.
func (p Policy) verb(k call.Kind, was, is recording.State) recording.Verb {
	switch k {
	case call.Delivered, call.Originated:
		return recording.Prepare
	case call.Established:
		return recording.Start
	case call.Finished:
		return recording.Stop
	default:
	}
	switch {
	case was == recording.Recording && is == recording.Paused:
		return recording.Pause
	case was == recording.Paused && is == recording.Recording:
		return recording.Resume
	default:
		return recording.Update
	}
}

// causeOf is the word for a step. The end of a leg has its own, see [endCause].
func causeOf(k call.Key) recording.Cause {
	switch k.Kind {
	case call.Delivered:
		return recording.Delivered
	case call.Originated:
		return recording.Originated
	case call.Established:
		return recording.Established
	case call.SecureOn:
		return recording.SecurePaused
	case call.SecureOff:
		return recording.SecureResumed
	case call.HeldOn:
		return recording.Held
	case call.HeldOff:
		return recording.Retrieved
	case call.MutedOn:
		return recording.Muted
	case call.MutedOff:
		return recording.Unmuted
	case call.ParkedOn:
		return recording.Parked
	case call.ParkedOff:
		return recording.Unparked
	case call.ConferenceOn:
		return recording.Conferenced
	case call.SupervisedOn, call.SupervisedOff:
		switch k.Supervisor.Mode {
		case call.RoleBarge:
			return recording.Barged
		case call.RoleCoach:
			return recording.Coached
		default:
			return recording.Monitored
		}
	default:
		return recording.DataChanged
	}
}

// endCause is why a leg ended. A leg that never connected was diverted or failed.
func endCause(f *call.Facts) recording.Cause {
	e := f.Ending()
	failed := slices.Contains([]string{"error", "transport.failure", "uncallable", "spam"}, e.DisconnectType)
	switch {
	case failed:
		return recording.Failed
	case f.Connected.IsZero() && e.ErrorCode != "" && e.ErrorCode != benignError && e.DisconnectType != "client":
		return recording.Failed
	case f.Connected.IsZero():
		return recording.Diverted
	case strings.HasPrefix(e.DisconnectType, "transfer"):
		return recording.Transferred
	default:
		return recording.Cleared
	}
}

// benignError comes with healthy calls: the platform tried to hang up what had hung
// up by itself.
const benignError = "error.ininedgecontrol.session.inactive"
