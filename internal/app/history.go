package app

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// history is what the stream has told lately, whoever wrote it: how many events there
// were, which legs are open and since when they are as they are, and the last gaps. It
// is read from the tail, so that both instances of a pair show the same, also right
// after a start.
type history struct {
	refresh time.Duration

	mu      sync.Mutex
	seconds [historySpan]uint32 // call events by second, a ring
	newest  int64               // Unix second that the ring ends with
	legs    map[string]*openLeg // by subject
	gaps    []Gap               // the oldest first
}

const (
	// historySpan is how many seconds the ring of events holds, historyStep how many of
	// them are one point of the plot.
	historySpan = 300
	historyStep = 5
	// historyGaps and historyLegs bound what is shown.
	historyGaps = 20
	historyLegs = 50
	// dotsOfCall tells the subjects of legs from all others.
	dotsOfCall = 6
)

// openLeg is a leg that is not stopped.
type openLeg struct {
	Leg
	written time.Time
}

// Leg is a leg that is not stopped, as the stream tells it: ids and times.
type Leg struct {
	Conversation string          `json:"conversationId"`
	ID           string          `json:"legId"`
	User         string          `json:"userId,omitempty"`
	State        recording.State `json:"state"`
	// Since is when it came into the state, Began when it began to alert or to dial. A
	// state that is older than what was read back at the start began at Since or before.
	Since time.Time `json:"since"`
	Began time.Time `json:"began,omitzero"`
	// Reasons say why it is paused.
	Reasons []recording.PauseReason `json:"reasons,omitempty"`
}

// Gap is a stretch of time without observation, as the stream tells it.
type Gap struct {
	ID       string             `json:"id"`
	Instance string             `json:"instance"`
	Cause    recording.GapCause `json:"cause"`
	From     time.Time          `json:"from"`
	To       time.Time          `json:"to,omitzero"`
	Open     bool               `json:"open"`
	// All: everybody was concerned, else so many Users.
	All          bool `json:"all,omitempty"`
	Users        int  `json:"users,omitempty"`
	Recovered    int  `json:"recovered"`
	PossiblyLost int  `json:"possiblyLost"`
}

// Activity is how many call events the stream has taken lately.
type Activity struct {
	// StepSeconds is the length of one step, End the end of the last one.
	StepSeconds int       `json:"stepSeconds"`
	End         time.Time `json:"end"`
	// EventsPerSecond are the averages of the steps, the oldest first.
	EventsPerSecond []float64 `json:"eventsPerSecond"`
}

func newHistory(refresh time.Duration) *history {
	return &history{refresh: refresh, legs: make(map[string]*openLeg)}
}

// entry takes one stored event.
func (h *history) entry(e *publish.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case strings.HasSuffix(e.Subject, ".feed"):
		h.feed(e)
	case strings.Count(e.Subject, ".") == dotsOfCall:
		h.count(e.Time)
		h.call(e)
	}
}

// count adds one event to its second.
func (h *history) count(at time.Time) {
	s := at.Unix()
	if s > h.newest {
		for t := max(h.newest+1, s-historySpan+1); t <= s; t++ {
			h.seconds[t%historySpan] = 0
		}
		h.newest = s
	}
	if s > h.newest-historySpan {
		h.seconds[s%historySpan]++
	}
}

// call keeps the state of a leg. Most events change none, and are not decoded: the
// encoder writes the verb in one way, and quotes within texts are escaped.
func (h *history) call(e *publish.Entry) {
	known := h.legs[e.Subject]
	_, verb, _ := bytes.Cut(e.Data, []byte(`"verb":"`))
	switch {
	case bytes.HasPrefix(verb, []byte(recording.Stop)):
		delete(h.legs, e.Subject)
		return
	case known != nil && bytes.HasPrefix(verb, []byte(recording.Update)):
		known.written = e.Time
		return
	}
	v, err := recording.Decode(e.Data)
	event, ok := v.(*recording.CallEvent)
	if err != nil || !ok || event.Data.State == recording.Stopped {
		delete(h.legs, e.Subject)
		return
	}
	d := &event.Data
	// The texts of an event share one piece of memory: what is kept is cloned.
	l := &openLeg{written: e.Time, Leg: Leg{
		Conversation: strings.Clone(d.Conversation.ID), ID: strings.Clone(d.Leg.ID), State: recording.State(strings.Clone(string(d.State))),
		Since: d.Timing.Occurred.Time, Began: d.Leg.AlertingTime.Time,
	}}
	if d.Agent != nil {
		l.User = strings.Clone(d.Agent.UserID)
	}
	if d.Pause != nil {
		for _, r := range d.Pause.Reasons {
			l.Reasons = append(l.Reasons, recording.PauseReason(strings.Clone(string(r))))
		}
	}
	if known != nil && known.State == l.State {
		l.Since = known.Since
	}
	if known == nil && l.State == recording.Recording && !d.Leg.ConnectedTime.IsZero() {
		l.Since = d.Leg.ConnectedTime.Time
	}
	h.legs[e.Subject] = l
}

