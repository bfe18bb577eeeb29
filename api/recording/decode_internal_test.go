package recording

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// full is a call event with every field that there is.
func full() *CallEvent {
	at := At(time.Date(2026, 11, 22, 8, 15, 4, 120e6, time.UTC))
	return &CallEvent{
		Envelope: Envelope{
			SpecVersion: SpecVersion, Type: TypeCall, Source: SourceOf("example.com", "acme"), Subject: "c/l", ID: "l-7-00000000", Time: at,
			DataContentType: DataContentType, Sequence: SequenceOf(7),
		},
		Data: CallData{
			Verb: Pause, Cause: SecurePaused, State: Paused, Revision: 7, Epoch: 1842, Confidence: Observed, DataSource: "acme",
			Conversation: Conversation{
				ID: "c", Direction: Inbound, Kind: ACD, Queue: &Named{ID: "q", Name: "Übersee"}, ANI: "tel:+15550100", DNIS: "tel:+15550199", StartTime: at,
			},
			Leg: Leg{
				ID: "l", Purpose: "agent", Role: RoleAgent, Direction: Inbound, AlertingTime: at, ConnectedTime: at, EndTime: at, Held: true, Muted: true,
				Confined: true, SecurePause: true, Parked: true, Conference: true,
				Supervisors: []Supervisor{{LegID: "s", Mode: RoleMonitor}, {LegID: "t", Mode: RoleCoach}}, Supervises: "x",
				DisconnectType: "peer", DisconnectReasons: []DisconnectReason{{Type: "q850", Code: 16, Phrase: "normal"}, {Type: "sip", Code: 0}},
				Wrapup: &Wrapup{Code: "sold", DurationSeconds: 9, EndTime: at}, ProtocolCallID: "call@example.com",
			},
			Agent: &Agent{UserID: "u", Name: "One", Station: &Station{ID: "st", Name: "desk", Type: "inin_webrtc_softphone"}},
			Peers: []Peer{{ID: "p", Purpose: "customer", Address: "tel:+15550100", Name: "Caller"}, {ID: "r", Purpose: "external"}},
			Pause: &PauseInfo{Reasons: []PauseReason{PauseHold, PauseSecure}}, Tags: map[string]string{"a": "1", "b": ""},
			Timing: Timing{Occurred: at, Received: at, Published: at, Estimated: true},
			Origin: Origin{Topic: "v2.users.u.conversations.calls", CorrelationID: "k", Instance: "a"},
		},
	}
}

// What is written is read without encoding/json: all fields, and none of those that may
// be absent. An event that needs escapes is not, and means the same.
func TestWrittenIsReadFast(t *testing.T) {
	few := full()
	few.Data.Conversation = Conversation{ID: "c"}
	few.Data.Leg = Leg{ID: "l", Purpose: "agent", Role: RoleAgent}
	few.Data.Agent, few.Data.Peers, few.Data.Pause, few.Data.Tags = nil, nil, nil, nil
	few.Data.Timing.Estimated, few.Data.Origin = false, Origin{Instance: "a"}
	for name, e := range map[string]*CallEvent{"all fields": full(), "few fields": few} {
		if got := decodeWritten(e.AppendJSON(nil)); !reflect.DeepEqual(got, e) {
			t.Errorf("%s: read %+v", name, got)
		}
		for other, like := range map[string]*CallEvent{"all fields": full(), "few fields": few} {
			var got CallData
			if err := got.DecodeEvent(e.AppendJSON(nil), &like.Data); err != nil || !reflect.DeepEqual(got, e.Data) {
				t.Errorf("%s like one with %s: read %+v, %v", name, other, got, err)
			}
		}
	}
	escaped := full()
	escaped.Data.Agent.Name = `O"Neil`
	b := escaped.AppendJSON(nil)
	if decodeWritten(b) != nil {
		t.Error("an escape was read as it stands")
	}
	if got, err := Decode(b); err != nil || !reflect.DeepEqual(got, escaped) {
		t.Errorf("read %+v, %v", got, err)
	}
}

