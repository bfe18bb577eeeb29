package call

import (
	"iter"
	"time"
)

// Options of a [Tracker].
type Options struct {
	// Subscribed reports whether the topic of a user is subscribed: the user's legs
	// are then folded from that topic and from REST only. Required.
	Subscribed func(userID string) bool
	// Wanted reports whether a participant is a leg to track. Required.
	Wanted func(*Participant) bool
	// Attributes are the names of the participant attributes to keep; all others
	// are dropped. Default: none.
	Attributes []string
	// Settle is how soon after a secure pause a resume is too early to be believed
	// from one frame: longer than frames of one topic overtake each other. Default
	// 1 s. A doubtful resume that nothing contradicts is believed after twice this.
	Settle time.Duration
}

// Tracker holds what is believed about every open conversation. It is not safe for
// concurrent use: one goroutine owns it.
type Tracker struct {
	opts          Options
	conversations map[string]*conversation
	latest        *conversation // that was asked for last: most likely the next one too
	legs          int
	// The room of what Fold returns, and of the steps on the way there.
	changes []Change
	edges   []Edge
	keys    []Key
	peers   []Peer
}

// conversation is one call with its tracked legs.
type conversation struct {
	id    string
	pause pause
	legs  []*legState
	// parties is how far every participant is known to have come, by view: what a
	// late snapshot is recognised by.
	parties []viewParties
	// behind are legs that another topic shows further than their own has.
	behind []party
	// unclear: two frames of one topic contradict each other about their order.
	unclear bool
	// heard is when any view last spoke.
	heard time.Time
	// dropped: it is not tracked any more.
	dropped bool
	// first is where the first leg, view and pause are kept: most calls have no other.
	first struct {
		legs    [1]*legState
		parties [1]viewParties
		pauses  [1]view
	}
}

// newConversation returns one without legs.
func newConversation(id string) *conversation {
	c := &conversation{id: id}
	c.legs, c.parties, c.pause.views = c.first.legs[:0], c.first.parties[:0], c.first.pauses[:0]
	return c
}

// usualParties is how many participants most calls have at most.
const usualParties = 4

// Memory lasts from one snapshot of a topic to the next: most are about the conversation
// that the last one was about, which is found there sooner than among all of them.
type Memory struct{ conversation *conversation }

type legState struct {
	Leg
	// seen is when the leg's own topic last spoke, open when it last showed it not ended.
	seen, open time.Time
	// lastHold is the start of the last hold: a snapshot with an older one is late. toldHold
	// is that of the last one that somebody else has told.
	lastHold, toldHold time.Time
	// again: the hold that the last snapshot shows is not the one that was known.
	again bool
	// shown is how far the leg's own topic has shown it.
	shown Phase
	// adopted: known from the stream only, no snapshot has spoken yet.
	adopted bool
	// openHeld and its like are the level at open.
	openHeld, openMuted, openParked, openConference bool
}

type viewParties struct {
	view string
	list []party
}

type party struct {
	id         string
	phase      Phase
	terminated bool // and not only disconnected, which comes before
}

// Change is what a snapshot changed about a leg. It holds until the next call of the
// tracker.
type Change struct {
	// Leg is the belief after the change. It is the tracker's own: read it before the
	// next call of the tracker, and do not keep its slices and maps for writing.
	Leg *Leg
	// Edges are the steps of the level, in causal order.
	Edges []Edge
	// Facts reports that something changed that is no step of the level.
	Facts bool
	// Adopted reports that the leg was known from the stream only and this is the first
	// word of its topic: the steps lead from what the stream told to what may be older.
	Adopted bool
	// Behind reports that the leg's own topic shows a phase that was known from the stream
	// already: the snapshot may be older than what the stream told.
	Behind bool
}

// NewTracker returns an empty tracker.
func NewTracker(o Options) *Tracker {
	if o.Settle <= 0 {
		o.Settle = time.Second
	}
	return &Tracker{opts: o, conversations: make(map[string]*conversation)}
}

// Len returns the number of tracked conversations and legs.
func (t *Tracker) Len() (conversations, legs int) { return len(t.conversations), t.legs }

