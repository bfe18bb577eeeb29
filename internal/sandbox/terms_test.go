package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/sandbox"
)

// TestChangesOfTheLeadAreMeasured: each with the incident that caused it.
func TestChangesOfTheLeadAreMeasured(t *testing.T) {
	s := newScene(t)
	s.feed(23000, "a", recording.FeedHeartbeat, nil)
	s.feed(25100, "b", recording.FeedLeader, nil)
	s.feed(26000, "b", recording.FeedRestarting, nil)
	s.feed(26010, "a", recording.FeedLeader, nil)
	s.feed(27200, "b", recording.FeedRestarted, nil)
	s.e.Incidents = []sandbox.Incident{
		{Kind: sandbox.Kill, Instance: "a", At: at(23100), Until: at(25000)},
		{Kind: sandbox.Restart, Instance: "b", At: at(25999), Until: at(27200)},
	}
	v := sandbox.Judge(&s.e)
	if !v.Clean || len(v.Terms) != 2 || len(v.Restarts) != 1 {
		t.Fatalf("%d changes, %d restarts, violations %+v", len(v.Terms), len(v.Restarts), v.Violations)
	}
	kill, hand := v.Terms[0], v.Terms[1]
	if kill.Cause != sandbox.Kill || time.Duration(kill.After) != 2*time.Second || kill.Before != "a" || kill.Instance != "b" {
		t.Errorf("the kill: %+v", kill)
	}
	if hand.Cause != sandbox.Restart || time.Duration(hand.Gap) != 10*time.Millisecond {
		t.Errorf("the restart: %+v", hand)
	}
	if time.Duration(v.Restarts[0]) != 1200*time.Millisecond {
		t.Errorf("the restart took %v", time.Duration(v.Restarts[0]))
	}
	table := v.Table()
	for _, want := range []string{"fail-over    1 after a kill: new leader after 2s (median)", "1 after a restart: last event of the old leader to first of the new 10ms", "1 kill, 1 restart"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table does not say %q:\n%s", want, table)
		}
	}
}
