package bridges

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"
)

// Env says where a bridge reads and where it writes.
type Env struct {
	WS      string // address of the websocket; frames come without subscribing
	NATS    string // address of the server, whose stream exists
	Subject string // what comes before "call.", with the dot at its end
}

const (
	flushWithin = 5 * time.Second
	maxFrame    = 1 << 20 // bytes
	// The platform stamps its times this way, and so do the events.
	stampLayout = "2006-01-02T15:04:05.000Z"
)

// dial connects to both sides. The caller closes both.
func dial(ctx context.Context, e Env, opts ...nats.Option) (*websocket.Conn, *nats.Conn, error) {
	nc, err := nats.Connect(e.NATS, opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to NATS: %w", err)
	}
	ws, _, err := websocket.Dial(ctx, e.WS, nil)
	if err != nil {
		nc.Close()
		return nil, nil, fmt.Errorf("open websocket: %w", err)
	}
	ws.SetReadLimit(maxFrame)
	return ws, nc, nil
}

// ended is the result of a bridge whose reading ended with one error and whose
// flush with another. The end of ctx is how every run ends.
func ended(ctx context.Context, reading, flushing error) error {
	if ctx.Err() != nil {
		reading = nil
	}
	return errors.Join(reading, flushing)
}
