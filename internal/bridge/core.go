package bridge

import (
	"fmt"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// CoreOptions configure a [Core].
type CoreOptions struct {
	Adapter  string // subjects
	Source   string // CloudEvents source
	Instance string
	Policy   control.Policy
	Names    control.Names
	Tracker  call.Options // Wanted is set from Policy and Monitored
	// Monitored reports whether a user is one of this adapter's. Default: all are.
	Monitored func(userID string) bool
	// Refresh is how long an open leg may go without an event. Default 15 m.
	Refresh time.Duration
	// Grace is how long a stopped leg is kept for a late wrap-up. Default 10 m.
	Grace time.Duration
	// Retention is how long the stream keeps events: a leg that ended longer ago is
	// not told, since nobody could say whether it was told before. Default 72 h.
	Retention time.Duration
	// Patience is how long an edge that another instance has published and this one
	// has not observed is waited for. Default 30 s.
	Patience time.Duration
	// Coalesce is how long changes of facts are gathered into one update. Control
	// never waits. Default 250 ms.
	Coalesce time.Duration
	// MaxPending bounds the edges that one leg gathers while it cannot publish; then
	// they collapse to the level. Default 32.
	MaxPending int
}

// Core holds observed and published state and their difference. It is not safe for
// concurrent use and knows no clock: every call says what time it is, and time must
// not run backwards.
type Core struct {
	opts    CoreOptions
	tracker *call.Tracker
	lanes   map[string]*lane // by subject
	legs    map[call.ID]*legLane
	agents  map[string]*agentLane
	feed    *feedLane
	all     []*legLane // in no order, for who goes through them in portions
	turn    int        // of all, whose turn it is
	states  map[recording.State]int
	ready   []*lane
	spare   []*lane // the room of ready, from one round to the next
	later   []*lane // waiting for notBefore
	busy    []*lane // all that have something to do, and some that have not
	// backlog are the last old events of legs while a window is read, see [Core.Recover].
	backlog map[string]Entry
	// decoded are the data that were decoded last and not taken, of the event decodedAt.
	decoded   *recording.CallData
	decodedAt uint64
	reader    *recording.EventReader // of all events of legs
	// hush: nothing is sent before, since the process did not run from frozen on.
	frozen, hush time.Time
	postponed    []step // observed meanwhile
	// waited is since when the snapshot that is observed may have waited.
	waited time.Time
	// echoes are what others told lately.
	echoes echoes
	// brokerSpoke is when the broker last stored or delivered something.
	brokerSpoke time.Time
	// due: no lane of later is due before.
	due   time.Time
	out   []Message // the room of what Next returns
	rooms rooms     // of stored events
	// compared is the room for a leg as it is, when that is compared with what is told.
	compared recording.CallData
	loads    []Load
	asks     map[string]ask       // conversations to be asked about
	asksDue  time.Time            // none of them is due before
	wonders  map[string]time.Time // those asked about because of late topics, until when
	// answered are those that were read, by when REST was asked.
	answered map[string]time.Time
	leading  bool
	epoch    uint64
	token    uint64
	senders  [maxRoom]*lane // of the last messages, by their token
	last     uint64         // last stream sequence seen
	stats    Stats
	// latencies of events stored since they were last asked for.
	latencies []Latency
	// recovered are the legs about which REST knew something new since the last
	// comparison began.
	recovered      []string
	recoveredCount int
	gone           map[string]time.Time
	// missed are the users of whom something was never observed, and when the latest of
	// it happened.
	missed map[string]time.Time
	// observed is when a leader other than this process last wrote: until then somebody
	// observed.
	observed time.Time
	// leaderHeard is until when the leader has heard of what it has told; leaderLooked is
	// what it was at the last look for steps that the leader did not tell, and leaderTold
	// at the one before: all of that has been read.
	leaderHeard, leaderLooked, leaderTold time.Time
	// leaderBegan is when somebody else began to lead.
	leaderBegan time.Time
	// stood are the last moments when this instance told what the leader was not shown.
	stood [oftenStoodIn]time.Time
	// ends is when the last end is told that waits, concludes: none does. returned is when the
	// broker was back that nobody could tell anything.
	ends, returned time.Time
	concludes      bool
	lastBeat       time.Time
	reconciledAt   time.Time
	activity       activity
}

// Load asks for a stored event: the one with the sequence, or the subject's last
// when the sequence is 0.
type Load struct {
	Subject  string
	Sequence uint64
}

// Stats counts what the core did since it was made.
type Stats struct {
	Snapshots, Edges, Published, Conflicts, Retries, Refused uint64
	Collapsed, Reconciled, Holes, Unreadable, TooOld         uint64
	// StoodIn are the events written for a leader that was not shown what they tell.
	StoodIn uint64
}

// NewCore returns a core that follows: until [Core.Lead] it publishes only what must not
// wait for a leader, and what the leader was not shown, see [Core.StandIn].
func NewCore(o CoreOptions) *Core {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Refresh, 15*time.Minute)
	def(&o.Grace, 10*time.Minute)
	def(&o.Retention, 72*time.Hour)
	def(&o.Patience, 30*time.Second)
	def(&o.Coalesce, 250*time.Millisecond)
	if o.MaxPending <= 0 {
		o.MaxPending = 32
	}
	if o.Monitored == nil {
		o.Monitored = func(string) bool { return true }
	}
	o.Tracker.Wanted = func(p *call.Participant) bool {
		return o.Policy.Wanted(p) && (p.UserID == "" || o.Monitored(p.UserID))
	}
	c := &Core{
		opts: o, tracker: call.NewTracker(o.Tracker), lanes: make(map[string]*lane),
		legs: make(map[call.ID]*legLane), asks: make(map[string]ask), wonders: make(map[string]time.Time),
		gone: make(map[string]time.Time), answered: make(map[string]time.Time), agents: make(map[string]*agentLane), states: make(map[recording.State]int),
	}
	c.feed, c.echoes, c.reader = newFeedLane(c), newEchoes(), recording.NewEventReader()
	return c
}

