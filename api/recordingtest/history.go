package recordingtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// History checks the messages of one stream in the order of the stream. The zero
// value is ready. It is not safe for concurrent use.
type History struct {
	// Partial is for a history that begins in the middle of a stream: the first
	// revision of a subject may then be any, and the state before it is unknown.
	Partial bool

	revisions map[string]uint64               // by subject
	ids       map[string]string               // subject, by id
	legs      map[string]recording.State      // by subject
	gaps      map[string]recording.FeedKind   // by gap id
	last      map[string]*recording.CallEvent // by subject
}

// Add checks the next message as [Validate] does, and against what came before. The
// message counts also when there is something wrong with it.
func (h *History) Add(subject string, header map[string][]string, data []byte) error {
	problems := []error{Validate(subject, header, data)}
	event, err := recording.Decode(data)
	if err != nil {
		return errors.Join(problems...)
	}
	if h.revisions == nil {
		h.revisions, h.ids, h.legs = map[string]uint64{}, map[string]string{}, map[string]recording.State{}
		h.gaps, h.last = map[string]recording.FeedKind{}, map[string]*recording.CallEvent{}
	}
	switch e := event.(type) {
	case *recording.CallEvent:
		problems = append(problems, h.next(subject, e.ID, e.Data.Revision), h.follow(subject, e))
		h.last[subject] = e
	case *recording.AgentEvent:
		problems = append(problems, h.next(subject, e.ID, e.Data.Revision))
	case *recording.FeedEvent:
		problems = append(problems, h.next(subject, e.ID, e.Data.Revision), h.gap(&e.Data))
	}
	return errors.Join(problems...)
}

// next checks that nothing is missing before a revision, and nothing is there twice.
func (h *History) next(subject, id string, revision uint64) error {
	before, known := h.revisions[subject]
	h.revisions[subject] = revision
	if other, twice := h.ids[id]; twice {
		return fmt.Errorf("the id %q on %s is already on %s", id, subject, other)
	}
	h.ids[id] = subject
	if revision != before+1 && (known || !h.Partial) {
		return fmt.Errorf("revision %d on %s comes after %d", revision, subject, before)
	}
	return nil
}

// follow checks that the verb leads from the state before to the state after.
func (h *History) follow(subject string, e *recording.CallEvent) error {
	d := &e.Data
	before, known := h.legs[subject]
	h.legs[subject] = d.State
	if !known && h.Partial {
		return nil
	}
	if !slices.Contains(statesBefore(d.Verb), before) {
		return fmt.Errorf("%s comes when %s is %s", d.Verb, subject, orNothing(before))
	}
	if d.Verb == recording.Update && d.State != before {
		return fmt.Errorf("update changes the state of %s from %s to %s", subject, orNothing(before), d.State)
	}
	return nil
}

// statesBefore lists the states that a verb may find; empty is a leg without an event.
func statesBefore(v recording.Verb) []recording.State {
	switch v {
	case recording.Prepare:
		return []recording.State{""}
	case recording.Start:
		return []recording.State{"", recording.Armed}
	case recording.Pause:
		return []recording.State{recording.Recording}
	case recording.Resume:
		return []recording.State{recording.Paused}
	case recording.Update:
		return recording.States()
	case recording.Stop:
		return []recording.State{"", recording.Armed, recording.Recording, recording.Paused}
	}
	return nil
}

func orNothing(s recording.State) string {
	if s == "" {
		return "unknown"
	}
	return string(s)
}

// gap checks that a gap is opened once and closed once.
func (h *History) gap(d *recording.FeedData) error {
	before, known := h.gaps[d.ID]
	switch d.Event {
	case recording.FeedGapOpened:
		h.gaps[d.ID] = d.Event
		if known {
			return fmt.Errorf("the gap %q is opened again after %s", d.ID, before)
		}
	case recording.FeedGapClosed:
		h.gaps[d.ID] = d.Event
		if before != recording.FeedGapOpened && (known || !h.Partial) {
			return fmt.Errorf("the gap %q is closed but not open", d.ID)
		}
	default:
	}
	return nil
}

// Last returns the last event on each call subject.
func (h *History) Last() map[string]*recording.CallEvent { return h.last }

// Finish checks that nothing is left open: every leg is stopped and every gap is
// closed. Call it when all calls are over.
func (h *History) Finish() error {
	var open []string
	for subject, state := range h.legs {
		if state != recording.Stopped {
			open = append(open, fmt.Sprintf("%s is %s", subject, state))
		}
	}
	for id, kind := range h.gaps {
		if kind == recording.FeedGapOpened {
			open = append(open, fmt.Sprintf("the gap %q is open", id))
		}
	}
	if len(open) == 0 {
		return nil
	}
	slices.Sort(open)
	return fmt.Errorf("not finished: %s", strings.Join(open, "; "))
}
