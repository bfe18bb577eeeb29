package conformance

import (
	"fmt"
	"maps"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// leg is a call leg of a scene.
type leg struct {
	stage *stage
	data  recording.CallData
	doing recording.State // what the recorder should do, which gaps make less
	lost  uint64          // events that were left out since the last one
}

// leg begins a leg in a conversation of its own.
func (s *stage) leg() *leg { return s.legIn(s.uuid()) }

// legIn begins another leg in a conversation.
func (s *stage) legIn(conversation string) *leg {
	now := recording.At(time.Now())
	l := &leg{stage: s, data: recording.CallData{
		Confidence: recording.Observed, DataSource: Adapter,
		Conversation: recording.Conversation{
			ID: conversation, Direction: recording.Inbound, Kind: recording.ACD,
			Queue: &recording.Named{ID: s.uuid(), Name: "Support"}, ANI: "tel:+35315550101", DNIS: "tel:+35315550202", StartTime: now,
		},
		Leg:   recording.Leg{ID: s.uuid(), Purpose: "agent", Role: recording.RoleAgent, Direction: recording.Inbound, AlertingTime: now},
		Agent: &recording.Agent{UserID: s.uuid(), Name: "Agent Seven"},
		Peers: []recording.Peer{{ID: s.uuid(), Purpose: "customer", Address: "tel:+35315550101"}},
	}}
	s.legs = append(s.legs, l)
	return l
}

func (l *leg) key() string          { return l.data.Conversation.ID + "/" + l.data.Leg.ID }
func (l *leg) conversation() string { return l.data.Conversation.ID }

func (l *leg) user() string {
	if l.data.Agent == nil {
		return ""
	}
	return l.data.Agent.UserID
}

// change is a change of the facts about a leg.
type change func(*recording.CallData)

// advance makes the next event, which changes the state and the facts.
func (l *leg) advance(verb recording.Verb, cause recording.Cause, state recording.State, changes []change) recording.CallEvent {
	d, now := &l.data, recording.At(time.Now())
	d.Verb, d.Cause, d.State = verb, cause, state
	d.Revision++
	l.stage.mu.Lock()
	d.Epoch = l.stage.epoch
	l.stage.mu.Unlock()
	d.Confidence = recording.Observed
	d.Timing = recording.Timing{Occurred: now, Received: now, Published: now}
	d.Origin = recording.Origin{Topic: "v2.users." + l.user() + ".conversations.calls", Instance: "a"}
	switch {
	case verb == recording.Start:
		d.Leg.ConnectedTime = now
	case verb == recording.Stop:
		d.Leg.EndTime, d.Pause, d.Leg.SecurePause, d.Leg.Held = now, nil, false, false
	}
	d.Tags = maps.Clone(d.Tags)
	for _, c := range changes {
		c(d)
	}
	return recording.CallEvent{
		Envelope: envelope(recording.TypeCall, l.key(), fmt.Sprintf("%s-%d", d.Leg.ID, d.Revision), d.Timing.Occurred, d.Revision),
		Data:     *d,
	}
}

// post publishes the next event and expects the reaction, without waiting for it.
func (l *leg) post(requirement Requirement, verb recording.Verb, cause recording.Cause, state recording.State, changes ...change) msg {
	m := l.draft(requirement, verb, cause, state, changes...)
	l.stage.store(m)
	return m
}

// draft makes the next event and expects the reaction to it.
func (l *leg) draft(requirement Requirement, verb recording.Verb, cause recording.Cause, state recording.State, changes ...change) msg {
	e := l.advance(verb, cause, state, changes)
	m := l.message(e.ID, e.AppendJSON(nil))
	l.expect(requirement)
	return m
}

// tell is post, and waits for the reaction.
func (l *leg) tell(requirement Requirement, verb recording.Verb, cause recording.Cause, state recording.State, changes ...change) msg {
	m := l.post(requirement, verb, cause, state, changes...)
	l.stage.await(l)
	return m
}

// lose makes the next event, which is not stored and hence missing.
func (l *leg) lose(verb recording.Verb, cause recording.Cause, state recording.State, changes ...change) {
	l.advance(verb, cause, state, changes)
	l.lost++
}

func (l *leg) message(id string, body []byte) msg {
	return message(recording.CallSubject(Adapter, l.user(), l.data.Conversation.ID, l.data.Leg.ID), id, body)
}

// expect expects the reaction to the present state, before it is published.
func (l *leg) expect(requirement Requirement) {
	l.doing = l.stage.masked(l.data.State, l.user())
	step := l.step(requirement, fmt.Sprintf("%s %s", l.data.Verb, l.data.Cause))
	step.Missing, l.lost = l.lost, 0
	l.stage.ledger.expect(l.key(), step)
}

// step is what should be from now on.
func (l *leg) step(requirement Requirement, why string) *Step {
	return &Step{
		Requirement: requirement, Why: why, Revision: l.data.Revision, State: l.doing, Agent: l.user(), Tags: maps.Clone(l.data.Tags),
	}
}

// The steps that most scenes have.

func (l *leg) alerts() msg {
	return l.tell(Arm, recording.Prepare, recording.Delivered, recording.Armed)
}

func (l *leg) answers() msg {
	return l.tell(Record, recording.Start, recording.Established, recording.Recording)
}

// connected is a leg that alerted and was answered.
func (s *stage) connected() *leg {
	l := s.leg()
	l.alerts()
	l.answers()
	return l
}

func (l *leg) update(requirement Requirement, cause recording.Cause, changes ...change) msg {
	return l.tell(requirement, recording.Update, cause, l.data.State, changes...)
}

func (l *leg) ends() msg {
	return l.tell(Stop, recording.Stop, recording.Cleared, recording.Stopped, func(d *recording.CallData) { d.Leg.DisconnectType = "peer" })
}

func (l *leg) pauses() msg {
	return l.tell(Pause, recording.Pause, recording.SecurePaused, recording.Paused, paused(recording.PauseSecure))
}

func (l *leg) resumes() msg {
	return l.tell(Resume, recording.Resume, recording.SecureResumed, recording.Recording, paused())
}

// paused sets the reasons of a pause, none for its end.
func paused(reasons ...recording.PauseReason) change {
	return func(d *recording.CallData) {
		d.Pause, d.Leg.SecurePause, d.Leg.Held = nil, false, false
		for _, r := range reasons {
			d.Leg.SecurePause = d.Leg.SecurePause || r == recording.PauseSecure
			d.Leg.Held = d.Leg.Held || r == recording.PauseHold
		}
		if len(reasons) > 0 {
			d.Pause = &recording.PauseInfo{Reasons: reasons}
		}
	}
}

// tag sets a tag, or takes it away when the value is empty.
func tag(key, value string) change {
	return func(d *recording.CallData) {
		if d.Tags == nil {
			d.Tags = map[string]string{}
		}
		d.Tags[key] = value
		if value == "" {
			delete(d.Tags, key)
		}
	}
}

func reconciled(d *recording.CallData) { d.Confidence = recording.Reconciled }
