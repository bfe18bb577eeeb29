package bridge

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Message is one event ready to be stored.
type Message struct {
	Subject string
	ID      string
	// Data is as it is until the outcome says that the message is stored. After that
	// it may become another event.
	Data []byte
	// Expect is the last stream sequence on the subject as we know it, 0 for none:
	// the message is stored only if that is true.
	Expect uint64
	// Known is the last sequence that [Engine.Entries] has brought and that is taken in.
	Known uint64
	// Token comes back with the outcome.
	Token uint64
}

// Verdict is what became of a message.
type Verdict uint8

// The verdicts.
const (
	Stored   Verdict = iota // in the stream, at Outcome.Sequence
	Conflict                // not stored: the subject's last sequence is Outcome.Sequence
	Unsure                  // perhaps stored, perhaps not
	Refused                 // not stored, and will not be as it is
	Vacant                  // not stored: what is expected has expired, the subject is empty
)

// Outcome is the answer to a [Message].
type Outcome struct {
	Token    uint64
	Subject  string
	Verdict  Verdict
	Sequence uint64
}

// Entry is one stored event.
type Entry struct {
	Subject  string
	Sequence uint64
	ID       string
	Data     []byte
	Time     time.Time // when the stream stored it
}

// lane is the order of one subject: at most one message in flight, each expecting
// the one before it. What it carries is up to its owner.
type lane struct {
	owner
	subject string
	// sequence is the last stream sequence on the subject that we know.
	sequence uint64
	flight   *flight
	// notBefore delays the next attempt; attempts counts them.
	notBefore time.Time
	attempts  uint16
	conflicts uint16 // in a row, with nothing read in between
	queued    bool
	busy      bool // among those of the core that may have something to do
}

// owner is what a lane carries: a leg, an agent or the feed.
type owner interface {
	// compose returns the next event to be sent, or nil when there is none now.
	compose(c *Core, now time.Time) *flight
	// settled is told that the event in flight is in the stream.
	settled(c *Core, f *flight, now time.Time)
	// learned is told of an event that somebody else has stored. It reports an error
	// when the event cannot be read; it is then skipped.
	learned(c *Core, e *Entry, now time.Time) error
	// pends reports whether something is known that is not in the stream.
	pends() bool
}

// flight is an event on its way, until the stream has it or has something else.
type flight struct {
	token   uint64
	id      string
	data    []byte
	waiting bool // not with the broker now: to be sent again
	payload any  // the owner's
	// key is the step that the event of a leg tells, zero for an update of facts and a
	// refresh.
	key call.Key
	// standsIn: it was written for the leader.
	standsIn bool
	// resumed is when a secure pause was over that a start tells as it was, zero where it is on.
	resumed time.Time
}

// Backoff of attempts: quick at first, since most outages are a leader election or
// a reconnect away, then slow enough not to disturb a broker that recovers.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = 2 * time.Second
)

func backoff(attempts uint16) time.Duration {
	return min(firstRetry<<min(attempts, 10), lastRetry)
}

// silence is how long a broker that works may answer nothing: below, one message that is
// never answered must not be sent again with every other one.
const silence = 500 * time.Millisecond

// brokerSpeaks notes that the broker works, and has what was not answered sent again at once when
// it was away: what waits for its turn may be a secure pause, and the other instance may tell
// the end of the leg first.
func (c *Core) brokerSpeaks(now time.Time) {
	away := now.Sub(c.brokerSpoke) > silence
	c.brokerSpoke = now
	if !away {
		return
	}
	for _, l := range c.later {
		if l.attempts > 0 {
			c.hasten(l)
		}
	}
}

// count counts attempts or conflicts, as far as it matters.
func count(n *uint16) { *n = min(*n+1, 1<<10) }

// resolve takes the outcome of a message.
func (c *Core) resolve(o Outcome, now time.Time) {
	l := c.sender(o)
	if l == nil || l.flight == nil || l.flight.token != o.Token {
		return // decided meanwhile: by the tail, or by a loaded event
	}
	switch o.Verdict {
	case Stored:
		l.attempts = 0
		c.brokerSpeaks(now)
		data := l.flight.data
		c.landed(l, o.Sequence, now)
		c.rooms.give(data)
	case Conflict:
		c.stats.Conflicts++
		if o.Sequence != 0 && o.Sequence <= l.sequence {
			l.flight = nil // the tail was faster
			break
		}
		// Perhaps it is our own event that is in the way, from an attempt of which
		// we never heard: keep the flight until the stored event has been read. The
		// tail brings it with all that came before; the last one alone is read when the
		// tail does not.
		l.flight.waiting = true
		count(&l.conflicts)
		l.notBefore = now.Add(backoff(l.conflicts + 4))
		if l.conflicts > 1 {
			c.loads = append(c.loads, Load{Subject: l.subject, Sequence: o.Sequence})
		}
	case Vacant:
		c.stats.Conflicts++
		l.flight.waiting = true
		l.sequence = 0 // the log goes on, only that its beginning is gone
		count(&l.conflicts)
		l.notBefore = now.Add(backoff(l.conflicts))
	case Unsure:
		c.stats.Retries++
		l.flight.waiting = true
		l.notBefore = now.Add(backoff(l.attempts))
		count(&l.attempts)
	case Refused:
		c.stats.Refused++
		l.flight = nil
		l.notBefore = now.Add(lastRetry)
	}
	c.enqueue(l)
}

// sender is the lane that sent a message. Answers come in about the order of the messages,
// so that the places of the lanes are looked at one after the other.
func (c *Core) sender(o Outcome) *lane {
	place := &c.senders[o.Token%maxRoom]
	if l := *place; l != nil && l.subject == o.Subject {
		*place = nil
		return l
	}
	return c.lanes[o.Subject]
}

// landed notes that the event in flight is stored.
func (c *Core) landed(l *lane, sequence uint64, now time.Time) {
	f := l.flight
	l.flight, l.sequence, l.conflicts = nil, max(l.sequence, sequence), 0
	c.hasten(l)
	c.last = max(c.last, sequence)
	c.stats.Published++
	l.settled(c, f, now)
	c.rooms.landed(f)
	c.enqueue(l)
}

// stored takes one event of the stream, from the tail or loaded after a conflict.
func (c *Core) stored(l *lane, e *Entry, now time.Time) error {
	if e.Sequence <= l.sequence {
		if f, ok := l.owner.(*feedLane); ok {
			f.passed(e)
		}
		return nil
	}
	if l.flight != nil && l.flight.id == e.ID {
		c.landed(l, e.Sequence, now)
		return nil
	}
	// Whatever is in flight expects another predecessor and will be refused. What was refused has
	// waited for nothing else.
	if l.conflicts > 0 {
		c.hasten(l)
	}
	l.flight, l.sequence, l.conflicts = nil, e.Sequence, 0
	err := l.learned(c, e, now)
	c.enqueue(l)
	return err
}

// enqueue marks a lane as one that may have something to send.
func (c *Core) enqueue(l *lane) {
	if !l.queued {
		l.queued = true
		c.ready = append(c.ready, l)
	}
	if !l.busy {
		l.busy = true
		c.busy = append(c.busy, l)
	}
}

// working returns the lanes that have something in flight, queued, waiting or pending. Of
// a hundred thousand legs these are few, and what goes through them must not stop the
// others. The slice holds until the next call of the core.
func (c *Core) working() []*lane {
	kept := c.busy[:0]
	for _, l := range c.busy {
		if l.busy = l.flight != nil || l.queued || l.pends(); l.busy {
			kept = append(kept, l)
		}
	}
	clear(c.busy[len(kept):])
	c.busy = kept
	return kept
}
