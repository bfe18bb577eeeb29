package publish

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// writer is what a tail says.
type writer struct {
	alone           bool
	last, delivered uint64
	doubts          int
}

func (w *writer) Alone() (last, delivered uint64, alone bool) { return w.last, w.delivered, w.alone }
func (w *writer) Doubt()                                      { w.doubts++ }

func soleLanes(w *writer) *Lanes {
	return &Lanes{
		sole: sole{told: w}, wakeWriter: make(chan struct{}, 1),
		options: LanesOptions{AckTimeout: time.Hour, MaxInFlight: 8, Denied: func(string) bool { return false }},
	}
}

func mustHave(t *testing.T, js jetstream.JetStream, stream string) {
	t.Helper()
	if err := Provision(t.Context(), js, StreamOptions{Name: stream, Subjects: []string{"r.>"}, Replicas: 1, MaxAge: time.Hour}); err != nil {
		t.Fatal(err)
	}
}

// chainLanes are lanes into a stream of their own that are told by w that they write alone.
func chainLanes(t *testing.T, js jetstream.JetStream, stream string) (l *Lanes, w *writer, results chan Result) {
	t.Helper()
	mustHave(t, js, stream)
	results = make(chan Result, 1024)
	l, err := NewLanes(js, LanesOptions{Stream: stream}, func(rs []Result) {
		for _, r := range rs {
			results <- r
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	w = &writer{alone: true}
	l.Trust(w)
	return l, w, results
}

// A chain begins when nothing is on its way. Messages are held back for that, but not for
// long: an answer may be lost.
func TestChainBeginsWhenNothingIsOnItsWay(t *testing.T) {
	w := &writer{alone: true, last: 7}
	l := soleLanes(w)
	now := time.Now()
	l.queue, l.out, l.queuedAt = []Message{{ID: "a"}}, 2, now // one is on its way
	if l.ready(now) || l.ready(now.Add(soleHold-1)) {
		t.Error("not held back")
	}
	l.expire(nil)
	select {
	case <-l.wakeWriter:
	default:
		t.Error("held back until the next message")
	}
	if l.answered = now.Add(soleHold); l.ready(now.Add(2*soleHold - 1)) {
		t.Error("not held back although answers go on coming")
	}
	if now = now.Add(2 * soleHold); !l.ready(now) || l.sole.on {
		t.Errorf("an answer is missing, and %+v", l.sole)
	}
	l.out = 1
	if l.ready(now.Add(soleAgain - 1)); l.sole.on {
		t.Error("tried again at once")
	}
	if now = now.Add(soleAgain); !l.ready(now) || !l.sole.on || l.sole.last != 7 {
		t.Errorf("nothing is on its way, and %+v", l.sole)
	}
	if w.alone = false; !l.ready(now) || l.sole.on {
		t.Error("somebody else writes")
	}
}

// Behind a message that expects what is on its subject there may be anything: the chain ends.
func TestChainEndsWithAMessageThatExpectsItsSubject(t *testing.T) {
	for name, other := range map[string]Message{"stale": {ID: "b", Known: 4}, "repeated": {ID: "b", Known: 5, bySubject: true}} {
		l := soleLanes(&writer{alone: true, last: 7, delivered: 5})
		l.queue, l.out = []Message{other}, 1
		if l.ready(time.Now()); l.sole.on {
			t.Errorf("%s: it begins with one that breaks it", name)
		}
		l.queue, l.out = nil, 0
		l.ready(time.Now())
		want := []place{{sequence: 7, inStream: true}, {id: "a", sequence: 7, inStream: true}, {sequence: 3}, {sequence: 3}}
		for i, m := range []Message{{ID: "a", Known: 5}, {ID: "c", Known: 6}, other, {ID: "d", Known: 6}} {
			m.Expect = 3
			if l.sole.follow(&m); m.after != want[i] {
				t.Errorf("%s: message %d comes after %+v, want %+v", name, i, m.after, want[i])
			}
		}
	}
}

// When a chain breaks, its links are sent again, before everything else, and do not try that
// a second time. The more often, the longer it is not tried.
func TestChainBreaks(t *testing.T) {
	w := &writer{alone: true}
	l := soleLanes(w)
	l.queue = []Message{{ID: "z"}}
	for round := range 3 {
		l.sole.on, l.sole.since = true, time.Now()
		l.chain.begin("inbox.", 1)
		l.depart(&Message{ID: "a", after: place{inStream: true}}, time.Now())
		before := time.Now()
		l.broken()
		if pause := l.sole.again.Sub(before); l.sole.on || pause < soleAgain<<round || pause > soleAgain<<round+time.Second/2 {
			t.Errorf("round %d: %+v", round, l.sole)
		}
	}
	l.requeue()
	if len(l.queue) != 4 || l.queue[0].ID != "a" || !l.queue[0].bySubject || l.queue[3].ID != "z" || w.doubts != 3 {
		t.Errorf("%d in the queue, %d doubts", len(l.queue), w.doubts)
	}
}

// A link of a chain need not name the stream: in another one there is no message that it may
// come behind. All others do.
func TestChainEndsInAnotherStream(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	l, w, results := chainLanes(t, js, "OURS")
	send := func(m Message) Result {
		t.Helper()
		if err := l.Send(m); err != nil {
			t.Fatal(err)
		}
		r := <-results
		w.last = max(w.last, r.Sequence)
		return r
	}
	for i, m := range []Message{{ID: "a", Subject: "r.a"}, {ID: "b", Subject: "r.b"}, {ID: "c", Subject: "r.a", Expect: 1}} {
		r := send(m)
		if named := l.msg.Header.Get(jetstream.ExpectedStreamHeader) != ""; r.Outcome != Stored || named != (i == 0) {
			t.Fatalf("%s: %+v, names the stream: %v", m.ID, r, named)
		}
	}
	if err := js.DeleteStream(t.Context(), "OURS"); err != nil {
		t.Fatal(err)
	}
	mustHave(t, js, "OTHER")
	for n := range 3 {
		if _, err := js.Publish(t.Context(), "r.a", nil, jetstream.WithMsgID(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
	}
	if r := send(Message{ID: "d", Subject: "r.b", Expect: 2}); r.Outcome != Refused || w.doubts == 0 {
		t.Errorf("%+v after %d doubts, want it refused by the other stream", r, w.doubts)
	}
	stream, err := js.Stream(t.Context(), "OTHER")
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 3 {
		t.Errorf("%d messages are in the other stream, want its own 3", n)
	}
}
