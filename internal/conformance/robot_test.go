package conformance_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/conformance"
)

// faults are mistakes that recorders make.
type faults struct {
	deafToPauses, deafToStops, actsOnVerbs, repeats, noReplay, actsInReplay, deafToGaps, gapsForAll bool
	hidesHoles, rejectsWords, diesOfRubbish, newEpochsOnly, noLabels, oldTags, armsOpen, oneCall    bool
	recordsUnseen, repeatsFeed, deafAfterCrash                                                      bool
}

// robot is a recorder under test in this process. It reports over NATS.
type robot struct {
	t    *testing.T
	url  string
	bad  faults
	stop context.CancelFunc
	done chan struct{}
}

func (r *robot) Start(ctx context.Context, died func(error)) error {
	ctx, r.stop = context.WithCancel(ctx)
	r.done = make(chan struct{})
	nc, err := nats.Connect(r.url)
	if err != nil {
		return err
	}
	go func() {
		defer close(r.done)
		defer nc.Close()
		if err := (&life{bad: r.bad, nc: nc, legs: map[string]*state{}, gaps: map[string]*recording.GapScope{}}).run(ctx); ctx.Err() == nil {
			died(err)
		}
	}()
	return nil
}

func (r *robot) Kill(context.Context) error {
	if r.stop != nil {
		r.stop()
		<-r.done
	}
	return nil
}

// life is what a recorder knows from one start to the next end.
type life struct {
	bad      faults
	nc       *nats.Conn
	learning bool
	legs     map[string]*state
	gaps     map[string]*recording.GapScope
	feed     uint64
	epoch    uint64
}

type state struct {
	revision, missing uint64
	want              recording.State
	user              string
	tags              map[string]string
}

func (l *life) run(ctx context.Context) error {
	js, err := jetstream.New(l.nc)
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, recording.StreamName(conformance.Adapter))
	if err != nil {
		return err
	}
	filters := []string{"recorder.v1.conformance.call.>", recording.FeedSubject(conformance.Adapter)}
	if !l.bad.noReplay {
		if err := l.replay(ctx, stream, filters); err != nil {
			return err
		}
	}
	consumer, err := stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "robot", FilterSubjects: filters, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1, AckWait: l.ackWait(),
	})
	if err != nil {
		return err
	}
	l.say(conformance.Report{Ready: "robot"})
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		if err := l.take(m); err != nil {
			return err
		}
		if l.bad.deafAfterCrash { // it is slow, so that it surely dies with an event in its hands
			slow, cancel := context.WithTimeout(ctx, 2*time.Millisecond)
			<-slow.Done()
			cancel()
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if err := m.DoubleAck(ctx); err != nil {
			return err
		}
	}
}

// ackWait is how long the robot hears nothing after it was killed with an event in its
// hands.
func (l *life) ackWait() time.Duration {
	if l.bad.deafAfterCrash {
		return time.Minute
	}
	return 100 * time.Millisecond
}

func (l *life) replay(ctx context.Context, stream jetstream.Stream, filters []string) error {
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: filters})
	if err != nil || consumer.CachedInfo().NumPending == 0 {
		return err
	}
	l.learning = !l.bad.actsInReplay
	for {
		m, err := consumer.Next(jetstream.FetchMaxWait(5 * time.Second))
		if err != nil {
			return err
		}
		if err := l.take(m); err != nil {
			return err
		}
		if meta, err := m.Metadata(); err != nil || meta.NumPending == 0 {
			l.learning = false
			l.tellAll()
			return err
		}
	}
}

func (l *life) take(m jetstream.Msg) error {
	where, err := recording.ParseSubject(m.Subject())
	if err != nil {
		return l.rubbish(err)
	}
	event, err := recording.Decode(m.Data())
	if err != nil {
		return l.rubbish(err)
	}
	switch e := event.(type) {
	case *recording.CallEvent:
		if where.LegID == recording.Token(e.Data.Leg.ID) {
			return l.call(e)
		}
	case *recording.FeedEvent:
		if e.Data.Revision <= l.feed && !l.bad.repeatsFeed {
			return nil
		}
		if e.Data.Revision > l.feed+1 && l.feed > 0 && !l.bad.hidesHoles {
			l.say(conformance.Report{Subject: "feed", Revision: e.Data.Revision, Missing: e.Data.Revision - l.feed - 1})
		}
		l.feed = max(l.feed, e.Data.Revision)
		switch d := &e.Data; d.Event {
		case recording.FeedGapOpened:
			l.gaps[d.ID] = d.Scope
			l.tellAll()
		case recording.FeedGapClosed:
			delete(l.gaps, d.ID)
			l.tellAll()
		default:
		}
	}
	return nil
}

func (l *life) rubbish(err error) error {
	if l.bad.diesOfRubbish {
		return fmt.Errorf("cannot read: %w", err)
	}
	return nil
}

func (l *life) call(e *recording.CallEvent) error {
	d := &e.Data
	if l.bad.rejectsWords && !slices.Contains(recording.Causes(), d.Cause) || l.bad.newEpochsOnly && d.Epoch < l.epoch {
		return nil
	}
	l.epoch = max(l.epoch, d.Epoch)
	key := e.Subject
	if l.bad.oneCall && d.Agent != nil {
		key = d.Conversation.ID + "/" + d.Agent.UserID
	}
	s := l.legs[key]
	if s == nil {
		s = &state{}
		l.legs[key] = s
	} else {
		if d.Revision <= s.revision && !l.bad.repeats {
			return nil
		}
		if d.Revision > s.revision+1 && !l.bad.hidesHoles {
			s.missing = d.Revision - s.revision - 1
		}
	}
	before := cmp.Or(s.want, recording.Recording)
	s.revision, s.want, s.user = d.Revision, d.State, ""
	if d.Agent != nil {
		s.user = d.Agent.UserID
	}
	if s.tags == nil || !l.bad.oldTags {
		s.tags = maps.Clone(d.Tags)
	}
	switch {
	case l.bad.actsOnVerbs && d.Verb == recording.Start, l.bad.armsOpen && d.Verb == recording.Prepare, l.bad.deafToPauses && d.State == recording.Paused,
		l.bad.recordsUnseen && before == recording.Recording && d.Verb == recording.Stop && d.Revision == 7:
		s.want = recording.Recording
	case l.bad.deafToStops && d.State == recording.Stopped:
		s.want = before
	}
	if !l.learning {
		l.tell(e.Subject, s)
	}
	return nil
}

func (l *life) tellAll() {
	for key, s := range l.legs {
		if !l.learning {
			l.tell(key, s)
		}
	}
}

func (l *life) tell(key string, s *state) {
	does := s.want
	for _, g := range l.gaps {
		covers := g.All || len(g.UserIDs) < g.Users || slices.Contains(g.UserIDs, s.user) || l.bad.gapsForAll
		if covers && does == recording.Recording && !l.bad.deafToGaps {
			does = recording.Paused
		}
	}
	r := conformance.Report{Subject: key, Revision: s.revision, State: does, Missing: s.missing, Agent: s.user, Tags: s.tags}
	if l.bad.noLabels {
		r.Agent, r.Tags = "", nil
	}
	s.missing = 0
	l.say(r)
}

func (l *life) say(r conformance.Report) {
	b, err := json.Marshal(r)
	if err == nil {
		err = l.nc.Publish(conformance.ReportSubject, b)
	}
	if err != nil {
		panic(err)
	}
}
