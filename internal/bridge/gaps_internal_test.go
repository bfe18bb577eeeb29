package bridge

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

var eight = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// A gap over some users closes when each of them is back, one over everybody when
// everybody is, and what is told about it is what was found out meanwhile.
func TestGapOfSomeUsers(t *testing.T) {
	g := newGaps("one")
	g.observe(Observation{Cause: recording.GapSocketLost, From: eight, Users: []string{"a", "b"}})
	g.observe(Observation{Cause: recording.GapSocketLost, From: eight, Users: []string{"b"}}) // covered
	opened := g.unannounced()
	if len(opened) != 1 || opened[0].Scope.Users != 2 || !opened[0].To.IsZero() || !g.blind() {
		t.Fatalf("opened %+v, blind %v", opened, g.blind())
	}
	if g.observe(Observation{Up: true, From: eight.Add(time.Second), Users: []string{"a"}}) {
		t.Error("restored although b is down")
	}
	if !g.observe(Observation{Up: true, From: eight.Add(2 * time.Second), Users: []string{"b"}}) || g.blind() {
		t.Error("not restored although both are back")
	}
	closed := g.close(g.restoredNow(), findings{recovered: []string{"c/l"}, recoveredCount: 1, lost: []string{"d/_"}, lostCount: 1})
	if len(closed) != 1 || closed[0].ID != opened[0].ID || closed[0].RecoveredCount != 1 || closed[0].PossiblyLostCount != 1 ||
		!closed[0].To.Equal(eight.Add(2*time.Second)) {
		t.Errorf("closed %+v", closed)
	}
	if len(g.open) != 0 {
		t.Error("kept")
	}
}

// What is not permitted stays open when everybody else is back, and does not keep the
// gap over everybody open.
func TestRejectedTopicIsAGapOfItsOwn(t *testing.T) {
	g := newGaps("one")
	g.observe(Observation{Cause: recording.GapStarted, From: eight})
	g.observe(Observation{Cause: recording.GapTopicRejected, From: eight, Users: []string{"b"}})
	if n := len(g.unannounced()); n != 2 {
		t.Fatalf("%d gaps", n)
	}
	if !g.observe(Observation{Up: true, From: eight.Add(time.Second), Users: []string{"a"}, Complete: true}) {
		t.Error("the gap over everybody is not restored")
	}
	closed := g.close(g.restoredNow(), findings{})
	if len(closed) != 1 || closed[0].Cause != recording.GapStarted {
		t.Fatalf("closed %+v", closed)
	}
	g.observe(Observation{Up: true, From: eight.Add(time.Hour), Users: []string{"b"}, Complete: true})
	if closed = g.close(g.restoredNow(), findings{}); len(closed) != 1 || closed[0].Cause != recording.GapTopicRejected {
		t.Errorf("closed %+v", closed)
	}
}

// A stretch that was over before this instance led is told when nobody else observed
// in it, and forgotten when somebody did.
func TestGapBeforeTheLead(t *testing.T) {
	for _, test := range []struct {
		observed time.Time
		want     int
	}{{eight.Add(-time.Minute), 1}, {eight.Add(time.Minute), 0}} {
		g := newGaps("one")
		g.observe(Observation{Cause: recording.GapStarted, From: eight})
		g.observe(Observation{Up: true, From: eight.Add(time.Second), Complete: true})
		if closed := g.close(g.restoredNow(), findings{}); len(closed) != 0 {
			t.Errorf("told without having been announced: %+v", closed)
		}
		if missed := g.missed(test.observed); len(missed) != test.want {
			t.Errorf("missed %+v", missed)
		}
		if again := g.missed(test.observed); len(again) != 0 {
			t.Errorf("told twice: %+v", again)
		}
	}
}
