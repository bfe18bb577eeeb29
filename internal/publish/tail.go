package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors of [Tail.Run] after which the caller must begin anew with an empty
// picture of the stream.
var (
	// ErrStreamRecreated: the stream was deleted and created again.
	ErrStreamRecreated = errors.New("stream was created anew")
	// ErrStreamRewound: the stream ends before a message that was already
	// delivered, as after a restore or a power failure.
	ErrStreamRewound = errors.New("stream lost messages at its end")
)

// Defaults of [TailOptions].
const (
	DefaultHeartbeat = 2 * time.Second
	defaultPull      = 8192
	halfPull         = defaultPull / 2
)

// Pauses between two attempts to read on.
const (
	rebuildPauseFirst   = 20 * time.Millisecond
	rebuildPauseLongest = time.Second
)

// TailOptions say what a [Tail] reads.
type TailOptions struct {
	// Stream to read. Required.
	Stream string
	// Subject is the filter. Required; one that leaves nothing out lets Tail
	// report messages missing inside the stream.
	Subject string
	// Since: begin with the first message stored at or after it. Zero: with the
	// first one there is.
	Since time.Time
	// After: begin behind this sequence; it goes before Since when not 0.
	After uint64
	// Heartbeat is how often the server speaks while there is nothing to deliver.
	// Two missed ones make the tail rebuild its consumer. Default 2 s, least
	// 100 ms.
	Heartbeat time.Duration
	// CaughtUp, when set, is called once, between two calls of deliver: all that
	// was stored when Run began has been delivered.
	CaughtUp func()
	// Haste, when set and on, has messages delivered as they are stored, see [Tail.Run].
	Haste *Haste
	// Logger. Default: nothing is logged.
	Logger *slog.Logger
}

// TailStats are what a tail has seen.
type TailStats struct {
	LastSequence uint64 // delivered last, or known from acknowledgements; 0: nothing yet
	Pending      uint64 // stored and not delivered, as the server said last
	CaughtUp     bool
	Delivered    uint64 // messages
	Rebuilds     uint64 // consumers after the first one
	// Missing counts sequence numbers the stream skipped between two delivered
	// messages; only meaningful when Subject leaves nothing out. Messages that
	// expired while the tail could not read count too.
	Missing uint64
}

// Tail reads a stream from a point in time onwards, in order.
type Tail struct {
	options TailOptions
	js      jetstream.JetStream
	conn    *nats.Conn

	last, handed, pending, delivered, rebuilds, missing atomic.Uint64
	caughtUp, replicated                                atomic.Bool
	own                                                 own
}

// NewTail prepares a tail; [Tail.Run] does the work.
func NewTail(js jetstream.JetStream, o TailOptions) (*Tail, error) {
	if o.Stream == "" || o.Subject == "" {
		return nil, errors.New("new tail: stream and subject are required")
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = DefaultHeartbeat
	}
	if o.Haste == nil {
		o.Haste = NewHaste()
	}
	o.Heartbeat = max(o.Heartbeat, 100*time.Millisecond)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	t := &Tail{options: o, js: js, conn: js.Conn()}
	t.own.after, t.own.ahead, t.own.doubt = ownAfter, make(map[uint64]struct{}), make(chan struct{}, 1)
	return t, nil
}

// Stats may be called at any time.
func (t *Tail) Stats() TailStats {
	return TailStats{
		LastSequence: t.last.Load(), Pending: t.pending.Load(), CaughtUp: t.caughtUp.Load(),
		Delivered: t.delivered.Load(), Rebuilds: t.rebuilds.Load(), Missing: t.missing.Load(),
	}
}

// Run delivers messages until ctx ends (then it returns nil), or until the
// stream proves to be another one ([ErrStreamRecreated], [ErrStreamRewound]).
// Everything else it survives: it reads on behind the last message delivered.
//
// deliver is called on Run's goroutine with messages as they have come, in stream order,
// each message once; messages of our own may be left out, see [Tail.Own]. It must not keep
// the slice; it may keep the entries. While it works, the server keeps what follows. Under
// traffic an entry may come some 20 milliseconds late, so that many come in one call.
// Run must not be called twice.
func (t *Tail) Run(ctx context.Context, deliver func([]Entry)) error {
	var origin time.Time // of the stream we read
	connected := t.conn.StatusChanged(nats.CONNECTED)
	defer t.conn.RemoveStatusListener(connected)
	pause := rebuildPauseFirst
	for planned := true; ctx.Err() == nil; {
		if !planned {
			t.rebuilds.Add(1)
		}
		before := t.delivered.Load()
		err := t.consume(ctx, &origin, deliver)
		if errors.Is(err, errOwn) {
			err = t.count(ctx, origin)
		}
		if planned = err == nil; planned {
			continue
		}
		if errors.Is(err, ErrStreamRecreated) || errors.Is(err, ErrStreamRewound) {
			return fmt.Errorf("tail of stream %s: %w", t.options.Stream, err)
		}
		if ctx.Err() != nil {
			break
		}
		if t.delivered.Load() > before {
			pause = rebuildPauseFirst
		}
		t.options.Logger.Debug("tail reads on with a new consumer", "stream", t.options.Stream, "error", err.Error(), "after", t.last.Load(), "pause", pause)
		select {
		case <-time.After(pause):
			pause = min(2*pause, rebuildPauseLongest)
		case <-connected:
		case <-ctx.Done():
		}
	}
	return nil
}
