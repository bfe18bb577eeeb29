package sandbox

import (
	"cmp"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
)

// legLog is what was told about one leg.
type legLog struct {
	subject string
	events  []told
	judged  bool // the truth knows the leg
}

// told is one event of a leg, and when it was stored.
type told struct {
	at       time.Time
	sequence uint64
	*recording.CallEvent
}

// stream reads all that is stored: order, repetitions, contract, gaps.
func (j *judge) stream() {
	var history recordingtest.History
	ids := make(map[string]uint64)
	revisions := make(map[string]uint64)
	gaps := make(map[string]*span)
	for i := range j.Stored {
		m := &j.Stored[i]
		contract := recordingtest.Validate(m.Subject, m.Header, m.Data)
		if contract != nil {
			j.offContract(m, contract)
		}
		event, err := recording.Decode(m.Data)
		if err != nil {
			continue // the contract says so already
		}
		var id string
		var revision uint64
		switch e := event.(type) {
		case *recording.CallEvent:
			id, revision = e.ID, e.Data.Revision
			j.hear(m, e)
		case *recording.AgentEvent:
			id, revision = e.ID, e.Data.Revision
		case *recording.FeedEvent:
			id, revision = e.ID, e.Data.Revision
			j.gap(&e.Data, gaps)
		}
		ordered := j.order(m, id, revision, ids, revisions)
		// What is left for the history to say is which verb may follow which.
		if err := history.Add(m.Subject, m.Header, m.Data); err != nil && contract == nil && ordered {
			j.offContract(m, err)
		}
	}
	for id, s := range gaps {
		j.spans = append(j.spans, *s)
		if s.to.IsZero() {
			j.v.Gaps.Open++
			j.violation(GapOpen, "", "the gap %q is still open", id)
		}
	}
}

func (j *judge) offContract(m *Stored, err error) {
	j.v.OffContract++
	j.violation(Contract, "", "message %d on %s: %v", m.Sequence, m.Subject, err)
}

// order checks that revisions of a subject follow each other and that nothing is
// there twice.
func (j *judge) order(m *Stored, id string, revision uint64, ids, revisions map[string]uint64) bool {
	before := revisions[m.Subject]
	revisions[m.Subject] = max(before, revision)
	first, known := ids[id]
	ids[id] = m.Sequence
	switch {
	case known:
		j.v.Repeated++
		j.violation(Twice, "", "message %d on %s has the id of message %d", m.Sequence, m.Subject, first)
	case revision == before && before > 0:
		j.v.Repeated++
		j.violation(Twice, "", "message %d on %s repeats revision %d", m.Sequence, m.Subject, revision)
	case revision != before+1:
		j.v.Holes++
		j.violation(Hole, "", "message %d on %s has revision %d after %d", m.Sequence, m.Subject, revision, before)
	default:
		return true
	}
	return false
}

func (j *judge) hear(m *Stored, e *recording.CallEvent) {
	l := j.logs[m.Subject]
	if l == nil {
		l = &legLog{subject: m.Subject}
		j.logs[m.Subject] = l
	}
	l.events = append(l.events, told{at: m.At, sequence: m.Sequence, CallEvent: e})
	if e.Data.Confidence == recording.Reconciled {
		j.v.Reconciled++
		return
	}
	if e.Data.Verb != recording.Update || isToggle(e.Data.Cause) {
		j.frames = append(j.frames, m.At.Sub(e.Data.Timing.Received.Time))
	}
}

func (j *judge) gap(d *recording.FeedData, gaps map[string]*span) {
	switch d.Event { //nolint:exhaustive // The others are no gaps.
	case recording.FeedGapOpened:
		j.v.Gaps.Opened++
		gaps[d.ID] = &span{from: d.From.Time}
	case recording.FeedGapClosed:
		j.v.Gaps.Closed++
		j.v.Gaps.PossiblyLost += max(d.PossiblyLostCount, len(d.PossiblyLost))
		if s := gaps[d.ID]; s != nil {
			s.to = d.To.Time
		}
	}
}

// strangers are logs of legs that the truth does not know.
func (j *judge) strangers() {
	for _, l := range sortedLogs(j.logs) {
		if !l.judged {
			j.rows[rowStart].Untrue++
			j.violation(Untrue, l.events[0].CallEvent.Subject, "there is no such leg, and %d events tell of it", len(l.events))
		}
	}
}

func sortedLogs(logs map[string]*legLog) []*legLog {
	all := make([]*legLog, 0, len(logs))
	for _, l := range logs {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *legLog) int { return cmp.Compare(a.events[0].sequence, b.events[0].sequence) })
	return all
}

// with returns the events with a verb.
func (l *legLog) with(v recording.Verb) []told {
	var found []told
	for _, e := range l.events {
		if e.Data.Verb == v {
			found = append(found, e)
		}
	}
	return found
}

// last is the last event, nil when there is none.
func (l *legLog) last() *recording.CallData {
	if len(l.events) == 0 {
		return nil
	}
	return &l.events[len(l.events)-1].Data
}
