package call_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

var t0 = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * float64(time.Second))) }

// tracker follows agents and users; every user in subscribed has a topic.
func tracker(subscribed ...string) *call.Tracker {
	return call.NewTracker(call.Options{
		Subscribed: func(u string) bool { return slices.Contains(subscribed, u) },
		Wanted:     func(p *call.Participant) bool { return p.Purpose == "agent" || p.Purpose == "user" },
		Attributes: []string{"case"},
	})
}

func customer() call.Participant {
	return call.Participant{
		ID: "cust", Purpose: "customer", State: "connected", Direction: "inbound", Address: "tel:+1", Connected: at(0),
		Held: call.No, Muted: call.No, Confined: call.No, SecurePause: call.No,
	}
}

func agent(id, user, state string) call.Participant {
	p := call.Participant{
		ID: id, Purpose: "agent", UserID: user, State: state, Direction: "inbound", QueueID: "q",
		Held: call.No, Muted: call.No, Confined: call.No, SecurePause: call.No,
	}
	switch state {
	case "connected":
		p.Connected = at(10)
	case "disconnected", "terminated":
		p.Connected, p.End, p.DisconnectType = at(10), at(60), "peer"
	}
	return p
}

func snap(view string, received float64, ps ...call.Participant) *call.Snapshot {
	s := &call.Snapshot{ConversationID: "c", View: view, Received: at(received), SecurePause: call.No, Participants: ps}
	if view == call.ViewREST {
		s.Asked = at(received - 0.1)
	}
	return s
}

func with(p call.Participant, change func(*call.Participant)) call.Participant {
	change(&p)
	return p
}

// kinds folds snapshots and returns the edges as text, leg by leg.
func kinds(t *call.Tracker, snaps ...*call.Snapshot) map[string][]string {
	out := map[string][]string{}
	for _, s := range snaps {
		for _, c := range t.Fold(s) {
			for _, e := range c.Edges {
				out[c.Leg.ID.Leg] = append(out[c.Leg.ID.Leg], name(e))
			}
		}
	}
	return out
}

func name(e call.Edge) string {
	names := []string{
		"", "delivered", "originated", "established", "secure+", "secure-", "held+", "held-", "muted+", "muted-",
		"parked+", "parked-", "conference+", "conference-", "supervised+", "supervised-", "finished",
	}
	s := names[e.Kind]
	if e.Reconciled {
		s += "?"
	}
	return s
}