// FuzzWritten: what is read fast, encoding/json reads as well, and reads the same.
func FuzzWritten(f *testing.F) {
	good := string(full().AppendJSON(nil))
	f.Add([]byte(good))
	for _, change := range []string{
		"null", `""`, "0", "-1", "1.5", "007", "99999999999999999999", "true", "[]", "{}", `"\u0041"`, "\"\xff\"", `"2026-02-30T00:00:00.000Z"`,
		`"2026-11-22T24:00:00.000Z"`, `"0000-01-01T00:00:00.000Z"`, `"2026-11-22T08:15:04.12Z"`,
	} {
		for _, place := range []string{`"revision":7`, `"held":true`, `"time":"2026-11-22T08:15:04.120Z"`, `"tags":{"a":"1","b":""}`, `"code":16`, `"verb":"pause"`} {
			name, _, _ := strings.Cut(place, ":")
			f.Add([]byte(strings.Replace(good, place, name+":"+change, 1)))
		}
	}
	f.Add([]byte(strings.Replace(good, `"held"`, `"Held"`, 1)))
	f.Add([]byte(strings.Replace(good, `"held":true,"muted":true`, `"muted":true,"held":true`, 1)))
	f.Add([]byte(strings.Replace(good, `"a":"1"`, `"a":"1","a":"2"`, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		fast := decodeWritten(b)
		if fast == nil {
			return
		}
		var slow CallEvent
		if err := json.Unmarshal(b, &slow); err != nil {
			t.Fatalf("read %s, which is refused: %v", b, err)
		}
		if !reflect.DeepEqual(fast, &slow) {
			t.Fatalf("read %+v\nnot  %+v", fast, slow)
		}
		var like CallData
		if err := like.DecodeEvent(b, &full().Data); err != nil || !reflect.DeepEqual(like, slow.Data) {
			t.Fatalf("like another: read %+v, %v\nnot  %+v", like, err, slow.Data)
		}
	})
}

// Every day that there is, and none that there is not, is as time.Date has it.
func TestDaysUntil(t *testing.T) {
	day := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	for ; day.Year() < 10000; day = day.AddDate(0, 0, 1) {
		if got, want := daysUntil(day.Year(), int(day.Month()), day.Day()), int(day.Unix()/86400); got != want {
			t.Fatalf("%s is day %d, want %d", day.Format(time.DateOnly), got, want)
		}
		if last := day.AddDate(0, 0, 1).Month() != day.Month(); last != (day.Day() == daysIn(day.Year(), int(day.Month()))) {
			t.Fatalf("%s is the last day of its month: %v", day.Format(time.DateOnly), last)
		}
	}
}

// Every word of the contract is in memory once.
func TestWordsAreConstants(t *testing.T) {
	words := []string{"user", "customer", "external"}
	words = append(words, textsIn(Verbs())...)
	words = append(words, textsIn(States())...)
	words = append(words, textsIn(Causes())...)
	words = append(words, textsIn(Confidences())...)
	words = append(words, textsIn(Directions())...)
	words = append(words, textsIn(Kinds())...)
	words = append(words, textsIn(Roles())...)
	words = append(words, textsIn(PauseReasons())...)
	for _, word := range words {
		b := []byte(word)
		if got := constant(b); got != word {
			t.Errorf("%q is read as %q", word, got)
		}
		if n := testing.AllocsPerRun(10, func() { _ = constant(b) }); n != 0 {
			t.Errorf("%q is allocated", word)
		}
	}
	if got := constant([]byte("no such word")); got != "no such word" {
		t.Errorf("read as %q", got)
	}
}

func textsIn[T ~string](list []T) (texts []string) {
	for _, v := range list {
		texts = append(texts, string(v))
	}
	return texts
}
