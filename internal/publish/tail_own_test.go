package publish_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// owner writes messages as the leader does, with a tail beside it that is told of the
// acknowledgements.
type owner struct {
	t    *testing.T
	js   jetstream.JetStream
	tail *publish.Tail
	done <-chan error
	got  collector

	mu    sync.Mutex
	acked map[uint64]bool
}

func newOwner(t *testing.T, own, direct jetstream.JetStream) *owner {
	t.Helper()
	o := &owner{t: t, js: direct, acked: make(map[uint64]bool)}
	o.tail, o.done = runTail(t, own, publish.TailOptions{
		Stream: streamOptions.Name, Subject: streamOptions.Subjects[0], Heartbeat: 100 * time.Millisecond,
	}, o.got.add)
	natstest.Eventually(t, "the tail to catch up", func() bool { return o.tail.Stats().CaughtUp })
	return o
}

// lonely is one on a server of its own, whose tail counts acknowledgements.
func lonely(t *testing.T) *owner {
	t.Helper()
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	o := newOwner(t, js, js)
	o.tail.Own(true)
	o.alone()
	return o
}

// write stores one message and tells the tail.
func (o *owner) write() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	ack, err := o.js.Publish(ctx, subject(1), []byte("own"))
	if err != nil {
		return // perhaps stored: the tail has to find out
	}
	o.mu.Lock()
	o.acked[ack.Sequence] = true
	o.mu.Unlock()
	o.tail.Acknowledged([]publish.Result{{Outcome: publish.Stored, Sequence: ack.Sequence}})
}

// consumers is how many read the stream now, -1 when it does not say.
func (o *owner) consumers() int {
	stream, err := o.js.Stream(o.t.Context(), streamOptions.Name)
	if err != nil {
		return -1
	}
	return stream.CachedInfo().State.Consumers
}

// alone waits until the tail counts acknowledgements.
func (o *owner) alone() {
	o.t.Helper()
	natstest.Eventually(o.t, "the consumer to be let go", func() bool { return o.consumers() == 0 })
}

// complete checks that every message was delivered or acknowledged, none delivered twice,
// and those of others in order.
func (o *owner) complete() {
	o.t.Helper()
	stream, err := o.js.Stream(o.t.Context(), streamOptions.Name)
	if err != nil {
		o.t.Fatal(err)
	}
	end := stream.CachedInfo().State.LastSeq
	natstest.Eventually(o.t, "the tail to know the end", func() bool { return o.tail.Stats().LastSequence >= end })
	known := make(map[uint64]bool)
	last := uint64(0)
	for _, e := range o.got.all() {
		if e.Sequence <= last {
			o.t.Errorf("%d was delivered after %d", e.Sequence, last)
		}
		last = e.Sequence
		known[e.Sequence] = true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for s := uint64(1); s <= end; s++ {
		if !known[s] && !o.acked[s] {
			o.t.Errorf("%d of %d is not known", s, end)
		}
	}
	if s := o.tail.Stats(); s.Missing != 0 {
		o.t.Errorf("stats %+v", s)
	}
}

// Whoever writes alone needs no consumer. What somebody else writes is delivered all the
// same, and from the moment when it does not write alone any more, everything is.
func TestTailOfWhoWritesAlone(t *testing.T) {
	t.Parallel()
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	store(t, js, 100)
	o := newOwner(t, js, js)
	o.tail.Own(true)
	stop := every(t, 2*time.Millisecond, o.write)
	for range 2 {
		o.alone()
		before := o.tail.Stats()
		natstest.Eventually(t, "acknowledgements to count", func() bool { return o.tail.Stats().LastSequence > before.LastSequence+20 })
		if s := o.tail.Stats(); s.Delivered != before.Delivered {
			t.Errorf("%d messages were delivered to a tail without a consumer", s.Delivered-before.Delivered)
		}
		foreign := o.got.count()
		store(t, js, 1) // somebody else
		natstest.Eventually(t, "the message of somebody else", func() bool { return o.got.count() > foreign })
	}
	o.alone()
	o.tail.Own(false)
	from := o.tail.Stats().LastSequence
	delivered := o.got.count()
	natstest.Eventually(t, "own messages to be delivered again", func() bool { return o.got.count() > delivered+20 })
	stop()
	o.complete()
	checkContiguous(t, o.got.all()[delivered:], from+1)
	if s := o.tail.Stats(); s.Rebuilds != 0 {
		t.Errorf("stats %+v: letting a consumer go is no trouble", s)
	}
}

// looks counts how often the end of the stream is looked at, from now on.
func (o *owner) looks() *atomic.Int64 {
	o.t.Helper()
	n := new(atomic.Int64)
	sub, err := o.js.Conn().Subscribe("$JS.API.STREAM.INFO."+streamOptions.Name, func(*nats.Msg) { n.Add(1) })
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = sub.Unsubscribe() })
	return n
}

