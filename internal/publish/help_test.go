package publish_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// patience bounds a single step of a test on a busy machine.
const patience = 60 * time.Second

// mustProvision creates the stream of the tests, with one replica unless told
// otherwise.
func mustProvision(tb testing.TB, js jetstream.JetStream, replicas ...int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	o := streamOptions
	for _, n := range replicas {
		o.Replicas = n
	}
	if err := publish.Provision(ctx, js, o); err != nil {
		tb.Fatal(err)
	}
}

// subject of one lane.
func subject(lane int) string { return fmt.Sprintf("recorder.v1.test.call.u.c.%d", lane) }

// store puts n messages into the stream, not through lanes.
func store(tb testing.TB, js jetstream.JetStream, n int) {
	tb.Helper()
	var last jetstream.PubAckFuture
	for i := range n {
		var err error
		last, err = js.PublishMsgAsync(&nats.Msg{Subject: subject(i % 100), Data: []byte(fmt.Sprint(i))}, jetstream.WithStallWait(patience))
		if err != nil {
			tb.Fatal(err)
		}
	}
	select {
	case <-last.Ok():
	case err := <-last.Err():
		tb.Fatal(err)
	}
	<-js.PublishAsyncComplete()
}

// checkCount fails unless the stream holds n messages.
func checkCount(t *testing.T, js jetstream.JetStream, n int) {
	t.Helper()
	stream, err := js.Stream(t.Context(), streamOptions.Name)
	if err != nil {
		t.Fatal(err)
	}
	if have := stream.CachedInfo().State.Msgs; have != uint64(n) {
		t.Errorf("the stream holds %d messages, want %d", have, n)
	}
}

// mustConnect connects as the service does and closes after the test.
func mustConnect(t *testing.T, o publish.ConnectOptions) *nats.Conn {
	t.Helper()
	nc, err := publish.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closed := nc.StatusChanged(nats.CLOSED)
		if !nc.IsClosed() {
			nc.Close()
			<-closed
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := publish.WaitConnected(ctx, nc); err != nil {
		t.Fatal(err)
	}
	return nc
}

// hasCode reports whether the server answered with that error code.
func hasCode(err error, code jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == code
}
