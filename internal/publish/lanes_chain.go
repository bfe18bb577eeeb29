package publish

import (
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// Where a link of a chain is stored, so are all those before it, each at the sequence behind
// the one before. So one answer is enough for many of them: only the last link of those that
// go together asks for one, and some in between. An answer costs the server and this process
// together about a sixth of what a message does.
//
// An answer that is not the next one expected, a refusal above all, does not tell which link
// it is about. Then all that are on their way are sent again, by subject and each with an
// answer of its own. One that has been stored is refused then, since its subject ends with it.

// askEvery is after how many links an answer is asked for, at the latest.
const askEvery = 32

// chain are the links on their way. The mutex of the lanes protects it.
type chain struct {
	number uint64    // of chains so far
	reply  string    // where the answers go; "" when there is no chain
	first  uint64    // the sequence of the first link on its way
	links  []*flight // from head on, in order
	head   int
	asked  []uint64 // the sequences of those that ask for an answer, in order
}

// begin begins a chain whose first link has a sequence. Answers to an older one have gone
// elsewhere.
func (c *chain) begin(inbox string, first uint64) {
	c.end()
	c.number++
	c.reply, c.first = inbox+"c"+strconv.FormatUint(c.number, 10), first
}

// end forgets the links.
func (c *chain) end() {
	clear(c.links)
	c.reply, c.links, c.head, c.asked = "", c.links[:0], 0, c.asked[:0]
}

// onTheWay are the links without an answer.
func (c *chain) onTheWay() []*flight { return c.links[c.head:] }

// add takes in the next link.
func (c *chain) add(f *flight, m *Message) {
	if len(c.links) == cap(c.links) { // move seldom
		c.links, c.head = c.links[:copy(c.links, c.onTheWay())], 0
	}
	c.links = append(c.links, f)
	m.reply = ""
	last := c.last()
	unasked := last - c.first + 1
	if n := len(c.asked); n > 0 {
		unasked = last - c.asked[n-1]
	}
	if unasked >= askEvery {
		c.answer(m)
	}
}

// last is the sequence of the last link.
func (c *chain) last() uint64 { return c.first + uint64(len(c.onTheWay())) - 1 }

// answer has the last link ask for an answer.
func (c *chain) answer(m *Message) {
	m.reply = c.reply
	c.asked = append(c.asked, c.last())
}

// ask has the last link of those that go now ask for an answer.
func (c *chain) ask(turn []Message) {
	for i := range slices.Backward(turn) {
		if m := &turn[i]; m.after.inStream {
			if m.reply == "" {
				c.answer(m)
			}
			return
		}
	}
}

// stored takes out the links up to the one with a sequence. It is false when that is not
// what was to be answered next.
func (c *chain) stored(sequence uint64) (links []*flight, ok bool) {
	if len(c.asked) == 0 || c.asked[0] != sequence {
		return nil, false
	}
	c.asked = c.asked[:copy(c.asked, c.asked[1:])] // a few
	n := int(sequence - c.first + 1)
	links = c.onTheWay()[:n]
	c.first += uint64(n)
	if c.head += n; c.head == len(c.links) {
		c.links, c.head = c.links[:0], 0
	}
	return links, true
}

// expire ends a chain whose answer is overdue, and has all its links be so.
func (c *chain) expire(now time.Time) {
	links := c.onTheWay()
	if len(links) == 0 || now.Before(links[0].deadline) {
		return
	}
	for _, f := range links {
		f.deadline = time.Time{}
	}
	c.end()
}

// linked takes an answer to the chain.
func (l *Lanes) linked(results []Result, answer *nats.Msg) []Result {
	first := l.chain.first
	sequence, ok := plainAck(answer.Data, l.usual)
	links, due := l.chain.stored(sequence)
	if !ok || !due {
		l.broken()
		return results
	}
	for i, f := range links {
		f.result.Outcome, f.result.Sequence = Stored, first+uint64(i)
		results = append(results, f.result)
		l.landed(f)
	}
	return results
}

// broken has the links on their way sent again, by subject: somebody else has written, or
// one was refused, or was stored before.
func (l *Lanes) broken() {
	l.mistaken(time.Now())
	l.sole.told.Doubt()
	for _, f := range l.chain.onTheWay() {
		if f.over { // it could not be sent
			continue
		}
		f.message.bySubject = true
		l.repeats = append(l.repeats, f.message)
		l.stats.Repeated++
		l.missing(f)
	}
	l.chain.end()
}
