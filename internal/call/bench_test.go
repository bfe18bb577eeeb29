package call_test

import (
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// BenchmarkFold folds a call of four participants that changes with every snapshot,
// and the same snapshot again and again.
func BenchmarkFold(b *testing.B) {
	gone := with(agent("ivr", "", "terminated"), func(p *call.Participant) { p.Purpose = "ivr" })
	acd := with(gone, func(p *call.Participant) { p.ID, p.Purpose = "acd", "acd" })
	off := snap("ua", 10, customer(), gone, acd, agent("a", "ua", "connected"))
	on := snap("ua", 20, customer(), gone, acd, with(agent("a", "ua", "connected"), func(p *call.Participant) { p.Muted = call.Yes }))
	for _, test := range []struct {
		name  string
		edges int
		snaps [2]*call.Snapshot
	}{{"changing", 1, [2]*call.Snapshot{on, off}}, {"repeated", 0, [2]*call.Snapshot{off, off}}} {
		b.Run(test.name, func(b *testing.B) {
			t := tracker("ua")
			t.Fold(off)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if changes := t.Fold(test.snaps[n%2]); len(changes) != test.edges {
					b.Fatal(changes)
				}
			}
		})
	}
}
