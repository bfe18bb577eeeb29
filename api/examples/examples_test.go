package examples_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/api/examples"
	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
)

const adapter = "acme"

type message struct {
	file, subject, id, words string
	revision                 uint64
	body                     []byte
}

// load reads all examples as the messages they would be, in the order of revisions.
func load(t *testing.T) []message {
	t.Helper()
	files, err := fs.Glob(examples.Files, "*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("list the examples: %d files, %v", len(files), err)
	}
	var all []message
	for _, file := range files {
		indented, err := examples.Files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		if err := json.Compact(&body, indented); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		event, err := recording.Decode(body.Bytes())
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		m := message{file: file, body: body.Bytes()}
		var written []byte
		switch e := event.(type) {
		case *recording.CallEvent:
			d := &e.Data
			m.subject = recording.CallSubject(adapter, d.Agent.UserID, d.Conversation.ID, d.Leg.ID)
			m.id, m.revision, m.words = e.ID, d.Revision, "call-"+string(d.Verb)+"-"+string(d.Cause)
			written = e.AppendJSON(nil)
		case *recording.AgentEvent:
			m.subject = recording.AgentSubject(adapter, e.Data.Agent.UserID)
			m.id, m.revision, m.words = e.ID, e.Data.Revision, "agent-"+string(e.Data.Cause)
			written = e.AppendJSON(nil)
		case *recording.FeedEvent:
			m.subject = recording.FeedSubject(adapter)
			m.id, m.revision, m.words = e.ID, e.Data.Revision, "feed-"+string(e.Data.Event)
			written = e.AppendJSON(nil)
		}
		if !bytes.Equal(written, m.body) {
			t.Errorf("%s is not what the encoder writes:\n got %s\nwant %s", file, m.body, written)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b message) int {
		return cmp.Or(strings.Compare(a.subject, b.subject), cmp.Compare(a.revision, b.revision))
	})
	return all
}

// TestExamplesKeepTheContract: each alone and all together as one stream.
func TestExamplesKeepTheContract(t *testing.T) {
	var history recordingtest.History
	for _, m := range load(t) {
		header := map[string][]string{"Content-Type": {recording.ContentType}, "Nats-Msg-Id": {m.id}}
		if err := history.Add(m.subject, header, m.body); err != nil {
			t.Errorf("%s: %v", m.file, err)
		}
		if !strings.HasPrefix(m.file, m.words) {
			t.Errorf("%s should be named %s….json", m.file, m.words)
		}
	}
	if err := history.Finish(); err != nil {
		t.Error(err)
	}
}

// TestEveryWordIsShown: each verb, each state of a call and each feed event.
func TestEveryWordIsShown(t *testing.T) {
	var all []byte
	for _, m := range load(t) {
		all = append(all, m.body...)
	}
	var want []string
	for _, v := range recording.Verbs() {
		want = append(want, `"verb":"`+string(v)+`"`)
	}
	for _, s := range recording.States() {
		want = append(want, `"state":"`+string(s)+`"`)
	}
	for _, k := range recording.FeedKinds() {
		want = append(want, `"event":"`+string(k)+`"`)
	}
	for _, c := range recording.Confidences() {
		want = append(want, `"confidence":"`+string(c)+`"`)
	}
	for _, w := range want {
		if !bytes.Contains(all, []byte(w)) {
			t.Errorf("no example shows %s", w)
		}
	}
}
