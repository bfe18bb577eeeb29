package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/recorderbridge/genesys-ingestor/api/examples"
	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

var update = flag.Bool("update", false, "write story.txt")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStory: the recorder follows the story of the examples, word for word. The
// recorders in other languages print the same.
func TestStory(t *testing.T) {
	b := newBench(t)
	r := b.start(t, time.Minute)
	for _, m := range story(t) {
		b.publish(t, m)
	}
	b.settled(t)
	r.stop(t)
	if *update {
		if err := os.WriteFile("../story.txt", []byte(r.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(examples.Transcript, r.String()); diff != "" {
		t.Errorf("the recorder did something else (-want +got):\n%s", diff)
	}
}

// TestRestart: a recorder that was away knows the open legs, and does nothing twice.
func TestRestart(t *testing.T) {
	b := newBench(t)
	first := b.start(t, time.Minute)
	b.publish(t, the(t, `"event":"leader"`))
	b.publish(t, the(t, `"verb":"prepare"`))
	b.settled(t)
	first.stop(t)
	b.publish(t, the(t, `"verb":"start"`)) // while nobody is there
	second := b.start(t, time.Minute)
	b.settled(t)
	second.stop(t)
	if got := second.String(); strings.Count(got, "recording ") != 1 || strings.Contains(got, "MISSING") {
		t.Errorf("after the restart:\n%s\nwant one leg to record and nothing missing", got)
	}
	third := b.start(t, time.Minute)
	third.waitFor(t, "recording ")
	third.stop(t)
}

// TestHole: an event that is not there is reported, and the state is right anyway.
func TestHole(t *testing.T) {
	b := newBench(t)
	r := b.start(t, time.Minute)
	for _, m := range story(t) {
		if !strings.Contains(string(m.body), `"cause":"secure_resumed"`) && !strings.Contains(string(m.body), `"event":"heartbeat"`) {
			b.publish(t, m)
		}
	}
	b.settled(t)
	r.stop(t)
	for _, line := range []string{
		"MISSING   8f1c2a34-0b1c-4d5e-8f90-a1b2c3d4e5f6/4b2e7d10-55aa-4c3b-9d2e-112233445566 revisions 6 to 6\n" +
			"recording 8f1c2a34-0b1c-4d5e-8f90-a1b2c3d4e5f6/4b2e7d10-55aa-4c3b-9d2e-112233445566 (update data_changed, observed)\n",
		"MISSING   feed revisions 3 to 3\n",
	} {
		if !strings.Contains(r.String(), line) {
			t.Errorf("not reported: %s\nin\n%s", line, r)
		}
	}
}

// TestRefuses what is in the stream and is no event, and goes on.
func TestRefuses(t *testing.T) {
	b := newBench(t)
	r := b.start(t, time.Minute)
	b.publish(t, the(t, `"event":"leader"`))
	b.settled(t) // the replay is over: nothing is refused twice
	good := the(t, `"verb":"start"`)
	for _, m := range []message{
		{subject: good.subject, body: []byte(`{"type":"io.nats.jetstream.api.v1.consumer_info_response"}`)},
		{subject: good.subject + "0", body: good.body},
		{subject: recording.FeedSubject("acme"), body: []byte("hello")},
	} {
		b.publish(t, m)
	}
	b.publish(t, good)
	b.settled(t)
	r.stop(t)
	if got := r.String(); strings.Count(got, "refused ") != 3 || strings.Count(got, "recording ") != 1 {
		t.Errorf("got\n%s\nwant three refused, one recording", got)
	}
}

// TestFailsClosed: while a gap covers the agent, or nothing comes, nothing is written.
func TestFailsClosed(t *testing.T) {
	var out bytes.Buffer
	r := newRecorder(&out)
	start := the(t, `"verb":"start"`)
	gap := func(revision uint64, kind recording.FeedKind, scope recording.GapScope) []byte {
		e := recording.FeedEvent{Envelope: recording.Envelope{SpecVersion: recording.SpecVersion, Type: recording.TypeFeed}}
		e.Data = recording.FeedData{Event: kind, Revision: revision, Gap: recording.Gap{ID: "g", Cause: recording.GapSilent, Scope: &scope}}
		return e.AppendJSON(nil)
	}
	feed := recording.FeedSubject("acme")
	user := strings.Split(start.subject, ".")[4]
	last := func() string {
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		return strings.Fields(lines[len(lines)-1])[0]
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"start", func() { r.handle(start.subject, start.body) }, "recording"},
		{"gap of another", func() {
			r.handle(feed, gap(1, recording.FeedGapOpened, recording.GapScope{Users: 1, UserIDs: []string{"x"}}))
		}, "gap"},
		{"closed", func() { r.handle(feed, gap(2, recording.FeedGapClosed, recording.GapScope{Users: 1})) }, "gap"},
		{"gap of this one", func() {
			r.handle(feed, gap(3, recording.FeedGapOpened, recording.GapScope{Users: 1, UserIDs: []string{user}}))
		}, "paused"},
		{"closed", func() { r.handle(feed, gap(4, recording.FeedGapClosed, recording.GapScope{Users: 1})) }, "recording"},
		{"gap of more than are named", func() {
			r.handle(feed, gap(5, recording.FeedGapOpened, recording.GapScope{Users: 2, UserIDs: []string{"x"}}))
		}, "paused"},
		{"closed", func() { r.handle(feed, gap(6, recording.FeedGapClosed, recording.GapScope{Users: 2})) }, "recording"},
		{"gap of all", func() { r.handle(feed, gap(7, recording.FeedGapOpened, recording.GapScope{All: true})) }, "paused"},
		{"closed", func() { r.handle(feed, gap(8, recording.FeedGapClosed, recording.GapScope{All: true})) }, "recording"},
		{"silence", func() { r.heard(false) }, "paused"},
		{"more silence", func() { r.heard(false) }, "paused"},
		{"heard again", func() { r.heard(true) }, "recording"},
	} {
		step.do()
		if got := last(); got != step.want {
			t.Fatalf("after %s the last line begins with %s, want %s:\n%s", step.name, got, step.want, &out)
		}
	}
}

// TestSilence: the watch runs in the loop that reads.
func TestSilence(t *testing.T) {
	b := newBench(t)
	r := b.start(t, 50*time.Millisecond)
	r.waitFor(t, "silent: true")
	b.publish(t, the(t, `"verb":"start"`))
	r.waitFor(t, "silent: false")
	r.stop(t)
}

// TestDeafServer: a server that has lost the request for messages is asked again.
func TestDeafServer(t *testing.T) {
	b := newBench(t)
	proxy := natstest.NewFaultProxy(t, b.server)
	b.url = proxy.URL()
	r := b.start(t, 3*time.Second) // the server speaks every half second
	proxy.Hold(natstest.ToClient, true)
	r.waitFor(t, "silent: true")
	proxy.Hold(natstest.ToClient, false)
	b.publish(t, the(t, `"verb":"start"`))
	r.waitFor(t, "recording ")
	r.stop(t)
}

// bench is a server with the stream of the adapter acme.
type bench struct {
	server *natstest.Server
	url    string
	js     jetstream.JetStream
	stream jetstream.Stream
	last   uint64 // sequence of the last message that the recorder reads
}

func newBench(t *testing.T) *bench {
	t.Helper()
	server := natstest.New(t)
	b := &bench{server: server, url: server.URL(), js: natstest.JetStream(t, natstest.Connect(t, server.URL()))}
	var err error
	b.stream, err = b.js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: recording.StreamName("acme"), Subjects: []string{recording.AllSubjects("acme")}, AllowDirect: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type message struct {
	subject string
	header  nats.Header // nil for what is no event
	body    []byte
}

// publish puts a message into the stream, after validation if it is an event.
func (b *bench) publish(t *testing.T, m message) {
	t.Helper()
	if m.header != nil {
		if err := recordingtest.Validate(m.subject, m.header, m.body); err != nil {
			t.Fatal(err)
		}
	}
	ack, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: m.subject, Data: m.body, Header: m.header})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(m.subject, ".agent.") {
		b.last = ack.Sequence
	}
}

// settled waits until the durable consumer has acknowledged everything.
func (b *bench) settled(t *testing.T) {
	t.Helper()
	natstest.Eventually(t, "everything acknowledged", func() bool {
		c, err := b.stream.Consumer(t.Context(), durable)
		return err == nil && c.CachedInfo().AckFloor.Stream >= b.last
	})
}

// running is a recorder in a goroutine of its own, and what it has printed.
type running struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	cancel context.CancelFunc
	done   chan error
}

