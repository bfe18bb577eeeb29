package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
	"github.com/recorderbridge/genesys-ingestor/internal/conformance"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// try runs a robot through all scenes but the silence, which takes half a minute.
func try(t *testing.T, bad faults, change func(*conformance.Options)) conformance.Result {
	t.Helper()
	url := natstest.New(t).URL()
	o := conformance.Options{NATS: url, Recorder: &robot{t: t, url: url, bad: bad}, Skip: []string{"silence"}}
	if change != nil {
		change(&o)
	}
	r, err := conformance.Run(t.Context(), o)
	if err != nil && (bad == faults{} || !errors.Is(err, conformance.ErrMute)) {
		t.Fatal(err)
	}
	return r
}

// failed lists the requirements that did not pass, of those that were tried.
func failed(r *conformance.Result) (ids []conformance.Requirement) {
	for _, v := range r.Requirements {
		if v.Checks > 0 && !v.Passed() {
			ids = append(ids, v.Requirement)
		}
	}
	return ids
}

// TestGoodRecorderConforms, and every requirement but the silence is tried.
func TestGoodRecorderConforms(t *testing.T) {
	r := try(t, faults{}, nil)
	var shown bytes.Buffer
	r.WriteVerdict(&shown)
	if !r.Conforms {
		t.Errorf("it does not conform:\n%s", &shown)
	}
	for _, v := range r.Requirements {
		if v.Checks == 0 && v.Requirement != conformance.Silence {
			t.Errorf("%s is not tried", v.Requirement)
		}
	}
}

// TestBrokenRecordersFail: every mistake is found in the scene that is made for it, and
// blamed on the requirement that it offends against.
func TestBrokenRecordersFail(t *testing.T) {
	for name, c := range map[string]struct {
		bad   faults
		scene string
		want  conformance.Requirement
	}{
		"records during a pause":       {faults{deafToPauses: true}, "secure_pause", conformance.Pause},
		"ignores the stop":             {faults{deafToStops: true}, "answer", conformance.Stop},
		"starts when the verb says so": {faults{actsOnVerbs: true}, "starts_paused", conformance.Pause},
		"acts again on a redelivery":   {faults{repeats: true}, "again", conformance.Once},
		"forgets the replay":           {faults{noReplay: true}, "restart", conformance.Replay},
		"acts while it replays":        {faults{actsInReplay: true}, "restart", conformance.Replay},
		"ignores gaps":                 {faults{deafToGaps: true}, "gap_of_one", conformance.Gap},
		"takes a gap as one for all":   {faults{gapsForAll: true}, "gap_of_one", conformance.Gap},
		"hides holes":                  {faults{hidesHoles: true}, "hole", conformance.Hole},
		"skips what it does not know":  {faults{rejectsWords: true}, "later_version", conformance.Forward},
		"dies of rubbish":              {faults{diesOfRubbish: true}, "no_events", conformance.Refuse},
		"ignores a deposed writer":     {faults{newEpochsOnly: true}, "leader", conformance.Feed},
		"keeps the first tags":         {faults{oldTags: true}, "data", conformance.Metadata},
		"records what only alerts":     {faults{armsOpen: true}, "answer", conformance.Arm},
		"one recording per agent":      {faults{oneCall: true}, "two_legs", conformance.Record},
		"opens old gaps again":         {faults{repeatsFeed: true}, "amnesia", conformance.Replay},
		"deaf after a crash":           {faults{deafAfterCrash: true}, "restart", conformance.Replay},
		"opens at a stop":              {faults{recordsUnseen: true}, "unseen", conformance.Stop},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := try(t, c.bad, func(o *conformance.Options) {
				o.Within, o.Skip, o.Only = 200*time.Millisecond, nil, []string{c.scene}
			})
			if ids := failed(&r); r.Conforms || !slices.Contains(ids, c.want) {
				var shown bytes.Buffer
				r.WriteVerdict(&shown)
				t.Errorf("conforms: %t, failed %v, want %s among them\n%s", r.Conforms, ids, c.want, &shown)
			}
		})
	}
}

