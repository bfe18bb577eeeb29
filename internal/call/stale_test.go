package call_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// A REST answer that still shows the pause, just after a topic has shown its end,
// keeps the question open; the next answer settles it.
func TestStaleAnswerKeepsTheQuestionOpen(t *testing.T) {
	paused := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.SecurePause = call.Yes })
	running := agent("a", "ua", "connected")
	for _, off := range []float64{20.5, 22} { // in doubt by itself, and not
		tr := tracker("ua")
		kinds(tr, snap("ua", 10, customer(), running), snap("ua", 20, customer(), paused), snap("ua", off, customer(), running))
		kinds(tr, snap(call.ViewREST, off+0.4, customer(), paused))
		if !tr.Doubtful("c") {
			t.Fatalf("off at %v: the question is closed by an answer that may be stale", off)
		}
		got := kinds(tr, snap(call.ViewREST, off+1, customer(), running))
		if want := map[string][]string{"a": {"secure-?"}}; !cmp.Equal(want, got) || tr.Doubtful("c") {
			t.Errorf("off at %v: edges %v, doubtful %v", off, got, tr.Doubtful("c"))
		}
	}
}
