package control_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// What two instances cannot know alike is no reason for an event: the moment of a
// receipt, and who was with a leg that is over.
func TestNoDifferenceBetweenInstances(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	leg := call.Leg{ID: call.ID{Conversation: "c", Leg: "l"}, Level: call.Level{Phase: call.Ended}}
	leg.Purpose, leg.Connected, leg.End, leg.Facts.Conversation.Start = "agent", at, at.Add(time.Minute), at
	edge := call.Edge{Key: call.Key{Kind: call.Finished}, After: leg.Level}
	told := eventOf(control.Policy{}, &leg, &edge, recording.Recording, nobody{})
	if cause, differs := control.Differs(new(recording.CallData), &told, &leg, nobody{}); differs {
		t.Fatalf("the same leg differs: %s", cause)
	}
	leg.Facts.Conversation.Start = at.Add(3 * time.Millisecond)
	leg.End = leg.End.Add(40 * time.Millisecond)
	leg.Peers = []call.Peer{{ID: "p", Purpose: "customer"}}
	leg.Role = call.RoleConsultTarget
	if cause, differs := control.Differs(new(recording.CallData), &told, &leg, nobody{}); differs {
		t.Errorf("receipts some milliseconds apart make an event: %s", cause)
	}
	leg.SetEnding(call.Ending{DisconnectType: "transfer"})
	if cause, differs := control.Differs(new(recording.CallData), &told, &leg, nobody{}); !differs || cause != recording.DataChanged {
		t.Errorf("another disconnect type makes none: %s", cause)
	}
}

type nobody struct{}

func (nobody) User(string) string                { return "" }
func (nobody) Queue(string) string               { return "" }
func (nobody) Station(string) *recording.Station { return nil }
