package genesys_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDecodeFlatFrame(t *testing.T) {
	f, err := genesys.DecodeFrame([]byte(frames()["flat connected and held"]))
	if err != nil {
		t.Fatal(err)
	}
	const user = "7d3c1c7e-1111-4f6b-9a51-0c2f6f1d0001"
	want := call.Snapshot{
		ConversationID: "conv-1", View: user, Topic: "v2.users." + user + ".conversations.calls",
		CorrelationID: "corr-1", SecurePause: call.No,
		Participants: []call.Participant{
			{
				ID: "p-customer", Purpose: "customer", State: "connected", Initial: "offering", Direction: "inbound", Name: "A Caller",
				Address: "tel:+15550100001", QueueID: "q-1", Connected: at("2026-08-28T18:40:17.99Z"),
				Held: call.No, Muted: call.No, Confined: call.Yes, SecurePause: call.No,
			},
			{
				ID: "p-acd", Purpose: "acd", State: "terminated", Initial: "offering", Direction: "inbound", Name: "Support",
				Address: "sip:acd@example.invalid", QueueID: "q-1", Connected: at("2026-08-28T18:40:26.917Z"), End: at("2026-08-28T18:40:28.462Z"),
				Held: call.No, Muted: call.No, Confined: call.No, SecurePause: call.No, DisconnectType: "transfer",
			},
			{
				ID: "p-agent", Purpose: "agent", State: "connected", Initial: "alerting", Direction: "inbound", UserID: user,
				Address: "sip:agent@example.invalid", QueueID: "q-1", Connected: at("2026-08-28T18:40:28.462Z"), StartHold: at("2026-08-28T18:40:30.309Z"),
				Held: call.Yes, Muted: call.No, Confined: call.No, SecurePause: call.No, WrapupRequired: true,
				Attributes: map[string]string{"case": "4711", "vip": "true", "score": "12.5"},
			},
		},
	}
	if diff := cmp.Diff(&want, f.Snapshot); diff != "" || f.Kind != genesys.KindConversation {
		t.Fatalf("kind %d:\n%s", f.Kind, diff)
	}
}

func TestDecodeNestedFrame(t *testing.T) {
	f, err := genesys.DecodeFrame([]byte(frames()["nested with two calls"]))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Snapshot
	if s.View != "u-3" || s.SecurePause != call.Yes || len(s.Participants) != 2 {
		t.Fatalf("view %q, secure pause %d, %d participants", s.View, s.SecurePause, len(s.Participants))
	}
	customer, agent := s.Participants[0], s.Participants[1]
	if customer.State != "connected" || customer.ANI != "tel:+15550100003" || customer.DNIS != "tel:+15550100099" || customer.Confined != call.Yes {
		t.Errorf("customer: %+v", customer)
	}
	want := call.Participant{
		ID: "p-agent", Purpose: "agent", UserID: "u-3", QueueID: "q-3", State: "connected", Initial: "alerting", Direction: "inbound",
		Connected: at("2026-08-28T10:00:05Z"), StartHold: at("2026-08-28T10:00:09Z"), StartACW: at("2026-08-28T10:01:00Z"),
		Held: call.Yes, Muted: call.Yes, SecurePause: call.Yes, WrapupRequired: true, Wrapup: &call.Wrapup{Code: "w-2", DurationSeconds: 1},
	}
	if diff := cmp.Diff(want, agent); diff != "" {
		t.Errorf("the call that goes on is the current one:\n%s", diff)
	}
}

func TestDecodeNestedKeepsReasonsOfTheLastCall(t *testing.T) {
	body := `{"id":"c","participants":[{"id":"p","connectedTime":"2026-01-01T00:00:00Z","endTime":"2026-01-01T00:01:00Z","calls":[` +
		`{"state":"terminated","disconnectReasons":[{"type":"SIP","code":486,"phrase":"Busy"}]}]}]}`
	s, err := genesys.DecodeConversation([]byte(body), true)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Participants[0]
	if len(p.DisconnectReasons) != 1 || p.DisconnectReasons[0] != (call.DisconnectReason{Type: "sip", Code: 486, Phrase: "Busy"}) {
		t.Errorf("reasons: %v", p.DisconnectReasons)
	}
	if !p.Connected.IsZero() || p.End != at("2026-01-01T00:01:00Z") {
		t.Errorf("a call that never connected: connected %v, end %v", p.Connected, p.End)
	}
}

// One odd field costs one field.
func TestDecodeWrongTypes(t *testing.T) {
	body := `{"id":"c","securePause":"yes","participants":[{"id":"p","state":7,"held":"true","muted":null,"user":"u","queue":[],` +
		`"connectedTime":{"a":1},"endTime":1650000000000,"wrapup":3,"attributes":["x"],"purpose":"AGENT","unknown":{"deep":[1,2,{"a":"}"}]}},` +
		`null,"text",{"purpose":"ivr"}]}`
	s, err := genesys.DecodeConversation([]byte(body), false)
	if err != nil {
		t.Fatal(err)
	}
	want := call.Snapshot{ConversationID: "c", View: call.ViewREST, Participants: []call.Participant{
		{ID: "p", Purpose: "agent", End: time.UnixMilli(1650000000000).UTC()},
	}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Fatal(diff)
	}
}

