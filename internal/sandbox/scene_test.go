package sandbox_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/sandbox"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// scene is evidence that a test makes by hand: first a clean one, then it is broken.
type scene struct {
	t        *testing.T
	e        sandbox.Evidence
	sequence uint64
	revision map[string]uint64 // by subject
}

const (
	convID = "c0000000-0000-4000-8000-000000000001"
	agent1 = "a0000000-0000-4000-8000-000000000001"
	agent2 = "a0000000-0000-4000-8000-000000000002"
	leg1   = "10000000-0000-4000-8000-000000000001"
	leg2   = "10000000-0000-4000-8000-000000000002"
	leg3   = "10000000-0000-4000-8000-000000000003"
	code   = "7fb334b0-0e9e-11e4-9191-0800200c9a66"
)

// at is a moment of the scene, in milliseconds after its beginning.
func at(ms int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// newScene is one conversation: the first agent talks from 1 s to 20 s, with a mute, a
// hold and a secure pause; the second declines once, then joins during the pause.
// Everything is told 5 ms after it happens.
func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, revision: make(map[string]uint64), e: sandbox.Evidence{
		Adapter: sandbox.Adapter, LeaseTTL: 2 * time.Second, Reach: 15 * time.Second,
	}}
	toggle := func(kind simulator.ToggleKind, on bool, ms, version int) simulator.Toggle {
		return simulator.Toggle{Kind: kind, On: on, At: at(ms), Version: version, Seen: true}
	}
	pauses := []simulator.Toggle{
		toggle(simulator.ToggleSecurePause, true, 8000, 9), toggle(simulator.ToggleSecurePause, false, 12000, 12),
	}
	first := simulator.LegTruth{
		ConversationID: convID, LegID: leg1, UserID: agent1, Purpose: "agent", Role: "agent", Voice: true,
		AlertedAt: at(0), ConnectedAt: at(1000), EndedAt: at(20000), DisconnectType: "client", Wrapup: code,
		AlertVersion: 1, ConnectVersion: 2, EndVersion: 13,
		Toggles: append([]simulator.Toggle{
			toggle(simulator.ToggleMuted, true, 3000, 3), toggle(simulator.ToggleMuted, false, 4000, 4),
			toggle(simulator.ToggleHeld, true, 5000, 5), toggle(simulator.ToggleHeld, false, 6000, 6),
		}, pauses...),
	}
	declined := simulator.LegTruth{
		ConversationID: convID, LegID: leg2, UserID: agent2, Purpose: "agent", Role: "agent", Voice: true,
		AlertedAt: at(6500), EndedAt: at(7000), DisconnectType: "client", AlertVersion: 7, EndVersion: 8,
	}
	second := simulator.LegTruth{
		ConversationID: convID, LegID: leg3, UserID: agent2, Purpose: "agent", Role: "agent", Voice: true,
		AlertedAt: at(9000), ConnectedAt: at(10000), EndedAt: at(20000), DisconnectType: "peer",
		AlertVersion: 10, ConnectVersion: 11, EndVersion: 13,
		Toggles: []simulator.Toggle{toggle(simulator.ToggleSecurePause, true, 10000, 11), pauses[1]},
	}
	legs := []simulator.LegTruth{first, declined, second}
	times := []int{0, 1000, 3000, 4000, 5000, 6000, 6500, 7000, 8000, 9000, 10000, 12000, 20000, 22000} // of versions
	sightings := func(user string, from int) simulator.Sighting {
		s := simulator.Sighting{Channel: "x", Topic: "v2.users." + user + ".conversations.calls"}
		for v := from; v <= 14; v++ {
			s.Versions, s.At = append(s.Versions, v), append(s.At, at(times[v-1]).UnixMilli())
		}
		return s
	}
	s.e.Truth = simulator.Truth{
		At: at(30000), Legs: legs,
		Conversations: []simulator.ConversationTruth{{
			ID: convID, StartedAt: at(0), EndedAt: at(20000), Versions: 14, SecurePauses: pauses, Legs: legs,
			Sightings: []simulator.Sighting{sightings(agent1, 1), sightings(agent2, 7)},
		}},
	}
	s.feed(-100, "a", recording.FeedLeader, nil)
	s.tellAll()
	return s
}

