package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// Evidence is all that a verdict is made from.
type Evidence struct {
	Adapter   string          `json:"adapter"`
	Truth     simulator.Truth `json:"truth"`
	Stored    []Stored        `json:"stored"` // the whole stream, in its order
	Incidents []Incident      `json:"incidents,omitempty"`
	// LeaseTTL is how long a dead primary keeps the lead.
	LeaseTTL time.Duration `json:"leaseTTLNanos"`
	// Reach is how long something must last for REST to find it when no frame showed it.
	Reach time.Duration `json:"reachNanos"`
}

// save writes the evidence to a file, for whoever wants to look into a verdict.
func (e *Evidence) save(path string) error {
	data, err := json.Marshal(e)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("save the evidence: %w", err)
	}
	return nil
}

// ViolationKind is a class of what must not happen.
type ViolationKind string

// The violations.
const (
	Missing  ViolationKind = "missing"     // it is true, it could be seen, and it was not told
	Twice    ViolationKind = "twice"       // told more than once
	Untrue   ViolationKind = "untrue"      // told, and it did not happen
	Hole     ViolationKind = "hole"        // a revision is missing or out of order
	Contract ViolationKind = "contract"    // an event does not keep the contract
	Final    ViolationKind = "final_state" // the last event of a leg is not what became of it
	Exposed  ViolationKind = "exposed"     // told to record during a secure pause
	GapOpen  ViolationKind = "gap_open"    // a gap was announced and never closed
	Silent   ViolationKind = "unannounced" // nobody observed, and the stream does not say so
	Broken   ViolationKind = "broken"      // a part of the sandbox did not work
	Nothing  ViolationKind = "nothing"     // nothing happened: there is nothing to judge
)

// Violation is one thing that must not happen.
type Violation struct {
	Kind ViolationKind `json:"kind"`
	// Leg is <conversationId>/<legId>, if it is about one.
	Leg  string `json:"leg,omitempty"`
	Text string `json:"text"`
}

// Row compares what happened with what was told, for one kind of step.
type Row struct {
	Name   string `json:"name"`
	Truth  int    `json:"truth"`
	Stored int    `json:"stored"`
	// Missing, Twice and Untrue are violations.
	Missing int `json:"missing"`
	Twice   int `json:"twice"`
	Untrue  int `json:"untrue"`
	// Unseen was sent to nobody and was over before REST could show it. InGap of
	// them lie within an announced gap.
	Unseen int `json:"unseen"`
	InGap  int `json:"inGap"`
	// Brief was told together with the start, or is a resume that was shorter than the
	// time for which one is doubted, or than an incident, or the pause after it.
	Brief int `json:"brief"`
}

// Gaps counts the announced stretches without observation.
type Gaps struct {
	Opened       int `json:"opened"`
	Closed       int `json:"closed"`
	Open         int `json:"open"`
	PossiblyLost int `json:"possiblyLost"`
}

// Verdict is what the comparison of stream and truth came to.
type Verdict struct {
	Clean         bool          `json:"clean"`
	Seed          uint64        `json:"seed,omitempty"`
	Took          time.Duration `json:"tookNanos,omitempty"`
	Conversations int           `json:"conversations"`
	Legs          int           `json:"legs"` // of people, answered or not
	Events        int           `json:"events"`
	Reconciled    int           `json:"reconciled"` // learned from REST
	Rows          []Row         `json:"rows"`
	Holes         int           `json:"holes"`
	Repeated      int           `json:"repeated"` // ids or revisions that are there twice
	OffContract   int           `json:"offContract"`
	WrongFinals   int           `json:"wrongFinals"`
	Gaps          Gaps          `json:"gaps"`

	// PauseDelay is from a secure pause to the event that tells it.
	PauseDelay Spread `json:"pauseDelay"`
	// Exposures are the times for which a leg was told to record during a pause.
	Exposures Spread `json:"exposures"`
	// FrameToStored is from the receipt of a frame to the broker's time stamp,
	// TruthToStored from the moment that it happened.
	FrameToStored Spread `json:"frameToStored"`
	TruthToStored Spread `json:"truthToStored"`

	Terms    []Term   `json:"terms,omitempty"`
	Restarts []Millis `json:"restarts,omitempty"`
	Usage    []Usage  `json:"usage,omitempty"` // of each instance

	Incidents  map[IncidentKind]int        `json:"incidents,omitempty"`
	Faults     map[simulator.FaultKind]int `json:"faults,omitempty"`
	Losses     map[simulator.LossCause]int `json:"losses,omitempty"`
	Violations []Violation                 `json:"violations,omitempty"`
}

// Lost is how many steps are missing that could have been told.
func (v *Verdict) Lost() int {
	n := v.Holes
	for i := range v.Rows {
		n += v.Rows[i].Missing
	}
	return n
}

// Doubled is how many steps or messages are there twice.
func (v *Verdict) Doubled() int {
	n := v.Repeated
	for i := range v.Rows {
		n += v.Rows[i].Twice
	}
	return n
}

// Unseen is how many steps nobody could have told, and how many of them lie within an
// announced gap.
func (v *Verdict) Unseen() (unseen, inGap int) {
	for i := range v.Rows {
		unseen, inGap = unseen+v.Rows[i].Unseen, inGap+v.Rows[i].InGap
	}
	return unseen, inGap
}

