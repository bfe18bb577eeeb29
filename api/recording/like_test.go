package recording_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// What an event is read to does not depend on the event whose texts it shares, and that one
// stays as it is.
func TestDecodeEventLikeAnother(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		call := func(name string) *recording.CallEvent {
			e := sampleCall()
			if rapid.Bool().Draw(rt, name+" is any") {
				texts := rapid.StringMatching(`[a-c ]{0,2}`) // read fast, and often the same
				if rapid.Bool().Draw(rt, name+" has any text") {
					texts = anyText()
				}
				d, ok := drawEvent(rt, texts).(*recording.CallEvent)
				if ok {
					e.Data = d.Data
				}
			}
			return e
		}
		e, like := call("event"), call("other")
		was := string(like.AppendJSON(nil))
		b := e.AppendJSON(nil)
		want, err := recording.Decode(b)
		var got recording.CallData
		if rapid.Bool().Draw(rt, "used") {
			got = call("used").Data
		}
		if gotErr := got.DecodeEvent(b, &like.Data); (gotErr == nil) != (err == nil) {
			rt.Fatalf("DecodeEvent says %v, Decode %v", gotErr, err)
		}
		if event, ok := want.(*recording.CallEvent); ok {
			if diff := cmp.Diff(event.Data, got, cmpopts.EquateEmpty()); diff != "" {
				rt.Fatalf("DecodeEvent differs from Decode (-want +got):\n%s", diff)
			}
		}
		if is := string(like.AppendJSON(nil)); is != was {
			rt.Fatalf("the other event was changed:\n%s\n%s", was, is)
		}
	})
}

// Of an event that is as the last one of its leg no text is allocated.
func TestDecodeEventSharesTexts(t *testing.T) {
	e := sampleCall()
	b := e.AppendJSON(nil)
	var alone, shared recording.CallData
	none := testing.AllocsPerRun(100, func() { _ = alone.DecodeEvent(b, nil) })
	all := testing.AllocsPerRun(100, func() { _ = shared.DecodeEvent(b, &e.Data) })
	if texts := none - all; texts < 15 || all > 12 {
		t.Errorf("%v allocations alone, %v with the last event of the leg", none, all)
	}
}

// Other kinds of events are refused.
func TestDecodeEventRefusesOthers(t *testing.T) {
	feed := recording.FeedEvent{Envelope: recording.Envelope{SpecVersion: recording.SpecVersion, Type: recording.TypeFeed}}
	for _, b := range []string{"", "{", "null", string(feed.AppendJSON(nil))} {
		var d recording.CallData
		if err := d.DecodeEvent([]byte(b), nil); err == nil {
			t.Errorf("%q was read as a call event", b)
		}
	}
}