// tellAll tells the scene as it should be told.
func (s *scene) tellAll() {
	s.tell(0, leg1, recording.Prepare, recording.Delivered, recording.Armed)
	s.tell(1000, leg1, recording.Start, recording.Established, recording.Recording)
	s.tell(3000, leg1, recording.Update, recording.Muted, recording.Recording)
	s.tell(4000, leg1, recording.Update, recording.Unmuted, recording.Recording)
	s.tell(5000, leg1, recording.Update, recording.Held, recording.Recording)
	s.tell(6000, leg1, recording.Update, recording.Retrieved, recording.Recording)
	s.tell(6500, leg2, recording.Prepare, recording.Delivered, recording.Armed)
	s.tell(7000, leg2, recording.Stop, recording.Diverted, recording.Stopped)
	s.tell(8000, leg1, recording.Pause, recording.SecurePaused, recording.Paused)
	s.tell(9000, leg3, recording.Prepare, recording.Delivered, recording.Armed)
	s.tell(10000, leg3, recording.Start, recording.Established, recording.Paused)
	s.tell(12000, leg1, recording.Resume, recording.SecureResumed, recording.Recording)
	s.tell(12000, leg3, recording.Resume, recording.SecureResumed, recording.Recording)
	s.tell(20000, leg1, recording.Stop, recording.Cleared, recording.Stopped)
	s.tell(20000, leg3, recording.Stop, recording.Cleared, recording.Stopped)
	s.tell(22000, leg1, recording.Update, recording.WrappedUp, recording.Stopped, func(d *recording.CallData) {
		d.Tags = map[string]string{recording.TagWrapupCode: code}
		d.Leg.Wrapup = &recording.Wrapup{Code: code}
	})
}

// owner is the user of a leg.
func owner(leg string) string {
	if leg == leg1 {
		return agent1
	}
	return agent2
}

func (s *scene) tell(ms int, leg string, verb recording.Verb, cause recording.Cause, state recording.State, more ...func(*recording.CallData)) {
	subject := recording.CallSubject(sandbox.Adapter, owner(leg), convID, leg)
	s.revision[subject]++
	d := recording.CallData{
		Verb: verb, Cause: cause, State: state, Revision: s.revision[subject], Epoch: 1, Confidence: recording.Observed,
		DataSource: "sandbox", Conversation: recording.Conversation{ID: convID},
		Leg:    recording.Leg{ID: leg, Purpose: "agent", Role: recording.RoleAgent, AlertingTime: recording.At(at(0))},
		Agent:  &recording.Agent{UserID: owner(leg)},
		Timing: recording.Timing{Occurred: recording.At(at(ms)), Received: recording.At(at(ms + 2)), Published: recording.At(at(ms + 3))},
		Origin: recording.Origin{Instance: "a"},
	}
	if state == recording.Paused {
		d.Leg.SecurePause = true
		d.Pause = &recording.PauseInfo{Reasons: []recording.PauseReason{recording.PauseSecure}}
	}
	if state == recording.Recording || state == recording.Paused {
		d.Leg.ConnectedTime = recording.At(at(1000))
	}
	if state == recording.Stopped {
		d.Leg.EndTime = recording.At(at(20000))
		d.Leg.DisconnectType = map[string]string{leg1: "client", leg2: "client", leg3: "peer"}[leg]
	}
	for _, f := range more {
		f(&d)
	}
	s.sequence++
	event := recording.CallEvent{Envelope: envelope(recording.TypeCall, convID+"/"+leg, d.Revision, at(ms)), Data: d}
	event.ID = fmt.Sprintf("%s-%d", leg, d.Revision)
	s.store(subject, at(ms+5), event.ID, event.AppendJSON(nil))
}

