package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// recorder keeps the desired state of every leg and makes its own equal to it.
type recorder struct {
	out     io.Writer
	reports io.Writer // nil unless somebody wants to know exactly, see CONFORMANCE.md

	learning bool // during the replay: nothing is acted on that may be over

	legs map[string]*leg
	feed uint64                         // revision of the last feed event
	gaps map[string]*recording.GapScope // open now, by id
	mute bool                           // nothing has come for too long
}

type leg struct {
	revision uint64
	user     string
	want     recording.State // what the stream says
	doing    recording.State // what this recorder does
	since    time.Time
	missing  uint64 // events that are missing before this one
	tags     map[string]string
}

func newRecorder(out io.Writer) *recorder {
	return &recorder{out: out, legs: map[string]*leg{}, gaps: map[string]*recording.GapScope{}}
}

// handle takes one message; false means that it is not an event of the contract.
// Being in the stream does not make it one.
func (r *recorder) handle(subject string, data []byte) bool {
	where, err := recording.ParseSubject(subject)
	if err != nil {
		return r.refuse(subject, err)
	}
	event, err := recording.Decode(data)
	if err != nil {
		return r.refuse(subject, err)
	}
	switch e := event.(type) {
	case *recording.CallEvent:
		if where.LegID != recording.Token(e.Data.Leg.ID) {
			return r.refuse(subject, fmt.Errorf("it is about the leg %q", e.Data.Leg.ID))
		}
		r.call(e, where.UserID)
	case *recording.FeedEvent:
		r.observe(e)
	}
	return true
}

func (r *recorder) refuse(subject string, err error) bool {
	fmt.Fprintf(r.out, "refused   %s: %v\n", subject, err)
	return false
}

// call follows one leg. An event that was missed does no harm to the state, because
// the next one carries all of it; that it was missed is reported.
func (r *recorder) call(e *recording.CallEvent, user string) {
	d := &e.Data
	l, known := r.legs[e.Subject]
	switch {
	case known && d.Revision <= l.revision:
		return // delivered again
	case known && d.Revision != l.revision+1:
		l.missing = d.Revision - l.revision - 1
		fmt.Fprintf(r.out, "MISSING   %s revisions %d to %d\n", e.Subject, l.revision+1, d.Revision-1)
	case !known:
		l = &leg{doing: recording.Stopped}
		r.legs[e.Subject] = l
	}
	l.revision, l.user, l.want, l.since, l.tags = d.Revision, user, d.State, e.Time.Time, d.Tags
	r.settle(e.Subject, fmt.Sprintf("%s %s, %s", d.Verb, d.Cause, d.Confidence))
	r.tell(e.Subject)
}

// observe follows the feed: the proof that nothing is missing, or what is.
func (r *recorder) observe(e *recording.FeedEvent) {
	d := &e.Data
	if d.Revision <= r.feed {
		return // delivered again
	}
	if r.feed > 0 && d.Revision != r.feed+1 {
		fmt.Fprintf(r.out, "MISSING   feed revisions %d to %d\n", r.feed+1, d.Revision-1)
		r.report(report{Subject: e.Subject, Revision: d.Revision, Missing: d.Revision - r.feed - 1})
	}
	r.feed = d.Revision
	switch d.Event {
	case recording.FeedGapOpened:
		fmt.Fprintf(r.out, "gap       %s opened: %s\n", d.ID, d.Cause)
		r.gaps[d.ID] = d.Scope
		r.settleAll("gap")
	case recording.FeedGapClosed:
		fmt.Fprintf(r.out, "gap       %s closed: %d recovered, %d possibly lost\n", d.ID, d.RecoveredCount, d.PossiblyLostCount)
		delete(r.gaps, d.ID)
		r.settleAll("gap closed")
	default:
	}
	// A stopped leg is remembered for as long as something about it may come again.
	maps.DeleteFunc(r.legs, func(_ string, l *leg) bool {
		return l.want == recording.Stopped && e.Time.Sub(l.since) > window
	})
}

// heard notes whether anything came lately: heartbeats come every ten seconds.
func (r *recorder) heard(something bool) {
	if r.mute == something {
		r.mute = !something
		fmt.Fprintf(r.out, "feed      silent: %t\n", r.mute)
		r.settleAll("silence")
	}
}

// blind reports whether a secure pause of the user's calls could go unnoticed.
func (r *recorder) blind(user string) bool {
	for _, scope := range r.gaps {
		if scope == nil || scope.All || len(scope.UserIDs) < scope.Users || slices.Contains(scope.UserIDs, user) {
			return true
		}
	}
	return r.mute
}

func (r *recorder) settleAll(why string) {
	for _, key := range slices.Sorted(maps.Keys(r.legs)) {
		if before := r.legs[key].doing; !r.learning {
			if r.settle(key, why); r.legs[key].doing != before {
				r.tell(key)
			}
		}
	}
}

// learned ends the replay: only now is it sure what each leg should be.
func (r *recorder) learned() {
	r.learning = false
	for _, key := range slices.Sorted(maps.Keys(r.legs)) {
		r.settle(key, "replay")
		r.tell(key)
	}
	r.report(report{Ready: durable})
}

// settle makes what the recorder does equal to what it should do. It fails closed:
// what it cannot know to be allowed it does not write.
func (r *recorder) settle(key, why string) {
	if r.learning {
		return
	}
	l := r.legs[key]
	want := l.want
	if want == recording.Recording && r.blind(l.user) {
		want = recording.Paused
	}
	if want != l.doing {
		fmt.Fprintf(r.out, "%-9s %s (%s)\n", want, key, why)
		l.doing = want
	}
}

// report is a line for the conformance run.
type report struct {
	Ready    string            `json:"ready,omitempty"`
	Subject  string            `json:"subject,omitempty"`
	Revision uint64            `json:"revision,omitempty"`
	State    recording.State   `json:"state,omitempty"`
	Agent    string            `json:"agent,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	Missing  uint64            `json:"missing,omitempty"`
}

// tell reports what the recorder does with a leg now.
func (r *recorder) tell(key string) {
	l := r.legs[key]
	if r.learning {
		return
	}
	agent := l.user
	if agent == recording.NoUser {
		agent = ""
	}
	r.report(report{Subject: key, Revision: l.revision, State: l.doing, Agent: agent, Tags: l.tags, Missing: l.missing})
	l.missing = 0
}

func (r *recorder) report(line report) {
	if r.reports == nil {
		return
	}
	if err := json.NewEncoder(r.reports).Encode(line); err != nil {
		fmt.Fprintf(r.out, "report    %v\n", err)
	}
}
