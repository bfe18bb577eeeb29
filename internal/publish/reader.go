package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Pauses between two questions of [Reader.Load] to a replica that lags.
const (
	loadPauseFirst   = 2 * time.Millisecond
	loadPauseLongest = 250 * time.Millisecond
	loadTimeout      = 2 * time.Second // of one question
)

// Entry is one stored message.
type Entry struct {
	Subject  string
	Sequence uint64    // in the stream
	Time     time.Time // when the server stored it
	ID       string
	Data     []byte
	Header   nats.Header
}

// Reader reads single messages of a stream. Methods may be called from several
// goroutines.
type Reader struct {
	js   jetstream.JetStream
	name string

	mu     sync.Mutex
	stream jetstream.Stream // found at first use
}

// NewReader makes a reader of the stream. It asks nothing of the server yet.
func NewReader(js jetstream.JetStream, stream string) *Reader { return &Reader{js: js, name: stream} }

// Load returns the last message of the subject, as soon as its sequence is at
// least seq. Any replica may answer, also one that does not have that message
// yet, and the server may be away; Load asks again until ctx ends. Use a ctx with
// a deadline.
func (r *Reader) Load(ctx context.Context, subject string, seq uint64) (Entry, error) {
	pause := loadPauseFirst
	for {
		e, found, err := r.last(ctx, subject)
		if err == nil && found && e.Sequence >= seq {
			return e, nil
		}
		if err == nil {
			err = fmt.Errorf("last message found has sequence %d", e.Sequence)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, loadPauseLongest)
		case <-ctx.Done():
			return Entry{}, fmt.Errorf("load message %d of %s: %w, last answer: %w", seq, subject, ctx.Err(), err)
		}
	}
}

// Last returns the last message of the subject and whether there is one. On a
// replicated stream the answer may lag behind the leader for a moment.
func (r *Reader) Last(ctx context.Context, subject string) (Entry, bool, error) {
	e, found, err := r.last(ctx, subject)
	if err != nil {
		return Entry{}, false, fmt.Errorf("read last message of %s: %w", subject, err)
	}
	return e, found, nil
}

func (r *Reader) last(ctx context.Context, subject string) (Entry, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	stream, err := r.bind(ctx)
	if err != nil {
		return Entry{}, false, err
	}
	m, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	return Entry{
		Subject: m.Subject, Sequence: m.Sequence, Time: m.Time, ID: m.Header.Get(jetstream.MsgIDHeader),
		Data: m.Data, Header: m.Header,
	}, true, nil
}

// bind looks the stream up once; afterwards a read is one round trip.
func (r *Reader) bind(ctx context.Context) (jetstream.Stream, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != nil {
		return r.stream, nil
	}
	stream, err := r.js.Stream(ctx, r.name)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", r.name, err)
	}
	r.stream = stream
	return stream, nil
}
