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

// So it is with parts, whatever comes and goes from one event to the next: what an event is read to
// is the next one's other.
func TestEventReader(t *testing.T) {
	r := recording.NewEventReader()
	rapid.Check(t, func(rt *rapid.T) {
		var parts recording.Parts
		var last *recording.CallData
		few := rapid.StringMatching(`[a-c ]{0,2}`)
		for range rapid.IntRange(1, 6).Draw(rt, "events") {
			e := sampleCall()
			change := func(what string) bool { return rapid.IntRange(0, 3).Draw(rt, what) == 0 }
			if change("conversation") {
				e.Data.Conversation.ANI, e.Data.Conversation.Queue = few.Draw(rt, "ANI"), nil
			}
			if change("agent") {
				e.Data.Agent.Name = few.Draw(rt, "name")
			}
			if change("no agent") {
				e.Data.Agent = nil
			}
			if change("peers") && len(e.Data.Peers) > 0 {
				e.Data.Peers = append(e.Data.Peers, e.Data.Peers[0])
			}
			if change("no peers") {
				e.Data.Peers = nil
			}
			if change("escapes") {
				e.Data.Leg.ProtocolCallID = "\n" // is not read fast
			}
			b := e.AppendJSON(nil)
			if change("broken") {
				b = b[:rapid.IntRange(0, len(b)).Draw(rt, "length")]
			}
			if change("garbled") && len(b) > 0 {
				b[rapid.IntRange(0, len(b)-1).Draw(rt, "place")] = rapid.Byte().Draw(rt, "byte")
			}
			got := new(recording.CallData)
			readErr := r.Read(got, b, last, &parts)
			want, err := recording.Decode(b)
			if _, ok := want.(*recording.CallEvent); (readErr == nil) != ok {
				rt.Fatalf("Read says %v, Decode %v of\n%s", readErr, err, b)
			}
			if readErr != nil {
				last = nil
				continue
			}
			if event, ok := want.(*recording.CallEvent); !ok || cmp.Diff(event.Data, *got, cmpopts.EquateEmpty()) != "" {
				rt.Fatalf("Read differs from Decode (-want +got):\n%s", cmp.Diff(event.Data, *got, cmpopts.EquateEmpty()))
			}
			if last = got; change("another log") {
				last = nil
			}
		}
	})
}

// Parts that are as they were are not read, and what is taken from the event before is a copy. Without
// one before it everything is read.
func TestEventReaderDoesNotReadPartsAgain(t *testing.T) {
	r := recording.NewEventReader()
	e := sampleCall()
	b := e.AppendJSON(nil)
	var parts recording.Parts
	var first, second, alone recording.CallData
	read := func(d, like *recording.CallData) {
		t.Helper()
		if err := r.Read(d, b, like, &parts); err != nil {
			t.Fatal(err)
		}
	}
	read(&first, nil)
	first.Agent.Name, first.Conversation.ANI, first.Conversation.Queue.Name, first.Peers[0].Name = "a", "b", "c", "d"
	read(&second, &first)
	if second.Agent.Name != "a" || second.Conversation.ANI != "b" || second.Conversation.Queue.Name != "c" || second.Peers[0].Name != "d" {
		t.Errorf("parts that are the same were read again: %+v", second)
	}
	if second.Agent == first.Agent || second.Conversation.Queue == first.Conversation.Queue || &second.Peers[0] == &first.Peers[0] {
		t.Error("two events share what they point to")
	}
	if read(&alone, nil); cmp.Diff(e.Data, alone) != "" {
		t.Errorf("parts were taken from nowhere:\n%s", cmp.Diff(e.Data, alone))
	}
	if err := r.Read(&second, []byte("{"), &first, &parts); err == nil || parts != (recording.Parts{}) {
		t.Errorf("after what is no event: %v, parts %v", err, parts)
	}
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
