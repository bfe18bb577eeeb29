package bridge

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

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
// over and the end was missed by the one who told it. REST is asked which, once. A step that was weak
// when it was read may be history, so that more is wanted: a notification that has not waited, and denies it.
func (c *Core) contradict(s *call.Snapshot, now time.Time) {
	for leg := range c.tracker.Legs(s.ConversationID) {
		l := laneOf(leg)
		if l == nil || len(l.ahead) == 0 || leg.UserID != s.View {
			continue
		}
		for i := range l.ahead {
			m := &l.ahead[i]
			switch age := now.Sub(m.seen); {
			case m.asked || m.weak && (!s.Waited.IsZero() || !l.contradicts(m)):
			case age >= overtaking:
				m.weak, m.asked = true, true
				l.hesitate(c, now)
				c.wonder(s.ConversationID, l.unsure, now, 0)
			default:
				c.wonder(s.ConversationID, now.Add(c.opts.Patience), now, overtaking-age)
			}
		}
	}
}

// contradicts reports whether our own topic denies a step that is told, and that nothing has undone since.
func (l *legLane) contradicts(m *mark) bool {
	return l.public.Step(m.key).Equal(l.public) && !l.seen.Step(m.key).Equal(l.seen.Level)
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
