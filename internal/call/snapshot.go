package call

import "time"

// Snapshot is one view of one conversation: what a notification or a REST answer
// said. It is never a delta. Fields that the platform left out are zero; where the
// difference between absent and false decides something, the field is a [Flag].
type Snapshot struct {
	ConversationID string
	// View is the id of the user on whose topic the snapshot came, [ViewREST] for a
	// REST answer, or another name for a topic that is not a user's.
	View string
	// Topic and CorrelationID say which notification it was. All notifications of one
	// change have the same CorrelationID.
	Topic         string
	CorrelationID string
	// Channel is the connection that brought it: what one brings is late together.
	Channel int
	// Received is when the frame or the answer arrived. For REST, Asked is when the
	// question left: what the answer says is at least as new as that.
	Received time.Time
	Asked    time.Time
	// Waited, when set, is since when the snapshot may have waited to be received, in a
	// process that did not run or on a link that did not deliver.
	Waited time.Time
	// Outdated: an answer of REST was asked for after this was sent, so nothing in it is
	// newer.
	Outdated bool
	// SecurePause is the flag of the conversation itself.
	SecurePause  Flag
	Participants []Participant
	// Memory is that of the topic, where it has one.
	Memory *Memory
}

// ViewREST is the [Snapshot.View] of REST answers.
const ViewREST = "rest"

// Flag is a boolean that may be absent.
type Flag uint8

// The values of a [Flag].
const (
	Absent Flag = iota
	No
	Yes
)

// FlagOf returns [Yes] or [No].
func FlagOf(b bool) Flag {
	if b {
		return Yes
	}
	return No
}

// Participant is one party of a conversation, in the flat shape: the fields of the
// voice communication stand on the participant. Values of enumerations are lower
// case; unknown ones are kept.
type Participant struct {
	ID      string
	Purpose string // customer, agent, user, external, acd, ivr …
	State   string // alerting, connected, disconnected, terminated …
	// Initial is the first state of the leg where the platform tells.
	Initial   string
	Direction string // inbound, outbound
	UserID    string
	UserName  string
	QueueID   string
	QueueName string
	Name      string
	Address   string
	ANI, DNIS string

	Start, Connected, End      time.Time
	StartHold, Park, Barge     time.Time
	StartACW, EndACW           time.Time
	Held, Muted, Confined      Flag
	SecurePause                Flag
	DisconnectType             string
	DisconnectReasons          []DisconnectReason
	ErrorCode                  string // errorInfo.code
	Monitored, Coached, Barged string // participant ids
	ConsultParticipantID       string
	WrapupRequired             bool
	Wrapup                     *Wrapup
	Attributes                 map[string]string
	ProtocolCallID             string // known to analytics only
}

// Wrapup is the result an agent gave a call.
type Wrapup struct {
	Code            string
	DurationSeconds int
	End             time.Time
}

// DisconnectReason is a protocol's word for the end of a leg.
type DisconnectReason struct {
	Type   string
	Code   int
	Phrase string
}
