package genesys_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// BenchmarkDecode decodes 64 calls in turn, as the reader of a socket does by default:
// with memory that lasts, and no attribute wanted but the one that marks a consult. One of
// three participants has changed since the last notification of the call.
func BenchmarkDecode(b *testing.B) {
	const calls = 64
	decode := genesys.NewDecoder([]string{"consultInitiator"})
	frames := make([][]byte, 2*calls)
	for n := range calls {
		frames[n] = busy(n)
		const unmuted = `"muted":false`
		at := bytes.LastIndex(frames[n], []byte(unmuted))
		frames[calls+n] = slices.Concat(frames[n][:at], []byte(`"muted":true`), frames[n][at+len(unmuted):])
	}
	b.SetBytes(int64(len(frames[0])))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		f, err := decode(frames[n%len(frames)])
		if err != nil || len(f.Snapshot.Participants) != 3 {
			b.Fatal(err, len(f.Snapshot.Participants))
		}
	}
}

// BenchmarkDecodeFrame decodes a notification about a held call with a new decoder;
// BenchmarkOracle does the same with encoding/json and maps.
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

func (c *counter) Snapshot(*call.Snapshot) {
	if c.n.Add(1) == c.want {
		close(c.done)
	}
}
func (c *counter) Flush()                       {}
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

// hijacked keeps hold of the connection under a websocket.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(h.ResponseWriter).Hijack()
	h.conn = conn
	return conn, buf, err
}

// BenchmarkRead takes frames from a real websocket to the sink. The peer writes sixteen
// at a time below its websocket, so that little of what is measured is the peer's.
func BenchmarkRead(b *testing.B) {
	user := strings.Split(string(busy(0)), ".")[2]
	frame := busy(0)
	if _, err := genesys.DecodeFrame(frame); err != nil {
		b.Fatal(err)
	}
	o := newOdd(b)
	o.token()
	o.handle("GET /api/v2/users", `{"entities":[{"id":"`+user+`"}]}`)
	o.handle("POST /api/v2/notifications/channels", `{"id":"x","connectUri":"ws`+strings.TrimPrefix(o.URL, "http")+`/channels/x"}`)
	o.handle("PUT /api/v2/notifications/channels/x/subscriptions", `{}`)
	sink := &counter{want: int64(b.N), done: make(chan struct{}), up: make(chan struct{}, 1)}
	o.mux.HandleFunc("/channels/x", func(w http.ResponseWriter, r *http.Request) {
		h := &hijacked{ResponseWriter: w}
		conn, err := websocket.Accept(h, r, nil)
		if err != nil {
			return
		}
		const text, long = 0x81, 126
		raw := append(binary.BigEndian.AppendUint16([]byte{text, long}, uint16(len(frame))), frame...)
		batch := bytes.Repeat(raw, 16)
		<-sink.up
		b.ResetTimer()
		for left := b.N; left > 0; left -= 16 {
			if _, err := h.conn.Write(batch[:min(left, 16)*len(raw)]); err != nil {
				return
			}
		}
		_, _, _ = conn.Read(r.Context()) // until the client goes
	})
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	options := o.options()
	options.Attributes = []string{"consultInitiator"}
	p, err := genesys.New(options)
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
