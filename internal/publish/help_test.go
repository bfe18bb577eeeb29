package publish_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// patience bounds a single step of a test on a busy machine.
const patience = 60 * time.Second

// mustProvision creates the stream of the tests.
func mustProvision(tb testing.TB, js jetstream.JetStream) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if err := publish.Provision(ctx, js, streamOptions); err != nil {
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
