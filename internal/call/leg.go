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
	// Mark belongs to who reads the changes: the tracker keeps it with the leg.
	Mark any
}

// Facts are what an event tells about a leg beside its level. They decide nothing.
type Facts struct {
	Conversation ConversationFacts
	Purpose      string
	Role         Role
	Confined     bool
	// Supervises is the leg that this one monitors, coaches or barges into.
	Supervises string
	Direction  string
	UserName   string

	Alerting, Connected, End time.Time

	ending         *Ending // never changed, only replaced; nil when nothing is known
	ProtocolCallID string

	Peers      []Peer
	Attributes map[string]string
}

// Ending is what becomes known with the end of a leg and after it. Of the legs that take
// memory most are open and have none, so it is kept apart.
type Ending struct {
	DisconnectType    string
	DisconnectReasons []DisconnectReason
	ErrorCode         string
	StartACW, EndACW  time.Time
	Wrapup            Wrapup
}

// Ending returns what is known of the end, which is nothing at first.
func (f *Facts) Ending() Ending {
	if f.ending == nil {
		return Ending{}
	}
	return *f.ending
}

// SetEnding replaces what is known of the end. The facts that this is a copy of keep theirs.
func (f *Facts) SetEnding(e Ending) {
	if known := f.Ending(); !e.equal(&known) {
		f.ending = new(Ending)
		*f.ending = e
	}
}

func (e *Ending) equal(g *Ending) bool {
	return e.DisconnectType == g.DisconnectType && slices.Equal(e.DisconnectReasons, g.DisconnectReasons) &&
		e.ErrorCode == g.ErrorCode && e.StartACW.Equal(g.StartACW) && e.EndACW.Equal(g.EndACW) && e.Wrapup == g.Wrapup
}

// ConversationFacts are facts of the conversation as seen from one leg. Each is
// only ever replaced by a better known one, so that the order of views does not
// matter.
type ConversationFacts struct {
	Direction string // inbound, outbound
	QueueID   string
	QueueName string
	ANI, DNIS string
	Start     time.Time
	Kind      ConversationKind

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
		f.sameEnding(g) && f.ProtocolCallID == g.ProtocolCallID && slices.Equal(f.Peers, g.Peers) && maps.Equal(f.Attributes, g.Attributes)
}

// wrapped reports whether there is a wrap-up code: what is said of the leg without one is older.
func (f *Facts) wrapped() bool { return f.ending != nil && f.ending.Wrapup.Code != "" }

func (f *Facts) sameEnding(g *Facts) bool {
	if f.ending == g.ending {
		return true
	}
	a, b := f.Ending(), g.Ending()
	return a.equal(&b)
}

// complete fills in what somebody else knew and we did not.
func (f *Facts) complete(g *Facts) {
	f.Alerting, f.Connected, f.End = once(f.Alerting, g.Alerting), once(f.Connected, g.Connected), once(f.End, g.End)
	f.Conversation.join(g.Conversation)
	if g.ending != nil {
		e := f.Ending()
		if e.DisconnectType == "" {
			e.DisconnectType = g.ending.DisconnectType
		}
		if len(e.DisconnectReasons) == 0 {
			e.DisconnectReasons = g.ending.DisconnectReasons
		}
		if e.Wrapup == (Wrapup{}) {
			e.Wrapup = g.ending.Wrapup
		}
		f.SetEnding(e)
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
