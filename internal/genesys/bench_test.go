package genesys_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// BenchmarkDecodeFrame decodes a notification about a held call; BenchmarkOracle does
// the same with encoding/json and maps.
func BenchmarkDecodeFrame(b *testing.B) {
	frame := []byte(frames()["flat connected and held"])
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := genesys.DecodeFrame(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOracle(b *testing.B) {
	frame := []byte(frames()["flat connected and held"])
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		var f map[string]any
		if err := json.Unmarshal(frame, &f); err != nil {
			b.Fatal(err)
		}
		if _, err := oracle(f["eventBody"], false); err != nil {
			b.Fatal(err)
		}
	}
}

// counter is a sink that counts snapshots.
type counter struct {
	n    atomic.Int64
	want int64
	done chan struct{}
	up   chan struct{}
}

func (c *counter) Snapshot(call.Snapshot) {
	if c.n.Add(1) == c.want {
		close(c.done)
	}
}
func (c *counter) Agent(genesys.AgentUpdate)    {}
func (c *counter) Directory(*genesys.Directory) {}
func (c *counter) Feed(f genesys.FeedStatus) {
	if f.Up {
		select {
		case c.up <- struct{}{}:
		default:
		}
	}
}

// BenchmarkRead takes frames from a real websocket to the sink.
func BenchmarkRead(b *testing.B) {
	const user = "7d3c1c7e-1111-4f6b-9a51-0c2f6f1d0001"
	frame := []byte(frames()["flat connected and held"])
	o := newOdd(b)
	o.token()
	o.handle("GET /api/v2/users", `{"entities":[{"id":"`+user+`"}]}`)
	o.handle("POST /api/v2/notifications/channels", `{"id":"x","connectUri":"ws`+strings.TrimPrefix(o.URL, "http")+`/channels/x"}`)
	o.handle("PUT /api/v2/notifications/channels/x/subscriptions", `{}`)
	sink := &counter{want: int64(b.N), done: make(chan struct{}), up: make(chan struct{}, 1)}
	o.mux.HandleFunc("/channels/x", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		<-sink.up
		b.ResetTimer()
		for range b.N {
			if conn.Write(r.Context(), websocket.MessageText, frame) != nil {
				return
			}
		}
		_, _, _ = conn.Read(r.Context()) // until the client goes
	})
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	p, err := genesys.New(o.options())
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx, sink) }()
	<-sink.done
	b.StopTimer()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		b.Error(err)
	}
}
