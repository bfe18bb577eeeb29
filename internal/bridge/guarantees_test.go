package bridge_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// TestGuaranteesOnEverySchedule draws schedules of calls, faults and elections and
// checks what the stream holds at the end.
func TestGuaranteesOnEverySchedule(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{rt: rt, now: start, edges: map[string]int{}, lossless: true}
		w.stream.last, w.stream.ids = map[string]uint64{}, map[string]uint64{}
		for _, name := range []string{"one", "two"} {
			w.nodes = append(w.nodes, &node{core: newCore(name), name: name, topics: map[string][]*call.Snapshot{}, memory: memories()})
		}
		for range rapid.IntRange(20, 200).Draw(rt, "steps") {
			w.step()
		}
		w.calm()
		w.check()
	})
}

// history is the log of one leg.
type history struct {
	events []*recording.CallEvent
	counts map[recording.Verb]int
	causes map[recording.Cause]int
}

func (w *world) histories() map[string]*history {
	all := map[string]*history{}
	ids := map[string]bool{}
	for i := range w.stream.log {
		e := &w.stream.log[i]
		if ids[e.ID] {
			w.rt.Fatalf("G2: id %s is stored twice", e.ID)
		}
		ids[e.ID] = true
		v, err := recording.Decode(e.Data)
		if err != nil {
			w.rt.Fatal(err)
		}
		c, ok := v.(*recording.CallEvent)
		if !ok {
			continue
		}
		h := all[c.Data.Leg.ID]
		if h == nil {
			h = &history{counts: map[recording.Verb]int{}, causes: map[recording.Cause]int{}}
			all[c.Data.Leg.ID] = h
		}
		if want := uint64(len(h.events) + 1); c.Data.Revision != want {
			w.rt.Fatalf("G1: leg %s has revision %d where %d comes next", c.Data.Leg.ID, c.Data.Revision, want)
		}
		if c.Data.Timing.Occurred.IsZero() || c.Data.Timing.Received.IsZero() {
			w.rt.Fatalf("contract: %s %s of leg %s has no time", c.Data.Verb, c.Data.Cause, c.Data.Leg.ID)
		}
		h.events = append(h.events, c)
		h.counts[c.Data.Verb]++
		h.causes[c.Data.Cause]++
	}
	return all
}

func (w *world) check() {
	all := w.histories()
	for _, p := range w.parties {
		h := all[p.ID]
		if h == nil {
			h = &history{}
		}
		connected := !p.Connected.IsZero()
		if got, want := h.counts[recording.Start], one(connected); got != want {
			w.rt.Fatalf("G3: leg %s has %d starts, not %d\n%s", p.ID, got, want, h)
		}
		if got := h.counts[recording.Stop]; connected && got != one(!p.End.IsZero()) {
			w.rt.Fatalf("G3: leg %s has %d stops\n%s", p.ID, got, h)
		}
		if len(h.events) > 0 {
			w.checkLast(p, h)
		}
		if w.lossless && connected {
			w.checkTransitions(p, h)
		}
	}
}

// checkLast: level-triggered, the last event is the truth.
func (w *world) checkLast(p *party, h *history) {
	last := h.events[len(h.events)-1].Data
	want := recording.Recording
	switch {
	case !p.End.IsZero():
		want = recording.Stopped
	case p.Connected.IsZero():
		want = recording.Armed
	case w.paused:
		want = recording.Paused
	}
	if last.State != want {
		w.rt.Fatalf("G6: leg %s is told as %s and is %s\n%s", p.ID, last.State, want, h)
	}
	if want == recording.Stopped && !p.Connected.IsZero() && last.Leg.DisconnectType != p.DisconnectType {
		w.rt.Fatalf("G6: leg %s is told to have ended by %q and has by %q\n%s", p.ID, last.Leg.DisconnectType, p.DisconnectType, h)
	}
	if want != recording.Stopped && (last.Leg.Held != (p.Held == call.Yes) || last.Leg.Muted != (p.Muted == call.Yes)) {
		w.rt.Fatalf("G6: leg %s is told held=%v muted=%v\n%s", p.ID, last.Leg.Held, last.Leg.Muted, h)
	}
}

// checkTransitions: where every instance saw every frame, every transition is told,
// once.
func (w *world) checkTransitions(p *party, h *history) {
	for _, cause := range []recording.Cause{recording.Held, recording.Retrieved, recording.Muted, recording.Unmuted} {
		if got, want := h.causes[cause], w.edges[p.ID+" "+string(cause)]; got != want {
			w.rt.Fatalf("G3: leg %s has %d times %s, not %d\n%s", p.ID, got, cause, want, h)
		}
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (h *history) String() string {
	var b strings.Builder
	for _, e := range h.events {
		d := &e.Data
		b.WriteString("  " + string(d.Verb) + "/" + string(d.Cause) + " " + string(d.State) + " " + string(d.Confidence) +
			" by " + d.Origin.Instance + " at " + d.Timing.Occurred.Format("04:05") + "/" + d.Timing.Published.Format("04:05") + "\n")
	}
	return b.String()
}
