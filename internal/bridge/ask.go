package bridge

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// ask is a conversation about which the views disagree.
type ask struct {
	next  time.Time
	tries int
}

// firstAsk is how long views may disagree before REST is asked: topics of one
// conversation arrive within milliseconds of each other.
const firstAsk = 300 * time.Millisecond

// wonder has REST asked about a conversation whose legs cannot be compared: they may be
// told further than our late topics show, or not as far. It is asked after a while at the
// latest; what was asked already keeps its turn.
func (c *Core) wonder(conversation string, until, now time.Time, after time.Duration) {
	c.wonders[conversation] = until
	if a, asked := c.asks[conversation]; !asked || a.tries == 0 && a.next.After(now.Add(after)) {
		c.askAt(conversation, ask{next: now.Add(after)})
	}
}

// askAt has REST asked about a conversation at its time.
func (c *Core) askAt(conversation string, a ask) {
	if len(c.asks) == 0 || a.next.Before(c.asksDue) {
		c.asksDue = a.next
	}
	c.asks[conversation] = a
}

func (c *Core) doubtful(conversation string, now time.Time) bool {
	if c.wonders[conversation].After(now) {
		return true
	}
	delete(c.wonders, conversation)
	return c.tracker.Doubtful(conversation)
}

func (c *Core) doubt(conversation string, now time.Time) {
	doubtful := c.doubtful(conversation, now)
	_, asked := c.asks[conversation]
	switch {
	case doubtful && !asked:
		c.askAt(conversation, ask{next: now.Add(firstAsk)})
	case !doubtful && asked:
		delete(c.asks, conversation)
	}
}

// Asks returns the conversations that should be read over REST now, because what is
// known of them contradicts itself. An answer comes back as a snapshot; without one
// the conversation is returned again, less and less often. Those in a secure pause come
// first.
func (c *Core) Asks(now time.Time) []string {
	c.thaw(now) // what was observed before comes before
	if len(c.asks) == 0 || c.asksDue.After(now) {
		return nil
	}
	var due []string
	c.asksDue = now.Add(slowAsk)
	for id, a := range c.asks {
		if a.next.After(now) {
			c.askAt(id, a)
			continue
		}
		c.waited = time.Time{}
		c.take(c.tracker.Expire(id, now), control.Source{Received: now}, now)
		if !c.doubtful(id, now) {
			delete(c.asks, id)
			continue
		}
		a.tries++
		a.next = now.Add(min(firstAsk<<min(a.tries, 8), slowAsk))
		if a.tries < quickAsks {
			a.next = now.Add(min(firstAsk<<a.tries, quickAsk))
		}
		if a.tries > maxAsks {
			delete(c.wonders, id)
			delete(c.asks, id) // the periodic comparison goes on with it
			continue
		}
		c.askAt(id, a)
		due = append(due, id)
	}
	c.pausedFirst(due)
	return due
}

// pausedFirst puts conversations in a secure pause before the others: what is asked first
// is answered even when the budget of requests is short.
func (c *Core) pausedFirst(conversations []string) {
	rank := func(id string) int {
		if c.tracker.PauseOn(id) {
			return 0
		}
		return 1
	}
	slices.SortFunc(conversations, func(a, b string) int { return cmp.Or(rank(a)-rank(b), strings.Compare(a, b)) })
}

// A question is repeated quickly while frames and answers may still be overtaking each
// other, then ever more slowly.
const (
	maxAsks   = 40
	quickAsks = 8
	quickAsk  = 1200 * time.Millisecond
	slowAsk   = 30 * time.Second
)

// heard reports whether a topic has spoken of a leg of the conversation since a time.
func (c *Core) heard(conversation string, since time.Time) bool {
	for leg := range c.tracker.Legs(conversation) {
		if c.tracker.Seen(leg.ID).After(since) {
			return true
		}
	}
	return false
}

// fresh reports whether the conversation has a leg, and the topic of every leg that is
// not over has spoken of it since a time.
func (c *Core) fresh(conversation string, since time.Time) bool {
	known := false
	for leg := range c.tracker.Legs(conversation) {
		known = true
		if laneOf(leg) != nil && leg.Phase != call.Ended && !c.tracker.Seen(leg.ID).After(since) {
			return false
		}
	}
	return known
}

// goneFor is how long the platform must deny a conversation, asked twice, before its
// legs are believed to have ended: a single answer may come from a node that does
// not know it yet.
const goneFor = 30 * time.Second

// Gone takes the platform's word that there is no such conversation.
func (c *Core) Gone(conversation string, now time.Time) {
	since, said := c.gone[conversation]
	if !said || c.heard(conversation, since) {
		c.gone[conversation] = now
		return
	}
	if now.Sub(since) < goneFor {
		return
	}
	delete(c.gone, conversation)
	s := call.Snapshot{ConversationID: conversation, View: call.ViewREST, Asked: now, Received: now, Topic: "gone"}
	for leg := range c.tracker.Legs(conversation) {
		if laneOf(leg) != nil && leg.Phase != call.Ended {
			s.Participants = append(s.Participants, call.Participant{
				ID: leg.ID.Leg, UserID: leg.UserID, Purpose: leg.Purpose, State: "terminated",
			})
		}
	}
	if len(s.Participants) > 0 {
		c.Observe(&s, now)
	}
}

// Unfinished returns conversations with a leg that stopped lately and has no wrap-up
// code, or of which somebody else has told more or other than our own topic has shown, the latest first
// and a few hundred at most: the code may have come unseen, or another reason of the end.
func (c *Core) Unfinished(since time.Time) []string {
	type late struct {
		conversation string
		at           time.Time
	}
	var all []late
	for id, l := range c.legs {
		if l.seen != nil && l.seen.Phase == call.Ended && l.written.After(since) && (l.lacksWrapup() || l.hearsay(c)) {
			all = append(all, late{id.Conversation, l.written})
		}
	}
	slices.SortFunc(all, func(a, b late) int { return b.at.Compare(a.at) })
	var ids []string
	for _, a := range all[:min(len(all), maxFeed)] {
		if !slices.Contains(ids, a.conversation) {
			ids = append(ids, a.conversation)
		}
	}
	return ids
}

// lacksWrapup reports whether a leg may still get a wrap-up code.
func (l *legLane) lacksWrapup() bool {
	return l.seen.Ending().Wrapup.Code == "" && !l.seen.Connected.IsZero() && l.seen.Facts.Conversation.QueueID != ""
}
