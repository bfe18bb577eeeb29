package recording_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// TestAppendJSONAgreesWithEncodingJSON draws events with anything in them.
func TestAppendJSONAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := drawEvent(rt, anyText())
		want := "before " + string(oracle(t, e))
		if diff := cmp.Diff(want, string(e.AppendJSON([]byte("before ")))); diff != "" {
			rt.Fatalf("AppendJSON differs from encoding/json (-want +got):\n%s", diff)
		}
	})
}

func FuzzAppendJSON(f *testing.F) {
	f.Add("plain", "<tag>", int64(1795335304120), uint64(2))
	f.Add("\u2028\xff\"\\", "\x00\x1f\x7f", int64(-1), uint64(0))
	f.Fuzz(func(t *testing.T, a, b string, millis int64, n uint64) {
		e := sampleCall()
		e.ID, e.Subject, e.Data.Revision = a, b, n
		e.Time = recording.At(time.UnixMilli(millis))
		if e.Time.Year() < 0 || e.Time.Year() > 9999 {
			e.Time = recording.Time{}
		}
		e.Data.Tags = map[string]string{a: b, b: a, a + b: ""}
		e.Data.Peers = []recording.Peer{{Name: a}, {Address: b}}
		if diff := cmp.Diff(string(oracle(t, e)), string(e.AppendJSON(nil))); diff != "" {
			t.Fatalf("AppendJSON differs from encoding/json (-want +got):\n%s", diff)
		}
	})
}

// TestAppendJSONDoesNotAllocate holds for up to 32 tags and a buffer with room.
func TestAppendJSONDoesNotAllocate(t *testing.T) {
	e, buf := sampleCall(), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendJSON(buf[:0]) }); n != 0 {
		t.Errorf("AppendJSON of a call event allocates %v times, want 0", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	e, buf := sampleCall(), make([]byte, 0, 4096)
	b.Run("AppendJSON", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = e.AppendJSON(buf[:0])
		}
		b.SetBytes(int64(len(buf)))
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			oracle(b, e)
		}
	})
}

// BenchmarkDecode reads an event, alone and like the last one of its leg.
func BenchmarkDecode(b *testing.B) {
	e := sampleCall()
	buf := e.AppendJSON(nil)
	b.Run("alone", func(b *testing.B) {
		b.SetBytes(int64(len(buf)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := recording.Decode(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("like-the-last", func(b *testing.B) {
		b.SetBytes(int64(len(buf)))
		b.ReportAllocs()
		var d recording.CallData
		for b.Loop() {
			if err := d.DecodeEvent(buf, &e.Data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// sampleCall is a call event of about 1 KB with every usual field set.
func sampleCall() *recording.CallEvent {
	at := recording.At(time.Date(2026, 11, 22, 8, 15, 4, 120e6, time.UTC))
	const conversation, leg = "8f1c2a34-0b1c-4d5e-8f90-a1b2c3d4e5f6", "4b2e7d10-55aa-4c3b-9d2e-112233445566"
	return &recording.CallEvent{
		Envelope: recording.Envelope{
			SpecVersion: recording.SpecVersion, Type: recording.TypeCall,
			Source: recording.SourceOf("mypurecloud.ie", "acme"), Subject: conversation + "/" + leg,
			ID: leg + "-2-9a41c07d", Time: at, DataContentType: recording.DataContentType,
			Sequence: recording.SequenceOf(2),
		},
		Data: recording.CallData{
			Verb: recording.Start, Cause: recording.Established, State: recording.Recording,
			Revision: 2, Epoch: 1842, Confidence: recording.Observed, DataSource: "acme",
			Conversation: recording.Conversation{
				ID: conversation, Direction: recording.Inbound, Kind: recording.ACD,
				Queue: &recording.Named{ID: "93a0f1c2-7788-4a5b-b6c7-d8e9fa0b1c2d", Name: "Support"},
				ANI:   "tel:+35315550101", DNIS: "tel:+35315550202", StartTime: at,
			},
			Leg: recording.Leg{
				ID: leg, Purpose: "agent", Role: recording.RoleAgent, Direction: recording.Inbound,
				AlertingTime: at, ConnectedTime: at,
			},
			Agent: &recording.Agent{
				UserID: "e0260f10-1234-4abc-8def-0123456789ab", Name: "Agent Seven",
				Station: &recording.Station{ID: "7c1d2e3f-aaaa-4bbb-8ccc-ddddeeeeffff", Name: "Desk 7", Type: "inin_webrtc_softphone"},
			},
			Peers:  []recording.Peer{{ID: "10fc5566-1a2b-4c3d-8e4f-5a6b7c8d9e0f", Purpose: "customer", Address: "tel:+35315550101"}},
			Tags:   map[string]string{"caseNumber": "4711"},
			Timing: recording.Timing{Occurred: at, Received: at, Published: at},
			Origin: recording.Origin{
				Topic:         "v2.users.e0260f10-1234-4abc-8def-0123456789ab.conversations.calls",
				CorrelationID: "2f6f1c7e-3a2b-4c1d-9e8f-7a6b5c4d3e2f", Instance: "a",
			},
		},
	}
}
