package control

import (
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Event fills d with what a recorder is told about a step of a leg. The leg is the belief
// now, was the state that was told before (empty: none); e.After is the level after
// the step, which is older when a backlog is published. Revision, epoch, instance and the time of publishing are left to the
// publisher. Whatever d pointed to before is used again, so nobody else may have it.
func (p Policy) Event(d *recording.CallData, l *call.Leg, e *call.Edge, was recording.State, n Names) {
	level := e.After
	if l.SecurePause && level.Phase < call.Ended {
		level.SecurePause = true // never looser than now
	}
	p.describe(d, l, level, n)
	d.Verb, d.Cause = p.verb(e.Kind, was, d.State), causeOf(e.Key)
	switch {
	case e.Kind == call.Finished:
		d.Cause = endCause(&l.Facts)
	case e.Kind == call.Established && l.Role == call.RoleBarge:
		d.Cause = recording.Barged
	}
	d.Confidence = recording.Observed
	if e.Reconciled {
		d.Confidence = recording.Reconciled
	}
	d.Timing = recording.Timing{
		Occurred: recording.At(e.Occurred), Received: recording.At(e.Received), Estimated: e.Estimated,
	}
	d.Origin = recording.Origin{Topic: e.Topic, CorrelationID: e.CorrelationID}
}

// Source is where and when a change of facts was learned.
type Source struct {
	Received             time.Time
	Topic, CorrelationID string
	Reconciled           bool
}

// Update fills d with what a recorder is told when facts changed and the level did not,
// compared with what was published last. It is false, and d of no use, when there is nothing
// to tell. As to d see [Policy.Event].
func (p Policy) Update(d *recording.CallData, l *call.Leg, published *recording.CallData, from Source, n Names) bool {
	cause, ok := Differs(d, published, l, n)
	if !ok {
		return false
	}
	p.Tell(d, l, LevelOf(published), cause, from.Received, n)
	d.Origin = recording.Origin{Topic: from.Topic, CorrelationID: from.CorrelationID}
	if from.Reconciled {
		d.Confidence = recording.Reconciled
		if cause == recording.DataChanged {
			d.Cause = recording.RecoveredUpdate // it may have changed long before
		}
	}
	return true
}

// Tell fills d with an update of a leg at a level with a cause, for a refresh or for a
// change of facts. As to d see [Policy.Event].
func (p Policy) Tell(d *recording.CallData, l *call.Leg, level call.Level, c recording.Cause, at time.Time, n Names) {
	p.describe(d, l, level, n)
	d.Verb, d.Cause, d.Confidence = recording.Update, c, recording.Observed
	d.Timing = recording.Timing{Occurred: recording.At(at), Received: recording.At(at), Estimated: true}
}

// describe fills d with the complete desired state of a leg at a level.
func (p Policy) describe(d *recording.CallData, l *call.Leg, level call.Level, n Names) {
	agent, queue, peers := d.Agent, d.Conversation.Queue, d.Peers[:0]
	*d = recording.CallData{
		State:        p.state(level),
		DataSource:   p.DataSource,
		Conversation: conversationOf(l, n, queue),
		Leg:          legOf(l, level),
		Tags:         tagsOf(l),
	}
	// A leg that had ended when the step was taken has no end yet in its event.
	if level.Phase < call.Ended {
		d.Leg.EndTime, d.Leg.DisconnectType, d.Leg.DisconnectReasons = recording.Time{}, "", nil
		if r := p.reasons(level); len(r) > 0 {
			d.Pause = &recording.PauseInfo{Reasons: r}
		}
	}
	if level.Phase < call.Connected {
		d.Leg.ConnectedTime = recording.Time{}
	}
	if l.UserID != "" {
		d.Agent = room(agent)
		*d.Agent = recording.Agent{UserID: l.UserID, Name: first(n.User(l.UserID), l.UserName), Station: n.Station(l.UserID)}
	}
	for i := range min(len(l.Peers), maxPeers) {
		peers = append(peers, recording.Peer(l.Peers[i]))
	}
	if len(peers) > 0 {
		d.Peers = peers
	}
}

// room is what is there, or new.
func room[T any](is *T) *T {
	if is == nil {
		is = new(T)
	}
	return is
}

// maxPeers and maxTag bound an event, whatever a conversation carries: a message
// that the broker refuses would stop its leg.
const (
	maxPeers = 100
	maxTag   = 4096 // bytes
)

func conversationOf(l *call.Leg, n Names, queue *recording.Named) recording.Conversation {
	f := &l.Facts.Conversation
	c := recording.Conversation{
		ID: l.ID.Conversation, Direction: directionOf(f.Direction), Kind: kindOf(f.Kind), ANI: f.ANI, DNIS: f.DNIS,
		StartTime: recording.At(f.Start),
	}
	if f.QueueID != "" {
		c.Queue = room(queue)
		*c.Queue = recording.Named{ID: f.QueueID, Name: first(n.Queue(f.QueueID), f.QueueName)}
	}
	return c
}

func legOf(l *call.Leg, level call.Level) recording.Leg {
	f := &l.Facts
	r := recording.Leg{
		ID: l.ID.Leg, Purpose: f.Purpose, Role: roleOf(f.Role), Direction: directionOf(f.Direction),
		AlertingTime: recording.At(f.Alerting), ConnectedTime: recording.At(f.Connected), EndTime: recording.At(f.End),
		Held: level.Held, Muted: level.Muted, Confined: f.Confined, SecurePause: level.SecurePause,
		Parked: level.Parked, Conference: level.Conference, Supervises: f.Supervises,
		ProtocolCallID: f.ProtocolCallID,
	}
	for _, s := range level.Supervisors {
		r.Supervisors = append(r.Supervisors, recording.Supervisor{LegID: s.LegID, Mode: roleOf(s.Mode)})
	}
	e := f.Ending()
	r.DisconnectType = e.DisconnectType
	for _, x := range e.DisconnectReasons {
		r.DisconnectReasons = append(r.DisconnectReasons, recording.DisconnectReason(x))
	}
	if w := e.Wrapup; w.Code != "" || !w.End.IsZero() {
		r.Wrapup = &recording.Wrapup{Code: w.Code, DurationSeconds: w.DurationSeconds, EndTime: recording.At(w.End)}
	}
	return r
}

func tagsOf(l *call.Leg) map[string]string {
	wrapup := l.Ending().Wrapup.Code
	if len(l.Attributes) == 0 && wrapup == "" {
		return nil
	}
	tags := make(map[string]string, len(l.Attributes)+1)
	for k, v := range l.Attributes {
		tags[k] = strings.ToValidUTF8(v[:min(len(v), maxTag)], "")
	}
	if wrapup != "" {
		tags[recording.TagWrapupCode] = wrapup
	}
	return tags
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