func TestFold(t *testing.T) {
	paused := func(p *call.Participant) { p.SecurePause = call.Yes }
	held := func(p *call.Participant) { p.Held, p.StartHold = call.Yes, at(20) }
	a := func(state string) call.Participant { return agent("a", "ua", state) }
	b := func(state string) call.Participant { return agent("b", "ub", state) }
	declined := with(agent("a0", "ua", "terminated"), func(p *call.Participant) { p.Connected, p.DisconnectType = time.Time{}, "client" })

	for _, test := range []struct {
		name  string
		snaps []*call.Snapshot
		want  map[string][]string
	}{
		{
			"an answered call",
			[]*call.Snapshot{snap("ua", 5, customer(), a("alerting")), snap("ua", 10, customer(), a("connected")), snap("ua", 60, customer(), a("terminated"))},
			map[string][]string{"a": {"delivered", "established", "finished"}},
		},
		{
			"a declined alert, then an answered one of the same agent",
			[]*call.Snapshot{
				snap("ua", 1, customer(), with(a("alerting"), func(p *call.Participant) { p.ID = "a0" })),
				snap("ua", 2, customer(), declined), snap("ua", 3, customer(), declined, a("alerting")), snap("ua", 10, customer(), declined, a("connected")),
			},
			map[string][]string{"a0": {"delivered", "finished"}, "a": {"delivered", "established"}},
		},
		{
			"only the end was seen",
			[]*call.Snapshot{snap("ua", 60, customer(), a("terminated"))},
			map[string][]string{"a": {"established", "finished"}},
		},
		{"a decline that nobody was told about", []*call.Snapshot{snap("ua", 60, customer(), declined)}, map[string][]string{}},
		{
			"hold, twice the same frame, and a copy of an earlier hold during the second one",
			[]*call.Snapshot{
				snap("ua", 10, customer(), a("connected")), snap("ua", 20, customer(), with(a("connected"), held)), snap("ua", 20.1, customer(), with(a("connected"), held)),
				snap("ua", 30, customer(), a("connected")),
				snap("ua", 40, customer(), with(a("connected"), func(p *call.Participant) { p.Held, p.StartHold = call.Yes, at(40) })),
				snap("ua", 50, customer(), a("connected")), snap("ua", 50.2, customer(), with(a("connected"), held)),
			},
			map[string][]string{"a": {"established", "held+", "held-", "held+", "held-"}},
		},
		{
			"a late alert after the answer changes nothing",
			[]*call.Snapshot{snap("ua", 10, customer(), a("connected")), snap("ua", 11, customer(), with(a("alerting"), paused))},
			map[string][]string{"a": {"established"}},
		},
		{
			"a secure pause seen by one topic reaches both legs, and ends when both say so",
			[]*call.Snapshot{
				snap("ua", 10, customer(), a("connected"), b("connected")), snap("ub", 10, customer(), a("connected"), b("connected")),
				snap("ua", 20, customer(), with(a("connected"), paused), b("connected")),
				snap("ub", 20.1, customer(), with(a("connected"), paused), b("connected")),
				snap("ua", 30, customer(), a("connected"), b("connected")), snap("ub", 30.1, customer(), a("connected"), b("connected")),
			},
			map[string][]string{"a": {"established", "secure+", "secure-"}, "b": {"established", "secure+", "secure-"}},
		},
		{
			"a resume within the settle time is not believed, and then confirmed by progress",
			[]*call.Snapshot{
				snap("ua", 10, customer(), a("connected")), snap("ua", 20, customer(), with(a("connected"), paused)),
				snap("ua", 20.4, customer(), a("connected")),
			},
			map[string][]string{"a": {"established", "secure+"}},
		},
		{
			"a leg that joins during a pause starts paused",
			[]*call.Snapshot{snap("ua", 10, customer(), with(a("connected"), paused)), snap("ub", 12, customer(), with(a("connected"), paused), b("connected"))},
			map[string][]string{"a": {"established"}, "b": {"established"}},
		},
		{
			"REST finds a call",
			[]*call.Snapshot{snap(call.ViewREST, 15, customer(), a("connected"))},
			map[string][]string{"a": {"established?"}},
		},
		{
			"a REST answer older than the topic does not turn the level back",
			[]*call.Snapshot{snap("ua", 10, customer(), a("connected")), snap("ua", 20, customer(), with(a("connected"), held)), snap(call.ViewREST, 20.05, customer(), a("connected"))},
			map[string][]string{"a": {"established", "held+"}},
		},
		{
			"a monitor is told on the monitored leg, and becomes a leg when it barges in",
			[]*call.Snapshot{
				snap("ua", 10, customer(), a("connected")),
				snap("us", 11, customer(), a("connected"), with(agent("s", "us", "connected"), func(p *call.Participant) { p.Monitored = "a" })),
				snap("ua", 11, customer(), a("connected"), with(agent("s", "us", "connected"), func(p *call.Participant) { p.Monitored = "a" })),
				snap("us", 12, customer(), a("connected"), with(agent("s", "us", "connected"), func(p *call.Participant) { p.Barged, p.Barge = "a", at(12) })),
			},
			map[string][]string{"a": {"established", "supervised+"}, "s": {"established"}},
		},
		{
			"a conference is more than two who talk; a consultation is not",
			[]*call.Snapshot{
				snap("ua", 10, customer(), a("connected")),
				snap("ua", 20, with(customer(), func(p *call.Participant) { p.Confined = call.Yes }), a("connected"), b("connected")),
				snap("ua", 30, customer(), a("connected"), b("connected")),
				snap("ua", 40, customer(), a("connected"), b("terminated")),
			},
			map[string][]string{"a": {"established", "conference+", "conference-"}},
		},
		{
			"park and unpark",
			[]*call.Snapshot{snap("ua", 10, customer(), a("connected")), snap("ua", 20, customer(), with(a("connected"), func(p *call.Participant) { p.State, p.Park = "parked", at(20) })), snap("ua", 30, customer(), a("connected"))},
			map[string][]string{"a": {"established", "parked+", "parked-"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, kinds(tracker("ua", "ub", "us"), test.snaps...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A resume that may have changed places with its pause is held in doubt until REST,
// progress or time confirms it.
func TestDoubtfulResume(t *testing.T) {
	paused := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.SecurePause = call.Yes })
	begin := func() *call.Tracker {
		tr := tracker("ua")
		kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected")), snap("ua", 20, customer(), paused), snap("ua", 20.2, customer(), agent("a", "ua", "connected")))
		if !tr.Doubtful("c") {
			t.Fatal("a resume 200 ms after its pause is not doubtful")
		}
		return tr
	}
	t.Run("REST says resumed", func(t *testing.T) {
		tr := begin()
		got := kinds(tr, snap(call.ViewREST, 20.5, customer(), agent("a", "ua", "connected")))
		if want := map[string][]string{"a": {"secure-?"}}; !cmp.Equal(want, got) || tr.Doubtful("c") {
			t.Errorf("edges %v, doubtful %v", got, tr.Doubtful("c"))
		}
	})
	t.Run("REST says paused", func(t *testing.T) {
		tr := begin()
		if got := kinds(tr, snap(call.ViewREST, 20.5, customer(), paused)); len(got) != 0 || !tr.Doubtful("c") {
			t.Errorf("an answer that may be older than the frame: edges %v, doubtful %v", got, tr.Doubtful("c"))
		}
		if got := kinds(tr, snap(call.ViewREST, 23.5, customer(), paused)); len(got) != 0 || tr.Doubtful("c") {
			t.Errorf("an answer that cannot be older: edges %v, doubtful %v", got, tr.Doubtful("c"))
		}
	})
	t.Run("REST says paused, the topic has said otherwise lately and falls silent", func(t *testing.T) {
		tr := tracker("ua")
		kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected")))
		got := kinds(tr, snap(call.ViewREST, 10.5, customer(), paused))
		if want := map[string][]string{"a": {"secure+?"}}; !cmp.Equal(want, got) || !tr.Doubtful("c") {
			t.Fatalf("edges %v, doubtful %v", got, tr.Doubtful("c"))
		}
		if changes := tr.Expire("c", at(60)); len(changes) != 0 || !tr.Doubtful("c") {
			t.Errorf("time alone has ended the pause that REST has told: %+v", changes)
		}
		kinds(tr, snap("ua", 70, customer(), agent("a", "ua", "connected")))
		if tr.Doubtful("c") {
			t.Error("the topic says that it is over, a minute later, and is doubted")
		}
	})
	t.Run("the end of the leg confirms it", func(t *testing.T) {
		got := kinds(begin(), snap("ua", 20.6, customer(), agent("a", "ua", "terminated")))
		if want := map[string][]string{"a": {"finished"}}; !cmp.Equal(want, got) {
			t.Error(got)
		}
	})
	t.Run("nobody can be asked", func(t *testing.T) {
		tr := begin()
		if got := tr.Expire("c", at(21)); len(got) != 0 {
			t.Errorf("believed after 0.8 s: %v", got)
		}
		if got := tr.Expire("c", at(22.3)); len(got) != 1 || got[0].Edges[0].Kind != call.SecureOff {
			t.Errorf("not believed after 2.1 s: %v", got)
		}
	})
}

// A REST answer that lags behind a fresh pause does not end it: both topics have said
// pause, and none has said off.
func TestStaleAnswerDoesNotResume(t *testing.T) {
	paused := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.SecurePause = call.Yes })
	tr := tracker("ua", "ub")
	kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")),
		snap("ub", 10, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")),
		snap("ua", 20, customer(), paused, agent("b", "ub", "connected")))
	got := kinds(tr, snap(call.ViewREST, 20.4, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")),
		snap("ub", 21, customer(), paused, agent("b", "ub", "connected")),
		snap(call.ViewREST, 21.4, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")))
	if len(got) != 0 || !tr.Doubtful("c") {
		t.Fatalf("edges %v, doubtful %v", got, tr.Doubtful("c"))
	}
	got = kinds(tr, snap(call.ViewREST, 24.5, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")))
	if want := map[string][]string{"a": {"secure-?"}, "b": {"secure-?"}}; !cmp.Equal(want, got) || tr.Doubtful("c") {
		t.Errorf("edges %v, doubtful %v", got, tr.Doubtful("c"))
	}
}

// Views that disagree keep the leg paused, however long, until REST is asked.
func TestPauseStaysWhileViewsDisagree(t *testing.T) {
	paused := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.SecurePause = call.Yes })
	tr := tracker("ua", "ub")
	kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")),
		snap("ua", 20, customer(), paused, agent("b", "ub", "connected")), snap("ub", 20, customer(), paused, agent("b", "ub", "connected")))
	got := kinds(tr, snap("ua", 40, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")))
	if len(got) != 0 || !tr.Doubtful("c") {
		t.Fatalf("edges %v, doubtful %v", got, tr.Doubtful("c"))
	}
	if got := tr.Expire("c", at(4000)); len(got) != 0 {
		t.Fatalf("time alone resumed: %v", got)
	}
	got = kinds(tr, snap(call.ViewREST, 4001, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")))
	if want := map[string][]string{"a": {"secure-?"}, "b": {"secure-?"}}; !cmp.Equal(want, got) {
		t.Error(got)
	}
}

// A hold that comes back after its end is either a late frame or a late end: the
// latest view counts, and REST is asked.
func TestHoldThatComesBackIsDoubtful(t *testing.T) {
	held := with(agent("a", "ua", "connected"), func(p *call.Participant) { p.Held, p.StartHold = call.Yes, at(20) })
	tr := tracker("ua")
	kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected")), snap("ua", 20, customer(), held), snap("ua", 30, customer(), agent("a", "ua", "connected")))
	got := kinds(tr, snap("ua", 30.2, customer(), held))
	if want := map[string][]string{"a": {"held+"}}; !cmp.Equal(want, got) || !tr.Doubtful("c") {
		t.Fatalf("edges %v, doubtful %v", got, tr.Doubtful("c"))
	}
	got = kinds(tr, snap(call.ViewREST, 31, customer(), agent("a", "ua", "connected")))
	if want := map[string][]string{"a": {"held-?"}}; !cmp.Equal(want, got) || tr.Doubtful("c") {
		t.Errorf("edges %v, doubtful %v", got, tr.Doubtful("c"))
	}
}

// The end of a hold was not shown, and the next hold is: it has another start. A start that
// is rounded otherwise is the same one, an earlier one is late.
func TestHoldOfAnotherStartIsAnother(t *testing.T) {
	hold := func(since float64) call.Participant {
		return with(agent("a", "ua", "connected"), func(p *call.Participant) { p.Held, p.StartHold = call.Yes, at(since) })
	}
	for _, c := range []struct {
		view  string
		since float64
		want  []string
	}{
		{"ua", 25, []string{"held-", "held+"}},
		{call.ViewREST, 25, []string{"held-?", "held+?"}},
		{"ua", 20.5, nil},
		{"ua", 18, nil},
	} {
		tr := tracker("ua")
		kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected")), snap("ua", 20, customer(), hold(20)))
		if got := kinds(tr, snap(c.view, 30, customer(), hold(c.since)))["a"]; !cmp.Equal(got, c.want) {
			t.Errorf("%s, a hold since %v: %v, want %v", c.view, c.since, got, c.want)
		}
		if got := kinds(tr, snap("ua", 31, customer(), hold(c.since))); len(got) != 0 {
			t.Errorf("%s, a hold since %v once more: %v", c.view, c.since, got)
		}
	}
}

// A leg that another topic shows connected, and its own does not, is asked about.
func TestLegBehindIsDoubtful(t *testing.T) {
	tr := tracker("ua", "ub")
	got := kinds(tr, snap("ua", 10, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")))
	if want := map[string][]string{"a": {"established"}}; !cmp.Equal(want, got) || !tr.Doubtful("c") {
		t.Fatalf("edges %v, doubtful %v", got, tr.Doubtful("c"))
	}
	kinds(tr, snap("ub", 10.1, customer(), agent("a", "ua", "connected"), agent("b", "ub", "connected")))
	if tr.Doubtful("c") {
		t.Error("still doubtful after its own topic spoke")
	}
}

// Whatever the order in which topics arrive, and whatever is repeated, each leg goes
// through the same edges, since each is folded from its own topic, in order.
func TestOrderOfTopicsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		users := []string{"ua", "ub", "uc"}
		story := drawStory(rt, users)
		want := kinds(tracker(users...), story...)
		seed := rapid.Uint64().Draw(rt, "shuffle")
		got := kinds(tracker(users...), shuffle(story, users, rand.New(rand.NewPCG(seed, 1)))...)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("other edges in another order of topics:\n%s", diff)
		}
	})
}

// Folding everything a second time changes nothing: phases only grow, times stay.
func TestFoldIsIdempotentAndMonotone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		users := []string{"ua", "ub", "uc"}
		tr := tracker(users...)
		phase := map[call.ID]call.Phase{}
		for _, s := range drawStory(rt, users) {
			for range rapid.IntRange(1, 3).Draw(rt, "copies") {
				changes := tr.Fold(s)
				for _, c := range changes {
					if c.Leg.Phase < phase[c.Leg.ID] {
						rt.Fatalf("leg %v went back from %d to %d", c.Leg.ID, phase[c.Leg.ID], c.Leg.Phase)
					}
					phase[c.Leg.ID] = c.Leg.Phase
				}
				if again := tr.Fold(s); len(again) != 0 {
					rt.Fatalf("a repeated snapshot changed %+v", again)
				}
			}
		}
	})
}

// drawStory draws a call with up to three agents who come, hold, mute and go, and
// returns every snapshot on every topic of somebody who is or was in it. The secure
// pause is left out: it is shared between topics on purpose.
func drawStory(rt *rapid.T, users []string) []*call.Snapshot {
	legs := map[string]*call.Participant{}
	var order []string
	var story []*call.Snapshot
	for step := range rapid.IntRange(3, 30).Draw(rt, "steps") {
		now := float64(step + 1)
		u := rapid.SampledFrom(users).Draw(rt, "user")
		p := legs[u]
		if p == nil {
			a := agent("leg-"+u, u, "alerting")
			legs[u] = &a
			order = append(order, u)
		} else {
			moveOn(rt, p, now)
		}
		for _, v := range order {
			s := snap(v, now, customer())
			for _, w := range order {
				s.Participants = append(s.Participants, *legs[w])
			}
			s.CorrelationID = fmt.Sprint(step)
			story = append(story, s)
		}
	}
	return story
}

func moveOn(rt *rapid.T, p *call.Participant, now float64) {
	switch p.State {
	case "alerting":
		if rapid.IntRange(0, 3).Draw(rt, "answer") == 0 {
			p.State, p.End, p.DisconnectType = "terminated", at(now), "client"
			return
		}
		p.State, p.Connected = "connected", at(now)
	case "connected":
		switch rapid.IntRange(0, 3).Draw(rt, "move") {
		case 0:
			p.State, p.End, p.DisconnectType = "disconnected", at(now), "peer"
		case 1:
			p.Muted = 3 - p.Muted
		default:
			if p.Held == call.Yes {
				p.Held, p.StartHold = call.No, time.Time{}
			} else {
				p.Held, p.StartHold = call.Yes, at(now)
			}
		}
	case "disconnected":
		p.State = "terminated"
	}
}

// shuffle interleaves the topics anew, each in its own order, with repeats.
func shuffle(story []*call.Snapshot, users []string, r *rand.Rand) []*call.Snapshot {
	queues := map[string][]*call.Snapshot{}
	for _, s := range story {
		queues[s.View] = append(queues[s.View], s)
	}
	var out []*call.Snapshot
	for len(out) < 2*len(story) {
		u := users[r.IntN(len(users))]
		if len(queues[u]) == 0 {
			if len(queues["ua"])+len(queues["ub"])+len(queues["uc"]) == 0 {
				break
			}
			continue
		}
		out = append(out, queues[u][0])
		if r.IntN(5) == 0 && len(out) < 2*len(story) {
			out = append(out, queues[u][0])
		}
		queues[u] = queues[u][1:]
	}
	return out
}
