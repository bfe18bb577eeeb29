package control_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// names knows one user, one queue and one station.
type names struct{ station recording.Station }

func (names) User(id string) string  { return map[string]string{"u": "Agent Alpha"}[id] }
func (names) Queue(id string) string { return map[string]string{"q": "Support"}[id] }

func (n names) Station(string) *recording.Station {
	if n.station.ID == "" {
		return nil
	}
	return &n.station
}

func aLeg(level call.Level) *call.Leg {
	return &call.Leg{ID: call.ID{Conversation: "c", Leg: "l"}, UserID: "u", Level: level, Facts: call.Facts{
		Purpose: "agent", Connected: noon, Conversation: call.ConversationFacts{Direction: "inbound", Kind: call.KindACD, QueueID: "q"},
	}}
}

// eventOf is the event of a step in a room of its own.
func eventOf(p control.Policy, l *call.Leg, e *call.Edge, was recording.State, n control.Names) recording.CallData {
	var d recording.CallData
	p.Event(&d, l, e, was, n)
	return d
}

// tell returns the event of a step from a level, told after the state was told.
func tell(p control.Policy, before call.Level, k call.Key, was recording.State) recording.CallData {
	after := before.Step(k)
	return eventOf(p, aLeg(after), &call.Edge{Key: k, After: after, Occurred: noon, Received: noon}, was, names{})
}

