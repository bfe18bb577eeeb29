package conformance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Adapter is the name of the adapter that the scenes speak for; the stream is
// RECORDER_CONFORMANCE.
const Adapter = "conformance"

// stage is what scenes play on. After an error its methods do nothing, so that a scene
// need not look at each of them.
type stage struct {
	Options
	ctx    context.Context // The stage lives as long as Run.
	js     jetstream.JetStream
	ledger *ledger
	run    string // makes ids of this run differ from those of the last one
	legs   []*leg
	gaps   map[string]*recording.GapScope
	blind  bool // nothing is published any more, and the recorder may know

	mu       sync.Mutex // of what the heartbeat touches as well
	err      error
	feed     uint64 // revision
	epoch    uint64
	mute     bool
	ids      int
	silent   int // legs in a row that were not answered
	restarts int
}

// msg is what was published.
type msg struct {
	subject string
	header  nats.Header
	body    []byte
}

// uuid returns the next id, shaped like those of the platform.
func (s *stage) uuid() string {
	s.ids++
	return fmt.Sprintf("%s-0000-4000-8000-%012x", s.run, s.ids)
}

// store puts a message into the stream.
func (s *stage) store(m msg) {
	if s.broken() {
		return
	}
	if _, err := s.js.PublishMsg(s.ctx, &nats.Msg{Subject: m.subject, Header: m.header, Data: m.body}); err != nil {
		s.fail(fmt.Errorf("publish on %s: %w", m.subject, err))
	}
}

// again stores a message a second time: to the recorder it looks like a redelivery that
// comes after whatever was stored meanwhile.
func (s *stage) again(m msg) {
	m.header = maps.Clone(m.header)
	m.header.Del(jetstream.MsgIDHeader) // or the server would know better
	s.store(m)
}

func (s *stage) broken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err != nil || s.ctx.Err() != nil
}

func (s *stage) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// event publishes an event of the feed.
func (s *stage) event(kind recording.FeedKind, changes ...func(*recording.FeedData)) {
	s.store(s.compose(kind, changes...))
}

// compose makes the next event of the feed. One that is not stored is a hole.
func (s *stage) compose(kind recording.FeedKind, changes ...func(*recording.FeedData)) msg {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed++
	now := recording.At(time.Now())
	e := recording.FeedEvent{Data: recording.FeedData{
		Event: kind, Revision: s.feed, Instance: "a", Role: recording.Primary, Epoch: s.epoch,
		RefreshInterval: 900, Version: "conformance",
	}}
	for _, change := range changes {
		change(&e.Data)
	}
	e.Envelope = envelope(recording.TypeFeed, FeedSubject, fmt.Sprintf("feed-%s-%d", s.run, s.feed), now, s.feed)
	return message(recording.FeedSubject(Adapter), e.ID, e.AppendJSON(nil))
}

func envelope(kind, subject, id string, at recording.Time, revision uint64) recording.Envelope {
	return recording.Envelope{
		SpecVersion: recording.SpecVersion, Type: kind, Source: recording.SourceOf("mypurecloud.ie", Adapter), Subject: subject,
		ID: id, Time: at, DataContentType: recording.DataContentType, Sequence: recording.SequenceOf(revision),
	}
}

func message(subject, id string, body []byte) msg {
	header := nats.Header{}
	header.Set("Content-Type", recording.ContentType)
	header.Set(jetstream.MsgIDHeader, id)
	return msg{subject, header, body}
}

// heartbeats keeps the feed alive until ctx ends.
func (s *stage) heartbeats(ctx context.Context) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		mute := s.mute
		s.mu.Unlock()
		if !mute {
			s.event(recording.FeedHeartbeat)
		}
	}
}

// gap opens a gap; the result closes it.
func (s *stage) gap(cause recording.GapCause, scope recording.GapScope, changes ...func(*recording.FeedData)) (closed func()) {
	id := "gap-" + s.uuid()
	from := recording.At(time.Now())
	fill := func(d *recording.FeedData) { d.Gap = recording.Gap{ID: id, From: from, Cause: cause, Scope: &scope} }
	s.gaps[id] = &scope
	s.masks(Gap, "gap_opened "+string(cause), func() {
		s.event(recording.FeedGapOpened, append([]func(*recording.FeedData){fill}, changes...)...)
	})
	return func() {
		delete(s.gaps, id)
		s.masks(Gap, "gap_closed "+string(cause), func() {
			s.event(recording.FeedGapClosed, append([]func(*recording.FeedData){fill, func(d *recording.FeedData) {
				d.To = recording.At(time.Now())
			}}, changes...)...)
		})
	}
}

// masked is what the recorder should do when the stream says want: less, while a pause
// of this user could go unnoticed.
func (s *stage) masked(want recording.State, user string) recording.State {
	if want != recording.Recording || s.OnGap == KeepRecording {
		return want
	}
	covers := func(g *recording.GapScope) bool {
		return g.All || len(g.UserIDs) < g.Users || slices.Contains(g.UserIDs, user)
	}
	for _, g := range s.gaps {
		if covers(g) {
			return recording.Paused
		}
	}
	if s.blind {
		return recording.Paused
	}
	return want
}

// masks expects what a change of the feed means for the open legs, lets it happen, and
// waits for the reaction.
func (s *stage) masks(requirement Requirement, why string, happen func()) {
	var changed []*leg
	for _, l := range s.legs {
		if want := s.masked(l.data.State, l.user()); l.data.Revision > 0 && want != l.doing {
			l.doing = want
			s.ledger.expect(l.key(), l.step(requirement, why))
			changed = append(changed, l)
		}
	}
	happen()
	for _, l := range changed {
		s.await(l)
	}
}

// await waits until the recorder has reported everything about a leg.
func (s *stage) await(l *leg) {
	if s.broken() {
		return
	}
	within := s.Within
	if s.blind {
		within += silentAfter
	}
	if s.ledger.settled(s.ctx, l.key(), within) {
		s.silent = 0
	} else if s.silent++; s.silent >= maxSilent {
		s.fail(fmt.Errorf("%w: nothing came for %d events in a row", ErrMute, s.silent))
	}
	if s.ledger.isAway() {
		s.up()
	}
}
