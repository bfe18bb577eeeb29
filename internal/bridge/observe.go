package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
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

// Observe folds a snapshot.
func (c *Core) Observe(s *call.Snapshot, now time.Time) {
	c.stats.Snapshots++
	c.thaw(now)
	s.Waited = c.echoes.waited(s, now)
	if c.hush.After(now) {
		s.Waited = c.frozen
	}
	c.waited, s.Outdated = s.Waited, c.outdated(s)
	changes := c.tracker.Fold(s)
	c.take(changes, control.Source{
		Received: s.Received, Topic: s.Topic, CorrelationID: s.CorrelationID, Reconciled: s.View == call.ViewREST,
	}, now)
	if s.View == call.ViewREST {
		c.confirm(s)
	} else {
		c.contradict(s, now)
		c.affirm(s.ConversationID)
		if !s.Waited.IsZero() {
			c.distrust(s.ConversationID, now)
		}
	}
	c.doubt(s.ConversationID, now)
}

// affirm looks again at the legs of a conversation about which the views disagree: a pause
// that was doubted may be on for sure now, which changes nothing that is believed. It waits
// for nothing.
func (c *Core) affirm(conversation string) {
	if _, doubtful := c.asks[conversation]; !doubtful {
		return
	}
	said := c.tracker.Paused(conversation)
	for leg := range c.tracker.Legs(conversation) {
		if l := laneOf(leg); l != nil && leg.SecurePause && said.After(l.resumed) {
			c.hasten(&l.lane)
			c.enqueue(&l.lane)
		}
	}
}

// distrust has REST asked about a pause that was shown late, when somebody has told the end of
// one since it may have been sent: it is that one, or has begun just now.
func (c *Core) distrust(conversation string, now time.Time) {
	said := c.tracker.Paused(conversation)
	for leg := range c.tracker.Legs(conversation) {
		l := laneOf(leg)
		if l != nil && leg.SecurePause && l.open() && !l.public.SecurePause && said.Before(l.resumed) {
			c.wonder(conversation, now.Add(c.opts.Patience), now, firstAsk)
			return
		}
	}
}

// contradict looks for steps that somebody else has told and that the leg's own topic does
// not show, although it has spoken a while later: its notification was missed, or the step is
// over and the end was missed by the one who told it. REST is asked which.
func (c *Core) contradict(s *call.Snapshot, now time.Time) {
	for leg := range c.tracker.Legs(s.ConversationID) {
		l := laneOf(leg)
		if l == nil || len(l.ahead) == 0 || leg.UserID != s.View {
			continue
		}
		for i := range l.ahead {
			m := &l.ahead[i]
			switch age := now.Sub(m.seen); {
			case m.weak:
			case age >= overtaking:
				m.weak = true
				l.hesitate(c, now)
				c.wonder(s.ConversationID, l.unsure, now, 0)
			default:
				c.wonder(s.ConversationID, now.Add(c.opts.Patience), now, overtaking-age)
			}
		}
	}
}

// overtaking is how long notifications of one topic may overtake each other.
const overtaking = time.Second

func (c *Core) take(changes []call.Change, from control.Source, now time.Time) {
	for i := range changes {
		ch := &changes[i]
		l := laneOf(ch.Leg)
		if l == nil {
			l = c.newLeg(ch.Leg.ID, recording.CallSubject(
				c.opts.Adapter, ch.Leg.UserID, ch.Leg.ID.Conversation, ch.Leg.ID.Leg))
			ch.Leg.Mark = l
		}
		l.observe(c, ch, from, now)
	}
}

// laneOf is the lane of a leg as the tracker knows it; nil while it has none. It is found
// without looking among all of them.
func laneOf(leg *call.Leg) *legLane {
	l, _ := leg.Mark.(*legLane)
	return l
}

// confirm uses a REST answer to settle what notifications left open: steps that were
// published before the question and never observed did not last, or the answer
// would show them.
func (c *Core) confirm(s *call.Snapshot) {
	for i := range s.Participants {
		l := c.legs[call.ID{Conversation: s.ConversationID, Leg: s.Participants[i].ID}]
		if l == nil || l.seen == nil {
			continue
		}
		if l.seen.Phase == call.Ended {
			l.unseenEnds(c) // while it is known what our own topic has passed
		}
		for len(l.ahead) > 0 && l.ahead[0].at.Before(s.Asked) {
			l.ahead = l.ahead[1:]
		}
		if !l.unsure.IsZero() {
			l.unsure = time.Time{}
			c.hasten(&l.lane)
		}
		l.settle = true
		if l.otherwise(c) && s.Asked.After(l.published.Timing.Received.Time) && l.facts.IsZero() {
			l.facts = s.Received // what was told is older
		}
		c.enqueue(&l.lane)
	}
	c.answered[s.ConversationID] = s.Asked
	delete(c.wonders, s.ConversationID)
}

