package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// shownStream makes stored events, in stream order.
type shownStream struct {
	sequence  uint64
	revisions map[string]uint64
}

// told is one stored call event.
func (s *shownStream) told(leg string, verb recording.Verb, state recording.State, at time.Time) *Entry {
	if s.revisions == nil {
		s.revisions = make(map[string]uint64)
	}
	s.sequence++
	s.revisions[leg]++
	e := recording.CallEvent{Envelope: recording.Envelope{SpecVersion: recording.SpecVersion, Type: recording.TypeCall}, Data: recording.CallData{
		Verb: verb, State: state, Revision: s.revisions[leg], Conversation: recording.Conversation{ID: "conversation"}, Leg: recording.Leg{ID: leg},
		Agent: &recording.Agent{UserID: "user"}, Timing: recording.Timing{Occurred: recording.At(at)},
	}}
	if state == recording.Paused {
		e.Data.Pause = &recording.PauseInfo{Reasons: []recording.PauseReason{recording.PauseSecure}}
	}
	return &Entry{
		Subject: recording.CallSubject("acme", "user", "conversation", leg), Data: e.AppendJSON(nil), Time: at, Sequence: s.sequence,
	}
}

// gap is one stored feed event.
func (s *shownStream) gap(id string, event recording.FeedKind, at time.Time) *Entry {
	s.sequence++
	d := recording.FeedData{Event: event, Instance: "a", Gap: recording.Gap{
		ID: id, From: recording.At(at), Cause: recording.GapSilent, Scope: &recording.GapScope{Users: 3},
	}}
	if event == recording.FeedGapClosed {
		d.To, d.RecoveredCount = recording.At(at.Add(time.Second)), 2
	}
	d.Revision = s.sequence
	data, _ := d.AppendEvent(nil, "urn:test", recording.At(at))
	return &Entry{Subject: recording.FeedSubject("acme"), Data: data, Time: at, Sequence: s.sequence}
}

func take(t *testing.T, c *Core, entries ...*Entry) {
	t.Helper()
	for _, e := range entries {
		if err := c.Stored(e, e.Time); err != nil {
			t.Fatal(err)
		}
	}
}

// A leg is listed from its first event to its stop, with the time since when it is as it
// is: updates and refreshes do not change that.
func TestOpenLegsAreShown(t *testing.T) {
	c, s := NewCore(CoreOptions{Adapter: "acme"}), &shownStream{}
	begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	after := func(minutes int) time.Time { return begin.Add(time.Duration(minutes) * time.Minute) }
	take(t, c,
		s.told("one", recording.Prepare, recording.Armed, after(0)), s.told("two", recording.Prepare, recording.Armed, after(1)),
		s.told("one", recording.Start, recording.Recording, after(2)), s.told("one", recording.Update, recording.Recording, after(3)),
		s.told("two", recording.Start, recording.Recording, after(4)), s.told("two", recording.Pause, recording.Paused, after(5)),
		s.told("two", recording.Update, recording.Paused, after(20)), s.told("three", recording.Update, recording.Recording, after(21)),
		s.told("four", recording.Start, recording.Recording, after(22)), s.told("four", recording.Stop, recording.Stopped, after(23)),
	)
	leg := func(id string, state recording.State, since time.Time, reasons ...recording.PauseReason) OpenLeg {
		return OpenLeg{ID: call.ID{Conversation: "conversation", Leg: id}, User: "user", State: state, Since: since, Reasons: reasons}
	}
	want := []OpenLeg{
		leg("two", recording.Paused, after(5), recording.PauseSecure), leg("one", recording.Recording, after(2)),
		leg("three", recording.Recording, after(21)),
	}
	for _, most := range []int{50, 3, 2, 1, 0} {
		legs, count := c.Open(most)
		if diff := cmp.Diff(want[:min(most, 3)], append([]OpenLeg{}, legs...)); diff != "" || count != 3 {
			t.Errorf("at most %d of %d legs (-want +got):\n%s", most, count, diff)
		}
	}
	if got := c.PausedSince(); !got.Equal(after(5)) {
		t.Errorf("the longest pause is since %v", got)
	}
}

// What is listed is bounded, whatever the stream holds, and a gap that is closed stays so.
func TestShownGapsAreBounded(t *testing.T) {
	c, s := NewCore(CoreOptions{Adapter: "acme"}), &shownStream{}
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for i := range 200 {
		take(t, c, s.gap(fmt.Sprint("gap", i), recording.FeedGapOpened, now))
	}
	take(t, c, s.gap("gap199", recording.FeedGapClosed, now), s.gap("gap199", recording.FeedGapOpened, now))
	gaps := c.Gaps()
	if len(gaps) != maxShownGaps || gaps[0].ID != "gap199" || gaps[0].Open || gaps[0].RecoveredCount != 2 || gaps[1].ID != "gap198" || !gaps[1].Open {
		t.Errorf("%d gaps: %+v", len(gaps), gaps[:2])
	}
}

// The plot counts events by when they were stored, so that it is right also after reading
// back, when most of them are never decoded, and forgets what is too old.
func TestActivity(t *testing.T) {
	for _, recovering := range []bool{false, true} {
		c, s := NewCore(CoreOptions{Adapter: "acme"}), &shownStream{}
		if recovering {
			c.Recover()
		}
		begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
		for second := range 600 {
			for range 1 + second/300 { // one a second, then two
				take(t, c, s.told("one", recording.Update, recording.Recording, begin.Add(time.Duration(second)*time.Second)))
			}
		}
		if recovering {
			c.Recovered(begin.Add(10 * time.Minute))
		}
		rates := func(now time.Time) (rates []float64) {
			perSecond, _ := c.Activity(now)
			for i, rate := range perSecond {
				if i == 0 || rate != rates[len(rates)-1] {
					rates = append(rates, rate)
				}
			}
			return rates
		}
		for after, want := range map[int][]float64{600: {2}, 602: {2}, 700: {2, 0}, 890: {2, 0}, 5000: {0}} {
			if diff := cmp.Diff(want, rates(begin.Add(time.Duration(after)*time.Second))); diff != "" {
				t.Errorf("recovering %v, after %d s (-want +got):\n%s", recovering, after, diff)
			}
		}
		if steps, end := c.Activity(begin.Add(10 * time.Minute)); len(steps) != activitySpan/ActivityStep-1 || !end.Equal(begin.Add(10*time.Minute)) {
			t.Errorf("%d steps until %v", len(steps), end)
		}
	}
}
