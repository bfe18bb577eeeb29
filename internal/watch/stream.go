package watch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// ErrNoStream is returned when the adapter has no stream.
var ErrNoStream = errors.New("there is no such stream: is ADAPTER_NAME right, and has an instance ever run?")

// ErrDenied is returned when the user lacks a right.
var ErrDenied = errors.New("NATS refuses a right that a recorder needs")

// defaultRefresh is assumed while the feed has not told how often open legs are written
// again.
const defaultRefresh = 15 * time.Minute

// Source is where to read.
type Source struct {
	// JS is the client of JetStream. Required. The error handler of its connection is
	// replaced.
	JS jetstream.JetStream
	// Adapter is the name of the adapter. Required.
	Adapter string
	// Logger gets what the reader of the output should know. Default: nothing is logged.
	Logger *slog.Logger
}

// reader reads the stream of a source.
type reader struct {
	Source
	stream string
	state  *jetstream.StreamInfo // when reading began
}

// open looks the stream up. The context that it returns also ends when the server
// refuses a right; its cause says which.
func (s Source) open(ctx context.Context) (context.Context, context.CancelCauseFunc, *reader, error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	s.JS.Conn().SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		// To delete what it has created is a courtesy: the server forgets it by itself.
		if errors.Is(err, nats.ErrPermissionViolation) && !strings.Contains(err.Error(), ".CONSUMER.DELETE.") {
			cancel(fmt.Errorf("%w: %w", ErrDenied, err))
		}
	})
	r := &reader{Source: s, stream: recording.StreamName(s.Adapter)}
	limited, end := context.WithTimeout(ctx, 5*time.Second)
	defer end()
	stream, err := s.JS.Stream(limited, r.stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return ctx, cancel, nil, fmt.Errorf("stream %s: %w", r.stream, ErrNoStream)
	case err != nil:
		return ctx, cancel, nil, fmt.Errorf("look up stream %s: %w", r.stream, cause(ctx, err))
	}
	r.state = stream.CachedInfo()
	return ctx, cancel, r, nil
}

// cause prefers why ctx has ended to the error that followed from it.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil && !errors.Is(c, context.Canceled) {
		return c
	}
	return err
}

// now is the server's clock when the stream was looked up.
func (r *reader) now() time.Time {
	if r.state.TimeStamp.IsZero() {
		return time.Now()
	}
	return r.state.TimeStamp
}

// start is where to begin: behind a sequence, or at a time where that is set.
type start struct {
	after uint64
	since time.Time
}

// fromNow begins behind what is stored.
func (r *reader) fromNow() start { return start{after: r.state.State.LastSeq} }

// fromWindow begins where every open leg has an event from there on: twice the refresh
// interval before the last event of the feed, however long ago that was. It also
// returns that event, which may be nil.
func (r *reader) fromWindow(ctx context.Context) (start, error) {
	e, event, err := r.lastOfFeed(ctx)
	if err != nil || event == nil {
		return start{}, err // without a feed from the first event on
	}
	refresh := defaultRefresh
	if n := event.Data.RefreshInterval; n > 0 {
		refresh = time.Duration(n) * time.Second
	}
	return start{since: e.Add(-2*refresh - time.Minute)}, nil
}

// lastOfFeed returns the last event of the feed and when it was stored, by means of a
// consumer: recorders need not have the right to read single messages.
func (r *reader) lastOfFeed(ctx context.Context) (time.Time, *recording.FeedEvent, error) {
	limited, end := context.WithTimeout(ctx, 5*time.Second)
	defer end()
	consumer, err := r.JS.CreateConsumer(limited, r.stream, jetstream.ConsumerConfig{
		Name: "tail_" + rand.Text(), FilterSubject: recording.FeedSubject(r.Adapter), DeliverPolicy: jetstream.DeliverLastPolicy,
		AckPolicy: jetstream.AckNonePolicy, MaxDeliver: 1, MemoryStorage: true, Replicas: 1, InactiveThreshold: 10 * time.Second,
	})
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("read the feed: %w", cause(ctx, err))
	}
	if consumer.CachedInfo().NumPending == 0 {
		return time.Time{}, nil, nil
	}
	m, err := consumer.Next(jetstream.FetchContext(limited))
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("read the feed: %w", cause(ctx, err))
	}
	meta, err := m.Metadata()
	if err != nil {
		return time.Time{}, nil, fmt.Errorf("read the feed: %w", err)
	}
	event, err := recording.Decode(m.Data())
	feed, ok := event.(*recording.FeedEvent)
	if err != nil || !ok {
		r.Logger.Warn("the last message of the feed is not an event of this contract", "sequence", meta.Sequence.Stream)
		return meta.Timestamp, new(recording.FeedEvent), nil
	}
	return meta.Timestamp, feed, nil
}

// follow hands over what is stored from the start on until ctx ends. caughtUp is called
// once, when all that was stored at the beginning has been handed over.
func (r *reader) follow(ctx context.Context, from start, subject string, caughtUp func(), take func([]publish.Entry)) error {
	for {
		var last time.Time
		tail, err := publish.NewTail(r.JS, publish.TailOptions{
			Stream: r.stream, Subject: subject, After: from.after, Since: from.since, CaughtUp: caughtUp, Logger: r.Logger,
		})
		if err != nil {
			return err
		}
		err = tail.Run(ctx, func(entries []publish.Entry) {
			last = entries[len(entries)-1].Time
			take(entries)
		})
		switch {
		case errors.Is(err, publish.ErrStreamRecreated):
			r.Logger.Warn("the stream was made anew: reading it from its beginning")
			from = start{}
		case errors.Is(err, publish.ErrStreamRewound):
			r.Logger.Warn("the stream has lost its end: reading on with what is stored from now on", "last", last)
			from = start{since: time.Now()}
		default:
			if c := cause(ctx, nil); c != nil {
				return c
			}
			return err
		}
	}
}
