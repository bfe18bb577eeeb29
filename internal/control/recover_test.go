package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// drawLevel draws a level. An ended leg has no flags: the fold clears them.
func drawLevel(rt *rapid.T) call.Level {
	l := call.Level{Phase: call.Phase(rapid.IntRange(int(call.Armed), int(call.Ended)).Draw(rt, "phase"))}
	if l.Phase == call.Ended {
		return l
	}
	flag := func(name string) bool { return rapid.Bool().Draw(rt, name) }
	l.SecurePause, l.Held, l.Muted, l.Parked, l.Conference = flag("secure"), flag("held"), flag("muted"), flag("parked"), flag("conference")
	for i := range rapid.IntRange(0, 2).Draw(rt, "supervisors") {
		l.Supervisors = append(l.Supervisors, call.Supervisor{
			LegID: fmt.Sprint("s", i), Mode: rapid.SampledFrom([]call.Role{call.RoleMonitor, call.RoleCoach, call.RoleBarge}).Draw(rt, "mode"),
		})
	}
	return l
}

// drawLeg draws a belief about a leg, with whatever a platform may say of it.
func drawLeg(rt *rapid.T) *call.Leg {
	word := func(name string, words ...string) string { return rapid.SampledFrom(append(words, "")).Draw(rt, name) }
	when := func(name string) time.Time {
		if rapid.Bool().Draw(rt, name) {
			return noon.Add(time.Duration(rapid.IntRange(0, 1e7).Draw(rt, name+" ms")) * time.Millisecond)
		}
		return time.Time{}
	}
	l := &call.Leg{ID: call.ID{Conversation: "c", Leg: "l"}, UserID: word("user", "u", "v"), Level: drawLevel(rt)}
	l.Facts = call.Facts{
		Conversation: call.ConversationFacts{
			Direction: word("direction", "inbound", "outbound"), Kind: call.ConversationKind(rapid.IntRange(0, int(call.KindCampaign)).Draw(rt, "kind")),
			QueueID: word("queue", "q", "r"), ANI: word("ani", "tel:+15550100", "unknown"), DNIS: word("dnis", "tel:+15550199"), Start: when("start"),
		},
		Purpose: word("purpose", "agent", "user"), Role: call.Role(rapid.IntRange(0, int(call.RoleBarge)).Draw(rt, "role")),
		Supervises: word("supervises", "x"), Direction: word("leg direction", "inbound", "outbound"),
		Confined: rapid.Bool().Draw(rt, "confined"), Alerting: when("alerting"), ProtocolCallID: word("call id", "sip-1"),
	}
	if l.Phase >= call.Connected {
		l.Facts.Connected = noon
	}
	if l.Phase == call.Ended {
		l.End = noon.Add(time.Minute)
		e := call.Ending{DisconnectType: word("disconnect", "peer", "transfer", "error")}
		if rapid.Bool().Draw(rt, "reason") {
			e.DisconnectReasons = []call.DisconnectReason{{Type: "q850", Code: 16, Phrase: "normal"}}
		}
		if rapid.Bool().Draw(rt, "wrap-up") {
			e.Wrapup = call.Wrapup{Code: word("code", "sale"), DurationSeconds: 39, End: noon.Add(2 * time.Minute)}
		}
		l.SetEnding(e)
	}
	for i := range rapid.IntRange(0, 3).Draw(rt, "peers") {
		l.Peers = append(l.Peers, call.Peer{ID: fmt.Sprint("p", i), Purpose: "customer", Address: word("address", "tel:+15550100"), Name: word("name", "Caller One")})
	}
	if rapid.Bool().Draw(rt, "attributes") {
		l.Attributes = map[string]string{"case": "4711"}
	}
	return l
}

