package recordingtest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/api/examples"
	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
)

// message is an example as it would stand in the stream of the adapter acme.
type message struct {
	subject string
	header  map[string][]string
	body    string
}

func example(tb testing.TB, name string) message {
	tb.Helper()
	b, err := examples.Files.ReadFile(name + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	var body bytes.Buffer
	if err := json.Compact(&body, b); err != nil {
		tb.Fatal(err)
	}
	return stored(tb, body.String())
}

// stored gives a body the subject and headers that belong to it.
func stored(tb testing.TB, body string) message {
	tb.Helper()
	event, err := recording.Decode([]byte(body))
	if err != nil {
		tb.Fatal(err)
	}
	m := message{body: body, header: map[string][]string{"Content-Type": {recording.ContentType}}}
	switch e := event.(type) {
	case *recording.CallEvent:
		m.subject = recording.CallSubject("acme", e.Data.Agent.UserID, e.Data.Conversation.ID, e.Data.Leg.ID)
		m.header["Nats-Msg-Id"] = []string{e.ID}
	case *recording.AgentEvent:
		m.subject = recording.AgentSubject("acme", e.Data.Agent.UserID)
		m.header["Nats-Msg-Id"] = []string{e.ID}
	case *recording.FeedEvent:
		m.subject = recording.FeedSubject("acme")
		m.header["Nats-Msg-Id"] = []string{e.ID}
	}
	return m
}

// TestValidateRefuses one change at a time in a message that is right.
func TestValidateRefuses(t *testing.T) {
	const (
		prepare, start, pause = "call-prepare-delivered", "call-start-established", "call-pause-secure_paused"
		resume, stop, wrapped = "call-resume-secure_resumed", "call-stop-transferred", "call-update-wrapped_up"
		agent, heartbeat      = "agent-snapshot", "feed-heartbeat"
		opened, closed        = "feed-gap_opened", "feed-gap_closed"
	)
	for _, c := range []struct{ name, from, old, replacement, says string }{
		{"unknown field", start, `"verb"`, `"extra":1,"verb"`, "'extra' not allowed"},
		{"unknown field deep", start, `"purpose":"agent"`, `"purpose":"agent","wrap":1`, "'wrap' not allowed"},
		{"missing field", start, `"epoch":1842,`, ``, "missing property 'epoch'"},
		{"unknown verb", start, `"verb":"start"`, `"verb":"begin"`, "/data/verb"},
		{"unknown cause", start, `"cause":"established"`, `"cause":"answered"`, "/data/cause"},
		{"null", start, `"peers":[`, `"pause":null,"peers":[`, "/data/pause"},
		{"empty text", start, `"name":"Support"`, `"name":""`, "/data/conversation/queue/name"},
		{"empty tag", start, `"caseNumber":"4711"`, `"caseNumber":""`, "/data/tags/caseNumber"},
		{"no tags", start, `{"caseNumber":"4711"}`, `{}`, "/data/tags"},
		{"no epoch", start, `"epoch":1842`, `"epoch":0`, "/data/epoch"},
		{"time without milliseconds", start, `08:15:04.120Z","datacontenttype`, `08:15:04Z","datacontenttype`, "/time"},
		{"time with an offset", start, `"connectedTime":"2026-11-22T08:15:04.120Z"`, `"connectedTime":"2026-11-22T08:15:04.120+00:00"`, "/data/leg/connectedTime"},
		{"thirteenth month", start, `"connectedTime":"2026-11`, `"connectedTime":"2026-13`, "month"},
		{"estimated is false", "call-update-refreshed", `"estimated":true`, `"estimated":false`, "/data/timing/estimated"},
		{"start leads to armed", start, `"state":"recording"`, `"state":"armed"`, "/data/state"},
		{"start because held", start, `"cause":"established"`, `"cause":"held"`, "/data/cause"},
		{"prepare leads to recording", prepare, `"state":"armed"`, `"state":"recording"`, "/data/state"},
		{"pause leads to recording", pause, `"state":"paused"`, `"state":"recording"`, "/data/state"},
		{"resume leads to paused", resume, `"state":"recording"`, `"state":"paused"`, "/data/state"},
		{"stop leads to recording", stop, `"state":"stopped"`, `"state":"recording"`, "/data/state"},
		{"stop because refreshed", stop, `"cause":"transferred"`, `"cause":"refreshed"`, "/data/cause"},
		{"recording in a secure pause", start, `"securePause":false`, `"securePause":true`, "/data/leg/securePause"},
		{"recording with reasons to pause", start, `"peers":[`, `"pause":{"reasons":["hold"]},"peers":[`, "'not' failed"},
		{"paused without a reason", pause, `"pause":{"reasons":["secure_pause"]},`, ``, "missing property 'pause'"},
		{"paused for no reason", pause, `["secure_pause"]`, `[]`, "/data/pause/reasons"},
		{"paused twice for one reason", pause, `["secure_pause"]`, `["secure_pause","secure_pause"]`, "/data/pause/reasons"},
		{"secure pause not among the reasons", pause, `["secure_pause"]`, `["hold"]`, "not among the reasons"},
		{"reasons without order", pause, `["secure_pause"]`, `["secure_pause","hold"]`, "alphabetical"},
		{"recording before it was connected", start, `"connectedTime":"2026-11-22T08:15:04.120Z",`, ``, "missing property 'connectedTime'"},
		{"armed after it was connected", prepare, `"held":false`, `"connectedTime":"2026-11-22T08:15:04.120Z","held":false`, "'not' failed"},
		{"stopped without an end", stop, `"endTime":"2026-11-22T08:36:02.250Z",`, ``, "missing property 'endTime'"},
		{"recording after the end", start, `"held":false`, `"endTime":"2026-11-22T08:36:02.250Z","held":false`, "'not' failed"},
		{"update after the end goes back", wrapped, `"state":"stopped"`, `"state":"recording"`, "'not' failed"},
		{"agent as supervisor", "call-update-monitored", `"mode":"monitor"`, `"mode":"agent"`, "/data/leg/supervisors/0/mode"},
		{"sequence is not the revision", start, `"sequence":"00000000000000000002"`, `"sequence":"00000000000000000003"`, "sequence is"},
		{"short sequence", start, `"sequence":"00000000000000000002"`, `"sequence":"2"`, "/sequence"},
		{"source of another adapter", start, `mypurecloud.ie/acme`, `mypurecloud.ie/other`, "does not end in the adapter"},
		{"source without region", start, `/genesys/mypurecloud.ie/acme`, `/acme`, "/source"},
		{"subject of another leg", start, `/4b2e7d10-55aa-4c3b-9d2e-112233445566","id"`, `/4b2e","id"`, "subject of the event"},
		{"time is not when it occurred", start, `"occurred":"2026-11-22T08:15:04.120Z"`, `"occurred":"2026-11-22T08:15:05.120Z"`, "time is"},
		{"agent state of another contract", agent, `"state":"ready"`, `"state":"idle"`, "/data/state"},
		{"agent event of another agent", agent, `"subject":"e0260f10`, `"subject":"00000000`, "subject of the event"},
		{"agent time", agent, `"occurred":"2026-11-22T08:14:00.000Z"`, `"occurred":"2026-11-22T08:14:01.000Z"`, "time is"},
		{"feed event about someone", heartbeat, `"subject":"feed"`, `"subject":"a"`, "/subject"},
		{"heartbeat with a gap", heartbeat, `"openLegs"`, `"cause":"silent","openLegs"`, "'not' failed"},
		{"gap without bounds", opened, `"from":"2026-11-22T08:35:45.000Z",`, ``, "missing property 'from'"},
		{"gap without an id", opened, `"id":"a-1842-1",`, ``, "missing property 'id'"},
		{"gap of nothing", opened, `{"users":1,"userIds":["c77d4a02-9876-4fed-8cba-ba9876543210"]}`, `{}`, "/data/scope"},
		{"open gap with an end", opened, `"cause"`, `"to":"2026-11-22T08:36:11.400Z","cause"`, "'not' failed"},
		{"closed gap without an end", closed, `"to":"2026-11-22T08:36:11.400Z",`, ``, "missing property 'to'"},
		{"gap that ends before it begins", closed, `"to":"2026-11-22T08:36`, `"to":"2026-11-22T08:16`, "before it begins"},
		{"fewer legs than named", closed, `,"recoveredCount":1`, ``, "less than the legs named"},
		{"degraded without a reason", "feed-degraded", `,"reason":"instance b does not answer"`, ``, "missing property 'reason'"},
		{"secondary as leader", "feed-leader", `"role":"primary"`, `"role":"secondary"`, "/data/role"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := example(t, c.from)
			if err := recordingtest.Validate(m.subject, m.header, []byte(m.body)); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			changed := strings.Replace(m.body, c.old, c.replacement, 1)
			if changed == m.body {
				t.Fatalf("there is no %s in %s", c.old, m.body)
			}
			err := recordingtest.Validate(m.subject, m.header, []byte(changed))
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), m.subject) {
				t.Errorf("Validate = %v, want an error that says %s and names the subject", err, c.says)
			}
		})
	}
}

