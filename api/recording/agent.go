package recording

// AgentData is the data of an agent event: the complete state of one employee and
// the device, level-triggered like a call event.
type AgentData struct {
	// State is the CSTA agent state derived from presence and routing status.
	State AgentState `json:"state"`
	// Cause is what changed.
	Cause AgentCause `json:"cause"`
	// Revision counts the events of this agent: 1, 2, 3 … without a hole.
	Revision uint64 `json:"revision"`
	// Epoch is the term of the instance that wrote the event, as in call events.
	Epoch uint64 `json:"epoch"`
	// Confidence says whether the change was observed or learned afterwards.
	Confidence Confidence `json:"confidence"`
	// DataSource is the operator's name of the data source.
	DataSource string `json:"dataSource"`
	// Agent is who, with the station in use now (absent: logged off the phone).
	Agent Agent `json:"agent"`
	// Presence is what the agent shows to others; absent when it is not known.
	Presence *Presence `json:"presence,omitempty"`
	// RoutingStatus is what the distributor thinks; absent when it is not known.
	RoutingStatus *RoutingStatus `json:"routingStatus,omitempty"`
	// OutOfOffice is on while the agent has set it.
	OutOfOffice bool `json:"outOfOffice"`
	// Timing is when things happened.
	Timing Timing `json:"timing"`
	// Origin is where the knowledge came from; its key on the wire is source.
	Origin Origin `json:"source"`
}

// AgentState is a CSTA agent state.
type AgentState string

// The agent states.
const (
	LoggedOn         AgentState = "logged_on"          // present, not on queue
	LoggedOff        AgentState = "logged_off"         // offline
	Ready            AgentState = "ready"              // on queue and idle
	NotReady         AgentState = "not_ready"          // on queue and not responding, or away
	WorkingAfterCall AgentState = "working_after_call" // after-call work
	Busy             AgentState = "busy"               // interacting or communicating
)

// AgentStates lists every [AgentState].
func AgentStates() []AgentState {
	return []AgentState{LoggedOn, LoggedOff, Ready, NotReady, WorkingAfterCall, Busy}
}

// AgentCause is what changed.
type AgentCause string

// The causes of agent events.
const (
	PresenceChanged      AgentCause = "presence_changed"
	RoutingStatusChanged AgentCause = "routing_status_changed"
	AgentStationChanged  AgentCause = "station_changed"
	OutOfOfficeChanged   AgentCause = "out_of_office_changed"
	AfterCallWork        AgentCause = "after_call_work" // began or ended
	AgentSnapshot        AgentCause = "snapshot"        // state found at a start or after a gap
	AgentRemoved         AgentCause = "removed"         // the user is no longer monitored
)

// AgentCauses lists every [AgentCause].
func AgentCauses() []AgentCause {
	return []AgentCause{
		PresenceChanged, RoutingStatusChanged, AgentStationChanged, OutOfOfficeChanged, AfterCallWork,
		AgentSnapshot, AgentRemoved,
	}
}

// Presence is what the agent shows to others.
type Presence struct {
	// System is Genesys' system presence in lower case: available, busy, away,
	// break, meal, meeting, training, on_queue, offline, idle.
	System string `json:"system"`
	// DefinitionID is the organization's own presence behind it.
	DefinitionID string `json:"definitionId,omitempty"`
	// Message is the agent's text.
	Message string `json:"message,omitempty"`
	// Since is when it began.
	Since Time `json:"since,omitzero"`
}

// RoutingStatus is what the distributor thinks of the agent.
type RoutingStatus struct {
	// Status is Genesys' word in lower case: off_queue, idle, interacting,
	// not_responding, communicating.
	Status string `json:"status"`
	// Since is when it began.
	Since Time `json:"since,omitzero"`
}
