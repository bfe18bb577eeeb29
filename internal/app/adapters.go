package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// lanes lets the engine write through publish.Lanes.
type lanes struct{ *publish.Lanes }

// Send implements bridge.Publisher.
func (l lanes) Send(m bridge.Message) error {
	return l.Lanes.Queue(publish.Message{Subject: m.Subject, ID: m.ID, Data: m.Data, Expect: m.Expect, Known: m.Known, Token: m.Token})
}

// outcomes appends results as the engine takes them. Busy is an outcome that is not known for
// the engine: the message is sent again, after a pause.
func outcomes(out []bridge.Outcome, results []publish.Result) []bridge.Outcome {
	for i := range results {
		r := &results[i]
		o := bridge.Outcome{Token: r.Token, Subject: r.Subject, Sequence: r.Sequence}
		switch r.Outcome {
		case publish.Stored:
			o.Verdict = bridge.Stored
		case publish.Conflict:
			if o.Verdict = bridge.Conflict; r.Vacant {
				o.Verdict = bridge.Vacant
			}
		case publish.Refused:
			o.Verdict = bridge.Refused
		case publish.Unknown, publish.Busy:
			o.Verdict = bridge.Unsure
		}
		out = append(out, o)
	}
	return out
}

// reader lets the engine read single events.
type reader struct{ *publish.Reader }

// Load implements bridge.Loader.
func (r reader) Load(ctx context.Context, l bridge.Load) (bridge.Entry, error) {
	e, err := r.Reader.Load(ctx, l.Subject, l.Sequence)
	return entry(&e), err
}

func entry(e *publish.Entry) bridge.Entry {
	return bridge.Entry{Subject: e.Subject, Sequence: e.Sequence, ID: e.ID, Data: e.Data, Time: e.Time}
}

// questions lets the engine ask the platform.
type questions struct{ *genesys.Platform }

// Open implements bridge.Platform.
func (q questions) Open(ctx context.Context) ([]bridge.Open, error) {
	found, err := q.OpenConversations(ctx, time.Time{})
	if errors.Is(err, genesys.ErrForbidden) {
		return nil, errors.Join(bridge.ErrForbidden, err)
	}
	if err != nil {
		return nil, err
	}
	open := make([]bridge.Open, 0, len(found))
	for _, c := range found {
		open = append(open, bridge.Open{ID: c.ID, ProtocolCallIDs: c.ProtocolCallIDs})
	}
	return open, nil
}

// Conversation implements bridge.Platform.
func (q questions) Conversation(ctx context.Context, id string, why bridge.Why) (*call.Snapshot, error) {
	s, err := q.Platform.Conversation(ctx, id, priority(why))
	if errors.Is(err, genesys.ErrNotFound) {
		return nil, errors.Join(bridge.ErrGone, err)
	}
	return &s, err
}

// priority is the share of the rate limit for a question: one that contradicts itself must not
// wait for all those of a comparison.
func priority(why bridge.Why) genesys.Priority {
	switch why {
	case bridge.WhyPause:
		return genesys.PriorityPauses
	case bridge.WhyDoubt:
		return genesys.PriorityDoubts
	case bridge.WhyGap:
		return genesys.PriorityLegs
	case bridge.WhyPeriodic:
	}
	return genesys.PriorityPeriodic
}

// sink takes what the platform says.
type sink struct {
	app     *App
	engine  *bridge.Engine
	names   *names
	started sync.Once
	agents  bool // agent events are wanted
}

// Snapshot implements genesys.Sink.
func (s *sink) Snapshot(snapshot *call.Snapshot) { s.engine.Gather(snapshot) }

// Flush implements genesys.Sink.
func (s *sink) Flush() { s.engine.Flush() }

// Agent implements genesys.Sink.
func (s *sink) Agent(u genesys.AgentUpdate) {
	if u.HasStation && s.names.move(u.UserID, u.Station) {
		s.engine.Moved(u.UserID)
	}
	if !s.agents {
		return
	}
	b := bridge.AgentUpdate{
		UserID: u.UserID, Topic: u.Topic, CorrelationID: u.CorrelationID, Received: u.Received, FromREST: !u.Asked.IsZero(),
	}
	if u.HasPresence {
		b.Presence = &recording.Presence{System: u.Presence.System, DefinitionID: u.Presence.ID, Since: recording.At(u.Presence.Since)}
	}
	if u.HasRouting {
		b.Routing = &recording.RoutingStatus{Status: u.Routing.Status, Since: recording.At(u.Routing.Since)}
	}
	if u.HasStation {
		b.Station = &recording.Station{ID: u.Station.ID, Name: u.Station.Name, Type: u.Station.Type}
	}
	if u.HasOutOfOffice {
		b.OutOfOffice = &u.OutOfOffice
	}
	s.engine.Agent(b)
}

// Directory implements genesys.Sink.
func (s *sink) Directory(d *genesys.Directory) {
	s.engine.Moved(s.names.replace(d)...)
}

// Feed implements genesys.Sink.
func (s *sink) Feed(f genesys.FeedStatus) {
	if f.Up {
		s.started.Do(func() { s.engine.Announce(recording.FeedData{Event: recording.FeedStarted}) })
	}
	if !f.Up {
		s.app.blinded(recording.GapCause(f.Cause))
	}
	s.engine.Observation(bridge.Observation{
		Up: f.Up, Cause: recording.GapCause(f.Cause), From: f.From, Users: f.Users, Complete: f.Complete,
	})
}
