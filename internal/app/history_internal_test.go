package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// told is one stored call event.
func told(leg string, verb recording.Verb, state recording.State, at time.Time) *publish.Entry {
	e := recording.CallEvent{Envelope: recording.Envelope{SpecVersion: recording.SpecVersion, Type: recording.TypeCall}, Data: recording.CallData{
		Verb: verb, State: state, Conversation: recording.Conversation{ID: "conversation"}, Leg: recording.Leg{ID: leg},
		Agent: &recording.Agent{UserID: "user"}, Timing: recording.Timing{Occurred: recording.At(at)},
	}}
	if state == recording.Paused {
		e.Data.Pause = &recording.PauseInfo{Reasons: []recording.PauseReason{recording.PauseSecure}}
	}
	return &publish.Entry{Subject: recording.CallSubject("acme", "user", "conversation", leg), Data: e.AppendJSON(nil), Time: at}
}

// gap is one stored feed event.
func gap(id string, event recording.FeedKind, at time.Time) *publish.Entry {
	e := recording.FeedEvent{Envelope: recording.Envelope{SpecVersion: recording.SpecVersion, Type: recording.TypeFeed}, Data: recording.FeedData{Event: event, Instance: "a", Gap: recording.Gap{
		ID: id, From: recording.At(at), Cause: recording.GapSilent, Scope: &recording.GapScope{Users: 3},
	}}}
	if event == recording.FeedGapClosed {
		e.Data.To, e.Data.RecoveredCount = recording.At(at.Add(time.Second)), 2
	}
	return &publish.Entry{Subject: recording.FeedSubject("acme"), Data: e.AppendJSON(nil), Time: at}
}

// A leg is listed from its first event to its stop, with the time since when it is as it
// is: updates and refreshes do not change that.
func TestHistoryOfLegs(t *testing.T) {
	h := newHistory(15 * time.Minute)
	begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	after := func(minutes int) time.Time { return begin.Add(time.Duration(minutes) * time.Minute) }
	for _, e := range []*publish.Entry{
		told("one", recording.Prepare, recording.Armed, after(0)), told("two", recording.Prepare, recording.Armed, after(1)),
		told("one", recording.Start, recording.Recording, after(2)), told("one", recording.Update, recording.Recording, after(3)),
		told("two", recording.Start, recording.Recording, after(4)), told("two", recording.Pause, recording.Paused, after(5)),
		told("two", recording.Update, recording.Paused, after(20)), told("three", recording.Update, recording.Recording, after(21)),
		told("four", recording.Start, recording.Recording, after(22)), told("four", recording.Stop, recording.Stopped, after(23)),
	} {
		h.entry(e)
	}
	leg := func(id string, state recording.State, since time.Time, reasons ...recording.PauseReason) Leg {
		return Leg{Conversation: "conversation", ID: id, User: "user", State: state, Since: since, Reasons: reasons}
	}
	legs, count := h.open()
	if diff := cmp.Diff([]Leg{
		leg("two", recording.Paused, after(5), recording.PauseSecure), leg("one", recording.Recording, after(2)),
		leg("three", recording.Recording, after(21)),
	}, legs); diff != "" || count != 3 {
		t.Errorf("%d legs (-want +got):\n%s", count, diff)
	}
	if got := h.paused(); !got.Equal(after(5)) {
		t.Errorf("the longest pause is since %v", got)
	}
	h.entry(gap("g", recording.FeedGapOpened, after(60*24)))
	if _, count := h.open(); count != 0 {
		t.Errorf("%d legs are listed a day after their last event", count)
	}
}

// What is listed is bounded, whatever the stream holds.
func TestHistoryIsBounded(t *testing.T) {
	h := newHistory(15 * time.Minute)
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for i := range 200 {
		h.entry(told(fmt.Sprint("leg", i), recording.Start, recording.Recording, now))
		h.entry(gap(fmt.Sprint("gap", i), recording.FeedGapOpened, now))
	}
	h.entry(gap("gap199", recording.FeedGapClosed, now))
	h.entry(&publish.Entry{Subject: "recorder.v1.acme.call.u.c.l", Data: []byte(`{"data":`), Time: now})
	legs, count := h.open()
	gaps := h.lastGaps()
	if len(legs) != historyLegs || count != 200 || len(gaps) != historyGaps {
		t.Fatalf("%d legs of %d, %d gaps", len(legs), count, len(gaps))
	}
	want := Gap{ID: "gap199", Instance: "a", Cause: recording.GapSilent, From: now, To: now.Add(time.Second), Users: 3, Recovered: 2}
	if diff := cmp.Diff(want, gaps[0]); diff != "" || gaps[1].ID != "gap198" || !gaps[1].Open {
		t.Errorf("the last gap (-want +got):\n%s", diff)
	}
}

// The plot counts events by when they were stored, so that it is right also after
// reading back, and forgets what is too old.
func TestActivity(t *testing.T) {
	h := newHistory(15 * time.Minute)
	begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for second := range 600 {
		for range 1 + second/300 { // one a second, then two
			h.entry(told("one", recording.Update, recording.Recording, begin.Add(time.Duration(second)*time.Second)))
		}
	}
	rates := func(now time.Time) (rates []float64) {
		for i, rate := range h.activity(now).EventsPerSecond {
			if i == 0 || rate != rates[len(rates)-1] {
				rates = append(rates, rate)
			}
		}
		return rates
	}
	for after, want := range map[int][]float64{600: {2}, 602: {2}, 700: {2, 0}, 890: {2, 0}, 5000: {0}} {
		if diff := cmp.Diff(want, rates(begin.Add(time.Duration(after)*time.Second))); diff != "" {
			t.Errorf("after %d s (-want +got):\n%s", after, diff)
		}
	}
	if a := h.activity(begin.Add(10 * time.Minute)); len(a.EventsPerSecond) != historySpan/historyStep-1 || !a.End.Equal(begin.Add(10*time.Minute)) {
		t.Errorf("%d steps until %v", len(a.EventsPerSecond), a.End)
	}
}
