package publish

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// Links that go together ask for few answers, the last one always. All are told as stored
// where they are.
func TestOneAnswerForManyLinks(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	l, w, results := chainLanes(t, js, "OURS")
	stored, answers := 0, 0
	for _, n := range []int{1, 2, askEvery, askEvery + 1, 3*askEvery + 5} {
		w.last = uint64(stored)
		for i := range n {
			if err := l.Queue(Message{ID: fmt.Sprint(stored + i), Subject: fmt.Sprintf("r.%d", stored+i), Token: uint64(stored + i)}); err != nil {
				t.Fatal(err)
			}
		}
		l.Flush()
		for range n {
			if r := <-results; r.Outcome != Stored || r.Duplicate || r.Token != uint64(stored) || r.Sequence != uint64(stored)+1 {
				t.Fatalf("message %d: %+v", stored, r)
			}
			stored++
		}
		answers += (n + askEvery - 1) / askEvery
	}
	if n, err := l.sub.Delivered(); err != nil || n != int64(answers) {
		t.Errorf("%d answers for %d messages, want %d: %v", n, stored, answers, err)
	}
	stream, err := js.Stream(t.Context(), "OURS")
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(stored) {
		if m, err := stream.GetMsg(t.Context(), seq+1); err != nil || m.Subject != fmt.Sprintf("r.%d", seq) {
			t.Fatalf("%d: %+v, %v", seq+1, m, err)
		}
	}
	if s := l.Stats(); s.Sent != uint64(stored) || s.InFlight != 0 || s.Repeated != 0 {
		t.Errorf("stats %+v", s)
	}
}

// onTheirWay are lanes with links that the server was sent, and the two that ask.
func onTheirWay(t *testing.T, n int) (*Lanes, *writer) {
	t.Helper()
	w := &writer{alone: true, last: 7}
	l := soleLanes(w)
	l.options.MaxInFlight, l.usual, l.inbox = 1024, usualAck("S"), "inbox."
	now := time.Now()
	for i := range n {
		l.queue, l.out = append(l.queue, Message{ID: fmt.Sprint(i), Token: uint64(i)}), l.out+1
	}
	l.take(nil, l.window)
	if len(l.chain.onTheWay()) != n || l.answered.After(now) {
		t.Fatalf("%d links on their way, want %d", len(l.chain.onTheWay()), n)
	}
	return l, w
}

// An answer that is not the next one expected says nothing about any link: none is taken for
// stored, and all are sent again.
func TestAnswerThatIsNotExpected(t *testing.T) {
	const n = askEvery + 3 // two answers, with the sequences 39 and 42
	for name, data := range map[string]string{
		"a later one":           `{"stream":"S","seq":42}`,
		"one that did not ask":  `{"stream":"S","seq":38}`,
		"one before":            `{"stream":"S","seq":7}`,
		"one that is not there": `{"stream":"S","seq":1000000}`,
		"another stream":        `{"stream":"T","seq":39}`,
		"a duplicate":           `{"stream":"S","seq":39,"duplicate": true}`,
		"a refusal":             `{"type":"x","error":{"code":400,"err_code":10070,"description":"wrong last msg ID: x"},"stream":"S","seq":0}`,
		"too much to do":        `{"error":{"code":429,"err_code":10167,"description":"too many requests"}}`,
		"nobody":                ``,
		"nonsense":              `{"stream":"S","seq":39`,
	} {
		l, w := onTheirWay(t, n)
		results := l.acknowledge(nil, &nats.Msg{Subject: l.chain.reply, Data: []byte(data)})
		if len(results) > 0 || w.doubts != 1 || l.sole.on || l.onTheWay() != 0 || len(l.chain.onTheWay()) != 0 {
			t.Errorf("%s: %d results, %d doubts, %d on their way, sole %+v", name, len(results), w.doubts, l.onTheWay(), l.sole)
		}
		if l.queued() != n || l.queue[0].ID != "0" || !l.queue[0].bySubject || l.queue[n-1].ID != fmt.Sprint(n-1) || l.stats.Repeated != n {
			t.Errorf("%s: %d are sent again, stats %+v", name, l.queued(), l.stats)
		}
	}
}

