package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
)

// A new instance has not read what was last told of an agent, since it is older than the
// window that it reads. It finds that out when it tells something new, which it then tells
// behind it, and not again when nothing is new.
func TestAgentWhoseLastEventIsOlderThanTheWindow(t *testing.T) {
	for _, changes := range []bool{true, false} {
		r := newRig(t)
		one, two := r.instance("one"), r.instance("two")
		one.Lead(1)
		two.Lead(2)
		state := func(i *instance, routing string) {
			i.Agent(&bridge.AgentUpdate{
				UserID: "ua", Received: r.now, Presence: &recording.Presence{System: "on_queue"},
				Routing: &recording.RoutingStatus{Status: routing},
			}, r.now)
			r.wait(time.Second)
		}
		state(one, "idle")
		one.agents("1")
		now := "idle"
		if changes {
			now = "interacting"
		}
		state(two, now)
		for range 3 { // it reads what is in the way when that has not come by itself
			for _, m := range two.Next(r.now) {
				v, sequence := r.stream.store(&m, r.now)
				if v != bridge.Conflict {
					t.Fatalf("verdict %d", v)
				}
				two.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: v, Sequence: sequence}, r.now)
			}
			r.wait(time.Second)
		}
		loads := two.Loads()
		if len(loads) == 0 {
			t.Fatal("nothing is read")
		}
		if err := two.Stored(&r.stream.log[loads[0].Sequence-1], r.now); err != nil {
			t.Fatal(err)
		}
		r.wait(time.Second)
		if changes {
			two.agents("2")
		} else {
			two.agents()
		}
	}
}

// The last event of an agent who was away for days has expired. The next one is the first on
// its subject, and goes on where the log was.
func TestAgentWhoseLastEventHasExpired(t *testing.T) {
	r := newRig(t)
	one := r.instance("one")
	one.Lead(1)
	on := func(presence string) {
		one.Agent(&bridge.AgentUpdate{
			UserID: "ua", Received: r.now, Presence: &recording.Presence{System: presence}, Routing: &recording.RoutingStatus{Status: "idle"},
		}, r.now)
		r.wait(time.Second)
	}
	on("away")
	one.agents("1")
	r.wait(100 * time.Hour)
	r.stream.last = map[string]uint64{}
	on("on_queue")
	for _, m := range one.Next(r.now) {
		one.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Vacant}, r.now)
	}
	r.wait(time.Second)
	one.agents("2")
	if n := len(one.Loads()); n != 0 {
		t.Errorf("%d events are read", n)
	}
}

// agents are the revisions of what an instance tells of agents.
func (i *instance) agents(want ...string) {
	i.t.Helper()
	var got []string
	for _, m := range i.Next(i.now) {
		v, err := recording.Decode(m.Data)
		e, ok := v.(*recording.AgentEvent)
		if err != nil || !ok {
			i.t.Fatalf("%s: %v", m.Subject, err)
		}
		got = append(got, string(rune('0'+e.Data.Revision)))
		verdict, sequence := i.stream.store(&m, i.now)
		i.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: verdict, Sequence: sequence}, i.now)
	}
	if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
		i.t.Errorf("told revisions %v, want %v", got, want)
	}
}
