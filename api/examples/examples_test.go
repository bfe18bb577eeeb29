package examples_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/api/examples"
	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
)

func story(t *testing.T) []examples.Message {
	t.Helper()
	all, err := examples.Story()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestExamplesKeepTheContract: each alone and all together as one stream.
func TestExamplesKeepTheContract(t *testing.T) {
	var history recordingtest.History
	for _, m := range story(t) {
		if err := history.Add(m.Subject, m.Header, m.Body); err != nil {
			t.Errorf("%s: %v", m.File, err)
		}
	}
	if err := history.Finish(); err != nil {
		t.Error(err)
	}
}

// TestExamplesAreWhatTheEncoderWrites, under the name that says what they are.
func TestExamplesAreWhatTheEncoderWrites(t *testing.T) {
	for _, m := range story(t) {
		var written []byte
		name := ""
		switch e := m.Event.(type) {
		case *recording.CallEvent:
			written, name = e.AppendJSON(nil), "call-"+string(e.Data.Verb)+"-"+string(e.Data.Cause)
		case *recording.AgentEvent:
			written, name = e.AppendJSON(nil), "agent-"+string(e.Data.Cause)
		case *recording.FeedEvent:
			written, name = e.AppendJSON(nil), "feed-"+string(e.Data.Event)
		}
		if diff := cmp.Diff(string(written), string(m.Body)); diff != "" {
			t.Errorf("%s is not what the encoder writes (-want +got):\n%s", m.File, diff)
		}
		if !strings.HasPrefix(m.File, name) {
			t.Errorf("%s should be named %s….json", m.File, name)
		}
	}
}

// TestEveryWordIsShown: each verb, each state of a call and each feed event.
func TestEveryWordIsShown(t *testing.T) {
	var all strings.Builder
	for _, m := range story(t) {
		all.Write(m.Body)
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
		if !strings.Contains(all.String(), w) {
			t.Errorf("no example shows %s", w)
		}
	}
}