// What was answered before stays so, and answers to a chain that is over are nobody's.
func TestAnswersInTurn(t *testing.T) {
	const n = askEvery + 3
	l, w := onTheirWay(t, n)
	answer := func(seq int) []Result {
		return l.acknowledge(nil, &nats.Msg{Subject: "inbox.c1", Data: fmt.Appendf(nil, `{"stream":"S","seq":%d}`, seq)})
	}
	first := answer(39)
	if len(first) != askEvery || first[0].Sequence != 8 || first[askEvery-1].Sequence != 39 || first[askEvery-1].Token != askEvery-1 {
		t.Fatalf("%d results", len(first))
	}
	if twice := answer(39); len(twice) > 0 || l.queued() != 3 || l.queue[0].ID != fmt.Sprint(askEvery) {
		t.Errorf("the same answer once more: %d results, %d are sent again", len(twice), l.queued())
	}
	if late := answer(42); len(late) > 0 || l.queued() != 3 || w.doubts != 1 {
		t.Errorf("an answer to the chain that broke: %d results, %d are sent again, %d doubts", len(late), l.queued(), w.doubts)
	}
}

// Where an answer does not come in time, none of the links is known to be stored.
func TestAnswerIsOverdue(t *testing.T) {
	l, _ := onTheirWay(t, 40)
	l.chain.links[0].deadline = time.Now() // the others are due in an hour
	results := l.expire(nil)
	for _, r := range results {
		if r.Outcome != Unknown {
			t.Errorf("%+v", r)
		}
	}
	if len(results) != 40 || l.onTheWay() != 0 || len(l.chain.onTheWay()) != 0 || l.sole.on {
		t.Errorf("%d are unknown, %d on their way, sole %+v", len(results), l.onTheWay(), l.sole)
	}
}

// A link that the connection does not take does not take the others with it, and neither does
// the one that asks for the answer.
func TestLinkThatCannotBeSent(t *testing.T) {
	const n = 10
	for _, bad := range []uint64{0, 4, n - 1} {
		js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
		l, _, results := chainLanes(t, js, "OURS")
		for i := range uint64(n) {
			m := Message{ID: fmt.Sprint(i), Subject: fmt.Sprintf("r.%d", i), Token: i}
			if i == bad {
				m.Data = make([]byte, 2<<20)
			}
			if err := l.Queue(m); err != nil {
				t.Fatal(err)
			}
		}
		l.Flush()
		for range n {
			switch r := <-results; {
			case r.Token == bad:
				if r.Outcome != Refused {
					t.Errorf("%d: %+v, want refused", bad, r)
				}
			case r.Outcome == Conflict && r.Token < bad && r.Sequence == r.Token+1: // it is there already
			case r.Outcome != Stored:
				t.Errorf("%d: %+v", bad, r)
			}
		}
		stream, err := js.Stream(t.Context(), "OURS")
		if err != nil {
			t.Fatal(err)
		}
		if s := stream.CachedInfo().State; s.Msgs != n-1 {
			t.Errorf("%d: %d messages are stored, want %d", bad, s.Msgs, n-1)
		}
	}
}

// What was on its way when the connection was lost is unknown, and a late answer to it is not
// one to what is on its way then.
func TestAnswerAfterTheConnectionWasLost(t *testing.T) {
	l, _ := onTheirWay(t, 3)
	if results := l.abandon(nil, nats.ErrDisconnected); len(results) != 3 || results[0].Outcome != Unknown {
		t.Fatalf("results %+v", results)
	}
	l.queue = append(l.queue, Message{ID: "next"})
	l.take(nil, l.window)
	late := l.acknowledge(nil, &nats.Msg{Subject: "inbox.c1", Data: []byte(`{"stream":"S","seq":10}`)})
	if len(late) > 0 || l.onTheWay() != 1 {
		t.Errorf("results %+v, %d on their way", late, l.onTheWay())
	}
}

// Links come and go for long in memory of the size that is on its way.
func TestChainDoesNotGrow(t *testing.T) {
	var c chain
	c.begin("inbox.", 1)
	next := uint64(1)
	for range 5000 {
		turn := make([]Message, 10)
		for i := range turn {
			turn[i].after.inStream = true
			c.add(&flight{}, &turn[i])
		}
		if c.ask(turn); len(c.asked) < 4 {
			continue // three on their way
		}
		last := c.asked[0]
		links, ok := c.stored(last)
		if !ok || uint64(len(links)) != last-next+1 {
			t.Fatalf("%d links to %d, from %d", len(links), last, next)
		}
		next = last + 1
	}
	if cap(c.links) > 256 || cap(c.asked) > 16 {
		t.Errorf("room for %d links and %d answers", cap(c.links), cap(c.asked))
	}
}