// stored stores a message of its own, of which the tail is to be told later.
func (o *owner) stored() publish.Result {
	o.t.Helper()
	ack, err := o.js.Publish(o.t.Context(), subject(1), []byte("own"))
	if err != nil {
		o.t.Fatal(err)
	}
	o.acked[ack.Sequence] = true
	return publish.Result{Outcome: publish.Stored, Sequence: ack.Sequence}
}

// Under much load acknowledgements come late, and go on coming: that is nobody else.
func TestLateAcknowledgementsAreNobodyElse(t *testing.T) {
	t.Parallel()
	o := lonely(t)
	looks := o.looks()
	type late struct {
		publish.Result
		since int64
	}
	var waiting []late
	longest, n := int64(0), 0
	delivered := o.tail.Stats().Delivered
	natstest.Eventually(t, "eight looks", func() bool {
		for range 20 {
			waiting = append(waiting, late{o.stored(), looks.Load()})
			age := looks.Load() - waiting[0].since
			if longest = max(longest, age); n%2 == 0 || age > 2 { // fewer than come, until they are late
				o.tail.Acknowledged([]publish.Result{waiting[0].Result})
				waiting = waiting[1:]
			}
			n++
		}
		return looks.Load() >= 8
	})
	if n := o.tail.Stats().Delivered - delivered; n > 0 || longest < 2 {
		t.Errorf("%d messages of its own were read back; %d looks have not found one acknowledged", n, longest)
	}
	for _, w := range waiting {
		o.tail.Acknowledged([]publish.Result{w.Result})
	}
	o.complete()
}

// A message of somebody else between them is found at once, although they go on coming.
func TestAHoleInLateAcknowledgementsIsSomebodyElse(t *testing.T) {
	t.Parallel()
	o := lonely(t)
	looks := o.looks()
	var waiting []publish.Result
	for range 10 {
		waiting = append(waiting, o.stored())
	}
	store(t, o.js, 1)
	o.tail.Acknowledged([]publish.Result{o.stored()})
	acknowledged := int64(0)
	natstest.Eventually(t, "the message of somebody else", func() bool {
		if n := looks.Load(); n > acknowledged && len(waiting) > 0 { // one from look to look
			o.tail.Acknowledged(waiting[:1])
			acknowledged, waiting = n, waiting[1:]
		}
		return o.got.count() > 0
	})
	if n := looks.Load(); n > 3 {
		t.Errorf("found after %d looks", n)
	}
	o.complete()
}

// A message of somebody else is found also when nothing of our own follows.
func TestTailOfWhoWritesAloneAndIsSilent(t *testing.T) {
	t.Parallel()
	o := lonely(t)
	store(t, o.js, 3)
	natstest.Eventually(t, "the messages of somebody else", func() bool { return o.got.count() == 3 })
	o.complete()
}

// An answer that is not what it was expected to be means that somebody else writes.
func TestTailReadsAfterAConflict(t *testing.T) {
	t.Parallel()
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	o := newOwner(t, js, js)
	o.tail.Own(true)
	for _, outcome := range []publish.Outcome{publish.Conflict, publish.Unknown} {
		o.alone()
		// Again and again: what is said before the counting has begun is left to the look at
		// the stream, which holds nothing here.
		natstest.Eventually(t, "a consumer after "+outcome.String(), func() bool {
			o.tail.Acknowledged([]publish.Result{{Outcome: outcome, Sequence: 7}})
			return o.consumers() == 1
		})
	}
}

// Acknowledgements that never came, and a connection that is lost, hide nothing.
func TestTailOfWhoWritesAloneOverFaults(t *testing.T) {
	t.Parallel()
	srv := natstest.New(t)
	proxy := natstest.NewFaultProxy(t, srv)
	direct := natstest.JetStream(t, natstest.Connect(t, srv.URL()))
	mustProvision(t, direct)
	nc := mustConnect(t, publish.ConnectOptions{Servers: proxy.URL(), Name: "tail", PingInterval: 200 * time.Millisecond})
	o := newOwner(t, natstest.JetStream(t, nc), direct)
	o.tail.Own(true)
	stop := every(t, 2*time.Millisecond, o.write)
	for round := range 2 {
		o.alone()
		if round == 0 {
			proxy.Cut()
		} else {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if _, err := direct.Publish(ctx, subject(1), []byte("own, but nobody hears that")); err != nil {
				t.Fatal(err)
			}
			cancel()
		}
		delivered := o.got.count()
		natstest.Eventually(t, "a consumer that delivers", func() bool { return o.got.count() > delivered })
	}
	stop()
	o.complete()
}

func TestTailOfWhoWritesAloneNoticesANewStream(t *testing.T) {
	t.Parallel()
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	store(t, js, 10)
	o := newOwner(t, js, js)
	o.tail.Own(true)
	o.alone()
	if err := js.DeleteStream(t.Context(), streamOptions.Name); err != nil {
		t.Fatal(err)
	}
	mustProvision(t, js)
	store(t, js, 10) // it ends where the other one did
	if err := <-o.done; !errors.Is(err, publish.ErrStreamRecreated) {
		t.Errorf("run: %v", err)
	}
}
