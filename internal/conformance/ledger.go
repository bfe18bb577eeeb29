package conformance

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Step is one moment of a leg: what the recorder should do from then on, and what it
// said that it does.
type Step struct {
	Scene       string            `json:"scene"`
	Requirement Requirement       `json:"requirement"`
	Why         string            `json:"why"` // verb and cause, or what happened to the feed
	At          time.Time         `json:"at"`
	Revision    uint64            `json:"revision"`
	State       recording.State   `json:"state"`
	Agent       string            `json:"agent,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Missing     uint64            `json:"missing,omitempty"`
	// ReportedAt is when the recorder said so; zero when it did not.
	ReportedAt time.Time `json:"reportedAt,omitzero"`

	settled bool // reported, rightly or wrongly, or given up
}

// Failure is one check that does not hold.
type Failure struct {
	Requirement Requirement `json:"requirement"`
	Scene       string      `json:"scene"`
	Subject     string      `json:"subject,omitempty"`
	Reason      string      `json:"reason"`
}

// track is everything about one leg.
type track struct {
	subject string
	steps   []*Step
	at      int  // the step that was reported last in this life of the recorder
	told    bool // something was reported in this life
	current bool // the last of it was the newest step
}

func (t *track) last() *Step { return t.steps[len(t.steps)-1] }

// ledger compares what is asked with what is reported. Its methods may be called from
// several goroutines.
type ledger struct {
	mu       sync.Mutex
	now      func() time.Time
	tracks   map[string]*track
	order    []string
	failures []Failure
	checks   map[Requirement]int
	scene    string
	asking   Requirement // what the present step is about
	labels   bool        // the recorder reports agent or tags
	away     bool        // the recorder is not running
	learning bool        // it has started and is not ready
	name     string      // of the recorder, from ready
	wake     chan struct{}
}

func newLedger(now func() time.Time) *ledger {
	return &ledger{now: now, tracks: map[string]*track{}, checks: map[Requirement]int{}, wake: make(chan struct{})}
}

// expect notes what the recorder should do with a leg from now on.
func (l *ledger) expect(subject string, s *Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tracks[subject]
	if t == nil {
		t = &track{subject: subject, at: -1}
		l.tracks[subject] = t
		l.order = append(l.order, subject)
	}
	s.At, s.Scene, s.settled = l.now(), l.scene, l.away
	t.steps = append(t.steps, s)
	t.current = false
	l.asking = s.Requirement
	l.checks[s.Requirement]++
}

// report takes one report of the recorder.
func (l *ledger) report(r Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.awake()
	if r.Ready != "" {
		l.name, l.learning = r.Ready, false
		return
	}
	l.labels = l.labels || r.Agent != "" || len(r.Tags) > 0
	t := l.tracks[r.Subject]
	if t == nil {
		if r.Subject != FeedSubject || r.Missing > 0 {
			l.fail(Record, r.Subject, "it reports %s at revision %d: there is nothing of that kind", orNone(r.State), r.Revision)
		}
		return
	}
	i := t.find(r, l.learning)
	switch {
	case i < 0:
		l.wrong(t, r)
	case l.learning:
		if r.State == recording.Recording && t.last().State != recording.Recording {
			l.fail(Replay, t.subject, "while it learns what is open, it records at revision %d: by then it is %s", r.Revision, t.last().State)
		}
	case i < t.at && t.steps[t.at].State != t.steps[i].State:
		now := t.steps[t.at]
		requirement := now.Requirement
		if r.Revision < now.Revision {
			requirement = Once
		}
		l.fail(requirement, t.subject, "it goes back to %s of revision %d, after %s of revision %d (%s)", r.State, r.Revision, now.State, now.Revision, now.Why)
	}
	if i < 0 || !l.learning && i < t.at {
		return
	}
	t.at, t.told, t.current = i, true, i == len(t.steps)-1
	l.settle(t, t.steps[i], r)
}

// find returns the index of the step that a report is about: the next one rather than
// one that is over, the newest one after a start, -1 when there is none.
func (t *track) find(r Report, newest bool) int {
	fits := func(s *Step) bool { return s.Revision == r.Revision && s.State == r.State }
	from := max(t.at, 0)
	if newest {
		from = len(t.steps)
	}
	if i := slices.IndexFunc(t.steps[from:], fits); i >= 0 {
		return from + i
	}
	for i := from - 1; i >= 0; i-- {
		if fits(t.steps[i]) {
			return i
		}
	}
	return -1
}

// wrong takes a report of something that should not be.
func (l *ledger) wrong(t *track, r Report) {
	for _, s := range slices.Backward(t.steps) {
		if s.Revision == r.Revision {
			l.fail(s.Requirement, t.subject, "revision %d (%s): should be %s, it reports %s", s.Revision, s.Why, s.State, r.State)
			s.settled, t.told = true, true
			return
		}
	}
	l.fail(Record, t.subject, "it reports revision %d, the last one is %d", r.Revision, t.last().Revision)
}

// settle compares the rest of a report that is right about the state.
func (l *ledger) settle(t *track, s *Step, r Report) {
	if s.ReportedAt.IsZero() {
		s.ReportedAt = l.now()
		if r.Missing != s.Missing && !l.learning {
			l.fail(Hole, t.subject, "revision %d (%s): %d revisions are missing before it, it reports %d", s.Revision, s.Why, s.Missing, r.Missing)
		}
	}
	s.settled = true
	if !l.labels || t.subject == FeedSubject {
		return
	}
	l.checks[Metadata]++
	if r.Agent != s.Agent {
		l.fail(Metadata, t.subject, "revision %d (%s): the agent is %q, it reports %q", s.Revision, s.Why, s.Agent, r.Agent)
	}
	if len(r.Tags)+len(s.Tags) > 0 && !maps.Equal(r.Tags, s.Tags) {
		l.fail(Metadata, t.subject, "revision %d (%s): the tags are %v, it reports %v", s.Revision, s.Why, s.Tags, r.Tags)
	}
}

// fail notes a check that does not hold. The caller holds the lock.
func (l *ledger) fail(requirement Requirement, subject, format string, args ...any) {
	l.failures = append(l.failures, Failure{requirement, l.scene, subject, fmt.Sprintf(format, args...)})
}

// awake lets everybody look again who waits. The caller holds the lock.
func (l *ledger) awake() {
	close(l.wake)
	l.wake = make(chan struct{})
}

func orNone(s recording.State) recording.State {
	if s == "" {
		return "something missing"
	}
	return s
}

// refuse notes a line that is no report.
func (l *ledger) refuse(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail(l.asking, "", "%v", err)
}

// asks says what the recorder is tried with where no step of a leg says so.
func (l *ledger) asks(requirement Requirement) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asking = requirement
	l.checks[requirement]++
}
