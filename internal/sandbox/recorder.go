package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Stored is one message as it stands in the stream.
type Stored struct {
	Sequence uint64              `json:"sequence"`
	At       time.Time           `json:"at"` // when the broker stored it
	Subject  string              `json:"subject"`
	Header   map[string][]string `json:"header"`
	Data     json.RawMessage     `json:"data"`
}

// recorder is what a call recorder would be: it follows the stream and knows the
// state of every leg.
type recorder struct {
	js   jetstream.JetStream
	show func(*Stored, any)

	mu        sync.Mutex
	leading   string
	ledSince  time.Time      // when the broker stored its word
	renewals  map[string]int // by instance
	states    map[string]recording.State
	gaps      map[string]bool
	lastCall  time.Time
	lastStore uint64
}

func newRecorder(js jetstream.JetStream, show func(*Stored, any)) *recorder {
	return &recorder{
		js: js, show: show, renewals: make(map[string]int), states: make(map[string]recording.State),
		gaps: make(map[string]bool), lastCall: time.Now(),
	}
}

// follow shows every event of the stream, from the first one on, until ctx ends. The
// stream may be made later, and NATS may come and go.
func (r *recorder) follow(ctx context.Context) error {
	for {
		_, err := r.js.Stream(ctx, recording.StreamName(Adapter))
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // Nothing was ever published.
		}
		sleep(ctx, 100*time.Millisecond)
	}
	for ctx.Err() == nil {
		r.mu.Lock()
		from := r.lastStore + 1
		r.mu.Unlock()
		err := read(ctx, r.js, from, func(m *Stored) bool {
			r.take(m)
			return true
		})
		if ctx.Err() == nil && errors.Is(err, jetstream.ErrStreamNotFound) {
			return fmt.Errorf("follow the stream: %w", err)
		}
		sleep(ctx, 100*time.Millisecond)
	}
	return nil
}

// read hands over the messages of the stream from a sequence on, in order, until take
// returns false or ctx ends.
func read(ctx context.Context, js jetstream.JetStream, from uint64, take func(*Stored) bool) error {
	consumer, err := js.OrderedConsumer(ctx, recording.StreamName(Adapter), jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
	})
	if err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read the stream: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read the stream: %w", err)
		}
		if !take(&Stored{
			Sequence: meta.Sequence.Stream, At: meta.Timestamp, Subject: m.Subject(), Header: m.Headers(), Data: m.Data(),
		}) {
			return nil
		}
	}
}

// readAll reads the whole stream.
func readAll(ctx context.Context, js jetstream.JetStream) ([]Stored, error) {
	stream, err := js.Stream(ctx, recording.StreamName(Adapter))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the stream: %w", err)
	}
	state := stream.CachedInfo().State
	if state.Msgs == 0 {
		return nil, nil
	}
	all := make([]Stored, 0, state.Msgs)
	err = read(ctx, js, 1, func(m *Stored) bool {
		all = append(all, *m)
		return m.Sequence < state.LastSeq
	})
	return all, err
}

func (r *recorder) take(m *Stored) {
	event, err := recording.Decode(m.Data)
	if err != nil {
		event = nil // the verdict says what is wrong with it
	}
	r.mu.Lock()
	r.lastStore = m.Sequence
	switch e := event.(type) {
	case *recording.CallEvent:
		r.lastCall = time.Now()
		r.states[m.Subject] = e.Data.State
	case *recording.FeedEvent:
		switch e.Data.Event { //nolint:exhaustive // The others change nothing here.
		case recording.FeedLeader:
			r.leading, r.ledSince = e.Data.Instance, m.At
		case recording.FeedRestarted:
			r.renewals[e.Data.Instance]++
		case recording.FeedGapOpened:
			r.gaps[e.Data.ID] = true
		case recording.FeedGapClosed:
			delete(r.gaps, e.Data.ID)
		}
	}
	r.mu.Unlock()
	r.show(m, event)
}

func (r *recorder) leader() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leading
}

func (r *recorder) restarts(instance string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.renewals[instance]
}

// settled tells whether everything that was begun has come to its end, and nothing
// has happened for a while.
func (r *recorder) settled(quiet time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, state := range r.states {
		if state != recording.Stopped {
			return false
		}
	}
	return len(r.gaps) == 0 && time.Since(r.lastCall) > quiet
}
