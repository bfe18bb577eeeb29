package publish_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// recoveryEntries is a window with a hundred thousand legs and three messages each.
const recoveryEntries = 300_000

// BenchmarkRecovery reads a whole window of 1 KB messages at start.
func BenchmarkRecovery(b *testing.B) {
	js := natstest.JetStream(b, natstest.Connect(b, serverProcess(b)))
	mustProvision(b, js)
	data := bytes.Repeat([]byte("x"), 1024)
	for i := range recoveryEntries {
		if _, err := js.PublishMsgAsync(&nats.Msg{Subject: subject(i % 100_000), Data: data}, jetstream.WithStallWait(patience)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	b.Run("tail", func(b *testing.B) {
		b.ReportAllocs()
		before := used(b)
		for b.Loop() {
			ctx, cancel := context.WithCancel(context.Background())
			tail, err := publish.NewTail(js, publish.TailOptions{Stream: streamOptions.Name, Subject: streamOptions.Subjects[0], CaughtUp: cancel})
			if err != nil {
				b.Fatal(err)
			}
			if err := tail.Run(ctx, func([]publish.Entry) {}); err != nil {
				b.Fatal(err)
			}
			if n := tail.Stats().Delivered; n != recoveryEntries {
				b.Fatalf("%d entries", n)
			}
		}
		b.ReportMetric(recoveryEntries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		reportUse(b, before, recoveryEntries*b.N)
	})
	b.Run("ordered-consumer", func(b *testing.B) {
		for b.Loop() {
			c, err := js.OrderedConsumer(context.Background(), streamOptions.Name, jetstream.OrderedConsumerConfig{FilterSubjects: streamOptions.Subjects})
			if err != nil {
				b.Fatal(err)
			}
			done := make(chan struct{})
			n := 0
			cc, err := c.Consume(func(m jetstream.Msg) {
				if _, err := m.Metadata(); err != nil {
					b.Error(err)
				}
				if n++; n == recoveryEntries {
					close(done)
				}
			}, jetstream.PullMaxMessages(8192))
			if err != nil {
				b.Fatal(err)
			}
			select {
			case <-done:
			case <-time.After(patience):
				b.Fatal("stuck")
			}
			cc.Stop()
			<-cc.Closed()
		}
		b.ReportMetric(recoveryEntries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	})
	b.Run("push", func(b *testing.B) {
		legacy, err := js.Conn().JetStream()
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			done := make(chan struct{})
			n := 0
			sub, err := legacy.Subscribe(streamOptions.Subjects[0], func(m *nats.Msg) {
				if _, err := m.Metadata(); err != nil {
					b.Error(err)
				}
				if n++; n == recoveryEntries {
					close(done)
				}
			}, nats.OrderedConsumer())
			if err != nil {
				b.Fatal(err)
			}
			select {
			case <-done:
			case <-time.After(patience):
				b.Fatal("stuck")
			}
			if err := sub.Unsubscribe(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(recoveryEntries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	})
}
