package call

import (
	"slices"
	"time"
)

// Fold takes a snapshot and returns what it changed: the legs of the view's own
// user first, then what a secure pause changed about the others.
func (t *Tracker) Fold(s *Snapshot) []Change {
	c := t.of(s)
	if c == nil {
		if !t.concerns(s) {
			return nil
		}
		c = t.conversation(s.ConversationID)
	}
	c.heard = s.Received
	isLate, progress := c.advance(s)
	if s.View == ViewREST {
		c.behind, c.unclear = nil, false // asked and answered
	}
	if !isLate {
		t.hearPause(c, s, progress)
	}
	t.edges = t.edges[:0]
	changes := t.spread(c, s)
	for i := range s.Participants {
		p := &s.Participants[i]
		if p.ID == "" || c.leg(p.ID) == nil && !t.opts.Wanted(p) {
			continue // a leg that is tracked is followed to its end, whatever is wanted now
		}
		if !t.speaksFor(s, p) {
			c.compare(s, p)
			continue
		}
		changes = t.foldLeg(c, s, p, isLate, changes)
	}
	if len(c.legs) == 0 && len(c.behind) == 0 {
		t.drop(c)
	}
	t.changes = changes
	return changes
}

// Expire believes what has been in doubt for long enough, for conversations that
// nobody could be asked about.
func (t *Tracker) Expire(conversation string, now time.Time) []Change {
	c := t.find(conversation)
	if c == nil {
		return nil
	}
	c.pause.expire(now, 2*t.opts.Settle)
	t.edges = t.edges[:0]
	return t.spread(c, &Snapshot{ConversationID: conversation, Received: now})
}

// concerns reports whether a snapshot of an unknown conversation is about anybody
// that is tracked.
func (t *Tracker) concerns(s *Snapshot) bool {
	for i := range s.Participants {
		if p := &s.Participants[i]; p.ID != "" && t.opts.Wanted(p) {
			return true
		}
	}
	return false
}

// speaksFor reports whether a view may be folded into a participant's leg: its own
// topic, REST, or any view where it has no topic of its own.
func (t *Tracker) speaksFor(s *Snapshot, p *Participant) bool {
	return s.View == ViewREST || p.UserID == s.View || p.UserID == "" || !t.opts.Subscribed(p.UserID)
}

// compare notes a leg that this view shows further than its own topic has: that
// topic may be late, or deliver nothing at all. A leg that ended long ago was
// forgotten, not missed.
func (c *conversation) compare(s *Snapshot, p *Participant) {
	phase := phaseOf(p)
	if connectedAt(p).IsZero() || phase == Ended && s.Received.Sub(p.End) > forgotten {
		return
	}
	if l := c.leg(p.ID); l != nil && l.Phase >= phase {
		return
	}
	for i := range c.behind {
		if c.behind[i].id == p.ID {
			c.behind[i].phase = max(c.behind[i].phase, phase)
			return
		}
	}
	c.behind = append(c.behind, party{id: p.ID, phase: phase})
}

// forgotten is how long after its end a leg that is not known may still be one that
// was missed; later it is one that was dropped after its grace time.
const forgotten = 5 * time.Minute

// trust is how long a topic must have been silent before the question, in settle
// times, for a REST answer to overrule it.
const trust = 3

// hearPause takes the secure pause out of a snapshot. Of participants only those
// count that are still on the call: the flag of one who has left is history.
func (t *Tracker) hearPause(c *conversation, s *Snapshot, progress bool) {
	flag := s.SecurePause
	for i := range s.Participants {
		if p := &s.Participants[i]; phaseOf(p) != Ended {
			flag = max(flag, p.SecurePause)
		}
	}
	if s.View == ViewREST {
		c.pause.answer(flag, s.Asked, s.Received, trust*t.opts.Settle)
		return
	}
	c.pause.say(s.View, s.CorrelationID, flag, s.Received, s.Waited, t.opts.Settle, progress)
}

// spread gives the secure pause of the conversation to every leg that is still on.
func (t *Tracker) spread(c *conversation, s *Snapshot) []Change {
	changes := t.changes[:0]
	on := c.pause.on()
	for _, l := range c.legs {
		if l.Phase == Ended || l.SecurePause == on || len(c.pause.views) == 0 {
			continue
		}
		k := Key{Kind: SecureOff}
		if on {
			k.Kind = SecureOn
		}
		if ends(s, l.ID.Leg) || c.isOver(l.ID.Leg) {
			continue // the end says it all
		}
		l.Level = l.Step(k)
		t.edges = append(t.edges, edge(s, k, l.Level, time.Time{}))
		n := len(t.edges)
		changes = append(changes, Change{Leg: &l.Leg, Edges: t.edges[n-1 : n : n]})
	}
	return changes
}

