package bridge

import (
	"fmt"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

type nameless struct{}

func (nameless) User(string) string                { return "" }
func (nameless) Queue(string) string               { return "" }
func (nameless) Station(string) *recording.Station { return nil }

// TestNothingGrowsWithTraffic: a day of calls of a few agents, with everything that
// makes the core remember something: doubts, answers of REST, conversations that the
// platform denies, conflicts, refusals, lost acknowledgements, after-call work of
// which the end is never told, supervisors, participants that never become legs.
func TestNothingGrowsWithTraffic(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	c := NewCore(CoreOptions{
		Adapter: "acme", Source: "/genesys/example/acme", Instance: "one", Names: nameless{},
		Policy:  control.Policy{Purposes: []string{"agent"}, DataSource: "acme"},
		Tracker: call.Options{Subscribed: func(string) bool { return true }},
	})
	c.Lead(1)
	const users, calls = 5, 2000
	for u := range users {
		c.Agent(&AgentUpdate{
			UserID: fmt.Sprint("user", u), Received: now, Presence: &recording.Presence{System: "on_queue"},
			Routing: &recording.RoutingStatus{Status: "idle"},
		}, now)
	}
	sequence := uint64(0)
	last := map[string]uint64{}
	pump := func(round int) {
		for i, m := range c.Next(now) {
			o := Outcome{Token: m.Token, Subject: m.Subject}
			switch {
			case (round+i)%17 == 3:
				o.Verdict = Unsure
			case (round+i)%23 == 5:
				o.Verdict = Refused
			case m.Expect != last[m.Subject]:
				o.Verdict, o.Sequence = Conflict, last[m.Subject]
			default:
				sequence++
				last[m.Subject] = sequence
				o.Sequence = sequence
			}
			c.Resolve(o, now)
		}
		c.Loads()
		c.Latencies()
		c.Missed()
	}
	for n := range calls {
		at := now
		conversation, user := fmt.Sprint("conv", n), fmt.Sprint("user", n%users)
		leg := call.Participant{
			ID: fmt.Sprint("leg", n), UserID: user, Purpose: "agent", State: "connected", Connected: at,
			Held: call.No, Muted: call.No, SecurePause: call.No,
		}
		tell := func(view string, parties ...call.Participant) {
			s := call.Snapshot{ConversationID: conversation, View: view, Asked: now, Received: now, SecurePause: call.No, Participants: parties}
			for _, p := range parties {
				s.SecurePause = max(s.SecurePause, p.SecurePause)
			}
			c.Observe(&s, now)
			pump(n)
		}
		monitor := call.Participant{ID: fmt.Sprint("mon", n), UserID: "user0", Purpose: "agent", State: "connected", Monitored: leg.ID}
		tell(user, leg, monitor)
		leg.SecurePause = call.Yes
		now = now.Add(10 * time.Second)
		tell(user, leg)
		leg.SecurePause = call.No
		now = now.Add(100 * time.Millisecond)
		tell(user, leg) // too soon: doubtful
		other := call.Participant{ID: fmt.Sprint("other", n), UserID: "user1", Purpose: "agent", State: "connected", Connected: now}
		if n%3 == 0 {
			tell(user, leg, other) // a topic that never speaks
		}
		now = now.Add(10 * time.Second)
		c.Asks(now)
		switch n % 4 {
		case 0:
			c.Gone(conversation, now)
		case 1:
			tell(call.ViewREST, leg)
		}
		// Somebody without a topic of their own speaks of a leg that never becomes one.
		c.Observe(&call.Snapshot{
			ConversationID: fmt.Sprint("hearsay", n), View: "nobody", Received: now, Participants: []call.Participant{other},
		}, now)
		leg.State, leg.End, leg.StartACW = "terminated", now, now
		tell(user, leg)
		if n%3 == 0 {
			other.State, other.End = "terminated", now
			tell(call.ViewREST, leg, other)
		}
		c.Announce(recording.FeedData{Event: recording.FeedHeartbeat}, now)
		for range 4 {
			now = now.Add(5 * time.Second)
			pump(n)
		}
		c.Tick(now)
		c.Asks(now)
	}
	now = now.Add(c.opts.Grace + c.opts.Retention + time.Minute)
	for round := range 8 {
		c.Tick(now)
		c.Asks(now)
		pump(round)
		now = now.Add(time.Minute)
	}
	now = now.Add(c.opts.Grace)
	c.Tick(now)

	conversations, legs := c.tracker.Len()
	for name, n := range map[string]int{
		"conversations": conversations, "tracked legs": legs, "legs": len(c.legs), "asks": len(c.asks), "gone": len(c.gone),
		"ready": len(c.ready), "later": len(c.later), "loads": len(c.loads), "latencies": len(c.latencies), "missed": len(c.missed),
	} {
		if n != 0 {
			t.Errorf("%d %s are left", n, name)
		}
	}
	if n := len(c.lanes); n != 1+users {
		t.Errorf("%d lanes for the feed and %d users", n, users)
	}
	if n := len(c.recovered); n > recording.MaxGapLegs {
		t.Errorf("%d recovered legs are named", n)
	}
	for _, a := range c.agents {
		if n := len(a.afterCall); n != 0 {
			t.Errorf("%d legs are in after-call work of %s", n, a.user)
		}
	}
}

// TestFeedIsBounded: feed events that cannot be written do not gather without end; the
// newest stay, and heartbeats are replaced.
func TestFeedIsBounded(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	c := NewCore(CoreOptions{Adapter: "acme", Source: "/genesys/example/acme", Instance: "one", Names: nameless{}})
	for i := range 3 * maxFeed {
		now = now.Add(time.Second)
		c.Announce(recording.FeedData{Event: recording.FeedHeartbeat}, now)
		c.Announce(recording.FeedData{Event: recording.FeedDegraded, Reason: fmt.Sprint(i)}, now)
		c.Next(now)
	}
	if n := len(c.feed.queue); n > maxFeed {
		t.Errorf("%d events wait", n)
	}
	if last := c.feed.queue[len(c.feed.queue)-1].data; last.Reason != fmt.Sprint(3*maxFeed-1) {
		t.Errorf("the newest is %+v", last)
	}
	beats := 0
	for _, i := range c.feed.queue {
		if i.data.Event == recording.FeedHeartbeat {
			beats++
		}
	}
	if beats > 1 {
		t.Errorf("%d heartbeats wait", beats)
	}
}

// TestAheadIsBounded: steps that another instance has told, and this one never sees,
// do not gather without end within the time that they are waited for.
func TestAheadIsBounded(t *testing.T) {
	l := &legLane{}
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for range 1000 {
		l.expect(NewCore(CoreOptions{}), []call.Key{{Kind: call.MutedOn}, {Kind: call.MutedOff}}, &recording.CallData{}, false, now)
	}
	if n := len(l.ahead); n != maxAhead {
		t.Errorf("%d steps are waited for", n)
	}
	if last := l.ahead[maxAhead-1].key.Kind; last != call.MutedOff {
		t.Errorf("the newest is %d", last)
	}
}

// Legs are looked after in portions, each once in a round, also while some are forgotten.
func TestPortionsReachEveryLeg(t *testing.T) {
	c, s := NewCore(CoreOptions{Adapter: "acme", Names: nameless{}}), &shownStream{}
	begin := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for leg := range 5 {
		take(t, c, s.told(fmt.Sprint("leg", leg), recording.Start, recording.Recording, begin))
	}
	for leg := range 2 {
		take(t, c, s.told(fmt.Sprint("ended", leg), recording.Stop, recording.Stopped, begin))
	}
	c.Lead(1)
	c.Next(begin)
	now := begin.Add(16 * time.Minute) // everything is due
	told := make(map[string]int)
	for range 4 {
		c.TickLegs(now, 2)
		for _, m := range c.Next(now) {
			told[m.Subject]++
		}
	}
	if len(told) != 5 || c.Legs() != 5 {
		t.Errorf("refreshed %v, %d legs are known", told, c.Legs())
	}
}

// What is observed in a hush waits for its end, up to a bound; what is more is judged at once.
func TestWhatWaitsForTheEndOfAHushIsBounded(t *testing.T) {
	c := NewCore(CoreOptions{Adapter: "acme"})
	c.Hush(eight, eight.Add(time.Second))
	l := c.newLeg(call.ID{Conversation: "c", Leg: "l"}, "subject")
	for n := range maxEchoes + 1 {
		s := step{leg: l, Edge: call.Edge{CorrelationID: "id"}}
		if waits := c.postpone(&s, eight); waits != (n < maxEchoes) || s.old == waits {
			t.Fatalf("step %d waits: %v, is old: %v", n, waits, s.old)
		}
	}
	if n := len(c.postponed); n != maxEchoes {
		t.Errorf("%d steps wait", n)
	}
}
