package recordingtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
)

// renumber gives an example another revision, with the sequence and id of its own.
func renumber(t *testing.T, name string, revision uint64) message {
	t.Helper()
	event, err := recording.Decode([]byte(example(t, name).body))
	if err != nil {
		t.Fatal(err)
	}
	switch e := event.(type) {
	case *recording.CallEvent:
		e.Sequence, e.Data.Revision, e.ID = recording.SequenceOf(revision), revision, fmt.Sprint(name, revision)
		return stored(t, string(e.AppendJSON(nil)))
	case *recording.FeedEvent:
		e.Sequence, e.Data.Revision, e.ID = recording.SequenceOf(revision), revision, fmt.Sprint(name, revision)
		return stored(t, string(e.AppendJSON(nil)))
	}
	t.Fatalf("no way to renumber a %T", event)
	return message{}
}

func add(h *recordingtest.History, m message) error {
	return h.Add(m.subject, m.header, []byte(m.body))
}

func TestHistoryRefuses(t *testing.T) {
	const (
		prepare, start, pause, resume = "call-prepare-delivered", "call-start-established", "call-pause-secure_paused", "call-resume-secure_resumed"
		held, stop, wrapped           = "call-update-held", "call-stop-transferred", "call-update-wrapped_up"
		opened, closed                = "feed-gap_opened", "feed-gap_closed"
	)
	for _, c := range []struct {
		name  string
		names []string // the last one is wrong after the others
		says  string
	}{
		{"prepared twice", []string{prepare, prepare}, "prepare comes when"},
		{"started twice", []string{start, start}, "start comes when"},
		{"started again after the stop", []string{start, stop, start}, "start comes when"},
		{"stopped twice", []string{start, stop, stop}, "stop comes when"},
		{"paused before the start", []string{prepare, pause}, "pause comes when"},
		{"paused twice", []string{start, pause, pause}, "pause comes when"},
		{"resumed without a pause", []string{start, resume}, "resume comes when"},
		{"prepared after the start", []string{start, prepare}, "prepare comes when"},
		{"update of nothing", []string{held}, "update comes when"},
		{"update that starts", []string{prepare, held}, "update changes the state"},
		{"update that stops", []string{start, wrapped}, "update changes the state"},
		{"update that resumes", []string{start, pause, held}, "update changes the state"},
		{"gap opened twice", []string{opened, opened}, "opened again"},
		{"gap closed twice", []string{opened, closed, closed}, "closed but not open"},
		{"gap closed only", []string{closed}, "closed but not open"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h recordingtest.History
			for i, name := range c.names {
				err := add(&h, renumber(t, name, uint64(i+1)))
				if i < len(c.names)-1 {
					if err != nil {
						t.Fatalf("%s before the wrong one: %v", name, err)
					}
				} else if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("Add = %v, want an error that says %s", err, c.says)
				}
			}
		})
	}
}

func TestHistoryCounts(t *testing.T) {
	for _, c := range []struct {
		name      string
		partial   bool
		revisions []uint64 // the last one is wrong unless says is empty
		says      string
	}{
		{"contiguous", false, []uint64{1, 2, 3}, ""},
		{"does not begin with 1", false, []uint64{2}, "revision 2"},
		{"begins in the middle", true, []uint64{7, 8}, ""},
		{"hole", false, []uint64{1, 3}, "comes after 1"},
		{"hole in the middle", true, []uint64{7, 9}, "comes after 7"},
		{"back", false, []uint64{1, 2, 1}, "is already on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := recordingtest.History{Partial: c.partial}
			for i, r := range c.revisions {
				err := add(&h, renumber(t, "feed-heartbeat", r))
				last := i == len(c.revisions)-1
				switch {
				case (!last || c.says == "") && err != nil:
					t.Fatalf("revision %d: %v", r, err)
				case last && c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
					t.Errorf("Add = %v, want an error that says %s", err, c.says)
				}
			}
		})
	}
}

func TestHistoryFinish(t *testing.T) {
	var h recordingtest.History
	if err := h.Finish(); err != nil {
		t.Errorf("nothing is not finished: %v", err)
	}
	for i, name := range []string{"call-start-established", "call-update-held"} {
		if err := add(&h, renumber(t, name, uint64(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := add(&h, renumber(t, "feed-gap_opened", 1)); err != nil {
		t.Fatal(err)
	}
	err := h.Finish()
	if err == nil || !strings.Contains(err.Error(), "is recording") || !strings.Contains(err.Error(), `"a-1842-1" is open`) {
		t.Errorf("Finish = %v, want the open leg and the open gap", err)
	}
	for subject, e := range h.Last() {
		if !e.Data.Leg.Held || !strings.HasSuffix(subject, e.Data.Leg.ID) {
			t.Errorf("the last event on %s is %s, %s", subject, e.Data.Verb, e.Data.Cause)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	m := example(b, "call-start-established")
	for b.Loop() {
		if err := recordingtest.Validate(m.subject, m.header, []byte(m.body)); err != nil {
			b.Fatal(err)
		}
	}
}
