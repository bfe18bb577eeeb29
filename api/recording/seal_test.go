package recording_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// What is appended of data alone is the event with the envelope that belongs to it, whatever
// is in the data; and its id ends with the checksum of the event in which that is zeros.
func TestAppendEventIsTheEvent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const before, source = "before ", "/genesys/example.com/acme"
		var got []byte
		var id, name string
		var revision uint64
		drawn := drawEvent(rt, anyText())
		envelope := func(kind, subject string, at recording.Time) recording.Envelope {
			return recording.Envelope{
				SpecVersion: recording.SpecVersion, Type: kind, Source: source, Subject: subject, ID: id, Time: at,
				DataContentType: recording.DataContentType, Sequence: recording.SequenceOf(revision),
			}
		}
		switch e := drawn.(type) {
		case *recording.CallEvent:
			got, id = e.Data.AppendEvent([]byte(before), source)
			name, revision = e.Data.Leg.ID, e.Data.Revision
			e.Envelope = envelope(recording.TypeCall, e.Data.Conversation.ID+"/"+name, e.Data.Timing.Occurred)
		case *recording.AgentEvent:
			got, id = e.Data.AppendEvent([]byte(before), source)
			name, revision = e.Data.Agent.UserID, e.Data.Revision
			e.Envelope = envelope(recording.TypeAgent, name, e.Data.Timing.Occurred)
		case *recording.FeedEvent:
			at := e.Time
			got, id = e.Data.AppendEvent([]byte(before), source, at)
			name, revision = "feed", e.Data.Revision
			e.Envelope = envelope(recording.TypeFeed, name, at)
		}
		if diff := cmp.Diff(string(drawn.AppendJSON([]byte(before))), string(got)); diff != "" {
			rt.Fatalf("AppendEvent differs from the event (-want +got):\n%s", diff)
		}
		digest, ok := strings.CutPrefix(id, fmt.Sprintf("%s-%d-", name, revision))
		if !ok || len(digest) != 8 {
			rt.Fatalf("id %q of revision %d of %q", id, revision, name)
		}
		zeros := bytes.Replace(got[len(before):], []byte("-"+digest+`"`), []byte(`-00000000"`), 1)
		if want := fmt.Sprintf("%08x", crc32.ChecksumIEEE(zeros)); digest != want {
			rt.Fatalf("the checksum is %s, want %s", digest, want)
		}
	})
}

// TestAppendEventAllocatesItsID holds for up to 32 tags and a buffer with room.
func TestAppendEventAllocatesItsID(t *testing.T) {
	e, buf := sampleCall(), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf, _ = e.Data.AppendEvent(buf[:0], e.Source) }); n != 1 {
		t.Errorf("AppendEvent of a call allocates %v times, want 1", n)
	}
}