func (b *bench) start(t *testing.T, silence time.Duration) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{cancel: cancel, done: make(chan error, 1)}
	nc := natstest.Connect(t, b.url)
	reports := new(running)
	recorder := newRecorder(r)
	recorder.reports = reports
	go func() { r.done <- run(ctx, nc, "Acme", recorder, silence) }()
	reports.waitFor(t, `{"ready":"recorder-go"}`) // from here on everything is news
	return r
}

func (r *running) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(b)
}

func (r *running) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

func (r *running) waitFor(t *testing.T, text string) {
	t.Helper()
	natstest.Eventually(t, text, func() bool { return strings.Contains(r.String(), text) })
}

func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.done; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("run: %v", err)
	}
}

// the is the first message of the story with a text in it.
func the(t *testing.T, text string) message {
	t.Helper()
	for _, m := range story(t) {
		if strings.Contains(string(m.body), text) {
			return m
		}
	}
	t.Fatalf("no example has %s", text)
	return message{}
}

// story is all examples in the order in which they were published.
func story(t *testing.T) []message {
	t.Helper()
	events, err := examples.Story()
	if err != nil {
		t.Fatal(err)
	}
	all := make([]message, len(events))
	for i, e := range events {
		all[i] = message{subject: e.Subject, header: e.Header, body: e.Body}
	}
	return all
}
