package conformance

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Result is what came of a run.
type Result struct {
	Recorder string        `json:"recorder"` // the name that it gave itself
	Conforms bool          `json:"conforms"`
	Took     time.Duration `json:"tookNanos"`
	// Reaction is the median and the longest time from an event to its report.
	Reaction struct {
		Median  time.Duration `json:"medianNanos"`
		Longest time.Duration `json:"longestNanos"`
	} `json:"reaction"`
	Requirements []Verdict   `json:"requirements"`
	Legs         []LegResult `json:"-"`
}

// Verdict is about one requirement.
type Verdict struct {
	Requirement Requirement `json:"requirement"`
	Asks        string      `json:"asks"`
	Checks      int         `json:"checks"` // 0: not tried
	Failures    []Failure   `json:"failures,omitempty"`
}

// Passed tells whether the requirement was tried and every check of it holds.
func (v *Verdict) Passed() bool { return v.Checks > 0 && len(v.Failures) == 0 }

// LegResult is what should have been recorded of one leg.
type LegResult struct {
	Scene   string            `json:"scene"`
	Subject string            `json:"subject"`
	Agent   string            `json:"agent,omitempty"`
	Record  []Interval        `json:"record,omitempty"`
	Pauses  []Interval        `json:"pauses,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
	Steps   []Step            `json:"steps"`
	Passed  bool              `json:"passed"`
}

// Interval is a stretch of time within a leg. A leg that is open at the end of the run
// has no end.
type Interval struct {
	From         time.Time `json:"from"`
	To           time.Time `json:"to,omitzero"`
	FromRevision uint64    `json:"fromRevision"`
	ToRevision   uint64    `json:"toRevision,omitempty"`
}

func (s *stage) result(begin time.Time) Result {
	l := s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Result{Recorder: l.name, Took: time.Since(begin), Conforms: true}
	failed := map[Requirement][]Failure{}
	legs := map[string]bool{}
	for _, f := range l.failures {
		f.Requirement = cmp.Or(f.Requirement, Record)
		failed[f.Requirement] = append(failed[f.Requirement], f)
		legs[f.Subject] = true
		r.Conforms = false
	}
	for _, q := range Requirements() {
		r.Requirements = append(r.Requirements, Verdict{q.ID, q.Asks, l.checks[q.ID], failed[q.ID]})
	}
	var took []time.Duration
	for _, subject := range l.order {
		t := l.tracks[subject]
		for _, step := range t.steps {
			if !step.ReportedAt.IsZero() && step.Requirement != Replay && step.Requirement != Silence {
				took = append(took, step.ReportedAt.Sub(step.At))
			}
		}
		if subject != FeedSubject {
			r.Legs = append(r.Legs, t.result(!legs[subject]))
		}
	}
	if slices.Sort(took); len(took) > 0 {
		r.Reaction.Median, r.Reaction.Longest = took[len(took)/2], took[len(took)-1]
	}
	r.Conforms = r.Conforms && len(took) > 0
	return r
}

func (t *track) result(passed bool) LegResult {
	last := t.last()
	r := LegResult{Scene: t.steps[0].Scene, Subject: t.subject, Agent: last.Agent, Tags: maps.Clone(last.Tags), Passed: passed}
	state := recording.State("")
	for _, s := range t.steps {
		r.Steps = append(r.Steps, *s)
		if s.State == state {
			continue
		}
		for _, open := range []*[]Interval{&r.Record, &r.Pauses} {
			if n := len(*open); n > 0 && (*open)[n-1].To.IsZero() {
				(*open)[n-1].To, (*open)[n-1].ToRevision = s.At, s.Revision
			}
		}
		switch state = s.State; state {
		case recording.Recording:
			r.Record = append(r.Record, Interval{From: s.At, FromRevision: s.Revision})
		case recording.Paused:
			r.Pauses = append(r.Pauses, Interval{From: s.At, FromRevision: s.Revision})
		case recording.Armed, recording.Stopped:
		}
	}
	return r
}

// WriteJSON writes one line for each leg, {"leg":…}, and one for the verdict,
// {"verdict":…}.
func (r *Result) WriteJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	var errs []error
	for i := range r.Legs {
		errs = append(errs, out.Encode(map[string]any{"leg": &r.Legs[i]}))
	}
	return errors.Join(append(errs, out.Encode(map[string]any{"verdict": r}))...)
}

// WriteTable writes what should have been recorded, by leg. Revisions stand for time:
// in a script they say more than milliseconds.
func (r *Result) WriteTable(w io.Writer) {
	fmt.Fprintf(w, "%-18s %-12s %-22s %-18s %s\n", "scene", "leg", "record", "pause", "labels")
	for _, l := range r.Legs {
		mark := ""
		if !l.Passed {
			mark = "   <- FAIL"
		}
		labels := []string{}
		for _, k := range slices.Sorted(maps.Keys(l.Tags)) {
			labels = append(labels, k+"="+l.Tags[k])
		}
		fmt.Fprintf(w, "%-18s %-12s %-22s %-18s %s%s\n", l.Scene, short(l.Subject), spans(l.Record), spans(l.Pauses), strings.Join(labels, " "), mark)
	}
}

// short is the end of a leg's id, which is what differs.
func short(subject string) string { return "…" + subject[max(0, len(subject)-8):] }

func spans(all []Interval) string {
	if len(all) == 0 {
		return "-"
	}
	text := make([]string, len(all))
	for i, v := range all {
		text[i] = fmt.Sprintf("r%d-", v.FromRevision)
		if v.ToRevision > 0 {
			text[i] += fmt.Sprintf("r%d", v.ToRevision)
		}
	}
	return strings.Join(text, " ")
}

// maxShown is how many failures of one requirement are shown.
const maxShown = 8

// WriteVerdict writes pass or fail for each requirement, with the reasons.
func (r *Result) WriteVerdict(w io.Writer) {
	for i := range r.Requirements {
		v := &r.Requirements[i]
		word := "ok  "
		switch {
		case len(v.Failures) > 0:
			word = "FAIL"
		case v.Checks == 0:
			word = "-   "
		}
		fmt.Fprintf(w, "%s %-10s %4d checks   %s\n", word, v.Requirement, v.Checks, v.Asks)
		for i, f := range v.Failures {
			if i == maxShown {
				fmt.Fprintf(w, "       … and %d more\n", len(v.Failures)-i)
				break
			}
			fmt.Fprintf(w, "       %s %s: %s\n", f.Scene, short(f.Subject), f.Reason)
		}
	}
	word := "conforms"
	if !r.Conforms {
		word = "DOES NOT CONFORM"
	}
	fmt.Fprintf(w, "\n%s %s (reaction: median %s, longest %s; %s)\n", cmp.Or(r.Recorder, "the recorder"), word,
		r.Reaction.Median.Round(10*time.Microsecond), r.Reaction.Longest.Round(time.Millisecond), r.Took.Round(100*time.Millisecond))
}
