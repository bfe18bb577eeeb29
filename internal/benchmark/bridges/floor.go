package bridges

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"
)

// window is how many messages may be without an acknowledgement.
const window = 4096

// Floor is the fastest bridge that these two libraries allow, and no more than
// that. One goroutine reads, scans, encodes and publishes, all in memory that is
// used again; acknowledgements are counted, not matched. It is not a service: an
// event that the server refuses is lost, and one that is lost is not sent again.
//
// It calls ready when both sides are connected, runs until ctx ends, and then
// waits up to five seconds for what is in flight. It returns nil unless a side
// failed before, or events remained without a good acknowledgement.
func Floor(ctx context.Context, e Env, ready func()) error {
	ws, nc, err := dial(ctx, e, nats.SkipSubjectValidation())
	if err != nil {
		return err
	}
	defer nc.Close()
	defer ws.CloseNow() //nolint:errcheck // nothing can be done about it
	a := &acks{inbox: nats.NewInbox(), room: make(chan struct{}, 1)}
	if _, err := nc.Subscribe(a.inbox, a.count); err != nil {
		return fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	if err := nc.Flush(); err != nil {
		return fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	ready()
	reading := pump(ctx, ws, nc, a, e.Subject)
	return ended(ctx, reading, a.finish(ctx))
}

// pump forwards frames until the socket or the connection fails, or ctx ends.
func pump(ctx context.Context, ws *websocket.Conn, nc *nats.Conn, a *acks, prefix string) error {
	// The library registers a context anew for each frame. Cutting the socket at
	// the end does the same once.
	stop := context.AfterFunc(ctx, func() { ws.CloseNow() }) //nolint:errcheck // the socket is gone either way
	defer stop()
	unwatched := context.WithoutCancel(ctx)
	var (
		data    = make([]byte, 0, 16<<10)
		f       frame
		enc     encoder
		subject = append(make([]byte, 0, 256), prefix+"call."...)
		fixed   = len(subject)
	)
	for {
		_, r, err := ws.Reader(unwatched)
		if err != nil {
			return fmt.Errorf("read websocket: %w", err)
		}
		if data, err = readInto(data[:0], r); err != nil {
			return fmt.Errorf("read websocket: %w", err)
		}
		if !f.read(data) {
			continue
		}
		leg := &f.parties[f.agent]
		subject = append(append(subject[:fixed], f.userOr(leg)...), '.')
		subject = append(append(subject, f.conversation...), '.')
		subject = append(subject, leg.id...)
		if !a.take(ctx) {
			return ctx.Err()
		}
		if err := nc.PublishRequest(string(subject), a.inbox, enc.event(&f, time.Now())); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
}

// readInto reads all of r into the capacity of data, which grows when needed.
func readInto(data []byte, r io.Reader) ([]byte, error) {
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return data, err
		}
	}
}

// acks is the window of acknowledgements. The pump takes, the subscription counts.
type acks struct {
	inbox    string
	sent     int64 // the pump's own
	answered atomic.Int64
	refused  atomic.Int64
	waiting  atomic.Int64  // answered must reach it before room is signalled; 0: nobody waits
	room     chan struct{} // one signal
}

// count takes an answer. A good one begins with the name of the stream.
func (a *acks) count(m *nats.Msg) {
	if !bytes.HasPrefix(m.Data, []byte(`{"stream"`)) {
		a.refused.Add(1)
	}
	n := a.answered.Add(1)
	if least := a.waiting.Load(); least > 0 && n >= least {
		select {
		case a.room <- struct{}{}:
		default: // the signal is there already
		}
	}
}

// take counts a message in, once there is room. It is false when ctx ended first.
func (a *acks) take(ctx context.Context) bool {
	// A full window is waited for until half of it is free: one wake-up for many.
	if a.sent-a.answered.Load() >= window && !a.await(ctx, a.sent-window/2) {
		return false
	}
	a.sent++
	return true
}

// await waits until n messages have been answered, or until ctx ends.
func (a *acks) await(ctx context.Context, n int64) bool {
	a.waiting.Store(n)
	defer a.waiting.Store(0)
	for a.answered.Load() < n {
		select {
		case <-a.room:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// finish waits for what is in flight.
func (a *acks) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
	defer cancel()
	if !a.await(ctx, a.sent) {
		return fmt.Errorf("flush: %d of %d events have no acknowledgement after %v", a.sent-a.answered.Load(), a.sent, flushWithin)
	}
	if n := a.refused.Load(); n > 0 {
		return fmt.Errorf("flush: the server refused %d of %d events", n, a.sent)
	}
	return nil
}
