package watch

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// Leg is a leg that is open.
type Leg struct {
	AgentID        string          `json:"userId,omitempty"`
	Agent          string          `json:"agent,omitempty"`
	ConversationID string          `json:"conversationId"`
	LegID          string          `json:"legId"`
	State          recording.State `json:"state"`
	// Since is when the leg came into its state. With SinceBefore it was then at the
	// latest.
	Since        time.Time               `json:"since"`
	SinceBefore  bool                    `json:"sinceBefore,omitempty"`
	PauseReasons []recording.PauseReason `json:"pauseReasons,omitempty"`
	Held         bool                    `json:"held"`
	Revision     uint64                  `json:"revision"`
	Confidence   recording.Confidence    `json:"confidence"`
	// Gaps are the ids of the open gaps in which this leg cannot be observed.
	Gaps []string `json:"gaps,omitempty"`

	entry publish.Entry
}

// Gap is a gap that is open.
type Gap struct {
	ID       string              `json:"id"`
	Instance string              `json:"instance"`
	From     time.Time           `json:"from"`
	Cause    recording.GapCause  `json:"cause"`
	All      bool                `json:"all,omitempty"`
	Users    int                 `json:"users,omitempty"`
	scope    *recording.GapScope // with the ids of users, if they are few
	entry    publish.Entry
}

// covers tells whether a user cannot be observed in the gap; who is in one of which
// not all users are named may be meant.
func (g Gap) covers(user string) bool {
	s := g.scope
	return s == nil || s.All || s.Users > len(s.UserIDs) || slices.Contains(s.UserIDs, user)
}

// Feed is what the feed has told last.
type Feed struct {
	// Heartbeat is when an instance spoke last, by the clock of NATS, and Age how long
	// ago that was.
	Heartbeat time.Time `json:"lastHeartbeat,omitzero"`
	Age       float64   `json:"ageSeconds,omitempty"`
	// Silent is set when no instance has spoken for three heartbeats: nobody knows
	// what is so now.
	Silent bool `json:"silent"`
	// Leader is who led last, since the message with the sequence Epoch.
	Leader string `json:"leader,omitempty"`
	Epoch  uint64 `json:"epoch,omitempty"`
}

// Snapshot is what should be recorded at one moment.
type Snapshot struct {
	Adapter string    `json:"adapter"`
	At      time.Time `json:"at"`
	Feed    Feed      `json:"feed"`
	Gaps    []Gap     `json:"gaps"`
	Legs    []Leg     `json:"legs"`
}

// silence is three heartbeats.
const silence = 30 * time.Second

