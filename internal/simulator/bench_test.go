package simulator_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// drain takes one from ahead for every frame that a channel delivers.
func drain(b *testing.B, ch channelInfo, ahead <-chan struct{}) {
	b.Helper()
	conn, _, err := dial(b.Context(), ch.uri) //nolint:bodyclose // Closed by the library.
	if err != nil {
		b.Fatal(err)
	}
	conn.SetReadLimit(64 << 20)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			if _, _, err := conn.Read(context.Background()); err != nil {
				return
			}
			<-ahead
		}
	})
	b.Cleanup(func() {
		_ = conn.CloseNow()
		done.Wait()
	})
}

// BenchmarkFrames is one change of a call with two people: one snapshot, encoded
// once, to two topics on each of several channels. It waits for the frames to be
// read, so that it measures what goes through and not what can be queued.
func BenchmarkFrames(b *testing.B) {
	for _, channels := range []int{1, 2, 8} {
		b.Run(fmt.Sprintf("channels=%d", channels), func(b *testing.B) {
			org := start(b, simulator.Options{QueueFrames: 1 << 16})
			c := standard(b, org)
			users := org.Users()
			// A little ahead of the readers, never a queue ahead.
			ahead := make(chan struct{}, 4000)
			for range channels {
				ch := c.channel()
				c.subscribe(ch, callsTopic(users[0]), callsTopic(users[1]))
				drain(b, ch, ahead)
			}
			// More than the frames until both take part: readers never wait.
			for range 20 * channels {
				ahead <- struct{}{}
			}
			leg := org.Call(simulator.Inbound{}).Alert(users[0])
			leg.Answer()
			leg = leg.BlindTransfer(users[1])
			leg.Answer()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%2 == 0 {
					leg.Mute()
				} else {
					leg.Unmute()
				}
				for range 2 * channels {
					ahead <- struct{}{}
				}
			}
			b.ReportMetric(float64(2*channels*b.N)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}

// BenchmarkTruth is the truth of a thousand calls.
func BenchmarkTruth(b *testing.B) {
	org := start(b, simulator.Options{})
	for range 1000 {
		call := org.Call(simulator.Inbound{})
		call.Alert(org.Users()[0]).Answer()
		call.CustomerHangsUp()
	}
	for b.Loop() {
		if len(org.Truth().Legs) != 1000 {
			b.Fatal("legs are missing")
		}
	}
}

// BenchmarkLargeOrganization starts eight thousand users and subscribes to all.
func BenchmarkLargeOrganization(b *testing.B) {
	for b.Loop() {
		org := start(b, simulator.Options{Users: 8000})
		c := standard(b, org)
		users := org.Users()
		for from := 0; from < len(users); from += 1000 {
			ch := c.channel()
			topics := make([]string, 0, 1000)
			for _, u := range users[from : from+1000] {
				topics = append(topics, callsTopic(u))
			}
			c.subscribe(ch, topics...)
		}
		org.Close()
	}
}