// TestEveryEdge is the table "which event when": for every kind of edge, in every
// phase, with and without the policy that pauses on hold.
func TestEveryEdge(t *testing.T) {
	type row struct {
		verb  recording.Verb
		cause recording.Cause
		state recording.State
	}
	level := func(ph call.Phase, set ...func(*call.Level)) call.Level {
		l := call.Level{Phase: ph}
		for _, f := range set {
			f(&l)
		}
		return l
	}
	on := func(l *call.Level) { l.SecurePause = true }
	held := func(l *call.Level) { l.Held = true }
	sup := func(mode call.Role) call.Key {
		return call.Key{Kind: call.SupervisedOn, Supervisor: call.Supervisor{LegID: "s", Mode: mode}}
	}
	off := func(k call.Key) call.Key { k.Kind = call.SupervisedOff; return k }
	k := func(kind call.Kind) call.Key { return call.Key{Kind: kind} }
	armed, talking := level(call.Armed), level(call.Connected)
	const (
		arm = recording.Armed
		rec = recording.Recording
		pau = recording.Paused
		end = recording.Stopped
	)

	for _, test := range []struct {
		name   string
		before call.Level
		key    call.Key
		was    recording.State
		want   row // without the policy
		onHold row // with it, where it differs
	}{
		{"alerts", level(call.Unknown), k(call.Delivered), "", row{recording.Prepare, recording.Delivered, arm}, row{}},
		{"alerts in a pause", level(call.Unknown, on), k(call.Delivered), "", row{recording.Prepare, recording.Delivered, arm}, row{}},
		{"dials", level(call.Unknown), k(call.Originated), "", row{recording.Prepare, recording.Originated, arm}, row{}},
		{"connects", armed, k(call.Established), arm, row{recording.Start, recording.Established, rec}, row{}},
		{"connects unseen", level(call.Unknown), k(call.Established), "", row{recording.Start, recording.Established, rec}, row{}},
		{"connects in a pause", level(call.Armed, on), k(call.Established), arm, row{recording.Start, recording.Established, pau}, row{}},
		{"connects held", level(call.Armed, held), k(call.Established), arm, row{recording.Start, recording.Established, rec}, row{recording.Start, recording.Established, pau}},
		{"pauses", talking, k(call.SecureOn), rec, row{recording.Pause, recording.SecurePaused, pau}, row{}},
		{"pauses while it alerts", armed, k(call.SecureOn), arm, row{recording.Update, recording.SecurePaused, arm}, row{}},
		{"resumes", level(call.Connected, on), k(call.SecureOff), pau, row{recording.Resume, recording.SecureResumed, rec}, row{}},
		{"resumes while it alerts", level(call.Armed, on), k(call.SecureOff), arm, row{recording.Update, recording.SecureResumed, arm}, row{}},
		{"holds", talking, k(call.HeldOn), rec, row{recording.Update, recording.Held, rec}, row{recording.Pause, recording.Held, pau}},
		{"retrieves", level(call.Connected, held), k(call.HeldOff), rec, row{recording.Update, recording.Retrieved, rec}, row{}},
		{"holds in a pause", level(call.Connected, on), k(call.HeldOn), pau, row{recording.Update, recording.Held, pau}, row{}},
		{"retrieves in a pause", level(call.Connected, on, held), k(call.HeldOff), pau, row{recording.Update, recording.Retrieved, pau}, row{}},
		{"mutes", talking, k(call.MutedOn), rec, row{recording.Update, recording.Muted, rec}, row{}},
		{"mutes in a pause", level(call.Connected, on), k(call.MutedOn), pau, row{recording.Update, recording.Muted, pau}, row{}},
		{"unmutes", talking, k(call.MutedOff), rec, row{recording.Update, recording.Unmuted, rec}, row{}},
		{"parks", talking, k(call.ParkedOn), rec, row{recording.Update, recording.Parked, rec}, row{}},
		{"unparks", talking, k(call.ParkedOff), rec, row{recording.Update, recording.Unparked, rec}, row{}},
		{"confers", talking, k(call.ConferenceOn), rec, row{recording.Update, recording.Conferenced, rec}, row{}},
		{"confers no more", talking, k(call.ConferenceOff), rec, row{recording.Update, recording.DataChanged, rec}, row{}},
		{"is monitored", talking, sup(call.RoleMonitor), rec, row{recording.Update, recording.Monitored, rec}, row{}},
		{"is coached", talking, sup(call.RoleCoach), rec, row{recording.Update, recording.Coached, rec}, row{}},
		{"is barged into", talking, sup(call.RoleBarge), rec, row{recording.Update, recording.Barged, rec}, row{}},
		{"is monitored no more", talking, off(sup(call.RoleMonitor)), rec, row{recording.Update, recording.Monitored, rec}, row{}},
		{"is coached no more", talking, off(sup(call.RoleCoach)), rec, row{recording.Update, recording.Coached, rec}, row{}},
		{"is left by who barged in", talking, off(sup(call.RoleBarge)), rec, row{recording.Update, recording.Barged, rec}, row{}},
		{"ends", talking, k(call.Finished), rec, row{recording.Stop, recording.Cleared, end}, row{}},
		{"ends in a pause", level(call.Connected, on, held), k(call.Finished), pau, row{recording.Stop, recording.Cleared, end}, row{}},
		{"ends before anything was told", level(call.Connected), k(call.Finished), "", row{recording.Stop, recording.Cleared, end}, row{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, onHold := range []bool{false, true} {
				want := test.want
				if onHold && test.onHold != (row{}) {
					want = test.onHold
				}
				d := tell(control.Policy{PauseOnHold: onHold, DataSource: "acme"}, test.before, test.key, test.was)
				if got := (row{d.Verb, d.Cause, d.State}); got != want {
					t.Errorf("pause on hold %v: %v, not %v", onHold, got, want)
				}
				if (d.State == recording.Paused) != (d.Pause != nil) && d.State != recording.Armed {
					t.Errorf("pause on hold %v: %s with reasons %v", onHold, d.State, d.Pause)
				}
			}
		})
	}
}

// TestPauseReasonsAreASet: whatever the order in which hold and secure pause come and
// go, the leg records again when the last of them has gone, and not before; pause and
// resume alternate.
func TestPauseReasonsAreASet(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := control.Policy{PauseOnHold: rapid.Bool().Draw(rt, "pause on hold")}
		level := call.Level{Phase: call.Connected}
		state := recording.Recording
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			kinds := []call.Kind{call.MutedOn, call.MutedOff}
			kinds = append(kinds, one(level.SecurePause, call.SecureOff, call.SecureOn), one(level.Held, call.HeldOff, call.HeldOn))
			k := call.Key{Kind: rapid.SampledFrom(kinds).Draw(rt, "step")}
			d := tell(p, level, k, state)
			level = level.Step(k)

			var want []recording.PauseReason
			if level.Held && p.PauseOnHold {
				want = append(want, recording.PauseHold)
			}
			if level.SecurePause {
				want = append(want, recording.PauseSecure)
			}
			if got := reasons(&d); !slices.Equal(got, want) {
				rt.Fatalf("reasons %v, not %v", got, want)
			}
			if (d.State == recording.Paused) != (len(want) > 0) {
				rt.Fatalf("%s with reasons %v", d.State, want)
			}
			checkVerb(rt, &d, state)
			state = d.State
		}
	})
}

