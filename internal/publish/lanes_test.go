package publish_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// sender sends one message after the other and waits for each result.
type sender struct {
	t       *testing.T
	lanes   *publish.Lanes
	results chan publish.Result
}

func newSender(t *testing.T, js jetstream.JetStream, o publish.LanesOptions) *sender {
	t.Helper()
	s := &sender{t: t, results: make(chan publish.Result, 10_000)}
	if o.Stream == "" {
		o.Stream = streamOptions.Name
	}
	var err error
	s.lanes, err = publish.NewLanes(js, o, func(rs []publish.Result) {
		for _, r := range rs {
			s.results <- r
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.lanes.Close(ctx)
	})
	return s
}

func (s *sender) send(m publish.Message) publish.Result {
	s.t.Helper()
	if m.Subject == "" {
		m.Subject = subject(1)
	}
	if err := s.lanes.Send(m); err != nil {
		s.t.Fatal(err)
	}
	return s.result()
}

func (s *sender) result() publish.Result {
	s.t.Helper()
	select {
	case r := <-s.results:
		return r
	case <-time.After(patience):
		s.t.Fatal("no result")
		return publish.Result{}
	}
}

// want checks outcome and, when given, the error's class.
func want(t *testing.T, r publish.Result, o publish.Outcome, class error) {
	t.Helper()
	if r.Outcome != o || (class != nil && !errors.Is(r.Err, class)) {
		t.Fatalf("got %v (%v), want %v (%v)", r.Outcome, r.Err, o, class)
	}
}

// until repeats the same message, as the rules demand, until its outcome is known.
func (s *sender) until(m publish.Message) publish.Result {
	s.t.Helper()
	for {
		if r := s.send(m); r.Outcome != publish.Unknown {
			return r
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestSendStoresAndTellsTheSequence(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	s := newSender(t, js, publish.LanesOptions{})
	r := s.send(publish.Message{ID: "a", Data: []byte("1"), Token: 7, Header: map[string]string{"X-Extra": "yes"}})
	want(t, r, publish.Stored, nil)
	if r.Token != 7 || r.Sequence != 1 || r.Duplicate || r.ID != "a" || r.Subject != subject(1) {
		t.Errorf("result %+v", r)
	}
	e, found, err := publish.NewReader(js, streamOptions.Name).Last(t.Context(), subject(1))
	if err != nil || !found {
		t.Fatalf("read back: %v %v", found, err)
	}
	if e.ID != "a" || string(e.Data) != "1" || e.Header.Get("X-Extra") != "yes" || e.Header.Get("Content-Type") != "application/cloudevents+json" {
		t.Errorf("stored %+v", e)
	}
}

// isOurs reports whether a repetition found that an earlier try was stored: as a
// duplicate on a cluster, as a conflict with our own message on one server.
func isOurs(t *testing.T, js jetstream.JetStream, r publish.Result) bool {
	t.Helper()
	if r.Outcome == publish.Stored {
		return r.Duplicate
	}
	want(t, r, publish.Conflict, nil)
	e, err := publish.NewReader(js, streamOptions.Name).Load(t.Context(), r.Subject, r.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	return e.ID == r.ID && e.Sequence == r.Sequence
}

func TestRepetitionIsNotStoredAgain(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	s := newSender(t, js, publish.LanesOptions{})
	want(t, s.send(publish.Message{ID: "a"}), publish.Stored, nil)
	if r := s.send(publish.Message{ID: "a"}); !isOurs(t, js, r) {
		t.Errorf("repetition: %+v", r)
	}
	want(t, s.send(publish.Message{ID: "b", Expect: 1}), publish.Stored, nil)
	checkCount(t, js, 2)
}

func TestConflictNamesTheRealSequence(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	s := newSender(t, js, publish.LanesOptions{})
	want(t, s.send(publish.Message{ID: "other", Subject: subject(2)}), publish.Stored, nil)
	want(t, s.send(publish.Message{ID: "a"}), publish.Stored, nil)
	r := s.send(publish.Message{ID: "b", Expect: 0})
	want(t, r, publish.Conflict, nil)
	if r.Sequence != 2 {
		t.Errorf("conflict names sequence %d, want 2", r.Sequence)
	}
	e, err := publish.NewReader(js, streamOptions.Name).Load(t.Context(), r.Subject, r.Sequence)
	if err != nil || e.ID != "a" {
		t.Errorf("loaded %q, %v", e.ID, err)
	}
}

// What is expected may have expired: then the subject is vacant, and the message is its first.
func TestConflictOfAVacantSubject(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	s := newSender(t, js, publish.LanesOptions{})
	want(t, s.send(publish.Message{ID: "other", Subject: subject(2)}), publish.Stored, nil)
	r := s.send(publish.Message{ID: "a", Expect: 1})
	want(t, r, publish.Conflict, nil)
	if r.Sequence != 0 || !r.Vacant {
		t.Errorf("nothing is there: %+v", r)
	}
	want(t, s.send(publish.Message{ID: "a"}), publish.Stored, nil)
	if r = s.send(publish.Message{ID: "b", Expect: 1}); r.Outcome != publish.Conflict || r.Vacant {
		t.Errorf("something is there: %+v", r)
	}
}

func TestTimeoutOfAStoredMessage(t *testing.T) {
	srv := natstest.New(t)
	proxy := natstest.NewFaultProxy(t, srv)
	mustProvision(t, natstest.JetStream(t, natstest.Connect(t, srv.URL())))
	js := natstest.JetStream(t, natstest.Connect(t, proxy.URL()))
	s := newSender(t, js, publish.LanesOptions{AckTimeout: 200 * time.Millisecond})
	proxy.Hold(natstest.ToClient, true)
	want(t, s.send(publish.Message{ID: "a"}), publish.Unknown, publish.ErrAckTimeout)
	proxy.Hold(natstest.ToClient, false)
	if r := s.until(publish.Message{ID: "a"}); !isOurs(t, js, r) {
		t.Errorf("repetition: %+v, want the stored one", r)
	}
	checkCount(t, js, 1)
}

func TestTimeoutOfALostMessage(t *testing.T) {
	srv := natstest.New(t)
	proxy := natstest.NewFaultProxy(t, srv)
	mustProvision(t, natstest.JetStream(t, natstest.Connect(t, srv.URL())))
	js := natstest.JetStream(t, natstest.Connect(t, proxy.URL()))
	s := newSender(t, js, publish.LanesOptions{AckTimeout: 200 * time.Millisecond})
	proxy.Hold(natstest.ToServer, true)
	want(t, s.send(publish.Message{ID: "a"}), publish.Unknown, publish.ErrAckTimeout)
	proxy.Cut()
	direct := natstest.JetStream(t, natstest.Connect(t, srv.URL()))
	checkCount(t, direct, 0)
	proxy.Hold(natstest.ToServer, false)
	// A repetition that the connection took while it was being made anew is an Unknown
	// too, and stored once it is there: then the next one finds it.
	if r := s.until(publish.Message{ID: "a"}); r.Sequence != 1 || (r.Outcome != publish.Stored && !isOurs(t, js, r)) {
		t.Errorf("repetition: %+v, want it stored now", r)
	}
	checkCount(t, direct, 1)
}

func TestLostConnectionEndsWhatIsInFlight(t *testing.T) {
	srv := natstest.New(t)
	proxy := natstest.NewFaultProxy(t, srv)
	mustProvision(t, natstest.JetStream(t, natstest.Connect(t, srv.URL())))
	nc := natstest.Connect(t, proxy.URL())
	// The ack timeout is longer than the test's patience: only the lost
	// connection can end the messages.
	s := newSender(t, natstest.JetStream(t, nc), publish.LanesOptions{AckTimeout: 10 * patience, MaxInFlight: 4})
	proxy.Freeze(true)
	for i := range 10 {
		if err := s.lanes.Send(publish.Message{Subject: subject(i), ID: subject(i), Token: uint64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	natstest.Eventually(t, "a full window", func() bool { st := s.lanes.Stats(); return st.InFlight == 4 && st.Queued == 6 })
	proxy.Cut()
	tokens := map[uint64]bool{}
	for range 10 {
		r := s.result()
		want(t, r, publish.Unknown, nil)
		tokens[r.Token] = true
	}
	if len(tokens) != 10 {
		t.Errorf("results for %d messages, want one for each of 10", len(tokens))
	}
}

func TestServerDownAndBack(t *testing.T) {
	srv := natstest.New(t)
	// As [publish.Connect] does: what cannot be sent now is not sent by itself later, beside
	// its repetition.
	js := natstest.JetStream(t, natstest.Connect(t, srv.URL(), nats.ReconnectBufSize(-1)))
	mustProvision(t, js)
	s := newSender(t, js, publish.LanesOptions{AckTimeout: time.Second})
	want(t, s.send(publish.Message{ID: "a"}), publish.Stored, nil)
	srv.Stop()
	want(t, s.send(publish.Message{ID: "b", Expect: 1}), publish.Unknown, nil)
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	if r := s.until(publish.Message{ID: "b", Expect: 1}); r.Outcome != publish.Stored || r.Sequence != 2 {
		t.Errorf("after the restart: %+v", r)
	}
}

func TestMissingStreamIsUnknownWithNoResponders(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	s := newSender(t, js, publish.LanesOptions{})
	want(t, s.send(publish.Message{ID: "a"}), publish.Unknown, nats.ErrNoResponders)
}

func TestRefused(t *testing.T) {
	srv := natstest.New(t, func(o *server.Options) { o.MaxPayload = 4096 })
	nc := natstest.Connect(t, srv.URL())
	js := natstest.JetStream(t, nc)
	mustProvision(t, js)
	s := newSender(t, js, publish.LanesOptions{})
	other := newSender(t, js, publish.LanesOptions{Stream: "OTHER"})

	want(t, s.send(publish.Message{ID: "big", Data: make([]byte, 5000)}), publish.Refused, nats.ErrMaxPayload)
	want(t, s.send(publish.Message{ID: "bad", Subject: "no good"}), publish.Refused, nats.ErrBadSubject)
	r := other.send(publish.Message{ID: "elsewhere"})
	want(t, r, publish.Refused, nil)
	if api := (*jetstream.APIError)(nil); !errors.As(r.Err, &api) || api.ErrorCode != 10060 {
		t.Errorf("another stream took the subject: %v", r.Err)
	}
	want(t, s.send(publish.Message{ID: "good"}), publish.Stored, nil)

	stream, err := js.Stream(t.Context(), streamOptions.Name)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.Sealed = true
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	want(t, s.send(publish.Message{ID: "late", Expect: 1}), publish.Refused, nil)
}

func TestMissingPermissionIsRefused(t *testing.T) {
	srv := natstest.New(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "admin", Password: "admin"},
			{Username: "writer", Password: "writer", Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: []string{subject(1)}},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_writer.>"}},
			}},
		}
	})
	mustProvision(t, natstest.JetStream(t, natstest.Connect(t, srv.URL(), nats.UserInfo("admin", "admin"))))
	state := publish.NewState()
	var log natstest.Log
	nc := mustConnect(t, publish.ConnectOptions{Servers: srv.URL(), Name: "writer", User: "writer", Password: "writer", State: state, Logger: log.Logger()})
	s := newSender(t, natstest.JetStream(t, nc), publish.LanesOptions{AckTimeout: 300 * time.Millisecond, Denied: state.Denied})
	want(t, s.send(publish.Message{ID: "a"}), publish.Stored, nil)
	want(t, s.send(publish.Message{ID: "b", Subject: subject(2)}), publish.Refused, publish.ErrPermission)
	if d := state.Status().Denied; len(d) != 1 || d[0] != subject(2) {
		t.Errorf("denied subjects %v", d)
	}
	if !strings.Contains(log.String(), "NATS refused a permission") {
		t.Errorf("nothing logged:\n%s", log.String())
	}
}

func TestSendNeverWaitsForTheNetwork(t *testing.T) {
	srv := natstest.New(t)
	proxy := natstest.NewFaultProxy(t, srv)
	s := newSender(t, natstest.JetStream(t, natstest.Connect(t, proxy.URL())), publish.LanesOptions{AckTimeout: patience})
	proxy.Freeze(true)
	data := make([]byte, 256<<10)
	// Far more than all buffers on the way hold: the connection's own publish
	// stands still by now.
	for i := range 400 {
		if err := s.lanes.Send(publish.Message{Subject: subject(i), ID: subject(i), Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.results); n != 0 {
		t.Errorf("%d results before the last Send returned: Send waited", n)
	}
	proxy.Cut()
	for range 400 {
		want(t, s.result(), publish.Unknown, nil)
	}
}

// gate is a dialer that can be shut: who dials then waits, with the lock of the connection.
type gate struct {
	net.Dialer
	shut    atomic.Bool
	entered chan struct{} // capacity 1
	open    chan struct{} // closed: nobody waits any more
}

func (g *gate) Dial(network, address string) (net.Conn, error) {
	if g.shut.Load() {
		select {
		case g.entered <- struct{}{}:
		default:
		}
		<-g.open
	}
	return g.Dialer.Dial(network, address)
}

// gated connects a sender by way of a proxy, and of a gate that pass opens for good.
func gated(t *testing.T) (s *sender, proxy *natstest.Proxy, g *gate, pass func()) {
	t.Helper()
	srv := natstest.New(t)
	mustProvision(t, natstest.JetStream(t, natstest.Connect(t, srv.URL())))
	proxy = natstest.NewFaultProxy(t, srv)
	g = &gate{entered: make(chan struct{}, 1), open: make(chan struct{})}
	s = newSender(t, natstest.JetStream(t, natstest.Connect(t, proxy.URL(), nats.SetCustomDialer(g), nats.ReconnectBufSize(-1))), publish.LanesOptions{AckTimeout: patience})
	pass = sync.OnceFunc(func() { close(g.open) })
	t.Cleanup(pass)
	return s, proxy, g, pass
}

// While the connection is being made anew, the client's own publish waits for it. Send
// does not.
func TestSendNeverWaitsForAReconnection(t *testing.T) {
	s, proxy, g, pass := gated(t)
	g.shut.Store(true)
	proxy.Cut()
	<-g.entered
	returned := make(chan error, 1)
	go func() { returned <- s.lanes.Send(publish.Message{Subject: subject(1), ID: "a"}) }()
	natstest.Eventually(t, "send has returned", func() bool { return len(returned) == 1 })
	if err := <-returned; err != nil {
		t.Fatal(err)
	}
	g.shut.Store(false)
	pass()
	want(t, s.until(publish.Message{ID: "a"}), publish.Stored, nil)
}

// flush queues messages and has them sent; it fails the test when that waits for anything.
func (s *sender) flush(messages ...publish.Message) {
	s.t.Helper()
	returned := make(chan error, 1)
	go func() {
		var err error
		for _, m := range messages {
			err = errors.Join(err, s.lanes.Queue(m))
			s.lanes.Flush()
		}
		returned <- err
	}()
	natstest.Eventually(s.t, "flush has returned", func() bool { return len(returned) == 1 })
	if err := <-returned; err != nil {
		s.t.Fatal(err)
	}
}

// Flush sends, and does not wait: neither for a connection that is being made anew, nor for
// one that takes nothing.
func TestFlushNeverWaitsForTheNetwork(t *testing.T) {
	s, proxy, g, pass := gated(t)
	s.flush(publish.Message{Subject: subject(0), ID: "first"})
	want(t, s.result(), publish.Stored, nil)

	proxy.Freeze(true)
	const many, large = 40, 512 << 10 // more than all buffers on the way take
	messages := make([]publish.Message, many)
	for i := range messages {
		messages[i] = publish.Message{Subject: subject(i + 1), ID: subject(i + 1), Data: make([]byte, large)}
	}
	s.flush(messages...)
	proxy.Freeze(false)
	for range messages {
		want(t, s.result(), publish.Stored, nil)
	}

	g.shut.Store(true)
	proxy.Freeze(true)
	s.flush(publish.Message{Subject: subject(many + 1), ID: "lost"})
	proxy.Cut()
	want(t, s.result(), publish.Unknown, nats.ErrDisconnected)
	<-g.entered
	s.flush(publish.Message{Subject: subject(many + 2), ID: "later"})
	g.shut.Store(false)
	pass()
	proxy.Freeze(false)
	if r := s.result(); r.Outcome != publish.Stored && r.Outcome != publish.Unknown {
		t.Errorf("after the connection came back: %+v", r)
	}
}

func TestCloseDeliversTheRest(t *testing.T) {
	srv := natstest.New(t)
	proxy := natstest.NewFaultProxy(t, srv)
	s := newSender(t, natstest.JetStream(t, natstest.Connect(t, proxy.URL())), publish.LanesOptions{AckTimeout: patience, MaxInFlight: 3})
	proxy.Freeze(true)
	for i := range 5 {
		if err := s.lanes.Send(publish.Message{Subject: subject(i), ID: subject(i)}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.lanes.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	if n := len(s.results); n != 5 {
		t.Fatalf("%d results when Close returned, want 5", n)
	}
	for range 5 {
		want(t, s.result(), publish.Unknown, publish.ErrClosed)
	}
	if err := s.lanes.Send(publish.Message{}); !errors.Is(err, publish.ErrClosed) {
		t.Errorf("send after close: %v", err)
	}
}

func TestCloseWaitsForAcknowledgements(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	s := newSender(t, js, publish.LanesOptions{MaxInFlight: 10})
	for i := range 1000 {
		if err := s.lanes.Send(publish.Message{Subject: subject(i), ID: subject(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.lanes.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.lanes.Stats().Results[publish.Stored]; n != 1000 || len(s.results) != 1000 {
		t.Errorf("%d stored and %d delivered when Close returned, want 1000", n, len(s.results))
	}
}
