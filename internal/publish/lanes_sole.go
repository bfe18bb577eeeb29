package publish

import (
	"slices"
	"time"
)

// For the expected sequence of a subject the server reads the subject's last message, and
// now and then a block of megabytes around it, while everybody waits. Which message is the
// last one of the stream it just knows. So as long as nobody else is known to write, messages
// form a chain: the first one is stored only at the end of the stream as it is known, and each
// other one only right behind the one before it. That promises more, not less: when one is
// stored, nothing at all has come between that its sender had not taken in. The links are ids,
// not sequences: a message of somebody else takes the sequence of the one that it displaces,
// and for those behind everything would seem as expected.
//
// The first message on a subject says so as well: a process that has read the stream from
// some time on only does not know what is older. Where there is no message the server has none
// to read.
//
// When somebody else has written, the next message is not stored, and so is none of those
// behind it, since none has the right one before it. They are sent again and expect what is
// on their subjects, and so are all others until this process writes alone again, and nothing
// of it is on its way.
//
// With replicas a message that is refused for its place in the stream leaves its id behind as
// one that is being stored, so chains are for streams of one replica.

// Sole tells whether this process writes alone. [Tail] does.
type Sole interface {
	// Alone reports whether nobody else writes as far as is known, how far the stream goes
	// then, and up to where it was delivered: all behind that is our own.
	Alone() (last, delivered uint64, alone bool)
	// Doubt says that somebody else has written.
	Doubt()
}

const (
	// soleAgain is how long the subjects are expected after a mistake, soleLongest how long
	// after many of them.
	soleAgain, soleLongest = time.Second, time.Minute
	// soleHold is how long messages may be held back without an answer coming, until all
	// those on their way are answered and it is known how far the stream goes.
	soleHold = 20 * time.Millisecond
)

// sole is what lanes know when they write alone. The mutex of the lanes protects it.
type sole struct {
	told Sole
	// on: the next message is part of the chain. It comes after the sequence last, or after
	// the message with the id before. Up to delivered, others may have written.
	on              bool
	before          string
	last, delivered uint64
	since           time.Time // on, or holding
	holding         bool
	again           time.Time // not before
	pause           time.Duration
}

// place is what a message must come after to be stored: in the stream the message with an id
// or the sequence, or else on its subject the sequence that it expects.
type place struct {
	id       string
	sequence uint64
	inStream bool
}

// Trust has the messages form a chain as long as s says that this process writes alone. All
// that [Tail] delivers must be taken in by whoever makes messages, see [Message.Known].
func (l *Lanes) Trust(s Sole) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sole.told = s
}

// ready sees to it that the next messages may be part of a chain, if any, and reports whether
// they may go now.
func (l *Lanes) ready(now time.Time) bool {
	s := &l.sole
	if s.told == nil || !s.on && now.Before(s.again) {
		return true
	}
	last, delivered, alone := s.told.Alone()
	switch {
	case !alone:
		s.on, s.holding = false, false
	case s.on:
	case l.stale(delivered):
		s.holding = false // they break the chain
	case l.out == l.queued(): // nothing is on its way
		s.on, s.holding, s.since = true, false, now
		s.before, s.last, s.delivered = "", last, delivered
		l.chain.begin(l.inbox, last+1)
	case !s.holding:
		s.holding, s.since = true, now
		return false
	case now.Sub(s.since) < soleHold || now.Sub(l.answered) < soleHold:
		return false
	default: // an answer is missing
		l.mistaken(now)
	}
	return true
}

// stale reports whether a message is queued whose sender has not taken in what was delivered.
func (l *Lanes) stale(delivered uint64) bool {
	return slices.ContainsFunc(l.queue[l.head:], func(m Message) bool { return m.Known < delivered || m.bySubject })
}

// mistaken has the messages expect what is on their subjects for a while.
func (l *Lanes) mistaken(now time.Time) {
	s := &l.sole
	if !s.on && !s.holding {
		return
	}
	if s.on && now.Sub(s.since) > soleLongest {
		s.pause = 0
	}
	s.pause = min(max(2*s.pause, soleAgain), soleLongest)
	s.on, s.holding, s.again = false, false, now.Add(s.pause)
}

// follow decides what a message must come after that is on its way now. What its sender does
// not know may be on its subject; behind such a one anything may be, so that the chain ends.
func (s *sole) follow(m *Message) {
	m.after = place{sequence: m.Expect}
	if s.on = s.on && !m.bySubject && m.Known >= s.delivered; s.on {
		m.after = place{id: s.before, sequence: s.last, inStream: true}
		s.before = m.ID
	}
}

// requeue puts the messages that are to be repeated before all others.
func (l *Lanes) requeue() {
	if len(l.repeats) == 0 {
		return
	}
	l.queue = append(l.repeats, l.queue[l.head:]...)
	l.head, l.repeats = 0, nil
	l.queuedAt = time.Now()
	wake(l.wakeWriter)
}
