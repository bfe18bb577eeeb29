package publish_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// storeUntilStopped stores one message every few milliseconds, whatever happens
// to the server, and returns how many it tried when stopped.
func storeUntilStopped(t *testing.T, js jetstream.JetStream) (stop func()) {
	t.Helper()
	i := 0
	return every(t, 2*time.Millisecond, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		// Failures are part of the test; the tail is compared with the stream.
		_, _ = js.Publish(ctx, subject(i%10), []byte("x"), jetstream.WithRetryAttempts(0))
		i++
	})
}

// checkTail waits until the tail has everything the stream has, and fails unless
// each message came once and in order.
func checkTail(t *testing.T, js jetstream.JetStream, got *collector) {
	t.Helper()
	want := 0
	natstest.Eventually(t, "the stream to answer", func() bool { // it may have no leader yet
		stream, err := js.Stream(t.Context(), streamOptions.Name)
		if err == nil {
			want = int(stream.CachedInfo().State.LastSeq)
		}
		return err == nil
	})
	natstest.Eventually(t, "everything stored to be delivered", func() bool { return got.count() >= want })
	checkContiguous(t, got.all(), 1)
	if got.count() != want {
		t.Errorf("%d delivered, want %d", got.count(), want)
	}
}

// tailUnderFaults runs a tail through a proxy while messages are stored, and
// hurts it until it has rebuilt its consumer several times.
func tailUnderFaults(t *testing.T, srv *natstest.Server, hurt func(*natstest.Proxy, *publish.Tail)) {
	t.Helper()
	tailUnderFaultsWith(t, srv, 200*time.Millisecond, hurt)
}

