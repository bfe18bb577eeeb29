package recording

// CallData is the data of a call event: the complete desired state of one leg.
type CallData struct {
	// Verb is what changed, as an instruction to the recorder.
	Verb Verb `json:"verb"`
	// Cause is why, in CSTA terms.
	Cause Cause `json:"cause"`
	// State is the desired state of the recorder for this leg after the event. A
	// recorder that only makes its own state equal to it is always right.
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

	// Conversation is the call that the leg belongs to.
	Conversation Conversation `json:"conversation"`
	// Leg is the unit of recording, with everything known about it.
	Leg Leg `json:"leg"`
	// Agent is who is on the leg; absent for a leg without a user.
	Agent *Agent `json:"agent,omitempty"`
	// Peers are the other parties on the call now.
	Peers []Peer `json:"peers,omitempty"`
	// Pause is present while the set of pause reasons is not empty.
	Pause *PauseInfo `json:"pause,omitempty"`
	// Tags are the allow-listed participant attributes, and the wrap-up code under
	// the key [TagWrapupCode]. An attribute with an empty value is left out.
	Tags map[string]string `json:"tags,omitempty"`
	// Timing is when things happened.
	Timing Timing `json:"timing"`
	// Origin is where the knowledge came from; its key on the wire is source.
	Origin Origin `json:"source"`
}

// TagWrapupCode is the key of the wrap-up code in [CallData.Tags].
const TagWrapupCode = "wrapupCode"

// Conversation is the call as a whole.
type Conversation struct {
	// ID is the Genesys conversation id.
	ID string `json:"id"`
	// Direction is that of the conversation, seen from the organization. It is not
	// that of the agent's leg: a dialer's call is outbound though it reaches the
	// agent as an inbound leg.
	Direction Direction `json:"direction,omitempty"`
	// Kind is how the conversation came about.
	Kind Kind `json:"kind,omitempty"`
	// Queue is the last queue that distributed the call.
	Queue *Named `json:"queue,omitempty"`
	// ANI is the calling address as Genesys writes it: tel:+E164, sip:… or free text.
	ANI string `json:"ani,omitempty"`
	// DNIS is the called address, written like ANI.
	DNIS string `json:"dnis,omitempty"`
	// StartTime is when the conversation began, before any queue or menu.
	StartTime Time `json:"startTime,omitzero"`
}

// Named is an id with the name it had when the event was written.
type Named struct {
	// ID is the Genesys id.
	ID string `json:"id"`
	// Name is the name of the thing at that moment.
	Name string `json:"name,omitempty"`
}

// Leg is one participant of the conversation: the unit of recording.
type Leg struct {
	// ID is the Genesys participant id. One agent may have several legs in one
	// conversation: every declined alert adds one.
	ID string `json:"id"`
	// Purpose is Genesys' word for the participant: agent, user …
	Purpose string `json:"purpose"`
	// Role is the part the leg plays.
	Role Role `json:"role"`
	// Direction is that of this leg.
	Direction Direction `json:"direction,omitempty"`
	// AlertingTime is when the leg began to alert or to dial.
	AlertingTime Time `json:"alertingTime,omitzero"`
	// ConnectedTime is when it was connected for the first time.
	ConnectedTime Time `json:"connectedTime,omitzero"`
	// EndTime is when it ended.
	EndTime Time `json:"endTime,omitzero"`
	// Held is on while this agent keeps the other parties on hold.
	Held bool `json:"held"`
	// Muted is on while the agent's microphone is off.
	Muted bool `json:"muted"`
	// Confined is on while this leg is itself kept waiting and hears hold music.
	Confined bool `json:"confined"`
	// SecurePause is on while any part of the conversation is in a secure pause.
	SecurePause bool `json:"securePause"`
	// Parked is on while the call is parked by this leg.
	Parked bool `json:"parked,omitempty"`
	// Conference is on while more than two parties talk.
	Conference bool `json:"conference,omitempty"`
	// Supervisors are the legs that monitor, coach or barge into this one now.
	Supervisors []Supervisor `json:"supervisors,omitempty"`
	// Supervises is the leg that this one monitors, coaches or has barged into.
	Supervises string `json:"supervises,omitempty"`
	// DisconnectType is Genesys' word for how the leg ended: peer, client, transfer,
	// transfer.consult, error … It may still change shortly after the end.
	DisconnectType string `json:"disconnectType,omitempty"`
	// DisconnectReasons are the protocols' words for it.
	DisconnectReasons []DisconnectReason `json:"disconnectReasons,omitempty"`
	// Wrapup is the result that the agent gave the call.
	Wrapup *Wrapup `json:"wrapup,omitempty"`
	// ProtocolCallID is the SIP Call-ID of the leg where Genesys knows it: a passive
	// recorder joins the media by it.
	ProtocolCallID string `json:"protocolCallId,omitempty"`
}

// Supervisor is a leg that listens to or speaks into another one.
type Supervisor struct {
	// LegID is the participant id of the supervisor.
	LegID string `json:"legId"`
	// Mode is [RoleMonitor], [RoleCoach] or [RoleBarge].
	Mode Role `json:"mode"`
}

// DisconnectReason is a protocol's word for the end of a leg.
type DisconnectReason struct {
	// Type is the protocol: q850 or sip.
	Type string `json:"type"`
	// Code is the protocol's number, for example 16 in q850.
	Code int `json:"code"`
	// Phrase is its text.
	Phrase string `json:"phrase,omitempty"`
}

// Wrapup is the result that the agent gave the call, often after its end. The
// agent's notes are left out: they are free text about a person.
type Wrapup struct {
	// Code is the wrap-up code, as it also stands in the tags.
	Code string `json:"code,omitempty"`
	// DurationSeconds is how long the after-call work took, in seconds.
	DurationSeconds int `json:"durationSeconds,omitempty"`
	// EndTime is when the after-call work ended.
	EndTime Time `json:"endTime,omitzero"`
}

// Agent is the person on the leg.
type Agent struct {
	// UserID is the Genesys user id.
	UserID string `json:"userId"`
	// Name is the display name.
	Name string `json:"name,omitempty"`
	// Station is the telephone in use; absent when there is none.
	Station *Station `json:"station,omitempty"`
}

// Station is a telephone as Genesys sees it.
type Station struct {
	// ID is the Genesys station id.
	ID string `json:"id"`
	// Name is the station's name.
	Name string `json:"name,omitempty"`
	// Type is Genesys' word: inin_webrtc_softphone, inin_remote …
	Type string `json:"type,omitempty"`
}

// Peer is another party on the call now.
type Peer struct {
	// ID is the participant id of the party.
	ID string `json:"id"`
	// Purpose is Genesys' word for it: customer, external, agent, user …
	Purpose string `json:"purpose"`
	// Address is where it can be reached: tel:+E164, sip:… or free text.
	Address string `json:"address,omitempty"`
	// Name is what Genesys calls it.
	Name string `json:"name,omitempty"`
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
	// Estimated is present and true when Genesys gave no time for it.
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
