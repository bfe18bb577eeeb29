package publish

import (
	"testing"
	"time"
)

// writer is what a tail says.
type writer struct {
	alone           bool
	last, delivered uint64
	doubts          int
}

func (w *writer) Alone() (last, delivered uint64, alone bool) { return w.last, w.delivered, w.alone }
func (w *writer) Doubt()                                      { w.doubts++ }

func soleLanes(w *writer) *Lanes {
	return &Lanes{
		sole: sole{told: w}, flight: make(map[uint64]*flight), wakeWriter: make(chan struct{}, 1),
		options: LanesOptions{AckTimeout: time.Hour, Denied: func(string) bool { return false }},
	}
}

// A chain begins when nothing is on its way. Messages are held back for that, but not for
// long: an answer may be lost.
func TestChainBeginsWhenNothingIsOnItsWay(t *testing.T) {
	w := &writer{alone: true, last: 7}
	l := soleLanes(w)
	now := time.Now()
	l.queue, l.out, l.queuedAt = []Message{{ID: "a"}}, 2, now // one is on its way
	if l.ready(now) || l.ready(now.Add(soleHold-1)) {
		t.Error("not held back")
	}
	l.expire(nil)
	select {
	case <-l.wakeWriter:
	default:
		t.Error("held back until the next message")
	}
	if l.answered = now.Add(soleHold); l.ready(now.Add(2*soleHold - 1)) {
		t.Error("not held back although answers go on coming")
	}
	if now = now.Add(2 * soleHold); !l.ready(now) || l.sole.on {
		t.Errorf("an answer is missing, and %+v", l.sole)
	}
	l.out = 1
	if l.ready(now.Add(soleAgain - 1)); l.sole.on {
		t.Error("tried again at once")
	}
	if now = now.Add(soleAgain); !l.ready(now) || !l.sole.on || l.sole.last != 7 {
		t.Errorf("nothing is on its way, and %+v", l.sole)
	}
	if w.alone = false; !l.ready(now) || l.sole.on {
		t.Error("somebody else writes")
	}
}

// Behind a message that expects what is on its subject there may be anything: the chain ends.
func TestChainEndsWithAMessageThatExpectsItsSubject(t *testing.T) {
	for name, other := range map[string]Message{"stale": {ID: "b", Known: 4}, "repeated": {ID: "b", Known: 5, bySubject: true}} {
		l := soleLanes(&writer{alone: true, last: 7, delivered: 5})
		l.queue, l.out = []Message{other}, 1
		if l.ready(time.Now()); l.sole.on {
			t.Errorf("%s: it begins with one that breaks it", name)
		}
		l.queue, l.out = nil, 0
		l.ready(time.Now())
		want := []place{{sequence: 7, inStream: true}, {id: "a", sequence: 7, inStream: true}, {sequence: 3}, {sequence: 3}}
		for i, m := range []Message{{ID: "a", Known: 5}, {ID: "c", Known: 6}, other, {ID: "d", Known: 6}} {
			m.Expect = 3
			if l.sole.follow(&m); m.after != want[i] {
				t.Errorf("%s: message %d comes after %+v, want %+v", name, i, m.after, want[i])
			}
		}
	}
}

// What is refused for its place is sent again, before everything else, and does not try that
// a second time. The more often, the longer it is not tried.
func TestRefusedForItsPlace(t *testing.T) {
	w := &writer{alone: true}
	l := soleLanes(w)
	l.answered = time.Now()
	l.queue = []Message{{ID: "z"}}
	for round := range 3 {
		l.sole.on, l.sole.since = true, l.answered
		f := flight{message: Message{ID: "a", after: place{inStream: true}}, result: Result{Outcome: Conflict}}
		if !l.repeat(&f) || l.sole.on || l.sole.again.Sub(l.answered) != soleAgain<<round {
			t.Errorf("round %d: %+v", round, l.sole)
		}
	}
	l.requeue()
	if len(l.queue) != 4 || l.queue[0].ID != "a" || !l.queue[0].bySubject || l.queue[3].ID != "z" || w.doubts != 3 {
		t.Errorf("%d in the queue, %d doubts", len(l.queue), w.doubts)
	}
	for _, r := range []Result{{Outcome: Unknown}, {Outcome: Stored, Duplicate: true}, {Outcome: Busy}} {
		l.sole.on = true
		if f := (flight{message: Message{after: place{inStream: true}}, result: r}); l.repeat(&f) || l.sole.on {
			t.Errorf("%+v: on %v", r, l.sole.on)
		}
	}
}
