package recording_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// TestRoundTrip: what is written is what is read, for every field.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := drawEvent(rt, rapid.String())
		switch e := want.(type) {
		case *recording.CallEvent:
			e.SpecVersion, e.Type = recording.SpecVersion, recording.TypeCall
		case *recording.AgentEvent:
			e.SpecVersion, e.Type = recording.SpecVersion, recording.TypeAgent
		case *recording.FeedEvent:
			e.SpecVersion, e.Type = recording.SpecVersion, recording.TypeFeed
		}
		got, err := recording.Decode(want.AppendJSON(nil))
		if err != nil {
			rt.Fatalf("decode: %v", err)
		}
		if diff := cmp.Diff(any(want), got); diff != "" {
			rt.Fatalf("the event changed on the way (-written +read):\n%s", diff)
		}
	})
}

// TestDecodeLaterVersion: a later minor version may add fields and values.
func TestDecodeLaterVersion(t *testing.T) {
	b := string(sampleCall().AppendJSON(nil))
	b = strings.Replace(b, `"specversion":`, `"newattribute":[1,{"a":null}],"specversion":`, 1)
	b = strings.Replace(b, `"verb":"start"`, `"newField":{"x":1},"verb":"begin_warmly"`, 1)
	b = strings.Replace(b, `"purpose":"agent"`, `"newLegField":true,"purpose":"robot"`, 1)
	got, err := recording.Decode([]byte(b))
	if err != nil {
		t.Fatalf("decode an event of a later version: %v", err)
	}
	want := sampleCall()
	want.Data.Verb, want.Data.Leg.Purpose = "begin_warmly", "robot"
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("known fields were not kept (-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := string(sampleCall().AppendJSON(nil))
	for _, c := range []struct {
		name, in, says string
		want           error
	}{
		{"nothing", "", "", recording.ErrNotAnEvent},
		{"text", "hello", "", recording.ErrNotAnEvent},
		{"null", "null", `specversion is ""`, recording.ErrNotAnEvent},
		{"array", "[1]", "", recording.ErrNotAnEvent},
		{"answer of the server", `{"type":"io.nats.jetstream.api.v1.consumer_info_response"}`, `specversion is ""`, recording.ErrNotAnEvent},
		{"cut off", good[:len(good)-9], "", recording.ErrNotAnEvent},
		{"two events", good + good, "", recording.ErrNotAnEvent},
		{"later CloudEvents", strings.Replace(good, `"1.0"`, `"2.0"`, 1), `specversion is "2.0"`, recording.ErrNotAnEvent},
		{"later contract", strings.Replace(good, "recorder.v1.call", "recorder.v2.call", 1), `"recorder.v2.call"`, recording.ErrUnknownType},
		{"wrong type of a field", strings.Replace(good, `"revision":2`, `"revision":"two"`, 1), "revision", recording.ErrNotAnEvent},
		{"negative revision", strings.Replace(good, `"revision":2`, `"revision":-2`, 1), "revision", recording.ErrNotAnEvent},
		{"not a time", strings.Replace(good, `"2026-11-22T08`, `"yesterday`, 1), "read time", recording.ErrNotAnEvent},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := recording.Decode([]byte(c.in))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Decode = %v, %v; want an error %q that names %s", got, err, c.want, c.says)
			}
		})
	}
}

// FuzzDecode: any bytes give an event or an error, and an event that was read can
// be written and read again without change.
func FuzzDecode(f *testing.F) {
	f.Add(sampleCall().AppendJSON(nil))
	f.Add([]byte(`{"specversion":"1.0","type":"recorder.v1.feed","data":{"event":"heartbeat"}}`))
	f.Add([]byte(`{"specversion":"1.0","type":"recorder.v1.agent","data":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := recording.Decode(b)
		if err != nil {
			if !errors.Is(err, recording.ErrNotAnEvent) && !errors.Is(err, recording.ErrUnknownType) {
				t.Fatalf("error of no class: %v", err)
			}
			return
		}
		written := first.(event).AppendJSON(nil) //nolint:errcheck // Decode returns nothing else
		second, err := recording.Decode(written)
		if err != nil {
			t.Fatalf("decode %s: %v", written, err)
		}
		if got := second.(event).AppendJSON(nil); string(got) != string(written) { //nolint:errcheck // as above
			t.Fatalf("written %s, then %s", written, got)
		}
	})
}

func TestSequence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := rapid.Uint64().Draw(rt, "a"), rapid.Uint64().Draw(rt, "b")
		sa, sb := recording.SequenceOf(a), recording.SequenceOf(b)
		if len(sa) != 20 || (sa < sb) != (a < b) {
			rt.Fatalf("%d is %q, %d is %q: they do not compare as text", a, sa, b, sb)
		}
		if n, err := (recording.Envelope{Sequence: sa}).SequenceNumber(); err != nil || n != a {
			rt.Fatalf("number of %q = %d, %v", sa, n, err)
		}
	})
	for _, bad := range []string{"", "x", "-1", "+1", "1.0", "99999999999999999999"} {
		if n, err := (recording.Envelope{Sequence: bad}).SequenceNumber(); err == nil {
			t.Errorf("number of %q = %d, want an error", bad, n)
		}
	}
}
