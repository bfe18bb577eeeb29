package control

import (
	"maps"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// LevelOf reads the level out of a published event.
func LevelOf(d *recording.CallData) call.Level {
	if d == nil {
		return call.Level{}
	}
	l := call.Level{
		SecurePause: d.Leg.SecurePause, Held: d.Leg.Held, Muted: d.Leg.Muted, Parked: d.Leg.Parked,
		Conference: d.Leg.Conference,
	}
	switch d.State {
	case recording.Armed:
		l.Phase = call.Armed
	case recording.Recording, recording.Paused:
		l.Phase = call.Connected
	case recording.Stopped:
		l.Phase = call.Ended
	}
	for _, s := range d.Leg.Supervisors {
		l.Supervisors = append(l.Supervisors, call.Supervisor{LegID: s.LegID, Mode: roleFrom(s.Mode)})
	}
	return l
}

// Recover rebuilds the belief about a leg from its last event.
func Recover(d *recording.CallData) call.Leg {
	c := d.Conversation
	l := call.Leg{
		ID:    call.ID{Conversation: c.ID, Leg: d.Leg.ID},
		Level: LevelOf(d),
		Facts: call.Facts{
			Conversation: call.ConversationFacts{
				Direction: string(c.Direction), Kind: kindFrom(c.Kind), ANI: c.ANI, DNIS: c.DNIS, Start: c.StartTime.Time,
			},
			Purpose: d.Leg.Purpose, Role: roleFrom(d.Leg.Role), Supervises: d.Leg.Supervises,
			Direction: string(d.Leg.Direction), Confined: d.Leg.Confined,
			Alerting: d.Leg.AlertingTime.Time, Connected: d.Leg.ConnectedTime.Time, End: d.Leg.EndTime.Time,
			ProtocolCallID: d.Leg.ProtocolCallID,
		},
	}
	if c.Queue != nil {
		l.Facts.Conversation.QueueID, l.Facts.Conversation.QueueName = c.Queue.ID, c.Queue.Name
	}
	if d.Agent != nil {
		l.UserID, l.UserName = d.Agent.UserID, d.Agent.Name
	}
	e := call.Ending{DisconnectType: d.Leg.DisconnectType}
	for _, x := range d.Leg.DisconnectReasons {
		e.DisconnectReasons = append(e.DisconnectReasons, call.DisconnectReason(x))
	}
	if w := d.Leg.Wrapup; w != nil {
		e.Wrapup = call.Wrapup{Code: w.Code, DurationSeconds: w.DurationSeconds, End: w.EndTime.Time}
	}
	l.SetEnding(e)
	for _, p := range d.Peers {
		l.Peers = append(l.Peers, call.Peer(p))
	}
	if len(d.Tags) > 0 {
		l.Attributes = maps.Clone(d.Tags)
		delete(l.Attributes, recording.TagWrapupCode)
	}
	return l
}

// Differs reports whether the facts about a leg differ from what was published, and
// the cause to tell. Names are not compared: they are looked up anew for each event
// and are no reason to write one. Numbers that were published and are no longer
// known are no difference either. It needs room for the leg as it is now, see [Policy.Event].
func Differs(now, published *recording.CallData, l *call.Leg, n Names) (recording.Cause, bool) {
	if published == nil {
		return "", false
	}
	Policy{}.describe(now, l, LevelOf(published), n)
	if s := n.Station(l.UserID); s != nil && published.Agent != nil && published.State != recording.Stopped &&
		(published.Agent.Station == nil || published.Agent.Station.ID != s.ID) {
		return recording.StationChanged, true
	}
	a, b := &published.Leg, &now.Leg
	if !equalWrapup(a.Wrapup, b.Wrapup) {
		return recording.WrappedUp, true
	}
	over := published.State == recording.Stopped // who was with it does not matter any more
	if !equalConversation(&published.Conversation, &now.Conversation) || !over && !equalPeers(published.Peers, now.Peers) ||
		!maps.Equal(published.Tags, now.Tags) {
		return recording.DataChanged, true
	}
	same := a.Purpose == b.Purpose && a.Direction == b.Direction &&
		(over || a.Role == b.Role && a.Confined == b.Confined && a.Supervises == b.Supervises) && near(a.ConnectedTime, b.ConnectedTime) && near(a.EndTime, b.EndTime) &&
		a.DisconnectType == b.DisconnectType && a.ProtocolCallID == b.ProtocolCallID &&
		slices.Equal(a.DisconnectReasons, b.DisconnectReasons)
	return recording.DataChanged, !same
}

func equalWrapup(a, b *recording.Wrapup) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func equalConversation(a, b *recording.Conversation) bool {
	return a.Direction == b.Direction && a.Kind == b.Kind && a.ANI == b.ANI && a.DNIS == b.DNIS &&
		near(a.StartTime, b.StartTime) && (a.Queue == nil) == (b.Queue == nil) && (a.Queue == nil || a.Queue.ID == b.Queue.ID)
}

// near reports whether two times may be the same moment: where the platform gives no
// time each instance takes that of its own receipt.
func near(a, b recording.Time) bool {
	return a.IsZero() == b.IsZero() && a.Sub(b.Time).Abs() < sameMoment
}

const sameMoment = 5 * time.Second

func equalPeers(a, b []recording.Peer) bool {
	return slices.EqualFunc(a, b, func(x, y recording.Peer) bool {
		return x.ID == y.ID && x.Purpose == y.Purpose && x.Address == y.Address
	})
}
