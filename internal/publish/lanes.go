package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Defaults of [LanesOptions].
const (
	DefaultAckTimeout  = 5 * time.Second
	DefaultMaxInFlight = 4096
)

// contentType of every message: one CloudEvent as structured JSON.
const contentType = "application/cloudevents+json"

// LanesOptions say how [Lanes] write.
type LanesOptions struct {
	// Stream that must store the messages; another one refuses them. Required.
	Stream string
	// AckTimeout is how long an acknowledgement may take, from the moment the
	// message is handed to the connection. Default 5 s.
	AckTimeout time.Duration
	// MaxInFlight bounds the messages that wait for an acknowledgement over all
	// lanes; further ones wait their turn. The server answers "busy" above
	// 10,000. Default 4096.
	MaxInFlight int
	// Denied reports that the server refuses the subject, see [State.Denied].
	// Without it a missing permission is an Unknown for ever.
	Denied func(subject string) bool
	// Logger. Default: nothing is logged.
	Logger *slog.Logger
}

// LanesStats are counters since the start and two gauges.
type LanesStats struct {
	Sent      uint64    // handed to the connection, repetitions included
	Results   [5]uint64 // by Outcome
	Duplicate uint64    // Stored that had been stored already
	Repeated  uint64    // sent again since somebody else had written, see [Lanes.Trust]
	InFlight  int       // waiting for an acknowledgement now
	Queued    int       // waiting for their turn now
}

// Lanes write messages, many subjects in parallel and at most one message in
// flight per subject; the caller guarantees the latter.
// Methods may be called from several goroutines.
type Lanes struct {
	options LanesOptions
	conn    *nats.Conn
	deliver func([]Result)
	replies chan *nats.Msg
	inbox   string // reply subjects are inbox + number of the flight
	sub     *nats.Subscription
	usual   []byte // see usualAck
	status  chan nats.Status
	work    sync.WaitGroup

	wakeWriter chan struct{} // capacity 1
	wakeReader chan struct{} // capacity 1
	stop       chan struct{} // closed once: both goroutines end
	stopOnce   sync.Once

	// writing is held by whoever hands messages to the connection: the writer, or a caller
	// of Flush.
	writing sync.Mutex
	batch   []Message
	// msg is filled anew for each publish: when the connection has taken one, nothing of it
	// is needed any more.
	msg    nats.Msg
	id     []string
	expect []string
	// bySubject, byStream and byID are its headers, as it expects one or the other, and
	// firstByStream and firstByID those of the first message on its subject.
	bySubject, byStream, byID nats.Header
	firstByStream, firstByID  nats.Header

	mu       sync.Mutex
	closed   bool
	idle     chan struct{} // set by Close, closed when nothing is outstanding
	queue    []Message     // accepted; those before head are already handed on
	head     int
	queuedAt time.Time // when the oldest of the queue was accepted
	flights  []*flight // each in its place, at most as many as may be on their way
	spare    []*flight // those of them that are over
	out      int       // accepted and not yet delivered
	failed   []Result
	sole     sole
	chain    chain
	repeats  []Message // to be sent once more, before the queue
	answered time.Time // when the last acknowledgement came
	away     bool      // the connection was lost, and no acknowledgement has come since
	stats    LanesStats
}

// flight is a message on its way. Its number is used again when the answer has come: the
// server remembers where answers go, and few places cost it less than one for each message.
// A number whose answer may still come is given up for the next one with the same place.
type flight struct {
	number uint64 // its place, and a multiple of how many may be on their way
	reply  string // the subject of the answer
	over   bool
	// stored is the last sequence that was an answer here: what is not beyond it answers
	// an earlier message once more.
	stored   uint64
	result   Result
	deadline time.Time
	message  Message // that is part of a chain, empty otherwise
}

