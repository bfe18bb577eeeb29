package conformance

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Errors of [Run].
var (
	// ErrMute: the recorder does not report.
	ErrMute = errors.New("the recorder does not report")
	// ErrOption: the options make no sense.
	ErrOption = errors.New("bad option")
)

// maxSilent is after how many events without an answer a run is given up, and
// maxRestarts after how many ends that nobody asked for.
const (
	maxSilent   = 6
	maxRestarts = 10
)

// down ends the recorder the hard way, and takes its durable consumers away if asked to.
func (s *stage) down(forget bool) {
	if s.broken() {
		return
	}
	s.ledger.gone()
	if err := s.Recorder.Kill(s.ctx); err != nil {
		s.fail(fmt.Errorf("kill the recorder: %w", err))
	}
	if !forget {
		return
	}
	stream, err := s.js.Stream(s.ctx, recording.StreamName(Adapter))
	if err != nil {
		s.fail(fmt.Errorf("find the stream: %w", err))
		return
	}
	names := stream.ConsumerNames(s.ctx)
	for name := range names.Name() {
		if err := stream.DeleteConsumer(s.ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			s.fail(fmt.Errorf("delete the consumer %s: %w", name, err))
		}
	}
}

// downInTheMiddle ends the recorder while it has an event in its hands: more of them
// come at once than it can have acted on.
func (s *stage) downInTheMiddle(l *leg, forget bool) {
	burst := make([]msg, 300)
	for i := range burst {
		burst[i] = l.draft(Replay, recording.Update, recording.Refreshed, l.data.State)
	}
	for _, m := range burst {
		if s.broken() {
			return
		}
		if _, err := s.js.PublishMsgAsync(&nats.Msg{Subject: m.subject, Header: m.header, Data: m.body}); err != nil {
			s.fail(fmt.Errorf("publish on %s: %w", m.subject, err))
		}
	}
	s.down(forget)
	select {
	case <-s.js.PublishAsyncComplete():
	case <-s.ctx.Done():
	}
}

// up starts the recorder and waits until it is ready and has taken up what is open.
func (s *stage) up() {
	if s.broken() {
		return
	}
	if s.restarts++; s.restarts > maxRestarts {
		s.fail(fmt.Errorf("%w: it ended by itself again and again", ErrMute))
		return
	}
	open := s.ledger.starts()
	if err := s.Recorder.Start(s.ctx, s.ledger.died); err != nil {
		s.fail(fmt.Errorf("start the recorder: %w", err))
		return
	}
	if !s.ledger.ready(s.ctx, s.ReadyWithin) {
		s.fail(fmt.Errorf(`%w: no {"ready":…} within %v of its start`, ErrMute, s.ReadyWithin))
		return
	}
	if s.ledger.isAway() {
		s.fail(fmt.Errorf("%w: it ended while it started", ErrMute))
		return
	}
	s.ledger.resumed(open)
}

// awaitFeed waits for a report about the feed. A recorder may have no way to report it.
func (s *stage) awaitFeed() {
	if !s.broken() {
		s.ledger.settled(s.ctx, FeedSubject, s.Within)
	}
}

// quiet stops the heartbeats, or lets them go on.
func (s *stage) quiet(on bool) {
	s.mu.Lock()
	s.mute = on
	s.mu.Unlock()
	if on && s.OnGap == KeepRecording { // nothing is to happen: see that nothing does
		limit := time.NewTimer(silentAfter + s.Within)
		defer limit.Stop()
		select {
		case <-limit.C:
		case <-s.ctx.Done():
		}
	}
}
