// Command recorder-go is a minimal recorder: it follows the calls of one adapter
// and prints what it would do. It shows everything a real one needs: the replay at
// the start, the durable consumer, acknowledgement after the work, the proof that
// nothing is missing, and what to do while nothing is known.
//
//	NATS_URL=nats://127.0.0.1:4222 ADAPTER_NAME=acme go run ./api/examples/recorder-go
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

const (
	durable = "recorder-go"
	window  = 30 * time.Minute // two refresh intervals: every open leg is in it
	silence = 30 * time.Second // three heartbeats: nothing is known any more
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL), nats.MaxReconnects(-1))
	if err != nil {
		log.Fatalf("connect to NATS: %v", err) //nolint:gocritic // nothing is open yet
	}
	defer nc.Close()
	r := newRecorder(os.Stdout)
	if os.Getenv("REPORT") == "json" {
		r.reports = os.Stdout
	}
	if err := run(ctx, nc, cmp.Or(os.Getenv("ADAPTER_NAME"), "acme"), r, silence); err != nil && ctx.Err() == nil {
		log.Print(err)
	}
}

// run follows the stream of an adapter until ctx ends.
func run(ctx context.Context, nc *nats.Conn, adapter string, r *recorder, silence time.Duration) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	stream, err := js.Stream(ctx, recording.StreamName(adapter))
	if err != nil {
		return fmt.Errorf("find the stream: %w", err)
	}
	filters := []string{"recorder.v1." + recording.AdapterToken(adapter) + ".call.>", recording.FeedSubject(adapter)}
	start := time.Now().Add(-window)

	// First what is already open, without acknowledging anything. What is over by now
	// must not be done again: a leg that was recording may be paused.
	r.learning = true
	if err := replay(ctx, stream, filters, start, r); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	// Then the durable consumer, from where it was: what the replay has shown comes
	// again and is recognised by its revision.
	consumer, err := stream.Consumer(ctx, durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		consumer, err = stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: durable, FilterSubjects: filters,
			DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &start,
			AckPolicy: jetstream.AckExplicitPolicy, AckWait: 2 * time.Second, // deaf for as long after a crash
			MaxAckPending: 1, // one at a time keeps the order also after a redelivery
		})
	}
	if err != nil {
		return fmt.Errorf("open the consumer: %w", err)
	}
	// A server that speaks to nobody, since it has lost the request, is noticed in time.
	messages, err := consumer.Messages(jetstream.PullExpiry(max(silence/3, time.Second)))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	defer messages.Stop()
	r.learned()
	for {
		next, cancel := context.WithTimeout(ctx, silence)
		msg, err := messages.Next(jetstream.NextContext(next))
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout), errors.Is(err, jetstream.ErrNoHeartbeat):
			r.heard(false) // the next call asks the server again
			continue
		case err != nil:
			return fmt.Errorf("read: %w", err)
		}
		r.heard(true)
		if !r.handle(msg.Subject(), msg.Data()) {
			err = msg.TermWithReason("not an event of this contract")
		} else {
			err = msg.DoubleAck(ctx) // the server has it: it will not come again
		}
		if err != nil {
			log.Printf("acknowledge: %v", err) // it comes again, and that does no harm
		}
	}
}

// replay hands over everything since start and returns at the end of the stream.
func replay(ctx context.Context, stream jetstream.Stream, filters []string, start time.Time, r *recorder) error {
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: filters, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &start,
	})
	if err != nil {
		return err
	}
	if consumer.CachedInfo().NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		r.handle(msg.Subject(), msg.Data())
		if meta, err := msg.Metadata(); err != nil || meta.NumPending == 0 {
			return err
		}
	}
}
