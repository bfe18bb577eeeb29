package simulator

import (
	"maps"
	"time"
)

type nestedConversation struct {
	ID              string           `json:"id"`
	StartTime       string           `json:"startTime,omitempty"`
	EndTime         string           `json:"endTime,omitempty"`
	Address         string           `json:"address,omitempty"`
	Participants    []nestedPart     `json:"participants"`
	RecentTransfers []nestedTransfer `json:"recentTransfers,omitempty"`
	RecordingState  string           `json:"recordingState"`
	SecurePause     bool             `json:"securePause"`
	SelfURI         string           `json:"selfUri,omitempty"`
}

type idRef struct {
	UserID string `json:"userId,omitempty"`
}

type nestedTransfer struct {
	ID           string `json:"id"`
	State        string `json:"state"`
	DateIssued   string `json:"dateIssued"`
	TransferType string `json:"transferType"`
	Initiator    idRef  `json:"initiator"`
	Destination  idRef  `json:"destination"`
}

type nestedPart struct {
	ID                     string            `json:"id"`
	StartTime              string            `json:"startTime,omitempty"`
	ConnectedTime          string            `json:"connectedTime,omitempty"`
	EndTime                string            `json:"endTime,omitempty"`
	UserID                 string            `json:"userId,omitempty"`
	QueueID                string            `json:"queueId,omitempty"`
	Name                   string            `json:"name,omitempty"`
	Purpose                string            `json:"purpose"`
	Address                string            `json:"address,omitempty"`
	ANI                    string            `json:"ani,omitempty"`
	DNIS                   string            `json:"dnis,omitempty"`
	ConsultParticipantID   string            `json:"consultParticipantId,omitempty"`
	MonitoredParticipantID string            `json:"monitoredParticipantId,omitempty"`
	CoachedParticipantID   string            `json:"coachedParticipantId,omitempty"`
	BargedParticipantID    string            `json:"bargedParticipantId,omitempty"`
	WrapupRequired         bool              `json:"wrapupRequired"`
	WrapupPrompt           string            `json:"wrapupPrompt,omitempty"`
	Wrapup                 *wrapup           `json:"wrapup,omitempty"`
	StartACWTime           string            `json:"startAcwTime,omitempty"`
	EndACWTime             string            `json:"endAcwTime,omitempty"`
	AlertingTimeoutMs      int               `json:"alertingTimeoutMs,omitempty"`
	Attributes             map[string]string `json:"attributes"`
	Calls                  []nestedCall      `json:"calls,omitempty"`
	Callbacks              []nestedCallback  `json:"callbacks,omitempty"`
}

type party struct {
	Name              string `json:"name,omitempty"`
	NameRaw           string `json:"nameRaw"`
	AddressNormalized string `json:"addressNormalized"`
	AddressRaw        string `json:"addressRaw"`
}

type nestedCall struct {
	ID                string             `json:"id"`
	State             string             `json:"state"`
	InitialState      string             `json:"initialState"`
	Recording         bool               `json:"recording"`
	RecordingState    string             `json:"recordingState"`
	Muted             bool               `json:"muted"`
	Confined          bool               `json:"confined"`
	Held              bool               `json:"held"`
	SecurePause       bool               `json:"securePause"`
	ErrorInfo         *errorInfo         `json:"errorInfo,omitempty"`
	DisconnectType    string             `json:"disconnectType,omitempty"`
	StartHoldTime     string             `json:"startHoldTime,omitempty"`
	Direction         string             `json:"direction"`
	Self              party              `json:"self"`
	Other             party              `json:"other"`
	Provider          string             `json:"provider"`
	PeerID            string             `json:"peerId,omitempty"`
	ConnectedTime     string             `json:"connectedTime,omitempty"`
	DisconnectedTime  string             `json:"disconnectedTime,omitempty"`
	DisconnectReasons []disconnectReason `json:"disconnectReasons,omitempty"`
	BargedTime        string             `json:"bargedTime,omitempty"`
	AfterCallWork     *afterCallWork     `json:"afterCallWork,omitempty"`
	AfterCallRequired bool               `json:"afterCallWorkRequired"`
	Segments          []segment          `json:"segments,omitempty"`
}

type afterCallWork struct {
	State     string `json:"state"`
	StartTime string `json:"startTime,omitempty"`
	EndTime   string `json:"endTime,omitempty"`
}

type nestedCallback struct {
	ID               string   `json:"id"`
	State            string   `json:"state"`
	InitialState     string   `json:"initialState"`
	Direction        string   `json:"direction"`
	Held             bool     `json:"held"`
	DisconnectType   string   `json:"disconnectType,omitempty"`
	CallbackNumbers  []string `json:"callbackNumbers"`
	Provider         string   `json:"provider"`
	ConnectedTime    string   `json:"connectedTime,omitempty"`
	DisconnectedTime string   `json:"disconnectedTime,omitempty"`
}

type segment struct {
	StartTime      string `json:"startTime"`
	EndTime        string `json:"endTime,omitempty"`
	Type           string `json:"type"`
	HowEnded       string `json:"howEnded,omitempty"`
	DisconnectType string `json:"disconnectType,omitempty"`
}

