package publish_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// BenchmarkExpectedSequence is what the compare-and-set costs the server, whoever asks for
// it: the same messages at the same pace, with and without an expected sequence. For each
// expected one the server reads the subject's last message, and when that is not in the
// block that is being written, perhaps a whole block of 8 MB. It reports percentiles of the
// time from when a message was due until its acknowledgement.
func BenchmarkExpectedSequence(b *testing.B) {
	for _, rate := range []int{1000, 5000} {
		for _, expecting := range []bool{false, true} {
			b.Run(fmt.Sprintf("rate=%d/expecting=%v", rate, expecting), func(b *testing.B) { expectedSequence(b, rate, expecting) })
		}
	}
}

// The load of the benchmark: callers whose calls are a few messages long each.
const (
	callers   = 500
	callSteps = 8
)

func expectedSequence(b *testing.B, rate int, expecting bool) {
	b.Helper()
	nc := natstest.Connect(b, serverProcess(b))
	mustProvision(b, natstest.JetStream(b, nc))
	inbox := nc.NewInbox() + "."
	due := make([]time.Time, b.N)
	took := make([]time.Duration, b.N)
	var last [callers]atomic.Uint64 // sequences
	var refused, answered atomic.Int64
	done := make(chan struct{})
	sub, err := nc.Subscribe(inbox+"*", func(m *nats.Msg) {
		i, _ := strconv.Atoi(m.Subject[len(inbox):])
		took[i] = time.Since(due[i])
		var ack jetstream.PubAck
		if json.Unmarshal(m.Data, &ack) != nil || ack.Sequence == 0 {
			refused.Add(1)
		}
		last[i%callers].Store(ack.Sequence)
		if answered.Add(1) == int64(b.N) {
			close(done)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	data := bytes.Repeat([]byte("x"), 1024)
	b.ResetTimer()
	begin := time.Now()
	for i := range b.N {
		due[i] = begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due[i]))
		call := i / callers / callSteps
		m := &nats.Msg{
			Subject: fmt.Sprintf("%s.%d", subject(i%callers), call), Reply: inbox + strconv.Itoa(i), Data: data,
			Header: nats.Header{jetstream.MsgIDHeader: {strconv.Itoa(i)}},
		}
		if expecting {
			expect := last[i%callers].Load()
			if i/callers%callSteps == 0 {
				expect = 0
			}
			m.Header[jetstream.ExpectedLastSubjSeqHeader] = []string{strconv.FormatUint(expect, 10)}
		}
		if err := nc.PublishMsg(m); err != nil {
			b.Fatal(err)
		}
	}
	<-done
	b.StopTimer()
	slices.Sort(took)
	for name, share := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99, "p99.9-ms": 0.999} {
		b.ReportMetric(float64(took[min(int(share*float64(b.N)), b.N-1)].Microseconds())/1000, name)
	}
	b.ReportMetric(float64(refused.Load())/float64(b.N), "refused/op")
}
