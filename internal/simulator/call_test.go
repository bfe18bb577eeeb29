package simulator_test

import (
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestInboundCallIsSeenFromAlertToTermination(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	u := org.Users()[0]
	ch := c.channel()
	l := listen(t, ch)
	c.subscribe(ch, callsTopic(u))

	call := org.Call(simulator.Inbound{})
	leg := call.Alert(u)
	leg.Answer()
	call.CustomerHangsUp()
	leg.WrapUp("code-1")

	var states []string
	for _, n := range l.sync() {
		if n.Topic != callsTopic(u) || n.Version != "2" || n.Metadata.CorrelationID == "" || n.Body["id"] != call.ID() {
			t.Fatalf("bad envelope: %s", n.raw)
		}
		p := part(n.Body, leg.ID())
		if p == nil {
			t.Fatalf("the leg is missing: %s", n.raw)
		}
		state, _ := p["state"].(string)
		if len(states) == 0 || states[len(states)-1] != state {
			states = append(states, state)
		}
	}
	want := []string{"alerting", "connected", "disconnected", "terminated"}
	if len(states) != len(want) {
		t.Fatalf("states %v, want %v", states, want)
	}
	for i := range want {
		if states[i] != want[i] {
			t.Fatalf("states %v, want %v", states, want)
		}
	}
	truth := leg.Truth()
	if !truth.SeenConnected || !truth.SeenEnded || truth.Wrapup != "code-1" || truth.DisconnectType != "peer" {
		t.Fatalf("truth %+v", truth)
	}
}
