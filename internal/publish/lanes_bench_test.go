package publish_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// BenchmarkLanes writes 1 KB messages on some subjects, one in flight on each,
// into a file stream on one server in another process.
func BenchmarkLanes(b *testing.B) {
	for _, subjects := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("subjects=%d", subjects), func(b *testing.B) {
			js := natstest.JetStream(b, natstest.Connect(b, serverProcess(b)))
			mustProvision(b, js)
			data := bytes.Repeat([]byte("x"), 1024)
			names := make([]string, subjects)
			for lane := range names {
				names[lane] = subject(lane)
			}
			var left atomic.Int64
			done := make(chan struct{})
			var lanes *publish.Lanes
			var ids atomic.Uint64
			send := func(lane, expect uint64) {
				if left.Add(-1) < 0 {
					return
				}
				_ = lanes.Send(publish.Message{
					Subject: names[lane], ID: fmt.Sprintf("%d-%032d", lane, ids.Add(1)),
					Data: data, Expect: expect, Token: lane,
				})
			}
			var stored int
			deliver := func(rs []publish.Result) {
				for i := range rs {
					r := &rs[i]
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
			before := used(b)
			b.ResetTimer()
			left.Store(int64(b.N))
			for lane := range subjects {
				send(uint64(lane), 0)
			}
			<-done
			b.StopTimer()
			reportUse(b, before, b.N)
			if err := lanes.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkLanesPaced writes at a constant rate far below what is possible, with a
// tail on the same connection as a leader has it. Here wake-ups cost most.
func BenchmarkLanesPaced(b *testing.B) {
	for _, rate := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprintf("rate=%d", rate), func(b *testing.B) {
			js := natstest.JetStream(b, natstest.Connect(b, serverProcess(b)))
			mustProvision(b, js)
			const subjects = 1000
			var mu sync.Mutex
			var expect [subjects]uint64
			var busy [subjects]bool
			stored := 0
			done := make(chan struct{}, 2)
			lanes, err := publish.NewLanes(js, publish.LanesOptions{Stream: streamOptions.Name}, func(rs []publish.Result) {
				mu.Lock()
				defer mu.Unlock()
				for i := range rs {
					if rs[i].Outcome != publish.Stored {
						b.Errorf("outcome %v: %v", rs[i].Outcome, rs[i].Err)
					}
					expect[rs[i].Token], busy[rs[i].Token] = rs[i].Sequence, false
					if stored++; stored == b.N {
						done <- struct{}{}
					}
				}
			})
			if err != nil {
				b.Fatal(err)
			}
			tail, err := publish.NewTail(js, publish.TailOptions{Stream: streamOptions.Name, Subject: streamOptions.Subjects[0]})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			seen := 0
			var reading sync.WaitGroup
			reading.Go(func() {
				if err := tail.Run(ctx, func(es []publish.Entry) {
					if seen += len(es); seen == b.N {
						done <- struct{}{}
					}
				}); err != nil {
					b.Error(err)
				}
			})
			natstest.Eventually(b, "the tail runs", func() bool { return tail.Stats().CaughtUp })
			data := bytes.Repeat([]byte("x"), 1024)
			names := make([]string, subjects)
			for lane := range names {
				names[lane] = subject(lane)
			}
			batch := make([]publish.Message, 0, subjects)
			b.ReportAllocs()
			before := used(b)
			b.ResetTimer()
			start := time.Now()
			tick := time.NewTicker(time.Millisecond)
			for sent := 0; sent < b.N; {
				<-tick.C
				due := min(int(time.Since(start).Seconds()*float64(rate)), b.N)
				batch = batch[:0]
				mu.Lock()
				for ; sent < due; sent++ {
					lane := sent % subjects
					if busy[lane] {
						break // a stall: it is sent with a later tick
					}
					busy[lane] = true
					batch = append(batch, publish.Message{
						Subject: names[lane], ID: fmt.Sprintf("%d-%032d", lane, sent), Data: data, Expect: expect[lane], Token: uint64(lane),
					})
				}
				mu.Unlock()
				for i := range batch {
					if err := lanes.Send(batch[i]); err != nil {
						b.Fatal(err)
					}
				}
			}
			<-done
			<-done
			b.StopTimer()
			reportUse(b, before, b.N)
			tick.Stop()
			cancel()
			reading.Wait()
			if err := lanes.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
