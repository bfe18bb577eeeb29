package watch

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// told is a call event as it is stored.
func told(t *testing.T, user, leg string, revision uint64, verb recording.Verb, state recording.State, at time.Time) (publish.Entry, any) {
	t.Helper()
	e := &recording.CallEvent{
		Envelope: recording.Envelope{SpecVersion: recording.SpecVersion, Type: recording.TypeCall, Time: recording.At(at)},
		Data: recording.CallData{
			Verb: verb, State: state, Revision: revision, Conversation: recording.Conversation{ID: "conversation"}, Leg: recording.Leg{ID: leg},
			Agent: &recording.Agent{UserID: user, Name: "Agent " + user},
		},
	}
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return publish.Entry{Subject: recording.CallSubject("acme", user, "conversation", leg), Time: at, Data: data}, e
}

// fed is a feed event.
func fed(d recording.FeedData, at time.Time) (publish.Entry, any) {
	return publish.Entry{Subject: recording.FeedSubject("acme"), Sequence: 7, Time: at}, &recording.FeedEvent{Data: d}
}

// What is open is what was told last, whoever is redundant or late.
func TestPictureOfLegs(t *testing.T) {
	t.Parallel()
	p := newPicture()
	for _, step := range []struct {
		leg      string
		revision uint64
		verb     recording.Verb
		state    recording.State
		after    time.Duration
	}{
		{"a", 1, recording.Prepare, recording.Armed, 0},
		{"a", 2, recording.Start, recording.Recording, time.Minute},
		{"a", 3, recording.Update, recording.Recording, 2 * time.Minute},
		{"a", 2, recording.Start, recording.Recording, 3 * time.Minute}, // delivered again
		{"b", 9, recording.Update, recording.Paused, 4 * time.Minute},   // refreshed: its beginning is not in the window
		{"b", 10, recording.Update, recording.Paused, 5 * time.Minute},
		{"c", 1, recording.Start, recording.Recording, 0},
		{"c", 2, recording.Stop, recording.Stopped, time.Minute},
		{"c", 3, recording.Update, recording.Stopped, 2 * time.Minute}, // wrapped up
	} {
		p.take(told(t, "u-"+step.leg, step.leg, step.revision, step.verb, step.state, noon.Add(step.after)))
	}
	s := p.snapshot("acme", noon.Add(10*time.Minute), Filter{Calls: true})
	if len(s.Legs) != 2 {
		t.Fatalf("%d legs", len(s.Legs))
	}
	a, b := s.Legs[0], s.Legs[1]
	if a.LegID != "a" || a.Revision != 3 || a.State != recording.Recording || !a.Since.Equal(noon.Add(time.Minute)) || a.SinceBefore {
		t.Errorf("a: %+v", a)
	}
	if b.LegID != "b" || b.Revision != 10 || !b.Since.Equal(noon.Add(4*time.Minute)) || !b.SinceBefore {
		t.Errorf("b: %+v", b)
	}
}

// A gap concerns the users that it names, and those it may mean.
func TestPictureOfGaps(t *testing.T) {
	t.Parallel()
	p := newPicture()
	for _, user := range []string{"one", "two"} {
		p.take(told(t, user, "leg-"+user, 1, recording.Start, recording.Recording, noon))
	}
	gap := func(id string, s *recording.GapScope) {
		p.take(fed(recording.FeedData{Event: recording.FeedGapOpened, Gap: recording.Gap{ID: id, From: recording.At(noon), Cause: recording.GapSocketLost, Scope: s}}, noon))
	}
	gap("closed", &recording.GapScope{All: true})
	p.take(fed(recording.FeedData{Event: recording.FeedGapClosed, Gap: recording.Gap{ID: "closed"}}, noon))
	gap("one", &recording.GapScope{Users: 1, UserIDs: []string{"one"}})
	s := p.snapshot("acme", noon, Filter{Calls: true})
	if len(s.Gaps) != 1 || len(s.Legs[0].Gaps) != 1 || len(s.Legs[1].Gaps) != 0 {
		t.Errorf("one user: %+v", s)
	}
	gap("many", &recording.GapScope{Users: 500, UserIDs: []string{"one"}})
	if s = p.snapshot("acme", noon, Filter{Calls: true}); len(s.Legs[1].Gaps) != 1 {
		t.Errorf("a gap that does not name all its users: %+v", s.Legs)
	}
}

// How old the picture is.
func TestPictureAges(t *testing.T) {
	t.Parallel()
	p := newPicture()
	if s := p.snapshot("acme", noon, Filter{}); !s.Feed.Silent || !strings.Contains(s.age(), "ever spoken") {
		t.Errorf("nobody: %+v", s.Feed)
	}
	p.take(fed(recording.FeedData{Event: recording.FeedLeader, Instance: "a"}, noon))
	p.take(fed(recording.FeedData{Event: recording.FeedHeartbeat, Instance: "b", Role: recording.Secondary, Epoch: 7}, noon))
	if s := p.snapshot("acme", noon.Add(29*time.Second), Filter{}); s.Feed.Silent || s.Feed.Leader != "a" || s.Feed.Epoch != 7 || !strings.Contains(s.age(), "last heartbeat 29s ago, led by a, epoch 7\n") {
		t.Errorf("in time: %+v %s", s.Feed, s.age())
	}
	if s := p.snapshot("acme", noon.Add(31*time.Second), Filter{}); !s.Feed.Silent || !strings.Contains(s.age(), "NO INSTANCE IS SPEAKING") {
		t.Errorf("late: %+v", s.Feed)
	}
}

// No number survives as text.
func TestMask(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"tel:+15551234567": "***567", "+353 1 234 5678": "***678", "sip:5551234567@10.0.0.1": "***", "unknown": "***", "tel:123": "***", "": "***",
	} {
		if got := mask(address); got != want {
			t.Errorf("mask %q = %q, want %q", address, got, want)
		}
	}
	for name, want := range map[string]string{"Ann Example": "Ann Example", "+1 555 123 4567": "***567", "": "id-1", "Desk 12": "Desk 12"} {
		if got := agentName(&recording.Agent{UserID: "id-1", Name: name}); got != want {
			t.Errorf("name %q = %q, want %q", name, got, want)
		}
	}
}

// The server sends no more than what may be chosen, and all of that.
func TestFilterSubject(t *testing.T) {
	t.Parallel()
	const id = "e0260f10-1234-4000-8000-000000000001"
	for _, c := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "recorder.v1.acme.>"},
		{Filter{Feed: true}, "recorder.v1.acme.feed"},
		{Filter{Agents: true}, "recorder.v1.acme.agent.*"},
		{Filter{Agents: true, Agent: id}, "recorder.v1.acme.agent." + id},
		{Filter{Agent: id}, "recorder.v1.acme.>"},
		{Filter{Verbs: []recording.Verb{recording.Start}}, "recorder.v1.acme.call.*.*.*"},
		{Filter{Conversation: id}, "recorder.v1.acme.call.*." + id + ".*"},
		{Filter{Leg: "e026"}, "recorder.v1.acme.call.*.*.*"},
		{Filter{Calls: true, Agent: "Ann Example"}, "recorder.v1.acme.call.*.*.*"},
		{Filter{Calls: true, Agent: strings.Repeat(">", 36)}, "recorder.v1.acme.call.*.*.*"},
	} {
		if got := c.filter.kinds().subject("Acme"); got != c.want {
			t.Errorf("%+v: %s, want %s", c.filter, got, c.want)
		}
	}
}
