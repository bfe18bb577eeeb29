package publish

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// Lanes have two goroutines. The writer calls the connection's publish, which can stand
// still while the network does, as far as no caller of Flush does. The reader alone calls
// deliver.

// write hands queued messages to the connection while the window has room.
func (l *Lanes) write() {
	for {
		select {
		case <-l.stop:
			return
		case <-l.wakeWriter:
		}
		l.writing.Lock()
		for l.portion(l.window) {
		}
		l.writing.Unlock()
	}
}

const (
	// few messages on their way, each of a usual size, fit into the buffers of any connection.
	few, usualSize = 32, 4 << 10
	// promptly: an answer within this time says that the network does not stand still.
	promptly = 100 * time.Millisecond
)

// Flush has what is queued sent. Where few messages are on their way and answers come
// promptly it does so itself: to hand one message over to the writer takes longer than to
// send it. Otherwise the writer does, so that Flush never waits for the network.
func (l *Lanes) Flush() {
	if l.writing.TryLock() {
		l.portion(l.prompt)
		l.writing.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queued() > 0 {
		wake(l.wakeWriter)
	}
}

// window is how many messages may be on their way when who sends them may wait, prompt how
// many when it may not: none, unless the connection takes all that is queued at once. The
// caller holds mu.
func (l *Lanes) window() int { return l.options.MaxInFlight }

func (l *Lanes) prompt() int {
	n := l.onTheWay()
	large := func(m Message) bool { return len(m.Data) > usualSize }
	if l.away || n+l.queued() > few || n > 0 && time.Since(l.answered) > promptly || slices.ContainsFunc(l.queue[l.head:], large) {
		return 0
	}
	return few
}

// portion hands some queued messages to the connection, so that at most so many are on
// their way. It reports whether there were any. The caller holds writing.
func (l *Lanes) portion(most func() int) bool {
	l.batch = l.take(l.batch[:0], most)
	for i := range l.batch {
		l.publish(&l.batch[i])
	}
	clear(l.batch) // let go of the data
	return len(l.batch) > 0
}

// take moves queued messages into the window.
func (l *Lanes) take(batch []Message, most func() int) []Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(l.queued(), most()-l.onTheWay())
	if n <= 0 {
		return batch
	}
	now := time.Now()
	if !l.ready(now) {
		return batch
	}
	deadline := now.Add(l.options.AckTimeout)
	turn := l.queue[l.head : l.head+n]
	for i := range turn {
		l.depart(&turn[i], deadline)
	}
	l.chain.ask(turn)
	batch = append(batch, turn...)
	clear(turn)
	l.head += n
	if l.head > len(l.queue)/2 { // move seldom, so that a long queue costs little
		l.queue = l.queue[:copy(l.queue, l.queue[l.head:])]
		l.head = 0
	}
	l.queuedAt = now
	return batch
}

// depart takes a message into the window. The caller holds mu.
func (l *Lanes) depart(m *Message, deadline time.Time) {
	f := l.newFlight()
	f.result, f.deadline = Result{Token: m.Token, Subject: m.Subject, ID: m.ID}, deadline
	m.flight, m.reply = f.number, f.reply
	if l.sole.follow(m); m.after.inStream {
		f.message = *m
		l.chain.add(f, m)
	}
	l.stats.Sent++
}

// onTheWay is how many messages have no answer yet. The caller holds mu.
func (l *Lanes) onTheWay() int { return len(l.flights) - len(l.spare) }

// newFlight returns a flight that is over, the latest one, or one with a new place. The
// caller holds mu, and knows that there is room.
func (l *Lanes) newFlight() *flight {
	n := len(l.spare)
	if n == 0 {
		f := &flight{}
		l.give(f, uint64(len(l.flights)))
		l.flights = append(l.flights, f)
		return f
	}
	f := l.spare[n-1]
	l.spare = l.spare[:n-1]
	f.over = false
	return f
}

// give gives a flight a number.
func (l *Lanes) give(f *flight, number uint64) {
	f.number, f.reply = number, l.inbox+strconv.FormatUint(number, 10)
}

// landed takes back a flight that was answered. The caller holds mu.
func (l *Lanes) landed(f *flight) {
	*f = flight{number: f.number, reply: f.reply, stored: f.stored, over: true} // keeps nothing alive
	l.spare = append(l.spare, f)
}

// missing takes back a flight whose answer may still come. The caller holds mu.
func (l *Lanes) missing(f *flight) {
	l.landed(f)
	f.stored = 0
	l.give(f, f.number+uint64(l.options.MaxInFlight))
}

// publish hands a message to the connection.
func (l *Lanes) publish(m *Message) {
	if err := l.conn.PublishMsg(l.encode(m)); err != nil {
		l.fail(m.flight, err)
	}
}

// encode is the message on the wire, until the next one.
func (l *Lanes) encode(m *Message) *nats.Msg {
	l.id[0] = m.ID
	byStream, byID := l.byStream, l.byID
	if m.Expect == 0 {
		byStream, byID = l.firstByStream, l.firstByID
	}
	switch {
	case m.after.id != "":
		l.msg.Header, l.expect[0] = byID, m.after.id
	case m.after.inStream:
		l.msg.Header, l.expect[0] = byStream, strconv.FormatUint(m.after.sequence, 10)
	default:
		l.msg.Header, l.expect[0] = l.bySubject, strconv.FormatUint(m.after.sequence, 10)
	}
	l.msg.Subject, l.msg.Reply, l.msg.Data = m.Subject, m.reply, m.Data
	if len(m.Header) == 0 {
		return &l.msg
	}
	more := l.msg // with headers of its own
	more.Header = maps.Clone(l.msg.Header)
	for k, v := range m.Header {
		if _, ours := l.msg.Header[k]; !ours {
			more.Header[k] = []string{v}
		}
	}
	return &more
}

