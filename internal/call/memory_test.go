package call_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// A tracker of many conversations finds the same with the memory of topics as one for each
// without, whatever comes on which topic, and whatever is forgotten meanwhile.
func TestMemoryChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := []string{"ua", "ub"}
		with := tracker(users...)
		alone := map[string]*call.Tracker{}
		for _, conversation := range []string{"c0", "c1", "c2"} {
			alone[conversation] = tracker(users...)
		}
		memories := map[string]*call.Memory{"ua": {}, "ub": {}, call.ViewREST: nil}
		legs := cmp.Options{cmpopts.IgnoreUnexported(call.Facts{}, call.ConversationFacts{}), cmpopts.EquateEmpty()}
		for n := range rapid.IntRange(1, 40).Draw(t, "steps") {
			conversation := fmt.Sprint("c", rapid.IntRange(0, 2).Draw(t, "conversation"))
			without := alone[conversation]
			id := call.ID{Conversation: conversation, Leg: rapid.SampledFrom([]string{"la", "lb"}).Draw(t, "leg")}
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				with.Forget(id)
				without.Forget(id)
			case 1:
				with.Sweep(at(float64(n)))
				for _, tr := range alone {
					tr.Sweep(at(float64(n)))
				}
			case 2:
				adopted := call.Leg{ID: id, UserID: "ua"}
				other := adopted
				with.Adopt(&adopted)
				without.Adopt(&other)
			default:
				view := rapid.SampledFrom([]string{"ua", "ub", call.ViewREST}).Draw(t, "view")
				state := rapid.SampledFrom([]string{"alerting", "connected", "terminated", "none"}).Draw(t, "state")
				s := snap(view, float64(n), customer(), agent(id.Leg, "u"+id.Leg[1:], state))
				s.ConversationID, s.SecurePause = conversation, call.FlagOf(rapid.Bool().Draw(t, "pause"))
				plain := *s
				s.Memory = memories[view]
				if diff := cmp.Diff(without.Fold(&plain), with.Fold(s), legs); diff != "" {
					t.Fatalf("step %d, without against with memory:\n%s", n, diff)
				}
			}
			type known struct {
				Seen             time.Time
				Paused, Doubtful bool
			}
			of := func(tr *call.Tracker) known {
				return known{tr.Seen(id), tr.PauseOn(conversation), tr.Doubtful(conversation)}
			}
			if diff := cmp.Diff(of(without), of(with)); diff != "" {
				t.Fatalf("step %d, without against with memory:\n%s", n, diff)
			}
			var conversations, legs int
			for _, tr := range alone {
				c, l := tr.Len()
				conversations, legs = conversations+c, legs+l
			}
			if c, l := with.Len(); c != conversations || l != legs {
				t.Fatalf("step %d: %d conversations and %d legs are tracked, want %d and %d", n, c, l, conversations, legs)
			}
		}
	})
}

// A leg that is tracked is followed to its end, also when nobody wants it any more.
func TestUnwantedLegEnds(t *testing.T) {
	wanted := true
	tr := call.NewTracker(call.Options{
		Subscribed: func(string) bool { return wanted },
		Wanted:     func(p *call.Participant) bool { return wanted && p.Purpose == "agent" },
	})
	tr.Fold(snap("ua", 1, customer(), agent("la", "ua", "connected")))
	wanted = false
	changes := tr.Fold(snap(call.ViewREST, 2, customer(), agent("la", "ua", "terminated"), agent("lb", "ub", "connected")))
	if len(changes) != 1 || changes[0].Leg.Phase != call.Ended {
		t.Errorf("changes: %+v, want the end of la and nothing else", changes)
	}
}
