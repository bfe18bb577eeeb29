package recording

// AgentData is the data of an agent event: the complete state of one employee and
// the device, level-triggered like a call event.
type AgentData struct {
	// State is the CSTA agent state derived from presence and routing status.
	State AgentState `json:"state"`
	Cause AgentCause `json:"cause"`
	// Revision counts the events of this agent: 1, 2, 3 … without a hole.
	Revision   uint64     `json:"revision"`
	Epoch      uint64     `json:"epoch"`
	Confidence Confidence `json:"confidence"`
	DataSource string     `json:"dataSource"`
	// Agent is who, with the station in use now (absent: logged off the phone).
	Agent         Agent          `json:"agent"`
	Presence      *Presence      `json:"presence,omitempty"`
	RoutingStatus *RoutingStatus `json:"routingStatus,omitempty"`
	OutOfOffice   bool           `json:"outOfOffice"`
	Timing        Timing         `json:"timing"`
	Origin        Origin         `json:"source"`
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
	System       string `json:"system"`
	DefinitionID string `json:"definitionId,omitempty"`
	Message      string `json:"message,omitempty"`
	Since        Time   `json:"since,omitzero"`
}

// RoutingStatus is what the distributor thinks of the agent.
type RoutingStatus struct {
	// Status is Genesys' word in lower case: off_queue, idle, interacting,
	// not_responding, communicating.
	Status string `json:"status"`
	Since  Time   `json:"since,omitzero"`
}