// NewLanes prepares lanes on the connection of js. Results arrive through
// deliver, in batches as they come by themselves, one call at a time and always
// on a goroutine of the lanes. deliver may call Send and must not call Close; it
// should return soon, because acknowledgements wait meanwhile. It must not keep
// the slice.
// End the lanes with [Lanes.Close].
func NewLanes(js jetstream.JetStream, o LanesOptions, deliver func([]Result)) (*Lanes, error) {
	if o.Stream == "" || deliver == nil {
		return nil, errors.New("new lanes: stream and deliver are required")
	}
	if o.AckTimeout <= 0 {
		o.AckTimeout = DefaultAckTimeout
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if o.Denied == nil {
		o.Denied = func(string) bool { return false }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	conn := js.Conn()
	l := &Lanes{
		options:    o,
		conn:       conn,
		deliver:    deliver,
		inbox:      conn.NewInbox() + ".",
		usual:      usualAck(o.Stream),
		wakeWriter: make(chan struct{}, 1),
		wakeReader: make(chan struct{}, 1),
		stop:       make(chan struct{}),
		// The client drops what does not fit. There is one answer per message in
		// flight, and a late one for each that timed out; twice is ample.
		replies: make(chan *nats.Msg, 2*o.MaxInFlight),
	}
	var err error
	if l.sub, err = conn.ChanSubscribe(l.inbox+"*", l.replies); err != nil {
		return nil, fmt.Errorf("new lanes: subscribe to acknowledgements: %w", err)
	}
	l.id, l.expect = make([]string, 1), make([]string, 1)
	header := func(expected string) nats.Header {
		h := nats.Header{"Content-Type": {contentType}, jetstream.MsgIDHeader: l.id, expected: l.expect}
		if expected != jetstream.ExpectedLastMsgIDHeader { // such a message is in our stream
			h[jetstream.ExpectedStreamHeader] = []string{o.Stream}
		}
		return h
	}
	first := func(expected string) nats.Header {
		h := header(expected)
		h[jetstream.ExpectedLastSubjSeqHeader] = []string{"0"}
		return h
	}
	l.bySubject, l.byStream, l.byID = header(jetstream.ExpectedLastSubjSeqHeader), header(jetstream.ExpectedLastSeqHeader), header(jetstream.ExpectedLastMsgIDHeader)
	l.firstByStream, l.firstByID = first(jetstream.ExpectedLastSeqHeader), first(jetstream.ExpectedLastMsgIDHeader)
	l.status = conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	l.work.Go(l.write)
	l.work.Go(l.read)
	return l, nil
}

// Send accepts a message. It never waits: the result comes through deliver. The
// only error is [ErrClosed], and then no result follows.
//
// It does not use the connection, however little is on its way: while that is being made
// anew, even asking whether it is there waits for seconds.
func (l *Lanes) Send(m Message) error {
	err := l.Queue(m)
	wake(l.wakeWriter)
	return err
}

// Queue is [Lanes.Send] for who calls [Lanes.Flush] soon.
func (l *Lanes) Queue(m Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if l.queued() == 0 {
		l.queuedAt = time.Now()
	}
	l.queue = append(l.queue, m)
	l.out++
	return nil
}

// Close refuses further messages, waits until all results were delivered or ctx
// ends, and ends the lanes. Results outstanding then are delivered as Unknown with
// [ErrClosed] before Close returns. The error is that of ctx.
func (l *Lanes) Close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	if l.idle == nil {
		l.idle = make(chan struct{})
		if l.out == 0 {
			close(l.idle)
		}
	}
	idle := l.idle
	l.mu.Unlock()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = fmt.Errorf("close lanes: %w", ctx.Err())
	}
	l.stopOnce.Do(func() {
		close(l.stop)
		l.work.Wait()
		l.conn.RemoveStatusListener(l.status)
		if uerr := l.sub.Unsubscribe(); uerr != nil && !l.conn.IsClosed() {
			l.options.Logger.Debug("unsubscribe from acknowledgements", "error", uerr.Error())
		}
	})
	return err
}

// Stats are the counters now.
func (l *Lanes) Stats() LanesStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.InFlight, s.Queued = l.onTheWay(), l.queued()
	return s
}

// queued is the number of messages that wait for their turn.
func (l *Lanes) queued() int { return len(l.queue) - l.head }

// wake signals a goroutine without waiting for it.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
