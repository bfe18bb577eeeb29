package api_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/api/examples"
	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// TestAsyncAPIShowsTheContract: the document names the subjects, the schemas and
// every example as they are. Whether it is a right AsyncAPI document is for the
// AsyncAPI parser to say, in continuous integration.
func TestAsyncAPIShowsTheContract(t *testing.T) {
	b, err := os.ReadFile("asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)

	var refs []string
	for _, m := range regexp.MustCompile(`\$ref: (\./\S+)`).FindAllStringSubmatch(doc, -1) {
		refs = append(refs, strings.TrimPrefix(m[1], "./"))
	}
	slices.Sort(refs)
	want, err := fs.Glob(examples.Files, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		want[i] = "examples/" + want[i]
	}
	want = append(want, "schema/agent-event.json", "schema/call-event.json", "schema/feed-event.json")
	if diff := cmp.Diff(want, refs); diff != "" {
		t.Errorf("files that exist (-) and files that the document refers to (+):\n%s", diff)
	}
	for _, file := range refs {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}

	// Each example's header is the id in its body.
	for _, file := range refs {
		name, ok := strings.CutPrefix(file, "examples/")
		if !ok {
			continue
		}
		body, err := examples.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var e struct{ ID string }
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(doc, "Nats-Msg-Id: "+e.ID+"\n          payload:\n            $ref: ./"+file+"\n") {
			t.Errorf("the example %s is shown with another Nats-Msg-Id than %s", file, e.ID)
		}
	}

	for _, line := range []string{
		"    address: " + subject(recording.CallSubject("A", "userId", "conversationId", "legId"), "userId", "conversationId", "legId"),
		"    address: " + subject(recording.AgentSubject("A", "userId"), "userId"),
		"    address: " + subject(recording.FeedSubject("A")),
		"      name: " + recording.TypeCall,
		"      name: " + recording.TypeAgent,
		"      name: " + recording.TypeFeed,
		"          const: " + recording.ContentType,
		"defaultContentType: " + recording.ContentType,
	} {
		if !strings.Contains(doc, line+"\n") {
			t.Errorf("the document does not say %q", line)
		}
	}
}

// TestPageShowsTheContract: the page has every subject, field, value and example, and
// needs nothing from outside. That it is up to date is for continuous integration to say.
func TestPageShowsTheContract(t *testing.T) {
	page := read(t, "asyncapi.html")
	var words []string
	words = appendAll(words, recording.Verbs())
	words = appendAll(words, recording.States())
	words = appendAll(words, recording.Causes())
	words = appendAll(words, recording.AgentCauses())
	words = appendAll(words, recording.FeedKinds())
	words = appendAll(words, recording.GapCauses())
	names, err := fs.Glob(examples.Files, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		words = append(words, strings.TrimSuffix(name, ".json"))
	}
	words = append(words, "recorder.v1.{adapter}.feed", "data.leg.supervisors[].mode", "data.scope.userIds", "data.routingStatus.status")
	for _, w := range words {
		if !strings.Contains(page, "<code>"+w+"</code>") {
			t.Errorf("the page does not show %s", w)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"#]+)"|<script|@import|url\(`).FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("the page needs %q from outside", m[0])
		}
	}
}

// subject writes a subject of the adapter A with its parameters in braces.
func subject(s string, parameters ...string) string {
	s = strings.Replace(s, ".a.", ".{adapter}.", 1)
	for _, p := range parameters {
		s = strings.Replace(s, "."+p, ".{"+p+"}", 1)
	}
	return s
}
