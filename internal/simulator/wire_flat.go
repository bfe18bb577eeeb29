package simulator

// shape is a variant of the flat conversation.
type shape int

const (
	shape2026 shape = iota // address, securePause; no startTime, no ani, no dnis
	shape2022              // ani instead of address, no securePause, no initialState
	shapeREST              // everything, and links
)

type flatConversation struct {
	RecordingState string     `json:"recordingState"`
	SecurePause    *bool      `json:"securePause,omitempty"`
	Participants   []flatPart `json:"participants"`
	OtherMediaURIs []string   `json:"otherMediaUris,omitzero"`
	Address        string     `json:"address,omitempty"`
	ID             string     `json:"id"`
	SelfURI        string     `json:"selfUri,omitempty"`
}

type ref struct {
	ID      string `json:"id"`
	SelfURI string `json:"selfUri,omitempty"`
}

type flatPart struct {
	Muted          bool   `json:"muted"`
	Confined       bool   `json:"confined"`
	Recording      bool   `json:"recording"`
	RecordingState string `json:"recordingState"`
	TransferSource string `json:"transferSource,omitempty"`
	SecurePause    *bool  `json:"securePause,omitempty"`
	ID             string `json:"id"`
	Name           string `json:"name,omitempty"`
	Address        string `json:"address,omitempty"`
	ANI            string `json:"ani,omitempty"`
	DNIS           string `json:"dnis,omitempty"`
	StartTime      string `json:"startTime,omitempty"`
	ConnectedTime  string `json:"connectedTime,omitempty"`
	EndTime        string `json:"endTime,omitempty"`
	StartHoldTime  string `json:"startHoldTime,omitempty"`
	ParkTime       string `json:"parkTime,omitempty"`
	ResumeTime     string `json:"resumeTime,omitempty"`
	BargedTime     string `json:"bargedTime,omitempty"`
	StartACWTime   string `json:"startAcwTime,omitempty"`
	EndACWTime     string `json:"endAcwTime,omitempty"`
	Purpose        string `json:"purpose"`
	State          string `json:"state"`
	InitialState   string `json:"initialState,omitempty"`
	Direction      string `json:"direction"`
	DisconnectType string `json:"disconnectType,omitempty"`
	Held           bool   `json:"held"`
	WrapupRequired bool   `json:"wrapupRequired"`
	WrapupPrompt   string `json:"wrapupPrompt,omitempty"`
	User           *ref   `json:"user,omitempty"`
	Queue          *ref   `json:"queue,omitempty"`

	Attributes        map[string]string `json:"attributes"`
	ErrorInfo         *errorInfo        `json:"errorInfo,omitempty"`
	AlertingTimeoutMs int               `json:"alertingTimeoutMs,omitempty"`
	Provider          string            `json:"provider"`
	RoutingData       *routingData      `json:"conversationRoutingData,omitempty"`
	Wrapup            *wrapup           `json:"wrapup,omitempty"`
	Peer              string            `json:"peer,omitempty"`
	MediaRoles        []string          `json:"mediaRoles,omitempty"`
	QueueSettings     *queueSettings    `json:"queueMediaSettings,omitempty"`

	ConsultParticipantID   string `json:"consultParticipantId,omitempty"`
	MonitoredParticipantID string `json:"monitoredParticipantId,omitempty"`
	CoachedParticipantID   string `json:"coachedParticipantId,omitempty"`
	BargedParticipantID    string `json:"bargedParticipantId,omitempty"`
}

type routingData struct {
	Queue    ref      `json:"queue"`
	Language struct{} `json:"language"`
	Priority int      `json:"priority"`
}

type queueSettings struct {
	AlertingTimeoutSeconds int `json:"alertingTimeoutSeconds"`
}

const alertingTimeoutMs = 8000

// flat renders the conversation with the call fields on the participants. The
// caller holds the lock.
func (c *Call) flat(as shape) *flatConversation {
	conv := &flatConversation{ID: c.id, RecordingState: "none", Address: c.dnis}
	if as != shape2022 {
		paused := c.securePause // A copy: nothing rendered shares the live state.
		conv.SecurePause = &paused
	}
	if as == shapeREST {
		conv.OtherMediaURIs = []string{}
		conv.Address = ""
		conv.SelfURI = "/api/v2/conversations/calls/" + c.id
	}
	conv.Participants = make([]flatPart, 0, len(c.legs))
	for _, leg := range c.legs {
		if leg.hasCall {
			conv.Participants = append(conv.Participants, leg.flat(as))
		}
	}
	return conv
}

func reference(id, path string, as shape) *ref {
	if id == "" {
		return nil
	}
	if as != shapeREST {
		return &ref{ID: id}
	}
	return &ref{ID: id, SelfURI: path + id}
}

func (l *Leg) recordingState() (bool, string) {
	if !l.call.org.opts.GenesysRecording || !l.connectedNow() {
		return false, "none"
	}
	// The organization suppresses its recording during a hold as well.
	if l.call.securePause || l.held || l.confined {
		return true, "paused"
	}
	return true, "active"
}

func (l *Leg) flat(as shape) flatPart {
	recording, recordingState := l.recordingState()
	p := flatPart{
		Muted: l.muted, Confined: l.confined, Recording: recording, RecordingState: recordingState,
		TransferSource: l.source, ID: l.id, Name: l.name, Address: l.address,
		ConnectedTime: stamp(l.connected), EndTime: stamp(l.end), StartHoldTime: stamp(l.startHold),
		ParkTime: stamp(l.parkedAt), ResumeTime: stamp(l.resumedAt), BargedTime: stamp(l.bargedAt),
		StartACWTime: stamp(l.startACW), EndACWTime: stamp(l.endACW),
		Purpose: l.purpose, State: l.state, InitialState: l.initialState, Direction: l.direction,
		DisconnectType: l.disconnectType, Held: l.held, Attributes: l.attributes, ErrorInfo: l.fault,
		Provider: "Edge", Wrapup: l.wrapup, Peer: l.peer,
		User: reference(l.UserID(), "/api/v2/users/", as), Queue: reference(l.queue.ID, "/api/v2/routing/queues/", as),
		ConsultParticipantID: l.consult, MonitoredParticipantID: l.monitors,
		CoachedParticipantID: l.coaches, BargedParticipantID: l.barges,
	}
	if p.Attributes == nil {
		p.Attributes = map[string]string{}
	}
	paused := l.securePause
	p.SecurePause = &paused
	if l.purpose == "acd" {
		p.RoutingData = &routingData{Queue: *reference(l.queue.ID, "/api/v2/routing/queues/", as)}
	}
	if l.farEnd() || l.member != nil {
		p.MediaRoles = []string{"full"}
	}
	if l.member != nil && l.queue.ID != "" {
		p.WrapupRequired = !l.connected.IsZero()
		p.WrapupPrompt = "optional"
		p.AlertingTimeoutMs = alertingTimeoutMs
		p.QueueSettings = &queueSettings{AlertingTimeoutSeconds: alertingTimeoutMs / 1000}
	}
	switch as {
	case shape2026:
	case shape2022:
		p.SecurePause, p.InitialState, p.TransferSource, p.MediaRoles, p.QueueSettings = nil, "", "", nil, nil
		p.ANI, p.Address = l.address, ""
	case shapeREST:
		p.StartTime, p.ANI, p.DNIS = stamp(l.start), l.ani, l.dnis
	}
	return p
}