func tailUnderFaultsWith(t *testing.T, srv *natstest.Server, ping time.Duration, hurt func(*natstest.Proxy, *publish.Tail)) {
	t.Helper()
	proxy := natstest.NewFaultProxy(t, srv)
	direct := natstest.JetStream(t, natstest.Connect(t, srv.URL()))
	mustProvision(t, direct)
	store(t, direct, 100)
	var got collector
	nc := mustConnect(t, publish.ConnectOptions{Servers: proxy.URL(), Name: "tail", PingInterval: ping})
	tail, _ := runTail(t, natstest.JetStream(t, nc), publish.TailOptions{
		Stream: streamOptions.Name, Subject: streamOptions.Subjects[0], Heartbeat: 100 * time.Millisecond,
	}, got.add)
	stop := storeUntilStopped(t, direct)
	for round := uint64(1); round <= 5; round++ {
		before := got.count()
		natstest.Eventually(t, "the tail to go on", func() bool { return got.count() > before+20 })
		hurt(proxy, tail)
		natstest.Eventually(t, "a new consumer", func() bool { return tail.Stats().Rebuilds >= round })
	}
	stop()
	checkTail(t, direct, &got)
	if s := tail.Stats(); s.Missing != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestTailOverLostConnections(t *testing.T) {
	tailUnderFaults(t, natstest.New(t), func(p *natstest.Proxy, _ *publish.Tail) { p.Cut() })
}

func TestTailOverAFrozenServer(t *testing.T) {
	tailUnderFaults(t, natstest.New(t), func(p *natstest.Proxy, tail *publish.Tail) {
		before := tail.Stats().Rebuilds
		p.Freeze(true)
		natstest.Eventually(t, "the tail to notice", func() bool { return tail.Stats().Rebuilds > before })
		p.Freeze(false)
	})
}

// TestTailOverASilentServer is a server that has forgotten us while the connection
// looks well: only the missing heartbeats tell.
func TestTailOverASilentServer(t *testing.T) {
	tailUnderFaultsWith(t, natstest.New(t), patience, func(p *natstest.Proxy, tail *publish.Tail) {
		before := tail.Stats().Rebuilds
		p.Hold(natstest.ToClient, true)
		natstest.Eventually(t, "the tail to notice", func() bool { return tail.Stats().Rebuilds > before })
		p.Hold(natstest.ToClient, false)
	})
}

func TestTailOverServerRestarts(t *testing.T) {
	t.Parallel()
	srv := natstest.New(t)
	tailUnderFaults(t, srv, func(*natstest.Proxy, *publish.Tail) {
		srv.Stop()
		if err := srv.Start(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTailOverADeletedConsumer(t *testing.T) {
	srv := natstest.New(t)
	js := natstest.JetStream(t, natstest.Connect(t, srv.URL()))
	tailUnderFaults(t, srv, func(*natstest.Proxy, *publish.Tail) {
		stream, err := js.Stream(t.Context(), streamOptions.Name)
		if err != nil {
			t.Fatal(err)
		}
		names := stream.ConsumerNames(t.Context())
		for name := range names.Name() {
			if err := stream.DeleteConsumer(t.Context(), name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				t.Fatal(err)
			}
		}
		if err := names.Err(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTailWhileTheLeaderMoves(t *testing.T) {
	t.Parallel()
	cluster := natstest.NewCluster(t, 3)
	nc := natstest.Connect(t, cluster.URL())
	js := natstest.JetStream(t, nc)
	mustProvision(t, js, 3)
	var got collector
	runTail(t, js, publish.TailOptions{Stream: streamOptions.Name, Subject: streamOptions.Subjects[0], Heartbeat: 200 * time.Millisecond}, got.add)
	stop := storeUntilStopped(t, js)
	for range 3 { // each member once: whoever hosts the consumer goes too
		leader := cluster.StreamLeader(streamOptions.Name)
		natstest.Eventually(t, "a leader", func() bool { leader = cluster.StreamLeader(streamOptions.Name); return leader != nil })
		before := got.count()
		leader.Stop()
		natstest.Eventually(t, "the tail to go on", func() bool { return got.count() > before+20 })
		if err := leader.Start(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	checkTail(t, js, &got)
}

func TestTailNoticesANewStreamOfTheSameName(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	store(t, js, 10)
	var got collector
	_, done := runTail(t, js, publish.TailOptions{Stream: streamOptions.Name, Subject: streamOptions.Subjects[0], Heartbeat: 100 * time.Millisecond}, got.add)
	natstest.Eventually(t, "the first messages", func() bool { return got.count() == 10 })
	if err := js.DeleteStream(t.Context(), streamOptions.Name); err != nil {
		t.Fatal(err)
	}
	mustProvision(t, js)
	store(t, js, 20)
	if err := <-done; !errors.Is(err, publish.ErrStreamRecreated) {
		t.Errorf("run: %v", err)
	}
	if got.count() != 10 {
		t.Errorf("%d delivered: messages of two streams are mixed", got.count())
	}
}

func TestTailNoticesALostEnd(t *testing.T) {
	t.Parallel()
	srv := natstest.New(t)
	js := natstest.JetStream(t, natstest.Connect(t, srv.URL()))
	mustProvision(t, js)
	store(t, js, 10)
	// A tail that was already further than the stream is, as after a restore.
	_, done := runTail(t, js, publish.TailOptions{Stream: streamOptions.Name, Subject: streamOptions.Subjects[0], After: 12}, func([]publish.Entry) {})
	if err := <-done; !errors.Is(err, publish.ErrStreamRewound) || !strings.Contains(err.Error(), "10") {
		t.Errorf("run: %v", err)
	}
}

func TestTailBeginsWhereItIsTold(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	store(t, js, 10)
	tenth, _, err := publish.NewReader(js, streamOptions.Name).Last(t.Context(), subject(9))
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]publish.TailOptions{
		"after": {After: 9},
		"since": {Since: tenth.Time},
	} {
		t.Run(name, func(t *testing.T) {
			o.Stream, o.Subject = streamOptions.Name, streamOptions.Subjects[0]
			caught := make(chan struct{})
			o.CaughtUp = func() { close(caught) }
			var got collector
			runTail(t, js, o, got.add)
			<-caught
			checkContiguous(t, got.all(), 10)
			if got.count() != 1 {
				t.Errorf("%d delivered, want 1", got.count())
			}
		})
	}
}

func TestTailOfAnEmptyStreamIsCaughtUp(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	caught := make(chan struct{})
	runTail(t, js, publish.TailOptions{
		Stream: streamOptions.Name, Subject: streamOptions.Subjects[0],
		CaughtUp: func() { close(caught) },
	}, func([]publish.Entry) {})
	<-caught
}