// Lead makes the core publish, in the given epoch.
func (c *Core) Lead(epoch uint64) {
	c.leading, c.epoch, c.concludes = true, epoch, false
	if c.brokerSpoke.Sub(c.returned) < lately {
		c.returned = c.brokerSpoke // when it was read that we lead
	}
	for _, l := range c.lanes {
		c.enqueue(l)
	}
	for _, l := range c.legs {
		l.promoted(c)
	}
}

// term is the epoch of what is written now: our own, or that of the leader.
func (c *Core) term() uint64 {
	if c.leading {
		return c.epoch
	}
	return max(c.feed.term, 1)
}

// Follow makes the core stop publishing. What is in flight is left to the tail.
func (c *Core) Follow() {
	c.leading = false
	for _, l := range c.lanes {
		if l != c.feed.lane && l.flight != nil && l.flight.waiting {
			l.flight = nil
		}
	}
}

// Leading reports whether the core publishes, and in which epoch.
func (c *Core) Leading() (bool, uint64) { return c.leading, c.epoch }

// Stats returns the counters.
func (c *Core) Stats() Stats { return c.stats }

// LastSequence is the last stream sequence that the core has seen.
func (c *Core) LastSequence() uint64 { return c.last }

// Resolve takes the outcome of a message that [Core.Next] returned.
func (c *Core) Resolve(o Outcome, now time.Time) { c.resolve(o, now) }

// Stored takes an event of the stream, in stream order from the tail, or out of
// order after a [Load]. An error says that it could not be read; it is skipped.
func (c *Core) Stored(e *Entry, now time.Time) error {
	c.last = max(c.last, e.Sequence)
	c.brokerSpeaks(now)
	if c.setAside(e, now) {
		return nil
	}
	return c.read(e, now)
}

func (c *Core) read(e *Entry, now time.Time) error {
	l := c.lanes[e.Subject]
	if l == nil {
		var err error
		if l, err = c.laneFor(e, now); l == nil || err != nil {
			return err
		}
	}
	if err := c.stored(l, e, now); err != nil {
		c.stats.Unreadable++
		return fmt.Errorf("read event %d on %s: %w", e.Sequence, e.Subject, err)
	}
	return nil
}

// laneFor makes the lane of a subject that is seen for the first time.
func (c *Core) laneFor(e *Entry, now time.Time) (*lane, error) {
	s, err := recording.ParseSubject(e.Subject)
	if err != nil {
		return nil, err
	}
	switch s.Kind {
	case "call":
		d, err := c.decodeCall(e, nil, new(recording.Parts))
		if err != nil {
			c.stats.Unreadable++
			return nil, fmt.Errorf("read event %d on %s: %w", e.Sequence, e.Subject, err)
		}
		id := call.ID{Conversation: d.Conversation.ID, Leg: d.Leg.ID}
		if known := c.legs[id]; known != nil {
			return &known.lane, nil // another user on the same leg: one log is enough
		}
		if d.State == recording.Stopped && now.Sub(e.Time) > c.opts.Grace {
			return nil, nil
		}
		return &c.newLeg(id, e.Subject).lane, nil
	case "agent":
		event, err := decode[recording.AgentEvent](e)
		if err != nil {
			c.stats.Unreadable++
			return nil, fmt.Errorf("read event %d on %s: %w", e.Sequence, e.Subject, err)
		}
		return c.agent(event.Data.Agent.UserID).lane, nil
	case "feed":
		return c.feed.lane, nil
	default:
		return nil, nil
	}
}