// outdated reports whether REST was asked about the conversation well after somebody else had
// been shown the change that a notification brings: the answer holds all of it.
func (c *Core) outdated(s *call.Snapshot) bool {
	asked, read := c.answered[s.ConversationID]
	if !read || s.View == call.ViewREST {
		return false
	}
	told, ok := c.echoes.change(s.CorrelationID)
	return ok && asked.Sub(told.seen) > lateAfter
}

// wonder has REST asked about a conversation whose legs cannot be compared: they may be
// told further than our late topics show, or not as far. It is asked after a while at the
// latest; what was asked already keeps its turn.
func (c *Core) wonder(conversation string, until, now time.Time, after time.Duration) {
	c.wonders[conversation] = until
	if a, asked := c.asks[conversation]; !asked || a.tries == 0 && a.next.After(now.Add(after)) {
		c.asks[conversation] = ask{next: now.Add(after)}
	}
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
		c.asks[conversation] = ask{next: now.Add(firstAsk)}
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
	var due []string
	for id, a := range c.asks {
		if a.next.After(now) {
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
		c.asks[id] = a
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

// Tick does what time alone makes due: refreshes, patience that has run out, legs
// whose grace is over. Each leg wants it about once a second.
func (c *Core) Tick(now time.Time) {
	c.TickLegs(now, len(c.all))
	c.StandIn()
	c.rooms.shrink()
	c.Sweep(now)
}

// TickLegs does so for the next few legs, so that a hundred thousand of them do not stop
// everything else for as long as that takes.
func (c *Core) TickLegs(now time.Time, few int) {
	for range min(few, len(c.all)) {
		if c.turn >= len(c.all) {
			c.turn = 0
		}
		l := c.all[c.turn]
		l.believe(c, now)
		if c.over(l, now) {
			c.forgetAfterCall(l, now)
			c.forget(l) // the last one takes its place
			continue
		}
		c.turn++
		if c.leading && (now.Sub(l.written) >= c.opts.Refresh || len(l.pending) > 0) {
			c.enqueue(&l.lane)
		}
	}
}

// Legs is how many are known.
func (c *Core) Legs() int { return len(c.all) }

// Sweep forgets what nothing else does: conversations without legs, denials of conversations
// that the stream no longer holds, lanes of forgotten legs. Once a minute is enough.
func (c *Core) Sweep(now time.Time) {
	c.working()
	for id, since := range c.gone {
		if now.Sub(since) > c.opts.Retention {
			delete(c.gone, id)
		}
	}
	for id, asked := range c.answered {
		if now.Sub(asked) > c.opts.Patience {
			delete(c.answered, id)
		}
	}
	c.tracker.Sweep(now.Add(-c.opts.Grace))
}

// over reports whether nothing more is expected of a leg.
func (c *Core) over(l *legLane, now time.Time) bool {
	if l.flight != nil || len(l.pending) > 0 || l.queued {
		return false
	}
	if l.published == nil {
		return l.seen == nil || l.seen.Phase == call.Ended && now.Sub(l.seen.End) > c.opts.Grace
	}
	return l.public.Phase == call.Ended && now.Sub(l.written) > c.opts.Grace
}

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

// otherwise reports whether the facts that are known are others than those that are told.
func (l *legLane) otherwise(c *Core) bool {
	if l.published == nil {
		return false
	}
	_, differs := control.Differs(&c.compared, l.published, l.seen, c.opts.Names)
	return differs
}

// Moved notes that the stations of users changed.
func (c *Core) Moved(userIDs []string, now time.Time) {
	moved := make(map[string]bool, len(userIDs))
	for _, id := range userIDs {
		moved[id] = true
	}
	for _, l := range c.legs {
		if l.seen != nil && moved[l.seen.UserID] && l.seen.Phase != call.Ended && l.facts.IsZero() {
			l.facts = now
			c.enqueue(&l.lane)
		}
	}
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
