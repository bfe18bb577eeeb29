package recording

// CallData is the data of a call event: the complete desired state of one leg.
type CallData struct {
	// Verb is what the recorder does now, Cause why, State the desired state after it.
	Verb  Verb  `json:"verb"`
	Cause Cause `json:"cause"`
	State State `json:"state"`
	// Revision counts the events of this leg: 1, 2, 3 … without a hole.
	Revision uint64 `json:"revision"`
	// Epoch is the term of the instance that wrote the event: the stream sequence
	// of its feed event "leader". It never decreases along one leg's revisions
	// except when a deposed writer adds the correct next revision late.
	Epoch uint64 `json:"epoch"`
	// Confidence says whether the change was observed or learned afterwards.
	Confidence Confidence `json:"confidence"`
	// DataSource is the operator's name of the data source.
	DataSource string `json:"dataSource"`

	Conversation Conversation `json:"conversation"`
	Leg          Leg          `json:"leg"`
	Agent        *Agent       `json:"agent,omitempty"`
	// Peers are the other parties on the call now.
	Peers []Peer `json:"peers,omitempty"`
	// Pause is present while the set of pause reasons is not empty.
	Pause *PauseInfo `json:"pause,omitempty"`
	// Tags are the allow-listed participant attributes, and the wrap-up code under
	// the key [TagWrapupCode].
	Tags   map[string]string `json:"tags,omitempty"`
	Timing Timing            `json:"timing"`
	Origin Origin            `json:"source"`
}

// TagWrapupCode is the key of the wrap-up code in [CallData.Tags].
const TagWrapupCode = "wrapupCode"

// Conversation is the call as a whole.
type Conversation struct {
	ID string `json:"id"`
	// Direction is that of the conversation, seen from the organization. It is not
	// that of the agent's leg: a dialer's call is outbound though it reaches the
	// agent as an inbound leg.
	Direction Direction `json:"direction,omitempty"`
	Kind      Kind      `json:"kind,omitempty"`
	Queue     *Named    `json:"queue,omitempty"`
	// ANI and DNIS are the calling and the called address as Genesys writes them:
	// tel:+E164, sip:… or free text.
	ANI       string `json:"ani,omitempty"`
	DNIS      string `json:"dnis,omitempty"`
	StartTime Time   `json:"startTime,omitzero"`
}

// Named is an id with the name it had when the event was written.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// Leg is one participant of the conversation: the unit of recording.
type Leg struct {
	// ID is the Genesys participant id. One agent may have several legs in one
	// conversation: every declined alert adds one.
	ID      string `json:"id"`
	Purpose string `json:"purpose"`
	Role    Role   `json:"role"`
	// Direction is that of this leg.
	Direction     Direction `json:"direction,omitempty"`
	AlertingTime  Time      `json:"alertingTime,omitzero"`
	ConnectedTime Time      `json:"connectedTime,omitzero"`
	EndTime       Time      `json:"endTime,omitzero"`
	// Held: this agent put the call on hold. Confined: this leg is itself kept
	// waiting and hears hold music.
	Held     bool `json:"held"`
	Muted    bool `json:"muted"`
	Confined bool `json:"confined"`
	// SecurePause is on while any part of the conversation is in a secure pause.
	SecurePause bool `json:"securePause"`
	Parked      bool `json:"parked,omitempty"`
	Conference  bool `json:"conference,omitempty"`
	// Supervisors are the legs that monitor, coach or barge into this one now.
	Supervisors []Supervisor `json:"supervisors,omitempty"`
	// Supervises is the leg that this one monitors, coaches or has barged into.
	Supervises string `json:"supervises,omitempty"`
	// DisconnectType is Genesys' word for how the leg ended: peer, client, transfer,
	// transfer.consult, error … It may still change shortly after the end.
	DisconnectType    string             `json:"disconnectType,omitempty"`
	DisconnectReasons []DisconnectReason `json:"disconnectReasons,omitempty"`
	Wrapup            *Wrapup            `json:"wrapup,omitempty"`
	// ProtocolCallID is the SIP Call-ID of the leg where Genesys knows it: a passive
	// recorder joins the media by it.
	ProtocolCallID string `json:"protocolCallId,omitempty"`
}

// Supervisor is a leg that listens to or speaks into another one.
type Supervisor struct {
	LegID string `json:"legId"`
	// Mode is [RoleMonitor], [RoleCoach] or [RoleBarge].
	Mode Role `json:"mode"`
}

// DisconnectReason is a protocol's word for the end of a leg.
type DisconnectReason struct {
	Type   string `json:"type"` // q850 or sip
	Code   int    `json:"code"`
	Phrase string `json:"phrase,omitempty"`
}

// Wrapup is the result that the agent gave the call, often after its end. The
// agent's notes are left out: they are free text about a person.
type Wrapup struct {
	Code            string `json:"code,omitempty"`
	DurationSeconds int    `json:"durationSeconds,omitempty"`
	EndTime         Time   `json:"endTime,omitzero"`
}

// Agent is the person on the leg.
type Agent struct {
	UserID  string   `json:"userId"`
	Name    string   `json:"name,omitempty"`
	Station *Station `json:"station,omitempty"`
}

// Station is a telephone as Genesys sees it.
type Station struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// Type is Genesys' word: inin_webrtc_softphone, inin_remote …
	Type string `json:"type,omitempty"`
}

// Peer is another party on the call now.
type Peer struct {
	ID      string `json:"id"`
	Purpose string `json:"purpose"`
	Address string `json:"address,omitempty"`
	Name    string `json:"name,omitempty"`
}

// PauseInfo says why a leg is paused.
type PauseInfo struct {
	// Reasons is a set in alphabetical order; the leg resumes when it is empty.
	Reasons []PauseReason `json:"reasons"`
}

// Timing is when things happened.
type Timing struct {
	// Occurred is when it happened at Genesys; where Genesys gives no time it is
	// the time of receipt and Estimated is true.
	Occurred Time `json:"occurred"`
	// Received is when the ingestor had the notification or REST answer.
	Received Time `json:"received"`
	// Published is when the event was written for the first time; a retry keeps it.
	Published Time `json:"published"`
	Estimated bool `json:"estimated,omitempty"`
}

// Origin is where the knowledge came from.
type Origin struct {
	// Topic is the notification topic, or the REST path when Reconciled.
	Topic string `json:"topic,omitempty"`
	// CorrelationID is Genesys' metadata.CorrelationId, for tracing with Genesys.
	CorrelationID string `json:"correlationId,omitempty"`
	// Instance is the ingestor that wrote the event.
	Instance string `json:"instance"`
}
