package simulator

import (
	"maps"
	"time"
)

// States of a participant, and of a communication.
const (
	stateOffering     = "offering"
	stateAlerting     = "alerting"
	stateDialing      = "dialing"
	stateContacting   = "contacting"
	stateConnected    = "connected"
	stateParked       = "parked"
	stateScheduled    = "scheduled"
	stateDisconnected = "disconnected"
	stateTerminated   = "terminated"
)

const (
	inbound  = "inbound"
	outbound = "outbound"
)

// Leg is one participant of a conversation: a person of the organization, the
// customer, or a machine of the platform. Several legs of one person in one
// conversation are normal: every alert adds one.
type Leg struct {
	call   *Call
	member *member // nil for everybody who is not a person of the organization

	// Set once.
	id, commID, peer           string
	name, address, ani, dnis   string
	purpose, direction, source string
	initialState               string
	queue                      Queue
	start                      time.Time
	dialed                     bool // placed by this person
	hasCall                    bool // has a voice communication; a callback starts without

	// Guarded by call.mu.
	state, disconnectType      string
	connected, end             time.Time
	held, muted, confined      bool
	securePause                bool
	startHold                  time.Time
	parkedAt, resumedAt        time.Time
	startACW, endACW           time.Time
	wrapup                     *wrapup
	attributes                 map[string]string
	fault                      *errorInfo
	reasons                    []disconnectReason
	monitors, coaches, barges  string
	bargedAt                   time.Time
	consult                    string
	conferenced, consultTarget bool
	callback                   *callback
	busy                       bool // counted in the routing status of the person
	alertV, connectV, endV     int
	toggles                    []Toggle
}

type wrapup struct {
	Code            string `json:"code"`
	Notes           string `json:"notes"`
	DurationSeconds int    `json:"durationSeconds"`
	EndTime         string `json:"endTime"`
}

type errorInfo struct {
	Message           string            `json:"message"`
	Code              string            `json:"code"`
	MessageWithParams string            `json:"messageWithParams"`
	MessageParams     map[string]string `json:"messageParams"`
	Details           []any             `json:"details"`
	Errors            []any             `json:"errors"`
}

type disconnectReason struct {
	Type   string `json:"type"`
	Code   int    `json:"code"`
	Phrase string `json:"phrase"`
}

// ID of the participant.
func (l *Leg) ID() string { return l.id }

// Call is the conversation of the leg.
func (l *Leg) Call() *Call { return l.call }

// UserID of the person, empty for everybody else.
func (l *Leg) UserID() string {
	if l.member == nil {
		return ""
	}
	return l.member.fixed.ID
}

func (l *Leg) over() bool         { return l.state == stateDisconnected || l.state == stateTerminated }
func (l *Leg) connectedNow() bool { return l.state == stateConnected || l.state == stateParked }
func (l *Leg) farEnd() bool       { return l.purpose == "customer" || l.purpose == "external" }

// Answer connects the leg: the person picks up, or the far end does. The queue
// that delivered the call lets go of it at the same moment.
func (l *Leg) Answer() {
	l.call.step(func(at time.Time) bool {
		if l.over() || l.connectedNow() || !l.hasCall {
			return false
		}
		l.connect(at)
		if l.member == nil {
			return true
		}
		for _, other := range l.call.legs {
			if other.purpose == "acd" || other.purpose == "ivr" {
				other.terminate("transfer", at)
			}
		}
		return true
	})
}

func (l *Leg) connect(at time.Time) {
	l.state = stateConnected
	l.connected = at
	l.connectV = l.call.version
}

// Decline refuses the alert.
func (l *Leg) Decline() { l.unanswered("client") }

// TimeOut lets the alert ring out. The platform says system for an ACD alert.
func (l *Leg) TimeOut() { l.unanswered("system") }

// NoAnswer ends the alert with any other disconnect type, such as
// transfer.noanswer or transfer.dnd.
func (l *Leg) NoAnswer(disconnectType string) { l.unanswered(disconnectType) }

