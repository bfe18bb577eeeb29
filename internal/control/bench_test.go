package control_test

import (
	"testing"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// BenchmarkEvent makes one event of a step; with its bytes, as the engine does.
func BenchmarkEvent(b *testing.B) {
	l := aLeg(call.Level{Phase: call.Connected, Muted: true})
	l.Peers = []call.Peer{{ID: "p", Purpose: "customer", Address: "tel:+15550100", Name: "Caller One"}}
	l.Attributes = map[string]string{"case": "4711"}
	e := call.Edge{Key: call.Key{Kind: call.MutedOn}, After: l.Level, Occurred: noon, Received: noon}
	n := names{station: recording.Station{ID: "desk", Name: "one", Type: "inin_webrtc_softphone"}}
	p := control.Policy{DataSource: "acme"}
	var d recording.CallData // used again, as the engine does
	b.Run("event", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if p.Event(&d, l, &e, recording.Recording, n); d.Cause != recording.Muted {
				b.Fatal(d.Cause)
			}
		}
	})
	b.Run("encoded", func(b *testing.B) {
		b.ReportAllocs()
		var out []byte
		for b.Loop() {
			p.Event(&d, l, &e, recording.Recording, n)
			out, _ = d.AppendEvent(out[:0], "/genesys/example.com/acme")
		}
		b.SetBytes(int64(len(out)))
	})
}