// TestPolicies: who records through gaps passes when that is the policy, and only then.
func TestPolicies(t *testing.T) {
	keep := func(o *conformance.Options) {
		o.OnGap, o.Only = conformance.KeepRecording, []string{"gap_of_one", "gap_of_many", "gap_of_all", "restart"}
	}
	if r := try(t, faults{deafToGaps: true}, keep); !r.Conforms {
		t.Errorf("failed: %v", failed(&r))
	}
	if r := try(t, faults{}, keep); !slices.Contains(failed(&r), conformance.Gap) {
		t.Errorf("failed: %v", failed(&r))
	}
}

// TestLabelsAreOptional: a recorder that shows none is not judged by them, and it shows.
func TestLabelsAreOptional(t *testing.T) {
	r := try(t, faults{noLabels: true}, func(o *conformance.Options) { o.Only = []string{"answer", "data"} })
	for _, v := range r.Requirements {
		if v.Requirement == conformance.Metadata && v.Checks > 0 {
			t.Errorf("%d checks of labels", v.Checks)
		}
	}
	if !r.Conforms {
		t.Errorf("failed: %v", failed(&r))
	}
}

// TestReportsOfTheGuide: the lines that the guide shows are reports, and what is none is
// named.
func TestReportsOfTheGuide(t *testing.T) {
	shown, err := os.ReadFile("testdata/reports.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(shown) {
		if _, err := conformance.ParseReport(line); err != nil {
			t.Error(err)
		}
	}
	for line, says := range map[string]string{
		`{"subject":"a/b","state":"paused"}`: "revision is missing", `{"subject":"a/b","revision":1}`: "state is missing",
		`{}`: "either ready or subject", `{"ready":"x","subject":"a/b"}`: "either ready or subject", `{`: "unexpected end",
	} {
		if _, err := conformance.ParseReport([]byte(line)); !errors.Is(err, conformance.ErrReport) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want it to say %q", line, err, says)
		}
	}
}

// TestVerdictOfTheGuide: a failure reads as the guide shows it.
func TestVerdictOfTheGuide(t *testing.T) {
	want, err := os.ReadFile("testdata/verdict.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := try(t, faults{armsOpen: true}, func(o *conformance.Options) { o.Only = []string{"answer"} })
	var shown bytes.Buffer
	if r.WriteVerdict(&shown); !bytes.Contains(shown.Bytes(), want) {
		t.Errorf("want\n%sin\n%s", want, &shown)
	}
}

// TestScenesKeepTheContract: but for those that are about what does not, what is played
// is what an ingestor could write.
func TestScenesKeepTheContract(t *testing.T) {
	server := natstest.New(t)
	o := conformance.Options{
		NATS: server.URL(), Recorder: &robot{t: t, url: server.URL()}, Skip: []string{"silence", "later_version", "no_events", "again", "hole", "unseen"},
	}
	if _, err := conformance.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	stream, err := natstest.JetStream(t, natstest.Connect(t, server.URL())).Stream(t.Context(), recording.StreamName(conformance.Adapter))
	if err != nil {
		t.Fatal(err)
	}
	var history recordingtest.History
	for sequence := range stream.CachedInfo().State.LastSeq {
		m, err := stream.GetMsg(t.Context(), sequence+1)
		if err != nil {
			t.Fatal(err)
		}
		if err := history.Add(m.Subject, m.Header, m.Data); err != nil {
			t.Error(err)
		}
	}
	if err := history.Finish(); err != nil {
		t.Error(err)
	}
}

// nobody is a recorder that never reports.
type nobody struct{}

func (nobody) Start(context.Context, func(error)) error { return nil }
func (nobody) Kill(context.Context) error               { return nil }

func TestMuteRecorder(t *testing.T) {
	_, err := conformance.Run(t.Context(), conformance.Options{
		NATS: natstest.New(t).URL(), Recorder: nobody{}, ReadyWithin: 10 * time.Millisecond,
	})
	if !errors.Is(err, conformance.ErrMute) {
		t.Errorf("got %v, want %v", err, conformance.ErrMute)
	}
}

func TestBadOptions(t *testing.T) {
	_, err := conformance.Run(t.Context(), conformance.Options{OnGap: "hope", Only: []string{"answr"}, Within: -1})
	if !errors.Is(err, conformance.ErrOption) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"no NATS server", "no recorder", `"hope": must be pause or record`, `no scene "answr"; there are answer, decline`, "negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %s", err, want)
		}
	}
}