// TestRecover: the stream is the only state. Whoever reads the last event of a leg
// believes the same level as who wrote it, and has nothing to add.
func TestRecover(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := control.Policy{PauseOnHold: rapid.Bool().Draw(rt, "pause on hold"), DataSource: "acme"}
		n := names{}
		if rapid.Bool().Draw(rt, "station") {
			n.station = recording.Station{ID: "desk"}
		}
		l := drawLeg(rt)
		e := call.Edge{Key: call.Key{Kind: call.MutedOn}, After: l.Level, Occurred: noon, Received: noon}
		d := eventOf(p, l, &e, recording.Recording, n)
		back := control.Recover(&d)
		if diff := cmp.Diff(l.Level, back.Level); diff != "" {
			rt.Fatalf("another level:\n%s", diff)
		}
		if got := control.LevelOf(&d); !got.Equal(l.Level) {
			rt.Fatalf("LevelOf gives %+v", got)
		}
		if back.ID != l.ID || back.UserID != l.UserID {
			rt.Fatalf("another leg: %+v", back)
		}
		for name, leg := range map[string]*call.Leg{"who wrote it": l, "who read it": &back} {
			if cause, differs := control.Differs(new(recording.CallData), &d, leg, n); differs {
				rt.Fatalf("%s would tell %s", name, cause)
			}
			if p.Update(new(recording.CallData), leg, &d, control.Source{Received: noon}, n) {
				rt.Fatalf("%s would update", name)
			}
		}
		again := eventOf(p, &back, &e, recording.Recording, n)
		if diff := cmp.Diff(d, again); diff != "" {
			rt.Fatalf("who read it would write another event:\n%s", diff)
		}
	})
}

// TestRoomOfAnotherEvent: an event does not depend on the one whose room it takes.
func TestRoomOfAnotherEvent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := func() names {
			if rapid.Bool().Draw(rt, "station") {
				return names{station: recording.Station{ID: "desk"}}
			}
			return names{}
		}
		var used recording.CallData
		for range 3 {
			l := drawLeg(rt)
			if rapid.Bool().Draw(rt, "alone") {
				l.Peers = nil
			}
			e := call.Edge{Key: call.Key{Kind: call.MutedOn}, After: l.Level, Occurred: noon, Received: noon}
			now := n()
			control.Policy{}.Event(&used, l, &e, recording.Recording, now)
			if diff := cmp.Diff(eventOf(control.Policy{}, l, &e, recording.Recording, now), used); diff != "" {
				rt.Fatalf("in the room of another event:\n%s", diff)
			}
		}
	})
}

// TestNeverLooserThanNow: an older step may be told late, but while the leg is in a
// secure pause nothing that is told lets a recorder record.
func TestNeverLooserThanNow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := control.Policy{PauseOnHold: rapid.Bool().Draw(rt, "pause on hold")}
		l := aLeg(call.Level{Phase: call.Connected, SecurePause: true})
		older := drawLevel(rt)
		k := call.Key{Kind: call.Kind(rapid.IntRange(int(call.Delivered), int(call.SupervisedOff)).Draw(rt, "kind"))}
		after := older.Step(k)
		was := rapid.SampledFrom([]recording.State{"", recording.Armed, recording.Recording, recording.Paused}).Draw(rt, "was")
		d := eventOf(p, l, &call.Edge{Key: k, After: after, Occurred: noon, Received: noon}, was, names{})
		if d.State == recording.Recording || d.Verb == recording.Resume {
			rt.Fatalf("%s %s lets record during a secure pause", d.Verb, d.Cause)
		}
		if d.State != recording.Stopped && !d.Leg.SecurePause {
			rt.Fatalf("%s %s hides the secure pause", d.Verb, d.Cause)
		}
	})
}

// TestTellKeepsTheLevel: a refresh and a change of facts tell the level that is asked
// for, whatever is believed, and never more than an update.
func TestTellKeepsTheLevel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := control.Policy{PauseOnHold: rapid.Bool().Draw(rt, "pause on hold")}
		l, level := drawLeg(rt), drawLevel(rt)
		var d recording.CallData
		p.Tell(&d, l, level, recording.Refreshed, noon, names{})
		if got := control.LevelOf(&d); !got.Equal(level) {
			rt.Fatalf("%+v is told as %+v", level, got)
		}
		if d.Verb != recording.Update || d.Cause != recording.Refreshed || d.Confidence != recording.Observed {
			rt.Fatalf("%s %s %s", d.Verb, d.Cause, d.Confidence)
		}
	})
}