// nested renders the conversation with communications under the participants.
// Only REST has start times, numbers and segments. The caller holds the lock.
func (c *Call) nested(rest bool) *nestedConversation {
	conv := &nestedConversation{
		ID: c.id, Address: c.dnis, RecordingState: "none", SecurePause: c.securePause,
		RecentTransfers: c.transfers, Participants: make([]nestedPart, len(c.legs)),
	}
	if rest {
		conv.StartTime, conv.EndTime, conv.RecordingState = stamp(c.started), stamp(c.ended), "NONE"
		conv.SelfURI = "/api/v2/conversations/" + c.id
	}
	for i, leg := range c.legs {
		conv.Participants[i] = leg.nested(rest)
	}
	return conv
}

func (l *Leg) nested(rest bool) nestedPart {
	p := nestedPart{
		ID: l.id, ConnectedTime: stamp(l.connected), EndTime: stamp(l.end), UserID: l.UserID(),
		QueueID: l.queue.ID, Name: l.name, Purpose: l.purpose, Address: l.address,
		ConsultParticipantID: l.consult, MonitoredParticipantID: l.monitors,
		CoachedParticipantID: l.coaches, BargedParticipantID: l.barges,
		Wrapup: l.wrapup, StartACWTime: stamp(l.startACW), EndACWTime: stamp(l.endACW),
		Attributes: maps.Clone(l.attributes),
	}
	if p.Attributes == nil {
		p.Attributes = map[string]string{}
	}
	if l.member != nil && l.queue.ID != "" {
		p.WrapupRequired, p.WrapupPrompt, p.AlertingTimeoutMs = !l.connected.IsZero(), "optional", alertingTimeoutMs
	}
	if l.callback != nil {
		// The participant counts as connected from the moment it took the callback.
		if !l.callback.connected.IsZero() {
			p.ConnectedTime = stamp(l.callback.connected)
		}
		p.Callbacks = []nestedCallback{{
			ID: l.callback.id, State: l.callback.state, InitialState: stateAlerting,
			Direction: l.callback.direction, DisconnectType: l.callback.disconnectType,
			CallbackNumbers: l.callback.numbers, Provider: "PureCloud Callback",
			ConnectedTime: stamp(l.callback.connected), DisconnectedTime: stamp(l.callback.ended),
		}}
	}
	if l.hasCall {
		p.Calls = []nestedCall{l.nestedCall(rest)}
	}
	if rest {
		p.StartTime, p.ANI, p.DNIS = stamp(l.start), l.ani, l.dnis
	}
	return p
}

func (l *Leg) nestedCall(rest bool) nestedCall {
	recording, recordingState := l.recordingState()
	call := nestedCall{
		ID: l.commID, State: l.state, InitialState: l.initialState, Recording: recording,
		RecordingState: recordingState, Muted: l.muted, Confined: l.confined, Held: l.held,
		SecurePause: l.securePause, ErrorInfo: l.fault, DisconnectType: l.disconnectType,
		StartHoldTime: stamp(l.startHold), Direction: l.direction, Provider: "Edge", PeerID: l.peer,
		Self: party{NameRaw: l.name, AddressNormalized: l.ani, AddressRaw: l.ani}, Other: party{AddressNormalized: l.dnis, AddressRaw: l.dnis},
		ConnectedTime: stamp(l.connected), DisconnectedTime: stamp(l.end), DisconnectReasons: l.reasons,
		BargedTime: stamp(l.bargedAt), AfterCallRequired: !l.startACW.IsZero(),
	}
	if l.state == stateParked {
		// A communication knows no parking: it looks held.
		call.State, call.Held = stateConnected, true
	}
	if !l.startACW.IsZero() {
		call.AfterCallWork = &afterCallWork{State: "pending", StartTime: stamp(l.startACW), EndTime: stamp(l.endACW)}
		if !l.endACW.IsZero() {
			call.AfterCallWork.State = "complete"
		}
	}
	if rest {
		call.Segments = l.segments()
	}
	return call
}

// segments cuts the life of the leg at its holds.
func (l *Leg) segments() []segment {
	var list []segment
	from := l.start
	add := func(kind string, until time.Time) {
		list = append(list, segment{StartTime: stamp(from), EndTime: stamp(until), Type: kind})
		from = until
	}
	waiting := "alert"
	if l.direction == outbound {
		waiting = "dialing"
	}
	if l.connected.IsZero() {
		add(waiting, l.end)
	} else {
		if l.connected.After(l.start) {
			add(waiting, l.connected)
		}
		kind := "interact"
		for _, toggle := range l.toggles {
			if toggle.Kind == ToggleHeld {
				add(kind, toggle.At)
				kind = "interact"
				if toggle.On {
					kind = "hold"
				}
			}
		}
		add(kind, l.end)
	}
	list[len(list)-1].DisconnectType = l.disconnectType
	if !l.startACW.IsZero() {
		from = l.startACW
		add("wrapup", l.endACW)
	}
	return list
}
