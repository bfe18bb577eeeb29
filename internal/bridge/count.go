package bridge

import (
	"fmt"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// OpenLegs counts the legs that are not stopped.
func (c *Core) OpenLegs() int {
	n := 0
	for state, legs := range c.states {
		if state != recording.Stopped {
			n += legs
		}
	}
	return n
}

// LegsByState counts the legs that are known, by desired state.
func (c *Core) LegsByState() map[recording.State]int {
	n := make(map[recording.State]int, len(c.states))
	for state, legs := range c.states {
		if legs > 0 {
			n[state] = legs
		}
	}
	return n
}

// Pending counts the edges, and the wrap-ups, that are not known to be published, and
// returns the time of the oldest.
func (c *Core) Pending() (changes int, oldest time.Time) {
	note := func(n int, at time.Time) {
		changes += n
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	for _, w := range c.working() {
		l, ok := w.owner.(*legLane)
		if !ok {
			continue
		}
		if n := len(l.pending); n > 0 {
			note(n, l.pending[0].Received)
		}
		if l.facts.IsZero() || l.published == nil || l.seen == nil {
			continue
		}
		switch cause, differs := control.Differs(&c.compared, l.published, l.seen, c.opts.Names); {
		case !differs && !c.leading:
			l.facts = time.Time{} // told meanwhile
		case differs && cause == recording.WrappedUp:
			note(1, l.facts)
		default: // the other instance may know other facts as well as we do
		}
	}
	return changes, oldest
}

// Waiting describes what has been pending for longest, for the log.
func (c *Core) Waiting() string {
	var oldest time.Time
	text := ""
	for _, w := range c.working() {
		l, ok := w.owner.(*legLane)
		if !ok {
			continue
		}
		if len(l.pending) > 0 && (oldest.IsZero() || l.pending[0].Received.Before(oldest)) {
			oldest = l.pending[0].Received
			text = fmt.Sprintf("leg %s: step %d of %d", legName(l.id), l.pending[0].Kind, len(l.pending))
		}
		if !l.facts.IsZero() && l.published != nil && l.seen != nil && (oldest.IsZero() || l.facts.Before(oldest)) {
			if cause, differs := control.Differs(&c.compared, l.published, l.seen, c.opts.Names); differs {
				oldest, text = l.facts, fmt.Sprintf("leg %s: %s", legName(l.id), cause)
			}
		}
	}
	return text
}

// Idle reports whether nothing is in flight and nothing is pending.
func (c *Core) Idle() bool {
	for _, l := range c.working() {
		if l.flight != nil {
			return false
		}
	}
	n, _ := c.Pending()
	return n == 0 && c.Announced()
}

// Believed returns the conversations with a leg that is believed open and of which
// no notification has come since a time. Those in a secure pause come first.
func (c *Core) Believed(since time.Time) []string {
	var open []string
	told := make(map[string]bool)
	for id, l := range c.legs {
		isOpen := l.seen != nil && l.seen.Phase != call.Ended &&
			(l.published == nil || l.published.State != recording.Stopped)
		if !isOpen || told[id.Conversation] || c.tracker.Seen(id).After(since) {
			continue
		}
		told[id.Conversation] = true
		open = append(open, id.Conversation)
	}
	c.pausedFirst(open)
	return open
}

// recover notes a leg about which REST knew something new.
func (c *Core) recover(id call.ID) {
	if name := legName(id); c.recoveredCount < len(c.recovered) || !slices.Contains(c.recovered, name) {
		c.recoveredCount++
		if len(c.recovered) < recording.MaxGapLegs {
			c.recovered = append(c.recovered, name)
		}
	}
}

func legName(id call.ID) string { return id.Conversation + "/" + id.Leg }

// unread names the legs of conversations that could not be read. Of a conversation
// without a known leg the conversation is named.
func (c *Core) unread(conversations []string) []string {
	var names []string
	for _, conversation := range conversations {
		n := len(names)
		for leg := range c.tracker.Legs(conversation) {
			names = append(names, legName(leg.ID))
		}
		if len(names) == n {
			names = append(names, conversation+"/"+recording.NoUser)
		}
	}
	slices.Sort(names)
	return names
}