// TestDiffers: every fact that an event tells is a reason to tell it anew, with its
// cause; a name is none.
func TestDiffers(t *testing.T) {
	desk := names{station: recording.Station{ID: "desk", Name: "one"}}
	base := func() *call.Leg {
		l := aLeg(call.Level{Phase: call.Connected})
		l.Peers = []call.Peer{{ID: "p", Purpose: "customer", Address: "tel:+15550100", Name: "Caller One"}}
		l.Attributes = map[string]string{"case": "4711"}
		return l
	}
	told := tellAll(base(), desk)
	for name, test := range map[string]struct {
		change func(*call.Leg)
		names  control.Names
		want   recording.Cause
	}{
		"nothing":            {func(*call.Leg) {}, desk, ""},
		"name of a peer":     {func(l *call.Leg) { l.Peers[0].Name = "Caller Two" }, desk, ""},
		"name of the user":   {func(l *call.Leg) { l.UserName = "another" }, desk, ""},
		"name of a station":  {func(*call.Leg) {}, names{station: recording.Station{ID: "desk", Name: "two"}}, ""},
		"alerting time":      {func(l *call.Leg) { l.Alerting = noon }, desk, ""},
		"another station":    {func(*call.Leg) {}, names{station: recording.Station{ID: "home"}}, recording.StationChanged},
		"station not known":  {func(*call.Leg) {}, names{}, ""},
		"wrap-up":            {func(l *call.Leg) { l.SetEnding(call.Ending{Wrapup: call.Wrapup{Code: "sale"}}) }, desk, recording.WrappedUp},
		"address of a peer":  {func(l *call.Leg) { l.Peers[0].Address = "tel:+15550111" }, desk, recording.DataChanged},
		"purpose of a peer":  {func(l *call.Leg) { l.Peers[0].Purpose = "external" }, desk, recording.DataChanged},
		"another peer":       {func(l *call.Leg) { l.Peers[0].ID = "r" }, desk, recording.DataChanged},
		"no peer":            {func(l *call.Leg) { l.Peers = nil }, desk, recording.DataChanged},
		"attribute":          {func(l *call.Leg) { l.Attributes["case"] = "4712" }, desk, recording.DataChanged},
		"attribute gone":     {func(l *call.Leg) { l.Attributes = nil }, desk, recording.DataChanged},
		"queue":              {func(l *call.Leg) { l.Facts.Conversation.QueueID = "r" }, desk, recording.DataChanged},
		"no queue":           {func(l *call.Leg) { l.Facts.Conversation.QueueID = "" }, desk, recording.DataChanged},
		"kind":               {func(l *call.Leg) { l.Facts.Conversation.Kind = call.KindCampaign }, desk, recording.DataChanged},
		"direction":          {func(l *call.Leg) { l.Facts.Conversation.Direction = "outbound" }, desk, recording.DataChanged},
		"direction of leg":   {func(l *call.Leg) { l.Facts.Direction = "outbound" }, desk, recording.DataChanged},
		"ani":                {func(l *call.Leg) { l.Facts.Conversation.ANI = "tel:+15550111" }, desk, recording.DataChanged},
		"dnis":               {func(l *call.Leg) { l.Facts.Conversation.DNIS = "tel:+15550111" }, desk, recording.DataChanged},
		"start":              {func(l *call.Leg) { l.Facts.Conversation.Start = noon }, desk, recording.DataChanged},
		"purpose":            {func(l *call.Leg) { l.Purpose = "user" }, desk, recording.DataChanged},
		"role":               {func(l *call.Leg) { l.Role = call.RoleConsultTarget }, desk, recording.DataChanged},
		"confined":           {func(l *call.Leg) { l.Confined = true }, desk, recording.DataChanged},
		"supervises":         {func(l *call.Leg) { l.Supervises = "x" }, desk, recording.DataChanged},
		"connected time":     {func(l *call.Leg) { l.Facts.Connected = noon.Add(time.Minute) }, desk, recording.DataChanged},
		"same moment":        {func(l *call.Leg) { l.Facts.Connected = noon.Add(time.Second) }, desk, ""},
		"protocol's call id": {func(l *call.Leg) { l.ProtocolCallID = "sip-1" }, desk, recording.DataChanged},
	} {
		l := base()
		test.change(l)
		cause, differs := control.Differs(new(recording.CallData), &told, l, test.names)
		if differs != (test.want != "") || differs && cause != test.want {
			t.Errorf("%s: %v %q, not %q", name, differs, cause, test.want)
		}
	}
	if _, differs := control.Differs(new(recording.CallData), nil, base(), desk); differs {
		t.Error("differs from nothing")
	}
}