// TestValidateRefusesTheOutside: a right body under a wrong subject or header.
func TestValidateRefusesTheOutside(t *testing.T) {
	call, agent, feed := example(t, "call-start-established"), example(t, "agent-snapshot"), example(t, "feed-heartbeat")
	for _, c := range []struct {
		name string
		m    message
		says string
	}{
		{"not ours", message{"$JS.API.INFO", call.header, call.body}, "does not begin with"},
		{"not an event", message{call.subject, call.header, `{"type":"io.nats"}`}, "not a CloudEvents"},
		{"another leg", message{call.subject + "0", call.header, call.body}, "leg in the subject"},
		{"another user", message{strings.Replace(call.subject, ".e0260f10", ".f0260f10", 1), call.header, call.body}, "user in the subject"},
		{"another conversation", message{strings.Replace(call.subject, ".8f1c", ".9f1c", 1), call.header, call.body}, "conversation in the subject"},
		{"another adapter", message{strings.Replace(call.subject, "acme", "other", 1), call.header, call.body}, "does not end in the adapter"},
		{"call among the agents", message{agent.subject, call.header, call.body}, "kind in the subject"},
		{"agent in the feed", message{feed.subject, agent.header, agent.body}, "kind in the subject"},
		{"feed among the agents", message{agent.subject, feed.header, feed.body}, "kind in the subject"},
		{"no headers", message{call.subject, nil, call.body}, "Content-Type"},
		{"id of another event", message{call.subject, agent.header, call.body}, "Nats-Msg-Id"},
		{"plain JSON", message{call.subject, map[string][]string{"Content-Type": {"application/json"}, "Nats-Msg-Id": call.header["Nats-Msg-Id"]}, call.body}, "Content-Type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := recordingtest.Validate(c.m.subject, c.m.header, []byte(c.m.body))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Validate = %v, want an error that says %s", err, c.says)
			}
		})
	}
}