func (l *Leg) unanswered(disconnectType string) {
	if l.Connected() {
		return
	}
	l.Disconnect(disconnectType)
}

// Connected tells whether the leg was ever connected.
func (l *Leg) Connected() bool {
	l.call.mu.Lock()
	defer l.call.mu.Unlock()
	return !l.connected.IsZero()
}

// Hold puts the far end on hold. The platform sends the same snapshot twice.
func (l *Leg) Hold() { l.hold(true) }

// Retrieve takes the far end back.
func (l *Leg) Retrieve() { l.hold(false) }

func (l *Leg) hold(on bool) {
	changed := false
	l.call.step(func(at time.Time) bool {
		if !l.connectedNow() || l.held == on {
			return false
		}
		changed = true
		l.held = on
		l.startHold = time.Time{}
		if on {
			l.startHold = at
		}
		l.note(ToggleHeld, on, at)
		for _, other := range l.call.legs {
			if other.farEnd() && other.hasCall && other.connectedNow() {
				other.confined = on
			}
		}
		return true
	})
	if changed {
		l.call.Repeat()
	}
}

// Repeat sends the current snapshot once more, as the platform often does.
func (c *Call) Repeat() { c.step(func(time.Time) bool { return true }) }

// Mute and Unmute the microphone of the leg.
func (l *Leg) Mute() { l.mute(true) }

// Unmute is the opposite of Mute.
func (l *Leg) Unmute() { l.mute(false) }

func (l *Leg) mute(on bool) {
	l.call.step(func(at time.Time) bool {
		if !l.connectedNow() || l.muted == on {
			return false
		}
		l.muted = on
		l.note(ToggleMuted, on, at)
		return true
	})
}

// SecurePause is the pause as the person sets it: the flag is on this leg and on
// the conversation, not on the other legs. Turning it off ends the pause of the
// conversation, whoever began it.
func (l *Leg) SecurePause(on bool) {
	l.call.step(func(at time.Time) bool {
		if !l.connectedNow() || l.call.securePause == on {
			return false
		}
		for _, other := range l.call.legs {
			other.securePause = on && other == l
		}
		l.call.pauseChanged(on, at)
		return true
	})
}

// Park puts the call aside until Unpark.
func (l *Leg) Park() {
	l.call.step(func(at time.Time) bool {
		if l.state != stateConnected {
			return false
		}
		l.state, l.parkedAt, l.resumedAt = stateParked, at, time.Time{}
		l.note(ToggleParked, true, at)
		return true
	})
}

// Unpark takes a parked call back.
func (l *Leg) Unpark() {
	l.call.step(func(at time.Time) bool {
		if l.state != stateParked {
			return false
		}
		l.state, l.resumedAt = stateConnected, at
		l.note(ToggleParked, false, at)
		return true
	})
}

// SetAttributes adds participant data to this leg. It is possible after the end.
func (l *Leg) SetAttributes(attributes map[string]string) {
	l.call.step(func(time.Time) bool {
		l.setAttributes(attributes)
		return len(attributes) > 0
	})
}

func (l *Leg) setAttributes(attributes map[string]string) {
	if l.attributes == nil {
		l.attributes = make(map[string]string, len(attributes))
	}
	maps.Copy(l.attributes, attributes)
}

// WrapUp finishes the work after the call with a code.
func (l *Leg) WrapUp(code string) {
	l.call.step(func(at time.Time) bool {
		if !l.over() || l.connected.IsZero() || l.wrapup != nil {
			return false
		}
		l.endACW = at
		l.wrapup = &wrapup{Code: code, DurationSeconds: int(at.Sub(l.end).Seconds()), EndTime: stamp(at)}
		return true
	})
}

func (l *Leg) note(kind ToggleKind, on bool, at time.Time) {
	l.toggles = append(l.toggles, Toggle{Kind: kind, On: on, At: at, Version: l.call.version})
}