// Legs reads what should be recorded now. Of the filter those fields count that choose
// calls.
func Legs(ctx context.Context, s Source, f Filter) (Snapshot, error) {
	ctx, cancel, r, err := s.open(ctx)
	defer cancel(nil)
	if err != nil {
		return Snapshot{}, err
	}
	from, err := r.fromWindow(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	f = Filter{Agent: f.Agent, Conversation: f.Conversation, Leg: f.Leg, Calls: true}
	p := newPicture()
	reading, done := context.WithCancel(ctx)
	defer done()
	whole := false
	err = r.follow(reading, from, recording.AllSubjects(s.Adapter), func() { whole = true; done() }, func(entries []publish.Entry) {
		if whole {
			return // what comes now is for the next time
		}
		for _, e := range entries {
			event, err := recording.Decode(e.Data)
			if err != nil {
				event = nil // nobody can say what it was
			}
			p.take(e, event)
		}
	})
	if !whole {
		return Snapshot{}, cmp.Or(err, context.Cause(ctx))
	}
	return p.snapshot(s.Adapter, r.now(), f), nil
}

// picture is what the stream says at one moment.
type picture struct {
	legs map[string]*Leg // by subject of the stream
	gaps map[string]Gap
	feed Feed
}

func newPicture() *picture { return &picture{legs: map[string]*Leg{}, gaps: map[string]Gap{}} }

func (p *picture) take(e publish.Entry, event any) {
	switch v := event.(type) {
	case *recording.CallEvent:
		p.call(e, v)
	case *recording.FeedEvent:
		p.feedEvent(e, &v.Data)
	}
}

func (p *picture) call(e publish.Entry, v *recording.CallEvent) {
	d := &v.Data
	before := p.legs[e.Subject]
	if before != nil && d.Revision <= before.Revision {
		return
	}
	if d.State == recording.Stopped {
		delete(p.legs, e.Subject)
		return
	}
	leg := &Leg{
		ConversationID: d.Conversation.ID, LegID: d.Leg.ID, State: d.State, Since: v.Time.Time, Held: d.Leg.Held, Revision: d.Revision,
		Confidence: d.Confidence, entry: e,
	}
	if d.Agent != nil {
		leg.AgentID, leg.Agent = d.Agent.UserID, agentName(d.Agent)
	}
	if d.Pause != nil {
		leg.PauseReasons = d.Pause.Reasons
	}
	switch {
	case d.Verb != recording.Update:
	case before != nil && before.State == d.State:
		leg.Since, leg.SinceBefore = before.Since, before.SinceBefore
	default: // what brought it into its state is older than the window
		leg.SinceBefore = true
	}
	p.legs[e.Subject] = leg
}

func (p *picture) feedEvent(e publish.Entry, d *recording.FeedData) {
	p.feed.Heartbeat = e.Time
	switch d.Event { //nolint:exhaustive // the others say no more than that somebody is there
	case recording.FeedLeader:
		p.feed.Leader, p.feed.Epoch = d.Instance, e.Sequence
	case recording.FeedGapOpened:
		g := Gap{ID: d.ID, Instance: d.Instance, From: d.From.Time, Cause: d.Cause, scope: d.Scope, entry: e}
		if g.All = d.Scope == nil || d.Scope.All; !g.All {
			g.Users = d.Scope.Users
		}
		p.gaps[d.ID] = g
	case recording.FeedGapClosed:
		delete(p.gaps, d.ID)
	}
	if d.Role == recording.Primary && d.Event != recording.FeedLeader && d.Event != recording.FeedStopping {
		p.feed.Leader, p.feed.Epoch = d.Instance, d.Epoch
	}
}

// openEntries are the last events of what is open, in the order of the stream.
func (p *picture) openEntries() []publish.Entry {
	var list []publish.Entry
	for _, l := range p.legs {
		list = append(list, l.entry)
	}
	for _, g := range p.gaps {
		list = append(list, g.entry)
	}
	slices.SortFunc(list, func(a, b publish.Entry) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return list
}

// snapshot puts the picture in order, oldest leg first.
func (p *picture) snapshot(adapter string, now time.Time, f Filter) Snapshot {
	s := Snapshot{Adapter: adapter, At: now.UTC().Truncate(time.Millisecond), Feed: p.feed, Gaps: []Gap{}, Legs: []Leg{}}
	s.Feed.Silent = true
	if !p.feed.Heartbeat.IsZero() {
		age := max(now.Sub(p.feed.Heartbeat), 0)
		s.Feed.Age, s.Feed.Silent = age.Round(100*time.Millisecond).Seconds(), age > silence
	}
	for _, g := range p.gaps {
		s.Gaps = append(s.Gaps, g)
	}
	slices.SortFunc(s.Gaps, func(a, b Gap) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.ID, b.ID)) })
	for _, l := range p.legs {
		leg := *l
		event, err := recording.Decode(l.entry.Data)
		if err != nil || !f.chooses(event) {
			continue
		}
		for _, g := range s.Gaps {
			if g.covers(leg.AgentID) {
				leg.Gaps = append(leg.Gaps, g.ID)
			}
		}
		s.Legs = append(s.Legs, leg)
	}
	slices.SortFunc(s.Legs, func(a, b Leg) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ConversationID, b.ConversationID), cmp.Compare(a.LegID, b.LegID))
	})
	return s
}