func (s *scene) feed(ms int, instance string, kind recording.FeedKind, gap *recording.Gap) {
	subject := recording.FeedSubject(sandbox.Adapter)
	s.revision[subject]++
	d := recording.FeedData{Event: kind, Revision: s.revision[subject], Instance: instance, Role: recording.Primary}
	if gap != nil {
		d.Gap = *gap
	}
	s.sequence++
	event := recording.FeedEvent{Envelope: envelope(recording.TypeFeed, "feed", d.Revision, at(ms)), Data: d}
	event.ID = fmt.Sprintf("feed-%d", d.Revision)
	s.store(subject, at(ms), event.ID, event.AppendJSON(nil))
}

func envelope(kind, subject string, revision uint64, when time.Time) recording.Envelope {
	return recording.Envelope{
		SpecVersion: recording.SpecVersion, Type: kind, Source: recording.SourceOf("mypurecloud.ie", sandbox.Adapter),
		Subject: subject, Time: recording.At(when), DataContentType: recording.DataContentType,
		Sequence: recording.SequenceOf(revision),
	}
}

func (s *scene) store(subject string, when time.Time, id string, data []byte) {
	s.e.Stored = append(s.e.Stored, sandbox.Stored{
		Sequence: s.sequence, At: when, Subject: subject, Data: data,
		Header: map[string][]string{"Nats-Msg-Id": {id}, "Content-Type": {recording.ContentType}},
	})
}

// find is the index of the message of a leg with a verb and a cause.
func (s *scene) find(leg string, verb recording.Verb, cause recording.Cause) int {
	s.t.Helper()
	for i, m := range s.e.Stored {
		v, err := recording.Decode(m.Data)
		if err != nil {
			s.t.Fatal(err)
		}
		if e, ok := v.(*recording.CallEvent); ok && e.Data.Leg.ID == leg && e.Data.Verb == verb && e.Data.Cause == cause {
			return i
		}
	}
	s.t.Fatalf("nothing tells %s %s of %s", verb, cause, leg)
	return -1
}

// without leaves out what was told, and closes the hole in the revisions.
func (s *scene) without(leg string, verb recording.Verb, cause recording.Cause) {
	s.t.Helper()
	i := s.find(leg, verb, cause)
	subject := s.e.Stored[i].Subject
	s.e.Stored = append(s.e.Stored[:i:i], s.e.Stored[i+1:]...)
	for n := range s.e.Stored[i:] {
		if s.e.Stored[i+n].Subject == subject {
			s.change(i+n, func(e *recording.CallEvent) {
				e.Data.Revision--
				e.Sequence = recording.SequenceOf(e.Data.Revision)
			})
		}
	}
}

// change rewrites one stored event.
func (s *scene) change(i int, f func(*recording.CallEvent)) {
	s.t.Helper()
	v, err := recording.Decode(s.e.Stored[i].Data)
	e, ok := v.(*recording.CallEvent)
	if err != nil || !ok {
		s.t.Fatalf("message %d is no call event: %v", i, err)
	}
	f(e)
	s.e.Stored[i].Data = e.AppendJSON(nil)
}

// leg is the truth about a leg, to be changed.
func (s *scene) leg(id string) *simulator.LegTruth {
	for i := range s.e.Truth.Legs {
		if s.e.Truth.Legs[i].LegID == id {
			return &s.e.Truth.Legs[i]
		}
	}
	return nil
}

// hide takes versions out of what every client was shown.
func (s *scene) hide(from, to int) {
	c := &s.e.Truth.Conversations[0]
	for i := range c.Sightings {
		shown := &c.Sightings[i]
		left := simulator.Sighting{Channel: shown.Channel, Topic: shown.Topic}
		for k, v := range shown.Versions {
			if v < from || v > to {
				left.Versions, left.At = append(left.Versions, v), append(left.At, shown.At[k])
			}
		}
		*shown = left
	}
}

func row(v *sandbox.Verdict, name string) sandbox.Row {
	for _, r := range v.Rows {
		if r.Name == name {
			return r
		}
	}
	return sandbox.Row{}
}