func TestDecodeTimes(t *testing.T) {
	zero := time.Time{}
	for in, want := range map[string]time.Time{
		`"2026-08-28T18:40:30.348Z"`:           at("2026-08-28T18:40:30.348Z"),
		`"2026-08-28T18:40:30Z"`:               at("2026-08-28T18:40:30Z"),
		`"2026-08-28T18:40:30.348"`:            at("2026-08-28T18:40:30.348Z"),
		`"2026-08-28 18:40:30.3481234567891Z"`: at("2026-08-28T18:40:30.348123456Z"),
		`"2026-08-28T20:40:30+02:00"`:          at("2026-08-28T18:40:30Z"),
		`"2026-08-28T20:40:30.5+0200"`:         at("2026-08-28T18:40:30.5Z"),
		`"2026-12-31T23:59:60Z"`:               at("2027-01-01T00:00:00Z"),
		`1787942430348`:                        time.UnixMilli(1787942430348).UTC(),
		`"1787942430348"`:                      time.UnixMilli(1787942430348).UTC(),
		`"2026-02-30T00:00:00Z"`:               zero,
		`"2026-13-01T00:00:00Z"`:               zero,
		`"yesterday, about noon or so"`:        zero,
		`"2026-08-28T18:40:30.Z"`:              zero,
		`"2026-08-28T18:40:30+2:00"`:           zero,
		`true`:                                 zero,
		`-5`:                                   zero,
		`1e300`:                                zero,
		`""`:                                   zero,
	} {
		s, err := genesys.DecodeConversation(fmt.Appendf(nil, `{"id":"c","participants":[{"id":"p","endTime":%s}]}`, in), false)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := s.Participants[0].End; !got.Equal(want) || got.IsZero() != want.IsZero() {
			t.Errorf("%s: got %v, want %v", in, got, want)
		}
	}
}

func TestDecodeOtherFrames(t *testing.T) {
	for _, c := range []struct {
		frame string
		want  genesys.Frame
	}{
		{`{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}`, genesys.Frame{Kind: genesys.KindHeartbeat}},
		{`{"topicName":"channel.metadata","eventBody":{"message":"pong"}}`, genesys.Frame{Kind: genesys.KindPong}},
		{`{"topicName":"channel.metadata"}`, genesys.Frame{Kind: genesys.KindHeartbeat}},
		{`{"result":"200","status":"subscribed"}`, genesys.Frame{Kind: genesys.KindReply, Reply: "200"}},
		{`{"result":404}`, genesys.Frame{Kind: genesys.KindReply, Reply: "404"}},
		{`{"topicName":"v2.system.socket_closing","eventBody":{"message":"soon"}}`, genesys.Frame{Kind: genesys.KindSystem, System: genesys.SystemSocketClosing}},
		{`{"topicName":"v2.system.socket_closing"}`, genesys.Frame{Kind: genesys.KindSystem, System: genesys.SystemSocketClosing}},
		{`{"topicName":"v2.system.token_revoked.abc","eventBody":{}}`, genesys.Frame{Kind: genesys.KindSystem, System: genesys.SystemTokenRevoked}},
		{`{"eventBody":{"systemTopicType":"NO_LONGER_SUBSCRIBED"},"topicName":"v2.system.a.b"}`, genesys.Frame{Kind: genesys.KindSystem, System: genesys.SystemNoLongerSubscribed}},
		{`{"topicName":"v2.users.","eventBody":{}}`, genesys.Frame{}},
		{`{"topicName":"v2.users.x","eventBody":{}}`, genesys.Frame{}},
		{`{"topicName":"v2.users.x.voicemail.messages","eventBody":{"id":1}}`, genesys.Frame{}},
		{`{"topicName":"v2.routing.queues.q.users","eventBody":[]}`, genesys.Frame{}},
		{`{"eventBody":{"id":"c"}}`, genesys.Frame{}},
	} {
		f, err := genesys.DecodeFrame([]byte(c.frame))
		if err != nil || f.Kind != c.want.Kind || f.System != c.want.System || f.Reply != c.want.Reply {
			t.Errorf("%s: got kind %d, system %q, reply %q, error %v", c.frame, f.Kind, f.System, f.Reply, err)
		}
	}
}

