package call

import (
	"maps"
	"slices"
	"time"
)

// ID names a leg.
type ID struct{ Conversation, Leg string }

// Role is the part a leg plays in its conversation.
type Role uint8

// The roles. Monitoring and coaching legs are no calls of their own; a barging
// leg becomes one.
const (
	RoleAgent Role = iota
	RoleConsultTarget
	RoleMonitor
	RoleCoach
	RoleBarge
)

// Leg is what is believed about one participant of one conversation.
type Leg struct {
	ID
	UserID string
	Level
	Facts
}

// Facts are what an event tells about a leg beside its level. They decide nothing.
type Facts struct {
	Conversation ConversationFacts
	Purpose      string
	Role         Role
	// Supervises is the leg that this one monitors, coaches or barges into.
	Supervises string
	Direction  string
	UserName   string
	Confined   bool

	Alerting, Connected, End time.Time

	DisconnectType    string
	DisconnectReasons []DisconnectReason
	ErrorCode         string
	StartACW, EndACW  time.Time
	Wrapup            Wrapup
	ProtocolCallID    string

	Peers      []Peer
	Attributes map[string]string
}

// ConversationFacts are facts of the conversation as seen from one leg. Each is
// only ever replaced by a better known one, so that the order of views does not
// matter.
type ConversationFacts struct {
	Direction string // inbound, outbound
	Kind      ConversationKind
	QueueID   string
	QueueName string
	ANI, DNIS string
	Start     time.Time

	directionRank, addressRank uint8
}

// ConversationKind is how a conversation came about. A larger one wins over a
// smaller one as more becomes known.
type ConversationKind uint8

// The kinds.
const (
	KindUnknown ConversationKind = iota
	KindInternal
	KindConsult
	KindDirect
	KindACD
	KindCallback
	KindCampaign
)

// Peer is another party on the call now.
type Peer struct{ ID, Purpose, Address, Name string }

// equal reports whether two sets of facts would be told in the same words. The
// name of the user and of the queue are looked up when an event is written.
func (f *Facts) equal(g *Facts) bool {
	return f.Conversation == g.Conversation && f.Purpose == g.Purpose && f.Role == g.Role &&
		f.Supervises == g.Supervises && f.Direction == g.Direction && f.Confined == g.Confined &&
		f.Alerting.Equal(g.Alerting) && f.Connected.Equal(g.Connected) && f.End.Equal(g.End) &&
		f.DisconnectType == g.DisconnectType && slices.Equal(f.DisconnectReasons, g.DisconnectReasons) &&
		f.StartACW.Equal(g.StartACW) && f.EndACW.Equal(g.EndACW) && f.Wrapup == g.Wrapup &&
		f.ProtocolCallID == g.ProtocolCallID && slices.Equal(f.Peers, g.Peers) && maps.Equal(f.Attributes, g.Attributes)
}

// complete fills in what somebody else knew and we did not.
func (f *Facts) complete(g *Facts) {
	f.Alerting, f.Connected, f.End = once(f.Alerting, g.Alerting), once(f.Connected, g.Connected), once(f.End, g.End)
	f.Conversation.join(g.Conversation)
	if f.DisconnectType == "" {
		f.DisconnectType = g.DisconnectType
	}
	if len(f.DisconnectReasons) == 0 {
		f.DisconnectReasons = g.DisconnectReasons
	}
	if f.Wrapup == (Wrapup{}) {
		f.Wrapup = g.Wrapup
	}
	if f.ProtocolCallID == "" {
		f.ProtocolCallID = g.ProtocolCallID
	}
	if len(f.Attributes) == 0 {
		f.Attributes = g.Attributes
	}
}

// earliest returns the earlier of two times of which either may be unknown.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// once returns the first value that was known.
func once(known, now time.Time) time.Time {
	if known.IsZero() {
		return now
	}
	return known
}