// forget drops the legs that have not even been refreshed for long: their stop was
// never written.
func (h *history) forget(now time.Time) {
	for subject, l := range h.legs {
		if now.Sub(l.written) > 4*h.refresh+time.Hour {
			delete(h.legs, subject)
		}
	}
}

// feed keeps gaps. There is a feed event every few seconds.
func (h *history) feed(e *publish.Entry) {
	h.forget(e.Time)
	if !bytes.Contains(e.Data, []byte(`"event":"gap_`)) {
		return
	}
	v, err := recording.Decode(e.Data)
	event, ok := v.(*recording.FeedEvent)
	if err != nil || !ok {
		return
	}
	d := &event.Data
	g := Gap{
		ID: d.ID, Instance: d.Instance, Cause: d.Cause, From: d.From.Time, To: d.To.Time, Open: d.Event == recording.FeedGapOpened,
		Recovered: d.RecoveredCount, PossiblyLost: d.PossiblyLostCount,
	}
	if d.Scope != nil {
		g.All, g.Users = d.Scope.All, d.Scope.Users
	}
	if i := slices.IndexFunc(h.gaps, func(x Gap) bool { return x.ID == g.ID }); i >= 0 {
		h.gaps[i] = g
		return
	}
	if len(h.gaps) >= historyGaps {
		h.gaps = slices.Delete(h.gaps, 0, 1)
	}
	h.gaps = append(h.gaps, g)
}

// activity is the plot at a time. The second that is not over is left out.
func (h *history) activity(now time.Time) Activity {
	h.mu.Lock()
	defer h.mu.Unlock()
	end := now.Unix() / historyStep * historyStep // exclusive
	a := Activity{StepSeconds: historyStep, End: time.Unix(end, 0).UTC(), EventsPerSecond: make([]float64, 0, historySpan/historyStep-1)}
	for s := end - historySpan + historyStep; s < end; s += historyStep {
		n := 0.0
		for t := s; t < s+historyStep; t++ {
			if t <= h.newest && t > h.newest-historySpan {
				n += float64(h.seconds[t%historySpan])
			}
		}
		a.EventsPerSecond = append(a.EventsPerSecond, n/historyStep)
	}
	return a
}

// open returns the legs that are open, the paused first and then the oldest, at most
// historyLegs of them, and how many there are.
func (h *history) open() (legs []Leg, count int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*openLeg, 0, len(h.legs))
	for _, l := range h.legs {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *openLeg) int {
		return cmp.Or(cmp.Compare(rank(a.State), rank(b.State)), a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	legs = make([]Leg, 0, min(len(all), historyLegs))
	for _, l := range all[:min(len(all), historyLegs)] {
		legs = append(legs, l.Leg)
	}
	return legs, len(all)
}

func rank(s recording.State) int {
	if s == recording.Paused {
		return 0
	}
	return 1
}

// paused is when the leg that is paused for longest was paused, zero without one.
func (h *history) paused() (oldest time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.legs {
		if l.State == recording.Paused && (oldest.IsZero() || l.Since.Before(oldest)) {
			oldest = l.Since
		}
	}
	return oldest
}

// lastGaps returns the last gaps, the latest first.
func (h *history) lastGaps() []Gap {
	h.mu.Lock()
	defer h.mu.Unlock()
	gaps := slices.Clone(h.gaps)
	slices.Reverse(gaps)
	return gaps
}