// isOver reports whether another topic has shown the end of a leg, which its own has not.
func (c *conversation) isOver(leg string) bool {
	return slices.ContainsFunc(c.behind, func(p party) bool { return p.id == leg && p.phase == Ended })
}

// ends reports whether the snapshot shows the end of a leg.
func ends(s *Snapshot, leg string) bool {
	for i := range s.Participants {
		if p := &s.Participants[i]; p.ID == leg {
			return phaseOf(p) == Ended
		}
	}
	return false
}

func (t *Tracker) foldLeg(c *conversation, s *Snapshot, p *Participant, isLate bool, changes []Change) []Change {
	l := c.leg(p.ID)
	if l == nil {
		if phaseOf(p) == Unknown || phaseOf(p) == Ended && connectedAt(p).IsZero() {
			return changes // nothing a recorder was or will be told about
		}
		l = &legState{Leg: Leg{ID: ID{c.id, p.ID}, UserID: p.UserID}}
		l.SecurePause = c.pause.on()
		c.legs = append(c.legs, l)
		t.legs++
	}
	before, facts, adopted := l.Level, l.Facts, l.adopted && s.View != ViewREST
	// REST answers may be older than what the topic has said since the question, and what
	// shows less of the leg than is known is older than that.
	stale := isLate || s.Outdated || s.View == ViewREST && l.seen.After(s.Asked) || phaseOf(p) != Unknown && phaseOf(p) < before.Phase
	with := companyOf(s, p.ID, t.peers[:0])
	t.peers = with.peers
	t.learn(l, s, p, with, stale)
	after := l.next(c, s, p, with, stale)
	l.adopted = false
	again := before.Held && after.Held && l.again
	l.again = false
	behind := false
	if s.View != ViewREST {
		l.seen = s.Received
		if phaseOf(p) != Ended {
			l.open = s.Received
			l.openHeld, l.openMuted, l.openParked, l.openConference = after.Held, after.Muted, after.Parked, after.Conference
		}
		behind = l.shown < phaseOf(p) && phaseOf(p) <= before.Phase
		l.shown = max(l.shown, phaseOf(p))
	}
	first := len(t.edges)
	level := before
	t.keys = t.keys[:0]
	if again { // the end of the hold before was not shown
		t.keys = append(t.keys, Key{Kind: HeldOff}, Key{Kind: HeldOn})
	}
	t.keys = between(t.keys, before, after, !l.Connected.IsZero())
	for _, k := range t.keys {
		if k.Kind == Delivered && (p.State == "dialing" || p.State == "contacting") {
			k.Kind = Originated
		}
		level = level.Toward(after, k)
		t.edges = append(t.edges, edge(s, k, level, l.when(k, p)))
		if again && k.Kind == HeldOff && !p.StartHold.After(s.Received) {
			t.edges[len(t.edges)-1].Occurred = p.StartHold // at the latest
		}
	}
	edges := t.edges[first:len(t.edges):len(t.edges)]
	l.Level = after
	changed := !facts.equal(&l.Facts)
	if len(edges) == 0 && !changed && !behind {
		return changes
	}
	// A resume or pause of this leg in the same snapshot comes first.
	for i := range changes {
		if changes[i].Leg == &l.Leg {
			changes[i].Edges = append(changes[i].Edges, edges...)
			changes[i].Facts = changes[i].Facts || changed
			changes[i].Adopted, changes[i].Behind = adopted, behind
			return changes
		}
	}
	return append(changes, Change{Leg: &l.Leg, Edges: edges, Facts: changed, Adopted: adopted, Behind: behind})
}