// Next returns the messages to be sent now. Each must be answered by exactly one
// [Core.Resolve] with its token, sooner or later; until then its subject is silent. The
// slice is used again by the next call.
func (c *Core) Next(now time.Time) []Message {
	clear(c.out)
	out := c.out[:0]
	if c.hush.After(now) {
		return out
	}
	c.thaw(now)
	c.wake(now)
	queue := c.ready
	c.ready = c.spare[:0]
	for _, l := range queue {
		l.queued = false
		if m, ok := c.send(l, now); ok {
			out = append(out, m)
		}
	}
	clear(queue)
	c.spare, c.out = queue, out
	if cap(out) > maxRoom {
		c.out = nil // a burst does not set the size for good
	}
	return out
}

const maxRoom = 4096 // as many as may be on their way

// Hush says that the process did not run since a time. Until a moment nothing is sent, and
// what is observed may be as old as that.
func (c *Core) Hush(since, until time.Time) { c.frozen, c.hush = since, until }

// send returns the lane's next message, if it has one and may send it.
func (c *Core) send(l *lane, now time.Time) (Message, bool) {
	if l.flight != nil && !l.flight.waiting {
		return Message{}, false
	}
	if l.notBefore.After(now) {
		c.park(l)
		return Message{}, false
	}
	if l.flight == nil {
		if l.flight = l.compose(c, now); l.flight == nil {
			return Message{}, false
		}
	} else if l.flight.key.Phase() == call.Ended && c.waits(l, c.returned.Add(lastWord), now) {
		return Message{}, false
	}
	c.token++
	l.flight.token, l.flight.waiting = c.token, false
	c.senders[c.token%maxRoom] = l
	return Message{Subject: l.subject, ID: l.flight.id, Data: l.flight.data, Expect: l.sequence, Token: c.token}, true
}

// park sets a lane aside until its time has come.
func (c *Core) park(l *lane) {
	l.queued = true
	if len(c.later) == 0 || l.notBefore.Before(c.due) {
		c.due = l.notBefore
	}
	c.later = append(c.later, l)
}

// hasten lets a lane that was to wait go now.
func (c *Core) hasten(l *lane) {
	if !l.notBefore.IsZero() {
		l.notBefore, c.due = time.Time{}, time.Time{}
	}
}

// wake takes back the lanes whose time has come. It is asked with every snapshot, and
// looks through them only when one is due.
func (c *Core) wake(now time.Time) {
	if len(c.later) == 0 || c.due.After(now) {
		return
	}
	rest := c.later[:0]
	for _, l := range c.later {
		if l.notBefore.After(now) {
			if len(rest) == 0 || l.notBefore.Before(c.due) {
				c.due = l.notBefore
			}
			rest = append(rest, l)
			continue
		}
		l.queued = false
		c.enqueue(l)
	}
	clear(c.later[len(rest):])
	c.later = rest
}

// Due is when time alone makes something due: a question, a leg that waits, or the end of a hush. It is
// zero when there is nothing, and may be too early.
func (c *Core) Due(now time.Time) (due time.Time) {
	sooner := func(t time.Time) {
		if due.IsZero() || t.Before(due) {
			due = t
		}
	}
	if len(c.asks) > 0 {
		sooner(c.asksDue)
	}
	if c.hush.After(now) {
		sooner(c.hush)
		return due
	}
	if len(c.later) > 0 {
		sooner(c.due)
	}
	if len(c.ready) > 0 {
		sooner(now) // what one of them has sent was not taken
	}
	return due
}

// Latencies returns what was stored since it was last asked, and forgets it. The slice
// is used again when the next event is stored.
func (c *Core) Latencies() []Latency {
	l := c.latencies
	c.latencies = l[:0]
	if cap(l) > maxRoom {
		c.latencies = nil
	}
	return l
}

// witness notes that another leader was at work.
func (c *Core) witness(e *Entry) {
	if e.Time.After(c.observed) {
		c.observed = e.Time
	}
}

// Missed returns the users of whom something was published, or is known to REST, that
// was never observed here, with the moment when the latest of it happened, and forgets
// them.
func (c *Core) Missed() map[string]time.Time {
	m := c.missed
	c.missed = nil
	return m
}

func (c *Core) miss(user string, at time.Time) {
	if user == "" || len(c.missed) >= maxFeed {
		return
	}
	if c.missed == nil {
		c.missed = make(map[string]time.Time)
	}
	if c.missed[user].Before(at) {
		c.missed[user] = at
	}
}

// Loads returns the stored events that have to be read, and forgets them.
func (c *Core) Loads() []Load {
	l := c.loads
	c.loads = nil
	return l
}

// Abandon drops every message in flight, for a connection that is known to answer
// none of them. The stream decides what became of them.
func (c *Core) Abandon() {
	for _, l := range c.lanes {
		if l.flight != nil && !l.flight.waiting {
			l.flight.waiting = true
			c.hasten(l)
			c.enqueue(l)
		}
	}
}