// A stopped leg is told about its end and its wrap-up, and not about the phone that
// its agent uses by then.
func TestDiffersAfterTheEnd(t *testing.T) {
	ended := func() *call.Leg {
		l := aLeg(call.Level{Phase: call.Ended})
		l.End = noon
		l.SetEnding(call.Ending{DisconnectType: "peer"})
		return l
	}
	told := tellAll(ended(), names{station: recording.Station{ID: "desk"}})
	for name, test := range map[string]struct {
		change func(*call.Leg)
		want   recording.Cause
	}{
		"another phone": {func(*call.Leg) {}, ""},
		"end time":      {func(l *call.Leg) { l.End = noon.Add(time.Minute) }, recording.DataChanged},
		"disconnect":    {func(l *call.Leg) { l.SetEnding(call.Ending{DisconnectType: "transfer"}) }, recording.DataChanged},
		"reasons": {func(l *call.Leg) {
			l.SetEnding(call.Ending{DisconnectType: "peer", DisconnectReasons: []call.DisconnectReason{{Type: "sip"}}})
		}, recording.DataChanged},
		"wrap-up": {func(l *call.Leg) {
			l.SetEnding(call.Ending{DisconnectType: "peer", Wrapup: call.Wrapup{End: noon}})
		}, recording.WrappedUp},
	} {
		l := ended()
		test.change(l)
		cause, differs := control.Differs(new(recording.CallData), &told, l, names{station: recording.Station{ID: "home"}})
		if differs != (test.want != "") || differs && cause != test.want {
			t.Errorf("%s: %v %q, not %q", name, differs, cause, test.want)
		}
	}
}

func tellAll(l *call.Leg, n control.Names) recording.CallData {
	e := call.Edge{Key: call.Key{Kind: call.MutedOn}, After: l.Level, Occurred: noon, Received: noon}
	return eventOf(control.Policy{}, l, &e, recording.Recording, n)
}

// TestBacklogHasNoFuture: an event of a step that is older than the belief does not
// tell what had not happened yet.
func TestBacklogHasNoFuture(t *testing.T) {
	l := aLeg(call.Level{Phase: call.Ended})
	l.End = noon.Add(time.Minute)
	l.SetEnding(call.Ending{DisconnectType: "peer", DisconnectReasons: []call.DisconnectReason{{Type: "q850", Code: 16}}})
	for phase, key := range map[call.Phase]call.Kind{call.Armed: call.Delivered, call.Connected: call.Established} {
		e := call.Edge{Key: call.Key{Kind: key}, After: call.Level{Phase: phase}, Occurred: noon, Received: noon}
		d := eventOf(control.Policy{}, l, &e, "", names{})
		if !d.Leg.EndTime.IsZero() || d.Leg.DisconnectType != "" || d.Leg.DisconnectReasons != nil {
			t.Errorf("%s tells the end: %+v", d.Verb, d.Leg)
		}
		if d.Leg.ConnectedTime.IsZero() != (phase == call.Armed) {
			t.Errorf("%s tells connected at %v", d.Verb, d.Leg.ConnectedTime)
		}
	}
}

// TestEventIsBounded: whatever a conversation carries, its event stays small enough
// for the broker, and proper UTF-8.
func TestEventIsBounded(t *testing.T) {
	l := aLeg(call.Level{Phase: call.Connected})
	for i := range 5000 {
		l.Peers = append(l.Peers, call.Peer{ID: fmt.Sprint("p", i), Purpose: "external"})
	}
	l.Attributes = map[string]string{"note": strings.Repeat("é", 100_000)}
	d := tellAll(l, names{})
	if len(d.Peers) != 100 || len(d.Tags["note"]) != 4096 || !utf8.ValidString(d.Tags["note"]) {
		t.Errorf("%d peers, %d bytes", len(d.Peers), len(d.Tags["note"]))
	}
	if _, differs := control.Differs(new(recording.CallData), &d, l, names{}); differs {
		t.Error("what was cut off is told again and again")
	}
	l.Attributes["note"] = "x" + l.Attributes["note"] // the cut is now inside of a letter
	if d := tellAll(l, names{}); !utf8.ValidString(d.Tags["note"]) {
		t.Error("a letter was cut in two")
	}
}
