package bridge

import (
	"cmp"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// AgentUpdate is what became known about one user; parts that are nil are not known
// here, which is not the same as empty.
type AgentUpdate struct {
	UserID        string
	Topic         string
	CorrelationID string
	Received      time.Time
	// FromREST: read, not notified.
	FromREST    bool
	Presence    *recording.Presence
	Routing     *recording.RoutingStatus
	Station     *recording.Station // an empty id: no station
	OutOfOffice *bool
}

// agentLane is one employee: the level that is observed and the one in the stream.
// States that follow each other faster than they can be written are told as the
// last one: an agent event is a level, not a history.
type agentLane struct {
	*lane
	user      string
	presence  *recording.Presence
	routing   *recording.RoutingStatus
	station   *recording.Station
	away      bool
	afterCall map[call.ID]bool // legs in after-call work
	published *recording.AgentData
	// changed is when the level moved; zero when it is told. since is when anything
	// was known first.
	changed, since time.Time
	update         AgentUpdate // the last one, for tracing
	cause          recording.AgentCause
}

// complete is how long an agent whose state is known only in part waits to be told.
const complete = 5 * time.Second

// Agent takes what became known about a user.
func (c *Core) Agent(u *AgentUpdate, now time.Time) {
	a := c.agent(u.UserID)
	if a.since.IsZero() {
		a.since = now
	}
	set := func(changed bool, cause recording.AgentCause) {
		if changed {
			a.touch(c, cause, now)
			a.update = *u
		}
	}
	if u.Presence != nil {
		moved := a.presence == nil || a.presence.System != u.Presence.System || a.presence.DefinitionID != u.Presence.DefinitionID
		a.presence = u.Presence
		set(moved, recording.PresenceChanged)
	}
	if u.Routing != nil {
		moved := a.routing == nil || a.routing.Status != u.Routing.Status
		a.routing = u.Routing
		set(moved, recording.RoutingStatusChanged)
	}
	if u.Station != nil {
		moved := a.station == nil || a.station.ID != u.Station.ID
		a.station = u.Station
		set(moved, recording.AgentStationChanged)
	}
	if u.OutOfOffice != nil {
		moved := a.away != *u.OutOfOffice
		a.away = *u.OutOfOffice
		set(moved, recording.OutOfOfficeChanged)
	}
}

// afterCall notes that a leg's after-call work began or ended.
func (c *Core) afterCall(l *legLane, now time.Time) {
	work := l.seen.Ending()
	if l.seen.UserID == "" || work.StartACW.IsZero() {
		return
	}
	a := c.agents[l.seen.UserID]
	if a == nil {
		return // agent events are off, or nothing is known of the agent yet
	}
	if on := work.EndACW.IsZero(); on != a.afterCall[l.id] {
		if on {
			a.afterCall[l.id] = true
		} else {
			delete(a.afterCall, l.id)
		}
		a.touch(c, recording.AfterCallWork, now)
	}
}

// forgetAfterCall ends the after-call work of a leg that is dropped: its end was
// missed, or the platform never told it.
func (c *Core) forgetAfterCall(l *legLane, now time.Time) {
	if l.seen == nil {
		return
	}
	if a := c.agents[l.seen.UserID]; a != nil && a.afterCall[l.id] {
		delete(a.afterCall, l.id)
		a.touch(c, recording.AfterCallWork, now)
	}
}

func (c *Core) agent(user string) *agentLane {
	a := c.agents[user]
	if a == nil {
		a = &agentLane{user: user, afterCall: make(map[call.ID]bool)}
		a.lane = &lane{owner: a, subject: recording.AgentSubject(c.opts.Adapter, user)}
		c.agents[user], c.lanes[a.subject] = a, a.lane
	}
	return a
}

func (a *agentLane) touch(c *Core, cause recording.AgentCause, now time.Time) {
	a.cause = cause
	if a.since.IsZero() {
		a.since = now
	}
	if a.changed.IsZero() {
		a.changed = now
	}
	c.enqueue(a.lane)
}

// compose returns the agent's state when it differs from what is in the stream.
func (a *agentLane) compose(c *Core, now time.Time) *flight {
	if !c.leading || a.changed.IsZero() || a.presence == nil && a.routing == nil {
		return nil // of an agent who is not observed nothing is told
	}
	due := a.changed.Add(c.opts.Coalesce)
	if a.presence == nil || a.routing == nil {
		due = a.since.Add(complete)
	}
	if now.Before(due) {
		a.notBefore = due
		c.park(a.lane)
		return nil
	}
	if a.update.Received.IsZero() {
		a.update.Received = a.changed
	}
	a.changed = time.Time{}
	d := a.describe(c)
	if a.published != nil && sameAgent(a.published, &d) {
		return nil
	}
	d.Revision = 1
	d.Cause = a.cause
	if a.published != nil {
		d.Revision = a.published.Revision + 1
	}
	if a.update.FromREST {
		d.Confidence, d.Cause = recording.Reconciled, recording.AgentSnapshot
	}
	d.Timing.Published = recording.At(now)
	data, id := d.AppendEvent(make([]byte, 0, usualEvent), c.opts.Source)
	return &flight{id: id, data: data, payload: d}
}

func (a *agentLane) describe(c *Core) recording.AgentData {
	d := recording.AgentData{
		State: a.state(), Epoch: c.epoch, Confidence: recording.Observed, DataSource: c.opts.Policy.DataSource,
		Agent:    recording.Agent{UserID: a.user, Name: c.opts.Names.User(a.user), Station: c.opts.Names.Station(a.user)},
		Presence: a.presence, RoutingStatus: a.routing, OutOfOffice: a.away,
		Origin: recording.Origin{Topic: a.update.Topic, CorrelationID: a.update.CorrelationID, Instance: c.opts.Instance},
	}
	at := recording.At(a.update.Received)
	d.Timing = recording.Timing{Occurred: at, Received: at, Estimated: true}
	switch since := a.changedAt(); {
	case since.IsZero():
	default:
		d.Timing.Occurred, d.Timing.Estimated = since, false
	}
	return d
}

// changedAt is the time that the platform gives for the last change, zero when it
// gives none.
func (a *agentLane) changedAt() recording.Time {
	switch {
	case a.cause == recording.PresenceChanged && a.presence != nil:
		return a.presence.Since
	case a.cause == recording.RoutingStatusChanged && a.routing != nil:
		return a.routing.Since
	default:
		return recording.Time{}
	}
}

// state is the CSTA agent state.
func (a *agentLane) state() recording.AgentState {
	presence, routing := "", ""
	if a.presence != nil {
		presence = a.presence.System
	}
	if a.routing != nil {
		routing = a.routing.Status
	}
	switch {
	case presence == "offline":
		return recording.LoggedOff
	case routing == "interacting", routing == "communicating":
		return recording.Busy
	case len(a.afterCall) > 0:
		return recording.WorkingAfterCall
	case routing == "not_responding":
		return recording.NotReady
	case presence != "" && presence != "on_queue" && presence != "available" && presence != "idle":
		return recording.NotReady // busy, away, break, meal, meeting, training, and words to come
	case routing == "idle" || presence == "on_queue":
		return recording.Ready
	default:
		return recording.LoggedOn
	}
}

func (a *agentLane) settled(_ *Core, f *flight, _ time.Time) {
	if d, ok := f.payload.(recording.AgentData); ok {
		a.published = &d
	}
}

func (a *agentLane) learned(c *Core, e *Entry, now time.Time) error {
	event, err := decode[recording.AgentEvent](e)
	if err != nil {
		return err
	}
	a.published = &event.Data
	if a.presence != nil || a.routing != nil {
		// What was in flight is not stored, and what is stored may be another state.
		a.touch(c, cmp.Or(a.cause, recording.AgentSnapshot), now)
	}
	return nil
}

// sameAgent reports whether two events tell the same state. Names and times are no
// reason to write one.
func sameAgent(a, b *recording.AgentData) bool {
	station := func(d *recording.AgentData) string {
		if d.Agent.Station == nil {
			return ""
		}
		return d.Agent.Station.ID
	}
	presence := func(d *recording.AgentData) string {
		if d.Presence == nil {
			return ""
		}
		return d.Presence.System + " " + d.Presence.DefinitionID
	}
	routing := func(d *recording.AgentData) string {
		if d.RoutingStatus == nil {
			return ""
		}
		return d.RoutingStatus.Status
	}
	return a.State == b.State && a.OutOfOffice == b.OutOfOffice && station(a) == station(b) &&
		presence(a) == presence(b) && routing(a) == routing(b)
}

// pends: an agent is a level, nothing waits.
func (*agentLane) pends() bool { return false }
