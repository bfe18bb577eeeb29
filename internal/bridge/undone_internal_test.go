package bridge

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// A step that we tell undoes the opposite one that somebody else told and we have not
// observed: when we observe it, it is news again.
func TestOwnStepEndsTheOppositeAhead(t *testing.T) {
	c := NewCore(CoreOptions{Adapter: "acme"})
	l := &legLane{ahead: []mark{{key: call.Key{Kind: call.SecureOff}}, {key: call.Key{Kind: call.HeldOff}}}}
	l.settled(c, &flight{payload: &recording.CallData{}, key: call.Key{Kind: call.SecureOn}}, eight)
	if l.swallow(c, &call.Edge{Key: call.Key{Kind: call.SecureOff}}, time.Time{}) {
		t.Error("the end of the pause that we told is swallowed")
	}
	if !l.swallow(c, &call.Edge{Key: call.Key{Kind: call.HeldOff}}, time.Time{}) {
		t.Error("another step went with it")
	}
}

// A leg whose pause somebody else has told to be over is not paused again by a topic
// that has not said so since, and is by one that has.
func TestPauseAgainOnlyOnNewerWord(t *testing.T) {
	running := call.Level{Phase: call.Connected}
	for _, test := range []struct {
		said time.Time
		want bool
	}{{eight.Add(-time.Second), false}, {eight.Add(time.Second), true}} {
		l := &legLane{seen: &call.Leg{Level: call.Level{Phase: call.Connected, SecurePause: true}}, resumed: eight}
		if e := l.pauseFirst(running, test.said); (e != nil) != test.want {
			t.Errorf("said %v: pauses %v", test.said, e != nil)
		}
	}
}

// A start that the comparison of levels finds tells the whole level, as one that was observed:
// no other step says the rest.
func TestAStartByComparisonIsComplete(t *testing.T) {
	c := NewCore(CoreOptions{Adapter: "acme"})
	talks := call.Level{Phase: call.Connected, Muted: true, Parked: true}
	l := &legLane{seen: &call.Leg{Level: talks, Facts: call.Facts{Connected: eight}}}
	l.level(c, call.Edge{Received: eight})
	if len(l.pending) != 1 || l.pending[0].Kind != call.Established || !l.pending[0].After.Equal(talks) {
		t.Errorf("pending: %+v", l.pending)
	}
}

// A gap that the stream shows closed is not closed again by the next leader.
func TestForeignGapIsForgottenWhenClosed(t *testing.T) {
	c := NewCore(CoreOptions{Adapter: "acme", Instance: "one"})
	gap := recording.Gap{ID: "two-1", From: recording.At(eight), Cause: recording.GapSilent}
	c.feed.note(&recording.FeedData{Event: recording.FeedGapOpened, Instance: "two", Gap: gap}, eight)
	if len(c.feed.gaps) != 1 {
		t.Fatalf("%d gaps are open", len(c.feed.gaps))
	}
	c.feed.note(&recording.FeedData{Event: recording.FeedGapClosed, Instance: "two", Gap: gap}, eight)
	if len(c.feed.gaps) != 0 {
		t.Errorf("%d gaps are still open", len(c.feed.gaps))
	}
}
