package publish

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// FuzzParseDelivery compares with the client library, which takes anything that is not
// a number for 0.
func FuzzParseDelivery(f *testing.F) {
	for _, s := range []string{
		"$JS.ACK.S.C.1.17.9.1788161234567890123.4",
		"$JS.ACK._.ACCOUNT.S.C.1.17.9.1788161234567890123.4.random",
		"$JS.ACK.D.ACCOUNT.S.C.1.17.9.1788161234567890123.0",
		"$JS.ACK.D.ACCOUNT.S.C.1.17.9.1788161234567890123.0.a.b",
		"$JS.ACK.S.C.1.17.9.1788161234567890123",
		"$JS.ACK.ACCOUNT.S.C.1.17.9.1788161234567890123.4",
		"$JS.ACK.S.C.1.x.9.1788161234567890123.4",
		"$JS.ACK.S.C.1..9.1788161234567890123.4",
		"$JS.ACK.S.C.1.17.9.17881612345678901234.4",
		"_INBOX.1",
		"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		d, ok := parseDelivery(reply)
		if !ok {
			return
		}
		m := nats.Msg{Reply: reply, Sub: &nats.Subscription{}}
		meta, err := m.Metadata()
		if err != nil {
			t.Fatalf("%q: the library refuses it: %v", reply, err)
		}
		want := delivery{meta.Sequence.Stream, meta.Sequence.Consumer, meta.Timestamp.UnixNano(), meta.NumPending}
		if d != want || !time.Unix(0, d.nanoseconds).Equal(meta.Timestamp) {
			t.Errorf("%q: %+v, the library reads %+v", reply, d, want)
		}
	})
}

// TestParseDelivery: both forms are read at all.
func TestParseDelivery(t *testing.T) {
	want := delivery{stream: 17, consumer: 9, nanoseconds: 1788161234567890123, pending: 4}
	for _, reply := range []string{
		"$JS.ACK.S.C.1.17.9.1788161234567890123.4",
		"$JS.ACK.D.ACCOUNT.S.C.1.17.9.1788161234567890123.4",
		"$JS.ACK._.ACCOUNT.S.C.1.17.9.1788161234567890123.4.random",
	} {
		if d, ok := parseDelivery(reply); !ok || d != want {
			t.Errorf("%s: %+v, %v", reply, d, ok)
		}
	}
}