// learn takes the facts out of a participant. Times once set stay set, whatever the
// snapshot; the rest is taken from snapshots that are not late.
func (t *Tracker) learn(l *legState, s *Snapshot, p *Participant, with company, stale bool) {
	f := &l.Facts
	phase := phaseOf(p)
	if phase == Armed || p.State == "connected" && f.Alerting.IsZero() {
		f.Alerting = once(f.Alerting, p.Start)
	}
	if phase == Armed {
		f.Alerting = once(f.Alerting, s.Received)
	}
	f.Connected = once(f.Connected, connectedAt(p))
	if phase == Connected {
		f.Connected = once(f.Connected, s.Received)
	}
	if phase == Ended {
		f.End = once(f.End, p.End)
		f.End = once(f.End, s.Received)
	}
	f.SetEnding(ending(f.Ending(), p, stale))
	f.Conversation.join(conversationFacts(s))
	f.Conversation.Start = earliest(f.Conversation.Start, f.Alerting)
	if f.ProtocolCallID == "" {
		f.ProtocolCallID = p.ProtocolCallID
	}
	if f.Purpose == "" {
		f.Purpose = p.Purpose
	}
	if stale {
		return
	}
	f.Purpose = p.Purpose
	if phase != Ended || f.Role == RoleAgent {
		// What a leg was does not change because its marks vanish with its end.
		f.Role, f.Supervises = roleOf(p), supervises(p)
	}
	keep(&f.Direction, p.Direction)
	keep(&f.UserName, p.UserName)
	if p.Confined != Absent {
		f.Confined = p.Confined == Yes
	}
	f.Attributes = attributesOf(s, p, t.opts.Attributes)
	if f.End.IsZero() && !slices.Equal(f.Peers, with.peers) {
		f.Peers = slices.Clone(with.peers)
	}
}

// ending adds what a participant says of the end of its leg.
func ending(e Ending, p *Participant, stale bool) Ending {
	e.StartACW, e.EndACW = once(e.StartACW, p.StartACW), once(e.EndACW, p.EndACW)
	if p.Wrapup != nil && (e.Wrapup == Wrapup{} || !stale) {
		e.Wrapup = *p.Wrapup
	}
	if stale {
		return e
	}
	keep(&e.DisconnectType, p.DisconnectType)
	keep(&e.ErrorCode, p.ErrorCode)
	if len(p.DisconnectReasons) > 0 {
		e.DisconnectReasons = p.DisconnectReasons
	}
	return e
}

// next is the level of a leg after a snapshot.
func (l *legState) next(c *conversation, s *Snapshot, p *Participant, with company, stale bool) Level {
	n := l.Level
	n.Phase = max(n.Phase, phaseOf(p))
	if n.Phase == Ended {
		n.Held, n.Muted, n.Parked, n.SecurePause, n.Conference, n.Supervisors = false, false, false, false, false, nil
		return n
	}
	n.SecurePause = c.pause.on()
	if stale {
		return n
	}
	n.Held = l.held(c, p, n.Held)
	if p.Muted != Absent {
		n.Muted = p.Muted == Yes
	}
	if p.State != "" {
		n.Parked = p.State == "parked"
	}
	n.Conference = n.Phase == Connected && (with.talking >= 2 || n.Conference && with.people >= 2)
	n.Supervisors = supervisorsOf(s, p.ID)
	return n
}

// held is whether the leg holds the call. A hold carries its start: one that starts
// before the last one known is late. One that starts with it although it was seen to
// end may be late too, or the end was: the latest view counts, and REST is asked.
func (l *legState) held(c *conversation, p *Participant, was bool) bool {
	switch {
	case p.Held == Absent:
		return was
	case p.Held == No:
		return false
	case p.StartHold.Before(l.lastHold) && !p.StartHold.IsZero():
		return was
	case !was && !p.StartHold.IsZero() && p.StartHold.Equal(l.lastHold):
		c.unclear = true
	}
	if !p.StartHold.IsZero() {
		first := l.lastHold.IsZero() && l.toldHold.IsZero()
		l.again = was && !first && p.StartHold.Sub(l.lastHold) >= anotherHold && p.StartHold.Sub(l.toldHold) >= anotherHold
		l.lastHold = p.StartHold
	}
	return true
}

// anotherHold is how much later than the last hold one begins that is another: two answers
// about the same one may be rounded in two ways.
const anotherHold = time.Second

// when is the time that the platform gives for a step, zero when it gives none.
func (l *legState) when(k Key, p *Participant) time.Time {
	switch k.Kind {
	case Delivered, Originated:
		return p.Start
	case Established:
		return connectedAt(p)
	case Finished:
		return p.End
	case HeldOn:
		return p.StartHold
	case ParkedOn:
		return p.Park
	default:
		return time.Time{}
	}
}

func edge(s *Snapshot, k Key, after Level, occurred time.Time) Edge {
	e := Edge{
		Key: k, After: after, Occurred: occurred, Received: s.Received,
		Topic: s.Topic, CorrelationID: s.CorrelationID, Reconciled: s.View == ViewREST,
	}
	if occurred.IsZero() {
		e.Occurred, e.Estimated = s.Received, true
	}
	return e
}

func keep(known *string, now string) {
	if now != "" {
		*known = now
	}
}