// fail ends a message that the connection did not take.
func (l *Lanes) fail(number uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.numbered(number)
	if !ok {
		return // the reader was faster: the connection was lost meanwhile, or the chain broke
	}
	link := f.message.after.inStream
	f.result.Outcome, f.result.Err = refusal(err), err
	l.failed = append(l.failed, f.result)
	l.missing(f)
	if link {
		l.broken()
		l.requeue()
	} else {
		l.mistaken(time.Now())
	}
	wake(l.wakeReader)
}

// answers finds the flight that is answered on a subject. The caller holds mu.
func (l *Lanes) answers(subject string) (*flight, bool) {
	number, err := strconv.ParseUint(subject[len(l.inbox):], 10, 64)
	if err != nil {
		return nil, false
	}
	return l.numbered(number)
}

// numbered finds a flight by its number. The caller holds mu.
func (l *Lanes) numbered(number uint64) (*flight, bool) {
	place := number % uint64(l.options.MaxInFlight)
	if place >= uint64(len(l.flights)) {
		return nil, false
	}
	f := l.flights[place]
	return f, f.number == number && !f.over
}

// read delivers results until the lanes end.
func (l *Lanes) read() {
	sweep := time.NewTicker(max(l.options.AckTimeout/20, time.Millisecond))
	defer sweep.Stop()
	var results []Result
	for {
		results = results[:0]
		select {
		case m := <-l.replies:
			results = l.acknowledge(results, m)
		case <-l.wakeReader:
			results = l.takeFailed(results)
		case <-sweep.C:
			results = l.expire(results)
		case <-l.status:
			results = l.abandon(results, nats.ErrDisconnected)
		case <-l.stop:
			results = l.abandon(l.takeFailed(results), ErrClosed)
			l.hand(results)
			return
		}
		l.hand(results)
	}
}

// acknowledge settles the message answered by m and all those whose answers have
// come meanwhile.
func (l *Lanes) acknowledge(results []Result, m *nats.Msg) []Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered, l.away = time.Now(), false
	defer l.requeue()
	for more := len(l.replies); ; more-- {
		if m.Subject == l.chain.reply {
			results = l.linked(results, m)
		} else if f, ok := l.answers(m.Subject); ok && f.settle(m, l.usual) {
			if f.result.Outcome != Stored || f.result.Duplicate {
				l.mistaken(l.answered) // it is not where the next one expects it
			}
			results = append(results, f.result)
			l.landed(f)
		}
		if more == 0 {
			return results
		}
		m = <-l.replies // this goroutine alone takes from it, so it does not wait
	}
}

// takeFailed collects what the writer could not send.
func (l *Lanes) takeFailed(results []Result) []Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	results = append(results, l.failed...)
	l.failed = l.failed[:0]
	return results
}

// expire ends the messages whose acknowledgement is overdue. Queued messages have
// no deadline while the window moves; when nothing has been acknowledged for the
// time allowed they end as well, so that an unresponsive server cannot hold them.
func (l *Lanes) expire(results []Result) []Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.chain.expire(now)
	for _, f := range l.flights {
		if f.over || now.Before(f.deadline) {
			continue
		}
		l.mistaken(now)
		f.result.Outcome, f.result.Err = Unknown, ErrAckTimeout
		if l.options.Denied(f.result.Subject) {
			f.result.Outcome, f.result.Err = Refused, ErrPermission
		}
		results = append(results, f.result)
		l.missing(f)
	}
	if l.sole.holding && l.queued() > 0 {
		wake(l.wakeWriter) // it is not held back for longer
	}
	stuck := now.Add(-l.options.AckTimeout)
	if l.queued() > 0 && l.queuedAt.Before(stuck) && l.answered.Before(stuck) {
		results = l.dropQueue(results, ErrAckTimeout)
	}
	return results
}

// abandon ends everything outstanding, because no acknowledgement can come.
func (l *Lanes) abandon(results []Result, err error) []Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.flights {
		if f.over {
			continue
		}
		f.result.Outcome, f.result.Err = Unknown, err
		results = append(results, f.result)
		l.missing(f)
	}
	l.away = true
	l.chain.end()
	l.mistaken(time.Now())
	return l.dropQueue(results, err)
}

func (l *Lanes) dropQueue(results []Result, err error) []Result {
	for _, m := range l.queue[l.head:] {
		results = append(results, Result{Token: m.Token, Subject: m.Subject, ID: m.ID, Outcome: Unknown, Err: err})
	}
	clear(l.queue)
	l.queue, l.head = l.queue[:0], 0
	return results
}

// hand gives results to the caller and makes room for what is queued.
func (l *Lanes) hand(results []Result) {
	if len(results) == 0 {
		return
	}
	l.mu.Lock()
	for i := range results {
		l.stats.Results[results[i].Outcome]++
		if results[i].Duplicate {
			l.stats.Duplicate++
		}
	}
	if l.queued() > 0 {
		wake(l.wakeWriter)
	}
	l.mu.Unlock()

	l.deliver(results)

	l.mu.Lock()
	l.out -= len(results)
	if l.sole.holding {
		wake(l.wakeWriter)
	}
	if l.idle != nil && l.out == 0 {
		close(l.idle)
	}
	l.mu.Unlock()
}

// refusal is the outcome when the connection itself did not take the message.
func refusal(err error) Outcome {
	for _, permanent := range []error{nats.ErrMaxPayload, nats.ErrBadSubject, nats.ErrInvalidMsg} {
		if errors.Is(err, permanent) {
			return Refused
		}
	}
	return Unknown
}
