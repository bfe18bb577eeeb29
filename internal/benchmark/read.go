package benchmark

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// arrival is one stored event: which frame made it, when it was stored, and where.
type arrival struct {
	frame  int
	stored int64 // Unix ns, by the server
	leg    string
}

// ofCalls are the subjects of the events that are counted.
const ofCalls = "recorder.v1." + adapter + ".call.>"

// calls is how many events of calls the stream holds.
func (s *stage) calls(ctx context.Context) (uint64, error) {
	c, err := s.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{FilterSubject: ofCalls, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true})
	if err != nil {
		return 0, fmt.Errorf("count the events: %w", err)
	}
	info := c.CachedInfo()
	if err := s.stream.DeleteConsumer(ctx, info.Name); err != nil {
		return 0, fmt.Errorf("count the events: %w", err)
	}
	return info.NumPending, nil
}

// readBack reads all call events of the stream in its order.
func (s *stage) readBack(ctx context.Context) ([]arrival, error) {
	consumer, err := s.js.OrderedConsumer(ctx, s.stream.CachedInfo().Config.Name, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{ofCalls}, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	all := make([]arrival, 0, info.NumPending)
	if info.NumPending == 0 {
		return all, nil
	}
	it, err := consumer.Messages(jetstream.PullMaxMessages(4096))
	if err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	defer it.Stop()
	for {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return nil, fmt.Errorf("read the stream: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, fmt.Errorf("read the stream: %w", err)
		}
		subject := m.Subject()
		all = append(all, arrival{frameOf(m.Data()), meta.Timestamp.UnixNano(), strings.Clone(subject[strings.LastIndexByte(subject, '.')+1:])})
		if meta.NumPending == 0 {
			return all, nil
		}
	}
}

// frameOf finds the number of the frame in an event; 0 when there is none.
func frameOf(event []byte) int {
	const mark, digits = `"correlationId":"00000000-0000-4000-8000-`, 12
	at := bytes.Index(event, []byte(mark))
	if at < 0 || len(event) < at+len(mark)+digits {
		return 0
	}
	n := 0
	for _, c := range event[at+len(mark) : at+len(mark)+digits] {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