// leg returns what is known of a leg, nil when it is not tracked.
func (t *Tracker) leg(id ID) *legState {
	if c := t.find(id.Conversation); c != nil {
		return c.leg(id.Leg)
	}
	return nil
}

// Leg returns what is believed about a leg.
func (t *Tracker) Leg(id ID) (*Leg, bool) {
	if l := t.leg(id); l != nil {
		return &l.Leg, true
	}
	return nil, false
}

// Legs are what is believed about the tracked legs of a conversation.
func (t *Tracker) Legs(conversation string) iter.Seq[*Leg] {
	return func(yield func(*Leg) bool) {
		c := t.find(conversation)
		if c == nil {
			return
		}
		for _, l := range c.legs {
			if !yield(&l.Leg) {
				return
			}
		}
	}
}

// Seen returns when the topic of the leg's own user last spoke of it.
func (t *Tracker) Seen(id ID) time.Time {
	if l := t.leg(id); l != nil {
		return l.seen
	}
	return time.Time{}
}

// Open returns when the topic of the leg's own user last showed it, and not that it had ended, and
// the level that was believed then, but for supervisors and the secure pause.
func (t *Tracker) Open(id ID) (at time.Time, level Level) {
	if l := t.leg(id); l != nil {
		return l.open, Level{Held: l.openHeld, Muted: l.openMuted, Parked: l.openParked, Conference: l.openConference}
	}
	return time.Time{}, Level{}
}

// Paused returns when it was last said that the secure pause of the conversation is on,
// by a view that has not taken it back; zero when none says so. An answer of REST
// counts from its question.
func (t *Tracker) Paused(conversation string) (said time.Time) {
	if c := t.find(conversation); c != nil {
		for i := range c.pause.views {
			if v := &c.pause.views[i]; v.flag == Yes && v.last.affirmed.After(said) {
				said = v.last.affirmed
			}
		}
	}
	return said
}

// PauseOn reports whether anything says that the secure pause of the conversation is on.
func (t *Tracker) PauseOn(conversation string) bool {
	c := t.find(conversation)
	return c != nil && c.pause.on()
}

// PauseEnds reports whether every topic that says that the pause is on has said since that
// it is over, too soon to be believed.
func (t *Tracker) PauseEnds(conversation string) bool {
	c := t.find(conversation)
	return c != nil && c.pause.ending()
}

// Adopt makes a leg known that was found in the stream. Where a snapshot has spoken
// of the leg, only its phase moves, and only forward, and facts that were not known
// are filled in; otherwise the leg takes everything.
func (t *Tracker) Adopt(l *Leg) *Leg {
	c := t.conversation(l.ID.Conversation)
	known := c.leg(l.ID.Leg)
	l.Facts.Conversation.settle()
	switch {
	case known == nil:
		known = &legState{Leg: *l, adopted: true}
		c.legs = append(c.legs, known)
		t.legs++
	case known.adopted:
		phase := max(l.Phase, known.Phase)
		known.Level, known.Facts = l.Level, l.Facts
		known.Phase = phase
	case known.shown < l.Phase, l.wrapped() && !known.wrapped():
		// The stream is ahead of our topic: it knows better, also what was corrected since.
		known.Phase = max(known.Phase, l.Phase)
		facts := l.Facts
		facts.complete(&known.Facts)
		known.Facts = facts
	default:
		known.Phase = max(known.Phase, l.Phase)
		known.Facts.complete(&l.Facts)
	}
	if known.adopted {
		c.pause.recall(c.legs)
	}
	return &known.Leg
}

// Adopted reports whether a leg is known from the stream only: no snapshot has
// spoken of it yet.
func (t *Tracker) Adopted(id ID) bool {
	l := t.leg(id)
	return l != nil && l.adopted
}

// Believe overrules the level of a leg, for what another instance has published and
// this one has never seen. The phase only grows.
func (t *Tracker) Believe(id ID, level Level) {
	if l := t.leg(id); l != nil {
		level.Phase = max(level.Phase, l.Phase)
		l.Level = level
	}
}

// ToldHold notes when a hold began that somebody else has told: the end of the one before it is
// told as well.
func (t *Tracker) ToldHold(id ID, hold time.Time) {
	if l := t.leg(id); l != nil && hold.After(l.toldHold) {
		l.toldHold = hold
	}
}

