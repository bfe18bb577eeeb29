package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// origin is an event about a change that was received, and published a second later.
func origin(change string, received time.Time) *recording.CallData {
	d := &recording.CallData{}
	d.Origin.CorrelationID = change
	d.Timing.Received, d.Timing.Published = recording.Time{Time: received}, recording.Time{Time: received.Add(time.Second)}
	return d
}

// A step that is told is known by its leg, what it is, and its change, and by nothing less.
func TestEchoesTellStepsApart(t *testing.T) {
	now := time.Now()
	e := newEchoes()
	leg := call.ID{Conversation: "c", Leg: "l"}
	k := call.Key{Kind: call.SupervisedOn, Supervisor: call.Supervisor{LegID: "s", Mode: call.RoleMonitor}}
	e.told(leg, origin("x", now), []call.Key{k}, now)
	if !e.of(leg, k, "x") {
		t.Error("what was told is not known")
	}
	other := func(change func(leg *call.ID, k *call.Key)) (call.ID, call.Key) {
		leg, k := leg, k
		change(&leg, &k)
		return leg, k
	}
	for name, change := range map[string]func(*call.ID, *call.Key){
		"conversation": func(l *call.ID, _ *call.Key) { l.Conversation = "d" },
		"leg":          func(l *call.ID, _ *call.Key) { l.Leg = "m" },
		"the other way round": func(l *call.ID, _ *call.Key) {
			l.Conversation, l.Leg = l.Leg, l.Conversation
		},
		"kind":       func(_ *call.ID, k *call.Key) { k.Kind = call.SupervisedOff },
		"supervisor": func(_ *call.ID, k *call.Key) { k.Supervisor.LegID = "r" },
		"mode":       func(_ *call.ID, k *call.Key) { k.Supervisor.Mode = call.RoleCoach },
	} {
		if leg, k := other(change); e.of(leg, k, "x") {
			t.Errorf("another %s is taken for told", name)
		}
	}
	if e.of(leg, k, "y") || e.of(leg, k, "") {
		t.Error("another change is taken for told")
	}
}

// Of a change it is known when the other instance was shown it, by its clock and by ours.
func TestEchoesKnowWhen(t *testing.T) {
	now := time.Now()
	e := newEchoes()
	there := time.Date(2026, 5, 6, 7, 8, 9, 10_000_000, time.UTC) // its clock is wrong
	e.told(call.ID{}, origin("first", there), nil, now)
	later := now.Add(time.Minute / 2)
	e.told(call.ID{}, origin("second", there.Add(time.Hour)), nil, later)
	e.told(call.ID{}, origin("second", there.Add(2*time.Hour)), nil, later.Add(time.Second)) // known
	for change, want := range map[string]echo{
		"first":  {now.Add(-time.Second), there},
		"second": {later.Add(-time.Second), there.Add(time.Hour)},
	} {
		if told, ok := e.change(change); !ok || !told.seen.Equal(want.seen) || !told.received.Equal(want.received) {
			t.Errorf("%s: %+v, want %+v", change, told, want)
		}
	}
	if told, ok := e.change("third"); ok || told != (echo{}) {
		t.Errorf("%+v of a change that nobody told", told)
	}
}

// What was told is remembered for a minute at least, and no more than some of it.
func TestEchoesAreForgotten(t *testing.T) {
	now := time.Now()
	e := newEchoes()
	tell := func(change string, at time.Time) { e.told(call.ID{}, origin(change, at), nil, at) }
	knows := func(change string) bool { _, ok := e.change(change); return ok }
	tell("first", now)
	tell("second", now.Add(echoFor))
	if !knows("first") || !knows("second") {
		t.Error("forgotten after a minute")
	}
	if tell("third", now.Add(2*echoFor)); knows("first") || !knows("second") {
		t.Error("not forgotten after two")
	}
	now = now.Add(2 * echoFor)
	for round := range 5 {
		for i := range maxEchoes {
			tell(fmt.Sprint(round, i), now)
		}
		if len(e.recent)+len(e.past) > 2*maxEchoes {
			t.Fatalf("%d are remembered", len(e.recent)+len(e.past))
		}
	}
	if !knows(fmt.Sprint(4, maxEchoes-1)) || !knows(fmt.Sprint(4, 0)) || knows(fmt.Sprint(2, 0)) {
		t.Error("not the last ones are remembered")
	}
}
