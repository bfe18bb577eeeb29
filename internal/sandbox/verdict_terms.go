package sandbox

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Term is one change of the lead.
type Term struct {
	Instance string    `json:"instance"`
	Before   string    `json:"before,omitempty"` // who led until then
	At       time.Time `json:"at"`               // when the new leader said so
	// Cause is what was done to the one before; empty when nothing was.
	Cause IncidentKind `json:"cause,omitempty"`
	// After is from the incident to the new leader's word.
	After Millis `json:"afterMillis,omitempty"`
	// Gap is from the last event of the old leader to the first of the new one.
	Gap Millis `json:"gapMillis"`
	// First is from there to the first call event of the new leader.
	First Millis `json:"firstCallMillis,omitempty"`

	lastOld time.Time
}

// leaders returns the changes of the lead, without their causes.
func leaders(stored []Stored) []Term {
	var terms []Term
	wrote := make(map[string]time.Time) // last event, by instance
	for i := range stored {
		m := &stored[i]
		event, err := recording.Decode(m.Data)
		if err != nil {
			continue
		}
		switch e := event.(type) {
		case *recording.CallEvent:
			wrote[e.Data.Origin.Instance] = m.At
			if n := len(terms); n > 0 && terms[n-1].First == 0 && terms[n-1].Instance == e.Data.Origin.Instance {
				terms[n-1].First = Millis(m.At.Sub(terms[n-1].At))
			}
		case *recording.FeedEvent:
			if e.Data.Event == recording.FeedLeader {
				t := Term{Instance: e.Data.Instance, At: m.At}
				if n := len(terms); n > 0 {
					t.Before = terms[n-1].Instance
					t.lastOld = wrote[t.Before]
					t.Gap = Millis(m.At.Sub(t.lastOld))
				}
				terms = append(terms, t)
			}
			wrote[e.Data.Instance] = m.At
		}
	}
	return terms
}

// terms joins the changes of the lead with the incidents that caused them, and
// measures the restarts of sessions.
func (j *judge) terms() {
	terms := leaders(j.Stored)
	used := make(map[int]bool)
	for i := range terms {
		t := &terms[i]
		for n := len(j.Incidents) - 1; n >= 0; n-- {
			x := &j.Incidents[n]
			if used[n] || x.At.After(t.At) || t.At.Sub(x.At) > recovers || x.Instance != t.Before && !x.Kind.ofBroker() {
				continue
			}
			used[n] = true
			t.Cause, t.After = x.Kind, Millis(t.At.Sub(x.At))
			break
		}
	}
	if len(terms) > 1 {
		j.v.Terms = terms[1:]
	}
	began := make(map[string]time.Time)
	for i := range j.Stored {
		event, err := recording.Decode(j.Stored[i].Data)
		if err != nil {
			continue
		}
		e, ok := event.(*recording.FeedEvent)
		if !ok {
			continue
		}
		switch e.Data.Event { //nolint:exhaustive // Restarts only.
		case recording.FeedRestarting:
			began[e.Data.Instance] = j.Stored[i].At
		case recording.FeedRestarted:
			if at, ok := began[e.Data.Instance]; ok {
				j.v.Restarts = append(j.v.Restarts, Millis(j.Stored[i].At.Sub(at)))
				delete(began, e.Data.Instance)
			}
		}
	}
}
