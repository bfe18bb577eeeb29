package main_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// What a leg is told, in short: verb, cause, state.
const (
	prepare     = "prepare delivered armed"
	dialed      = "prepare originated armed"
	started     = "start established recording"
	startedMute = "start established paused"
	paused      = "pause secure_paused paused"
	resumed     = "resume secure_resumed recording"
	held        = "update held recording"
	retrieved   = "update retrieved recording"
	cleared     = "stop cleared stopped"
	transferred = "stop transferred stopped"
	diverted    = "stop diverted stopped"
	failed      = "stop failed stopped"
)

// witness reads the whole stream as a recorder would, and checks every message.
type witness struct {
	t      *testing.T
	stream jetstream.Stream

	mu      sync.Mutex
	history recordingtest.History
	read    uint64
	calls   map[string][]*recording.CallEvent // by subject of the event
	agents  map[string][]*recording.AgentEvent
	feed    []*recording.FeedEvent
	want    map[string][]string // what was waited for last, by leg
}

func watch(t *testing.T, url string) *witness {
	t.Helper()
	js := natstest.JetStream(t, natstest.Connect(t, url))
	w := &witness{
		t: t, calls: map[string][]*recording.CallEvent{}, agents: map[string][]*recording.AgentEvent{}, want: map[string][]string{},
	}
	eventually(t, "the stream", func() (there bool) {
		s, err := js.Stream(t.Context(), recording.StreamName("Acme"))
		w.stream = s
		return err == nil
	})
	c, err := w.stream.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cc, err := c.Consume(w.take)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cc.Stop()
		<-cc.Closed()
	})
	return w
}

func (w *witness) take(m jetstream.Msg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := recordingtest.Validate(m.Subject(), m.Headers(), m.Data()); err != nil {
		w.t.Errorf("not a valid event: %v", err)
	}
	if err := w.history.Add(m.Subject(), m.Headers(), m.Data()); err != nil {
		w.t.Errorf("history: %v", err)
	}
	if meta, err := m.Metadata(); err == nil {
		w.read = meta.Sequence.Stream
	}
	e, err := recording.Decode(m.Data())
	if err != nil {
		w.t.Errorf("decode: %v", err)
	}
	switch e := e.(type) {
	case *recording.CallEvent:
		w.calls[e.Subject] = append(w.calls[e.Subject], e)
	case *recording.AgentEvent:
		w.agents[e.Subject] = append(w.agents[e.Subject], e)
	case *recording.FeedEvent:
		w.feed = append(w.feed, e)
	}
}

// events are those of one leg so far.
func (w *witness) events(c *talk, leg *party) []*recording.CallEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.calls[c.ID+"/"+leg.ID])
}

// log is what a leg was told so far, in short. Changes of data alone are left out:
// how many there are depends on how fast the frames come.
func (w *witness) log(c *talk, leg *party) (lines []string) {
	for _, e := range w.events(c, leg) {
		if e.Data.Cause != recording.DataChanged {
			lines = append(lines, fmt.Sprintf("%s %s %s", e.Data.Verb, e.Data.Cause, e.Data.State))
		}
	}
	return lines
}

// told waits until a leg was told exactly this.
func (w *witness) told(t *testing.T, c *talk, leg *party, lines ...string) {
	t.Helper()
	w.mu.Lock()
	w.want[c.ID+"/"+leg.ID] = lines
	w.mu.Unlock()
	eventually(t, fmt.Sprintf("%d events of a leg", len(lines)), func() bool { return len(w.log(c, leg)) >= len(lines) })
	if got := w.log(c, leg); !slices.Equal(got, lines) {
		for _, e := range w.events(c, leg) {
			d := e.Data
			t.Logf("%s %d %s %s %s, %s by %s from %s", d.Timing.Published.Format("05.000"), d.Revision, d.Verb, d.Cause, d.State, d.Confidence, d.Origin.Instance, d.Origin.Topic)
		}
		t.Fatalf("leg %s was told\n  %s\nwant\n  %s", leg.ID, strings.Join(got, "; "), strings.Join(lines, "; "))
	}
}

// last is the data of the newest event of a leg.
func (w *witness) last(t *testing.T, c *talk, leg *party) recording.CallData {
	t.Helper()
	e := w.events(c, leg)
	if len(e) == 0 {
		t.Fatalf("leg %s has no events", leg.ID)
	}
	return e[len(e)-1].Data
}

// finish is called when nobody writes any more: each leg was told what was waited for
// and nothing after it, and there are no legs that nobody expected.
func (w *witness) finish() {
	w.t.Helper()
	eventually(w.t, "the end of the stream", func() bool {
		info, err := w.stream.Info(context.Background())
		w.mu.Lock()
		defer w.mu.Unlock()
		return err == nil && w.read >= info.State.LastSeq
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	for subject, events := range w.calls {
		var lines []string
		for _, e := range events {
			if e.Data.Cause != recording.DataChanged {
				lines = append(lines, fmt.Sprintf("%s %s %s", e.Data.Verb, e.Data.Cause, e.Data.State))
			}
		}
		if !slices.Equal(lines, w.want[subject]) {
			w.t.Errorf("at the end leg %s has\n  %s\nwant\n  %s", subject, strings.Join(lines, "; "), strings.Join(w.want[subject], "; "))
		}
	}
}

// fed waits for a feed event and returns it.
func (w *witness) fed(t *testing.T, what string, match func(*recording.FeedData) bool) (found recording.FeedData) {
	t.Helper()
	eventually(t, what, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, e := range w.feed {
			if match(&e.Data) {
				found = e.Data
				return true
			}
		}
		return false
	})
	return found
}
