package publish

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// The usual answer is read as it stands; one that says more is not.
func TestPlainAck(t *testing.T) {
	for text, want := range map[string]uint64{
		`{"stream":"R","seq":42}`:                              42,
		`{"stream":"R","seq":1}`:                               1,
		`{"stream":"R","seq":42,"duplicate": true}`:            0,
		`{"stream":"R","domain":"hub","seq":42}`:               0,
		`{"error":{"code":400,"err_code":10071},"stream":"R"}`: 0,
		`{"stream":"R","seq":0}`:                               0,
		`{"stream":"R","seq":042}`:                             0,
		`{"stream":"R","seq":}`:                                0,
		`{"stream":"S","seq":42}`:                              0,
		`{"stream":"R","seq":99999999999999999999}`:            0,
		`{"stream":"R","seq":42} `:                             0,
		``:                                                     0,
	} {
		if got, ok := plainAck([]byte(text), usualAck("R")); got != want || ok != (want != 0) {
			t.Errorf("%s: %d, %v", text, got, ok)
		}
	}
}

// FuzzPlainAck: what is read as it stands, encoding/json reads too, and reads the same.
func FuzzPlainAck(f *testing.F) {
	f.Add([]byte(`{"stream":"R","seq":42}`))
	f.Add([]byte(`{"stream":"R","seq":42,"duplicate": true}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := plainAck(b, usualAck("R"))
		if !ok {
			return
		}
		var ack acknowledgement
		if err := json.Unmarshal(b, &ack); err != nil {
			t.Fatalf("%s is refused: %v", b, err)
		}
		if ack.Sequence != got || ack.Error != nil || ack.Duplicate || ack.Stream == "" {
			t.Fatalf("%s: %d, not %+v", b, got, ack)
		}
	})
}

// What counts as usual is what a server answers.
func TestUsualAckIsUsual(t *testing.T) {
	conn := natstest.Connect(t, natstest.New(t).URL())
	js := natstest.JetStream(t, conn)
	if err := Provision(t.Context(), js, StreamOptions{Name: "R", Subjects: []string{"r.>"}, Replicas: 1, MaxAge: time.Hour}); err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 12; n++ {
		m, err := conn.Request("r.x", []byte("data"), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := plainAck(m.Data, usualAck("R")); !ok || got != n {
			t.Errorf("%s: %d, %v", m.Data, got, ok)
		}
	}
}

// The place of an answer is used again once the answer has come, and never while it may still
// come. An answer that comes once more there is not taken for that of the next message.
func TestPlacesOfAnswers(t *testing.T) {
	l := &Lanes{inbox: "_INBOX.x.", usual: usualAck("X"), options: LanesOptions{MaxInFlight: 4, Denied: func(string) bool { return false }}}
	depart := func(id string) string {
		m := Message{ID: id}
		l.depart(&m, time.Now())
		return m.reply
	}
	answer := func(to string, sequence int) (ids []string) {
		l.replies = make(chan *nats.Msg)
		for _, r := range l.acknowledge(nil, &nats.Msg{Subject: to, Data: fmt.Appendf(nil, `{"stream":"X","seq":%d}`, sequence)}) {
			ids = append(ids, r.ID)
		}
		return ids
	}
	a, b := depart("a"), depart("b")
	if a == b {
		t.Fatal("two messages on their way are answered at the same place")
	}
	if got := answer(a, 7); !slices.Equal(got, []string{"a"}) {
		t.Errorf("settled %v, want a", got)
	}
	if c := depart("c"); c != a {
		t.Errorf("c is answered at %s, and %s is free", c, a)
	}
	if got := answer(a, 7); got != nil {
		t.Errorf("the answer to a, once more, settled %v", got)
	}
	if got := answer(a, 9); !slices.Equal(got, []string{"c"}) {
		t.Errorf("settled %v, want c", got)
	}
	if got := answer(a, 10); got != nil || len(l.spare) != 1 {
		t.Errorf("an answer that nobody waits for settled %v, and %d places are free", got, len(l.spare))
	}
	l.expire(nil) // b
	depart("d")   // at the place of a
	e := depart("e")
	if e == b {
		t.Error("e is answered where the answer to b may still come")
	}
	if got := answer(b, 11); got != nil {
		t.Errorf("the late answer to b settled %v", got)
	}
	if got := answer(e, 10); !slices.Equal(got, []string{"e"}) {
		t.Errorf("settled %v, want e", got)
	}
	for n := range 100 { // none of which is answered
		for l.onTheWay() < l.options.MaxInFlight {
			depart(fmt.Sprint(n, l.onTheWay()))
		}
		l.expire(nil)
	}
	if n := len(l.flights); n > l.options.MaxInFlight {
		t.Errorf("%d places for at most %d messages on their way", n, l.options.MaxInFlight)
	}
	for _, to := range []string{"_INBOX.x.", "_INBOX.x.-1", "_INBOX.x.3", "_INBOX.x.99999999999999999999", "_INBOX.x.y"} {
		if got := answer(to, 12); got != nil {
			t.Errorf("an answer to %s settled %v", to, got)
		}
	}
}
