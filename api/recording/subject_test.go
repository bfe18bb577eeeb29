package recording_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

func TestSubjects(t *testing.T) {
	const user, conversation, leg = "e0260f10-1234", "8f1c2a34", "4b2e7d10"
	for _, c := range []struct{ got, want string }{
		{recording.CallSubject("Acme", user, conversation, leg), "recorder.v1.acme.call.e0260f10-1234.8f1c2a34.4b2e7d10"},
		{recording.CallSubject("Acme", "", conversation, leg), "recorder.v1.acme.call._.8f1c2a34.4b2e7d10"},
		{recording.AgentSubject("ACME", user), "recorder.v1.acme.agent.e0260f10-1234"},
		{recording.FeedSubject("acme"), "recorder.v1.acme.feed"},
		{recording.AllSubjects("Acme"), "recorder.v1.acme.>"},
		{recording.StreamName("acme-2"), "RECORDER_ACME-2"},
		{recording.SourceOf("mypurecloud.ie", "Acme"), "/genesys/mypurecloud.ie/acme"},
		{recording.Token("é.*.>"), "_____"},
		{recording.Token("\xff"), "_"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestSubjectsOfHostileIDs: whatever an id contains, it is one token, no wildcard,
// and the subject can be taken apart again.
func TestSubjectsOfHostileIDs(t *testing.T) {
	hostile := rapid.OneOf(anyText(), rapid.SampledFrom([]string{"*", ">", "a.b", " ", "a b\r\nPUB x", "$JS.API", ".", ""}))
	rapid.Check(t, func(rt *rapid.T) {
		adapter, user := hostile.Draw(rt, "adapter"), hostile.Draw(rt, "user")
		conversation, leg := hostile.Draw(rt, "conversation"), hostile.Draw(rt, "leg")
		want := recording.Subject{
			Adapter: recording.AdapterToken(adapter), Kind: "call", UserID: recording.Token(user),
			ConversationID: recording.Token(conversation), LegID: recording.Token(leg),
		}
		parse(rt, recording.CallSubject(adapter, user, conversation, leg), 7, want)
		want = recording.Subject{Adapter: want.Adapter, Kind: "agent", UserID: want.UserID}
		parse(rt, recording.AgentSubject(adapter, user), 5, want)
		want = recording.Subject{Adapter: want.Adapter, Kind: "feed"}
		parse(rt, recording.FeedSubject(adapter), 4, want)
	})
}

func parse(rt *rapid.T, subject string, tokens int, want recording.Subject) {
	got, err := recording.ParseSubject(subject)
	if err != nil || got != want {
		rt.Fatalf("parse %q = %+v, %v; want %+v", subject, got, err, want)
	}
	if n := strings.Count(subject, ".") + 1; n != tokens || strings.ContainsAny(subject, "*> \t\r\n\x00") {
		rt.Fatalf("%q has %d tokens, want %d without wildcard and space", subject, n, tokens)
	}
}

func TestParseSubjectRefuses(t *testing.T) {
	for subject, says := range map[string]string{
		"":                            "does not begin with",
		"$JS.API.INFO":                "does not begin with",
		"recorder.v2.acme.feed":       "does not begin with",
		"recorder.v1.":                `token ""`,
		"recorder.v1.acme":            "is not …call",
		"recorder.v1.acme.feed.x":     "is not …call",
		"recorder.v1.acme.call.a.b":   "is not …call",
		"recorder.v1.acme.call.a.b.*": `token "*"`,
		"recorder.v1.acme.call.a..c":  `token ""`,
		"recorder.v1.acme.agent.>":    `token ">"`,
		"recorder.v1.acme.agent.a b":  `token "a b"`,
		"recorder.v1.Acme.feed":       "not in lower case",
		"recorder.v1.acme.queue.a":    "is not …call",
	} {
		got, err := recording.ParseSubject(subject)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("parse %q = %+v, %v; want an error that says %s", subject, got, err, says)
		}
	}
}
