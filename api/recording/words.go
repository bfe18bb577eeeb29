package recording

// Version is the major version of the contract. It is part of every subject and
// every event type; it changes only when a recorder written for the old one
// would do something wrong.
const Version = "v1"

// Values of [Envelope.Type].
const (
	TypeCall  = "recorder.v1.call"  // data is [CallData]
	TypeAgent = "recorder.v1.agent" // data is [AgentData]
	TypeFeed  = "recorder.v1.feed"  // data is [FeedData]
)

// Verb is what the recorder does now.
type Verb string

// The verbs. There are six and no more. Pause and resume alternate: what adds a
// second reason to a leg that is paused, or takes one of two away, is an update.
const (
	Prepare Verb = "prepare" // get ready: the leg alerts or dials
	Start   Verb = "start"   // the leg is connected: record (or hold the recording open but paused, see State)
	Pause   Verb = "pause"   // keep the recording open, write nothing
	Resume  Verb = "resume"  // write again
	Update  Verb = "update"  // facts changed, State did not
	Stop    Verb = "stop"    // close the recording; after prepare alone: disarm
)

// Verbs lists every [Verb].
func Verbs() []Verb { return []Verb{Prepare, Start, Pause, Resume, Update, Stop} }

// State is the desired state of the recorder for a leg after the event.
type State string

// The states.
const (
	Armed     State = "armed"     // the leg alerts or dials
	Recording State = "recording" // record
	Paused    State = "paused"    // recording is open, nothing may be written
	Stopped   State = "stopped"   // final
)

// States lists every [State].
func States() []State { return []State{Armed, Recording, Paused, Stopped} }

// Cause is why, in CSTA terms where CSTA has one.
type Cause string

// The causes of call events.
const (
	Originated      Cause = "originated"      // the leg dials
	Delivered       Cause = "delivered"       // the leg alerts
	Established     Cause = "established"     // connected for the first time
	Held            Cause = "held"            // the agent put the call on hold
	Retrieved       Cause = "retrieved"       // the agent took it back
	SecurePaused    Cause = "secure_paused"   // a secure pause began somewhere in the conversation
	SecureResumed   Cause = "secure_resumed"  // it ended, everywhere
	Muted           Cause = "muted"           // the agent muted the microphone
	Unmuted         Cause = "unmuted"         // and unmuted it
	Transferred     Cause = "transferred"     // the leg ended in a transfer
	Conferenced     Cause = "conferenced"     // more than two parties talk
	Monitored       Cause = "monitored"       // a supervisor began or ended listening
	Coached         Cause = "coached"         // a supervisor began or ended whispering
	Barged          Cause = "barged"          // a supervisor joined or left as a speaker
	Parked          Cause = "parked"          // the call was parked
	Unparked        Cause = "unparked"        // and taken back
	Diverted        Cause = "diverted"        // ended without having connected: declined, not answered, forwarded
	Failed          Cause = "failed"          // ended by an error
	Cleared         Cause = "cleared"         // ended normally
	DataChanged     Cause = "data_changed"    // business data or other parties changed
	StationChanged  Cause = "station_changed" // the agent's device changed
	WrappedUp       Cause = "wrapped_up"      // after-call work or its code arrived
	Refreshed       Cause = "refreshed"       // nothing changed: the leg is still open
	RecoveredUpdate Cause = "recovered"       // facts learned after a gap
)

// Causes lists every [Cause].
func Causes() []Cause {
	return []Cause{
		Originated, Delivered, Established, Held, Retrieved, SecurePaused, SecureResumed, Muted, Unmuted,
		Transferred, Conferenced, Monitored, Coached, Barged, Parked, Unparked, Diverted, Failed, Cleared,
		DataChanged, StationChanged, WrappedUp, Refreshed, RecoveredUpdate,
	}
}

// Confidence is how the ingestor knows.
type Confidence string

// The confidences.
const (
	Observed   Confidence = "observed"   // from a notification, as it happened
	Reconciled Confidence = "reconciled" // from REST, or after a gap
)

// Confidences lists every [Confidence].
func Confidences() []Confidence { return []Confidence{Observed, Reconciled} }

// Direction is the direction of a conversation or a leg.
type Direction string

// The directions.
const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
)

// Directions lists every [Direction].
func Directions() []Direction { return []Direction{Inbound, Outbound} }

// Kind is how a conversation came about.
type Kind string

// The kinds.
const (
	ACD      Kind = "acd"      // distributed by a queue
	Direct   Kind = "direct"   // an outside party and a person, without a queue
	Internal Kind = "internal" // people of the organization only
	Consult  Kind = "consult"  // a consultation in a conversation of its own
	Campaign Kind = "campaign" // placed by a dialer
	Callback Kind = "callback" // the customer asked to be called
)

// Kinds lists every [Kind].
func Kinds() []Kind { return []Kind{ACD, Direct, Internal, Consult, Campaign, Callback} }

// Role is the part a leg plays in the conversation.
type Role string

// The roles.
const (
	RoleAgent         Role = "agent"
	RoleMonitor       Role = "monitor"
	RoleCoach         Role = "coach"
	RoleBarge         Role = "barge"
	RoleConsultTarget Role = "consult_target"
)

// Roles lists every [Role].
func Roles() []Role {
	return []Role{RoleAgent, RoleMonitor, RoleCoach, RoleBarge, RoleConsultTarget}
}

// PauseReason is one member of the set that keeps a leg paused.
type PauseReason string

// The reasons. A leg is resumed only when the set is empty.
const (
	PauseSecure PauseReason = "secure_pause" // somebody speaks a card number
	PauseHold   PauseReason = "hold"         // the agent holds the call, and policy pauses on hold
)

// PauseReasons lists every [PauseReason].
func PauseReasons() []PauseReason { return []PauseReason{PauseSecure, PauseHold} }