// checkVerb: pause and resume change the state, and nothing else does.
func checkVerb(rt *rapid.T, d *recording.CallData, was recording.State) {
	want := recording.Update
	switch {
	case was == recording.Recording && d.State == recording.Paused:
		want = recording.Pause
	case was == recording.Paused && d.State == recording.Recording:
		want = recording.Resume
	}
	if d.Verb != want {
		rt.Fatalf("%s from %s to %s", d.Verb, was, d.State)
	}
}

func reasons(d *recording.CallData) []recording.PauseReason {
	if d.Pause == nil {
		return nil
	}
	return d.Pause.Reasons
}

func one[T any](b bool, yes, no T) T {
	if b {
		return yes
	}
	return no
}

// TestEndCause: every disconnect type that the platform documents, for a leg that had
// connected and for one that had not.
func TestEndCause(t *testing.T) {
	for disconnect, connected := range map[string]recording.Cause{
		"endpoint": recording.Cleared, "endpoint.dnd": recording.Cleared, "endpoint.donotdisturb": recording.Cleared,
		"client": recording.Cleared, "system": recording.Cleared, "timeout": recording.Cleared, "peer": recording.Cleared,
		"other": recording.Cleared, "inactivity": recording.Cleared, "session.expired": recording.Cleared, "takeover": recording.Cleared,
		"transfer": recording.Transferred, "transfer.conference": recording.Transferred, "transfer.consult": recording.Transferred,
		"transfer.forward": recording.Transferred, "transfer.noanswer": recording.Transferred, "transfer.notavailable": recording.Transferred,
		"transfer.dnd": recording.Transferred, "transfer.donotdisturb": recording.Transferred,
		"transport.failure": recording.Failed, "error": recording.Failed, "spam": recording.Failed, "uncallable": recording.Failed,
		"": recording.Cleared, "a word of next year": recording.Cleared,
	} {
		unanswered := recording.Diverted
		if connected == recording.Failed {
			unanswered = recording.Failed
		}
		if got := endCause(disconnect, "", noon); got != connected {
			t.Errorf("%q after an answer: %s, not %s", disconnect, got, connected)
		}
		if got := endCause(disconnect, "", time.Time{}); got != unanswered {
			t.Errorf("%q without an answer: %s, not %s", disconnect, got, unanswered)
		}
	}
}

// An error of the platform makes an unanswered leg a failed one, unless it is one that
// comes with healthy calls, or the agent has declined. A call that was answered has
// not failed because of an error that it survived.
func TestEndCauseWithError(t *testing.T) {
	const timeout, benign = "error.ininedgecontrol.connection.timeout", "error.ininedgecontrol.session.inactive"
	for _, test := range []struct {
		disconnect, code string
		connected        time.Time
		want             recording.Cause
	}{
		{"system", timeout, time.Time{}, recording.Failed},
		{"client", timeout, time.Time{}, recording.Diverted},
		{"system", benign, time.Time{}, recording.Diverted},
		{"client", timeout, noon, recording.Cleared},
		{"peer", benign, noon, recording.Cleared},
		{"transfer", timeout, noon, recording.Transferred},
	} {
		if got := endCause(test.disconnect, test.code, test.connected); got != test.want {
			t.Errorf("%s with %s, connected %v: %s, not %s", test.disconnect, test.code, !test.connected.IsZero(), got, test.want)
		}
	}
}

func endCause(disconnect, code string, connected time.Time) recording.Cause {
	l := aLeg(call.Level{Phase: call.Ended})
	l.Facts.Connected = connected
	l.SetEnding(call.Ending{DisconnectType: disconnect, ErrorCode: code})
	e := call.Edge{Key: call.Key{Kind: call.Finished}, After: l.Level, Occurred: noon, Received: noon}
	return eventOf(control.Policy{}, l, &e, recording.Recording, names{}).Cause
}

func TestWanted(t *testing.T) {
	p := control.Policy{Purposes: []string{"agent", "User"}}
	for purpose, want := range map[string]bool{"agent": true, "AGENT": true, "user": true, "customer": false, "ivr": false, "": false} {
		if got := p.Wanted(&call.Participant{Purpose: purpose}); got != want {
			t.Errorf("%q is wanted: %v", purpose, got)
		}
	}
}
