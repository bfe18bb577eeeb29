package conformance

import (
	"context"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Lives of the recorder, and the waiting for it.

// begin enters a scene.
func (l *ledger) begin(scene string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.scene = scene
}

// gone notes that the recorder was told to end.
func (l *ledger) gone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = true
	for _, t := range l.tracks {
		for _, s := range t.steps {
			s.settled = true
		}
	}
}

// died notes that it ended by itself, which is a failure of what was asked of it.
func (l *ledger) died(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return
	}
	l.away = true
	l.fail(l.asking, "", "the recorder ended by itself: %v", err)
	for _, t := range l.tracks {
		for _, s := range t.steps {
			s.settled = true
		}
	}
	l.awake()
}

// starts notes that the recorder begins a new life. It returns the legs that it must
// take up again: those that are open, and those that it left open and that ended.
func (l *ledger) starts() (open []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away, l.learning = false, true
	for _, subject := range l.order {
		t := l.tracks[subject]
		if subject == FeedSubject {
			continue
		}
		stopped := t.last().State == recording.Stopped
		before := t.at >= 0 && t.steps[t.at].State != recording.Stopped
		if !stopped || before {
			open = append(open, subject)
		}
		t.at, t.told, t.current = -1, false, false
	}
	return open
}

// isAway tells whether the recorder has ended.
func (l *ledger) isAway() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away
}

// until waits until done, which is asked with the lock held, or for as long as within.
func (l *ledger) until(ctx context.Context, within time.Duration, done func() bool) bool {
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		l.mu.Lock()
		ok, wake := done(), l.wake
		l.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-wake:
		case <-limit.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// ready waits until the recorder says that it is.
func (l *ledger) ready(ctx context.Context, within time.Duration) bool {
	return l.until(ctx, within, func() bool { return !l.learning || l.away })
}

// resumed checks that a recorder that is ready has taken up the legs that are open.
func (l *ledger) resumed(open []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, subject := range open {
		t := l.tracks[subject]
		l.checks[Replay]++
		if s := t.last(); !t.told {
			l.fail(Replay, subject, "it is ready and has not reported this leg: it should be %s since revision %d (%s)", s.State, s.Revision, s.Why)
		} else if !t.current {
			l.fail(Replay, subject, "it is ready and does not know revision %d (%s): it should be %s", s.Revision, s.Why, s.State)
		}
		for _, s := range t.steps {
			s.settled = true
		}
	}
}

// settled waits until every step of a leg is reported. It fails those that are not.
func (l *ledger) settled(ctx context.Context, subject string, within time.Duration) bool {
	l.mu.Lock()
	t := l.tracks[subject]
	l.mu.Unlock()
	if l.until(ctx, within, func() bool {
		for _, s := range t.steps {
			if !s.settled {
				return false
			}
		}
		return true
	}) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range t.steps {
		if s.settled {
			continue
		}
		s.settled = true
		does := "nothing"
		if t.at >= 0 {
			does = string(t.steps[t.at].State) + " of revision " + recording.SequenceOf(t.steps[t.at].Revision)[17:]
		}
		if ctx.Err() == nil {
			l.fail(s.Requirement, subject, "revision %d (%s): should be %s, and no report says so within %v; the last one said %s",
				s.Revision, s.Why, s.State, within, does)
		}
	}
	return false
}
