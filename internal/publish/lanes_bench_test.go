package publish_test

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// BenchmarkLanes writes 1 KB messages on 1000 subjects, one in flight on each,
// into a file stream on one server.
func BenchmarkLanes(b *testing.B) {
	for _, subjects := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("subjects=%d", subjects), func(b *testing.B) {
			js := natstest.JetStream(b, natstest.Connect(b, natstest.New(b).URL()))
			if err := publish.Provision(context.Background(), js, streamOptions); err != nil {
				b.Fatal(err)
			}
			data := bytes.Repeat([]byte("x"), 1024)
			var left atomic.Int64
			done := make(chan struct{})
			var lanes *publish.Lanes
			var ids atomic.Uint64
			send := func(lane, expect uint64) {
				if left.Add(-1) < 0 {
					return
				}
				_ = lanes.Send(publish.Message{
					Subject: fmt.Sprintf("recorder.v1.test.call.u.c.%d", lane), ID: fmt.Sprintf("%d-%032d", lane, ids.Add(1)),
					Data: data, Expect: expect, Token: lane,
				})
			}
			var stored int
			deliver := func(rs []publish.Result) {
				for _, r := range rs {
					if r.Outcome != publish.Stored {
						b.Errorf("outcome %v: %v", r.Outcome, r.Err)
					}
					if stored++; stored == b.N {
						close(done)
					}
					send(r.Token, r.Sequence)
				}
			}
			lanes, err := publish.NewLanes(js, publish.LanesOptions{Stream: streamOptions.Name}, deliver)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			start := time.Now()
			left.Store(int64(b.N))
			for lane := range subjects {
				send(uint64(lane), 0)
			}
			<-done
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "msgs/s")
			if err := lanes.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