// Forget drops a leg, and its conversation with the last one.
func (t *Tracker) Forget(id ID) {
	c := t.find(id.Conversation)
	if c == nil {
		return
	}
	for i, l := range c.legs {
		if l.ID.Leg == id.Leg {
			c.legs = append(c.legs[:i], c.legs[i+1:]...)
			t.legs--
			break
		}
	}
	if len(c.legs) == 0 {
		t.drop(c)
	}
}

// Doubtful reports whether a conversation should be asked about over REST: its views
// disagree about the secure pause, or one topic shows a leg further than the leg's
// own topic has.
func (t *Tracker) Doubtful(conversation string) bool {
	c := t.find(conversation)
	if c == nil {
		return false
	}
	for _, b := range c.behind {
		if l := c.leg(b.id); l == nil || l.Phase < b.phase {
			return true
		}
	}
	return c.unclear || c.pause.unsure()
}

// Sweep drops the conversations that have no legs and of which nothing was heard
// since a time.
func (t *Tracker) Sweep(since time.Time) {
	for _, c := range t.conversations {
		if len(c.legs) == 0 && c.heard.Before(since) {
			t.drop(c)
		}
	}
}

// find returns the conversation with an id, nil when it is not tracked.
func (t *Tracker) find(id string) *conversation {
	if c := t.latest; c != nil && c.id == id && !c.dropped {
		return c
	}
	t.latest = t.conversations[id]
	return t.latest
}

// of returns the conversation of a snapshot.
func (t *Tracker) of(s *Snapshot) *conversation {
	if s.Memory == nil {
		return t.find(s.ConversationID)
	}
	if c := s.Memory.conversation; c != nil {
		t.latest = c
	}
	s.Memory.conversation = t.find(s.ConversationID)
	return s.Memory.conversation
}

// drop forgets a conversation.
func (t *Tracker) drop(c *conversation) {
	delete(t.conversations, c.id)
	c.dropped = true
}

func (t *Tracker) conversation(id string) *conversation {
	c := t.find(id)
	if c == nil {
		c = newConversation(id)
		t.conversations[id], t.latest = c, c
	}
	return c
}

func (c *conversation) leg(id string) *legState {
	for _, l := range c.legs {
		if l.ID.Leg == id {
			return l
		}
	}
	return nil
}

// advance notes how far a view says its participants have come, and reports whether
// the view is late and whether it shows progress. The platform keeps the order of
// participants, so the place is tried first.
func (c *conversation) advance(s *Snapshot) (isLate, progress bool) {
	var v *viewParties
	for i := range c.parties {
		if c.parties[i].view == s.View {
			v = &c.parties[i]
		}
	}
	if v == nil {
		c.parties = append(c.parties, viewParties{view: s.View, list: make([]party, 0, usualParties)})
		v = &c.parties[len(c.parties)-1]
	}
	for i := range s.Participants {
		p := &s.Participants[i]
		at := v.find(p.ID, i)
		if at < 0 {
			v.list = append(v.list, party{id: p.ID, phase: reached(p), terminated: p.State == "terminated"})
			progress = true
			continue
		}
		e := &v.list[at]
		isLate = isLate || late(e, p)
		progress = progress || reached(p) > e.phase
		e.phase, e.terminated = max(e.phase, reached(p)), e.terminated || p.State == "terminated"
	}
	return isLate, progress && !isLate && (s.View == ViewREST || c.further(s))
}

// further reports whether a snapshot shows more than the last answer of REST did. After
// a freeze the notifications from before the question come after its answer: what is
// progress for their topic is old.
func (c *conversation) further(s *Snapshot) bool {
	for i := range c.parties {
		v := &c.parties[i]
		if v.view != ViewREST {
			continue
		}
		for k := range s.Participants {
			at := v.find(s.Participants[k].ID, k)
			if at < 0 || reached(&s.Participants[k]) > v.list[at].phase {
				return true
			}
		}
		return false
	}
	return true
}

func (v *viewParties) find(id string, guess int) int {
	if guess < len(v.list) && v.list[guess].id == id {
		return guess
	}
	for i := range v.list {
		if v.list[i].id == id {
			return i
		}
	}
	return -1
}