// mayHeal tells whether time alone may make the verdict clean.
func (v *Verdict) mayHeal() bool {
	for _, x := range v.Violations {
		switch x.Kind {
		case Missing, Final, GapOpen:
		case Twice, Untrue, Hole, Contract, Exposed, Silent, Broken, Nothing:
			return false
		}
	}
	return len(v.Violations) > 0
}

func (v *Verdict) addProblems(problems []string) {
	for _, p := range problems {
		v.Violations = append(v.Violations, Violation{Kind: Broken, Text: p})
	}
	v.Clean = len(v.Violations) == 0
}

// judge is the state of one judgement.
type judge struct {
	*Evidence
	v       *Verdict
	rows    map[string]*Row
	logs    map[string]*legLog // by subject
	spans   []span             // of announced gaps
	excused []span             // in which lateness is no wonder
	witness witness

	pauseDelays, exposures, frames, truths []time.Duration
}

// span is a stretch of time; a zero end is for ever.
type span struct{ from, to time.Time }

func (s span) contains(t time.Time) bool {
	return !t.Before(s.from) && (s.to.IsZero() || !t.After(s.to))
}

// The rows, in the order of the table.
func rowNames() []string {
	return []string{
		rowStart, rowStop, rowUnanswered, rowPaused, rowResumed, rowHeld, rowRetrieved, rowMuted, rowUnmuted,
		rowParked, rowUnparked, rowWrapup,
	}
}

const (
	rowStart      = "start"
	rowStop       = "stop"
	rowUnanswered = "unanswered"
	rowPaused     = "secure pause"
	rowResumed    = "secure resume"
	rowHeld       = "hold"
	rowRetrieved  = "retrieve"
	rowMuted      = "mute"
	rowUnmuted    = "unmute"
	rowParked     = "park"
	rowUnparked   = "unpark"
	rowWrapup     = "wrap-up"
)

// Judge compares what is stored with what is true.
func Judge(e *Evidence) Verdict {
	v := Verdict{
		Conversations: len(e.Truth.Conversations), Events: len(e.Stored), Losses: e.Truth.Losses,
		Incidents: make(map[IncidentKind]int), Faults: make(map[simulator.FaultKind]int),
	}
	j := &judge{Evidence: e, v: &v, rows: make(map[string]*Row), logs: make(map[string]*legLog), witness: newWitness(&e.Truth)}
	for _, name := range rowNames() {
		j.rows[name] = &Row{Name: name}
	}
	for _, i := range e.Incidents {
		v.Incidents[i.Kind]++
		j.excused = append(j.excused, span{i.At, j.over(i)})
	}
	for _, f := range e.Truth.Faults {
		if f.Fault.Kind != simulator.FaultClear {
			v.Faults[f.Fault.Kind]++
		}
	}
	j.stream()
	j.absences()
	j.legs()
	j.terms()
	for _, name := range rowNames() {
		v.Rows = append(v.Rows, *j.rows[name])
	}
	v.PauseDelay, v.Exposures = spreadOf(j.pauseDelays), spreadOf(j.exposures)
	v.FrameToStored, v.TruthToStored = spreadOf(j.frames), spreadOf(j.truths)
	if j.rows[rowStart].Truth == 0 {
		j.violation(Nothing, "", "no call was answered: there is nothing to judge")
	}
	v.Clean = len(v.Violations) == 0
	return v
}

// settling is how long after an incident things may still be late.
const settling = 2 * time.Second

// over is when the consequences of an incident are over. When another instance can
// take over they last as long as the lease.
func (j *judge) over(i Incident) time.Time {
	takeover := i.At.Add(j.LeaseTTL + time.Second)
	end := i.Until
	if i.Kind.silences() && j.takenOver(i) && takeover.Before(end) {
		end = takeover
	}
	if end.IsZero() {
		end = j.Truth.At
	}
	return end.Add(settling)
}

// takenOver tells whether an instance led that is not the one of the incident.
func (j *judge) takenOver(i Incident) bool {
	for _, other := range j.Incidents {
		if other.Instance != "" && other.Instance != i.Instance {
			return true
		}
	}
	for _, t := range leaders(j.Stored) {
		if t.Instance != i.Instance {
			return true
		}
	}
	return false
}

// absences looks for stretches in which no ingestor was there at all. They must be
// announced: what happened meanwhile may never be known.
func (j *judge) absences() {
	for _, i := range j.Incidents {
		if i.Kind != Kill && i.Kind != Stop || j.takenOver(i) {
			continue
		}
		if !slices.ContainsFunc(j.spans, func(s span) bool {
			return s.from.Before(i.Until) && (s.to.IsZero() || s.to.After(i.At))
		}) {
			j.violation(Silent, "", "nobody was there from %s to %s, and no gap says so", clock(i.At), clock(i.Until))
		}
	}
}

func (j *judge) violation(kind ViolationKind, leg, format string, args ...any) {
	j.v.Violations = append(j.v.Violations, Violation{Kind: kind, Leg: leg, Text: fmt.Sprintf(format, args...)})
}

// inGap tells whether a moment lies within an announced gap, to a second.
func (j *judge) inGap(t time.Time) bool {
	for _, s := range j.spans {
		if s.contains(t) || s.contains(t.Add(time.Second)) || s.contains(t.Add(-time.Second)) {
			return true
		}
	}
	return false
}

// unseen counts something that nobody could have told.
func (j *judge) unseen(r *Row, at time.Time) {
	r.Unseen++
	if j.inGap(at) {
		r.InGap++
	}
}