func TestDecodeAgentFrames(t *testing.T) {
	since := at("2026-05-14T09:03:17.067Z")
	presence := genesys.Presence{ID: "pd", System: "on_queue", Since: since}
	routing := genesys.Routing{Status: "off_queue", Since: since}
	for _, c := range []struct {
		aspect, body string
		want         genesys.AgentUpdate
	}{
		{
			"presence", `{"source":"PURECLOUD","presenceDefinition":{"id":"pd","systemPresence":"ON_QUEUE"},"primary":true,"modifiedDate":"2026-05-14T09:03:17.067Z"}`,
			genesys.AgentUpdate{HasPresence: true, Presence: presence},
		},
		{
			"routingStatus", `{"id":"u.1","routingStatus":{"status":"OFF_QUEUE","startTime":"2026-05-14T09:03:17.067Z"}}`,
			genesys.AgentUpdate{HasRouting: true, Routing: routing},
		},
		{
			"station", `{"associatedStation":{"id":"s","name":"Desk","associatedUser":{"id":"u.1"}}}`,
			genesys.AgentUpdate{HasStation: true, Station: genesys.Station{ID: "s", Name: "Desk"}},
		},
		{"station", `{"associatedStation":null}`, genesys.AgentUpdate{HasStation: true}},
		{"station", `{}`, genesys.AgentUpdate{HasStation: true}},
		{
			"activity", `{"id":"u.1","routingStatus":{"status":"OFF_QUEUE","startTime":"2026-05-14T09:03:17.067Z"},` +
				`"presence":{"presenceDefinition":{"id":"pd","systemPresence":"On Queue"},"modifiedDate":"2026-05-14T09:03:17.067Z"},` +
				`"outOfOffice":{"active":true,"modifiedDate":"2018-04-02T01:42:52.505Z"},"activeQueueIds":["a","b"]}`,
			genesys.AgentUpdate{HasRouting: true, Routing: routing, HasPresence: true, Presence: presence, HasOutOfOffice: true, OutOfOffice: true},
		},
	} {
		f, err := genesys.DecodeFrame([]byte(`{"topicName":"v2.users.u.1.` + c.aspect + `","eventBody":` + c.body + `,"metadata":{"CorrelationId":"x"}}`))
		c.want.UserID, c.want.Topic, c.want.CorrelationID = "u.1", "v2.users.u.1."+c.aspect, "x"
		if diff := cmp.Diff(c.want, f.Agent); err != nil || f.Kind != genesys.KindAgent || diff != "" {
			t.Errorf("%s: kind %d, error %v\n%s", c.aspect, f.Kind, err, diff)
		}
	}
}

func TestDecodeRefusesWhatIsNotJSON(t *testing.T) {
	for _, in := range []string{
		``, ` `, `null`, `[]`, `"x"`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1}}`, `{"a":1} x`, `{a:1}`, `{"a":tru}`, `{"a":"`, `{"a":"\`,
		`{"topicName":"v2.users.u.conversations.calls","eventBody":{"id":"c","participants":[{"id":"p"`,
		"{\"a\":\"line\nbreak\"}", `<html>502</html>`, `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
	} {
		if f, err := genesys.DecodeFrame([]byte(in)); err == nil {
			t.Errorf("%.40q: no error, %+v", in, f)
		}
	}
	if _, err := genesys.DecodeFrame([]byte(`{"topicName":"v2.users.u.conversations.calls","eventBody":{"participants":[]}}`)); err == nil {
		t.Error("a conversation without an id: no error")
	}
	if _, err := genesys.DecodeFrame([]byte(`{"topicName":"v2.users.u.conversations.calls"}`)); err == nil {
		t.Error("a conversation without a body: no error")
	}
}

func TestDecodeHugeConversation(t *testing.T) {
	const participants = 5000
	var b strings.Builder
	b.WriteString(`{"id":"c","participants":[`)
	for i := range participants {
		fmt.Fprintf(&b, `{"id":"p%d","state":"connected"},`, i)
	}
	fmt.Fprintf(&b, `{"id":"last","attributes":{"big":"%s"}}]}`, strings.Repeat("x", 1<<20))
	s, err := genesys.DecodeConversation([]byte(b.String()), false)
	if err != nil || len(s.Participants) != participants+1 || len(s.Participants[participants].Attributes["big"]) != 1<<20 {
		t.Fatalf("error %v, %d participants", err, len(s.Participants))
	}
}

func TestAPIErrorClasses(t *testing.T) {
	err := error(&genesys.APIError{Method: "GET", Path: "/api/v2/x/{id}", Status: 403, Permissions: []string{"a:b:c"}})
	if !errors.Is(err, genesys.ErrForbidden) || errors.Is(err, genesys.ErrNotFound) || !strings.Contains(err.Error(), "a:b:c") {
		t.Error(err)
	}
	// Not the platform's own words: somebody in between does not know the page.
	if errors.Is(&genesys.APIError{Status: 404}, genesys.ErrNotFound) {
		t.Error("a foreign 404 is taken for the platform's")
	}
}
