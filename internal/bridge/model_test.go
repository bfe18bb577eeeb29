package bridge_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// The model: two instances with the real fold and the real engine core, a stream
// that checks expected sequences as the broker does, a network that loses and
// repeats, and calls that really happen. Every schedule is drawn by rapid.

var start = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// stream is the broker: an ordered log with compare-and-set and ids.
type stream struct {
	log  []bridge.Entry
	last map[string]uint64
	ids  map[string]uint64
}

func (s *stream) store(m *bridge.Message, now time.Time) (bridge.Verdict, uint64) {
	if seq, ok := s.ids[m.ID]; ok {
		return bridge.Stored, seq
	}
	if s.last[m.Subject] != m.Expect {
		return bridge.Conflict, s.last[m.Subject]
	}
	seq := uint64(len(s.log) + 1)
	s.log = append(s.log, bridge.Entry{Subject: m.Subject, Sequence: seq, ID: m.ID, Data: bytes.Clone(m.Data), Time: now})
	s.last[m.Subject], s.ids[m.ID] = seq, seq
	return bridge.Stored, seq
}

// party is a participant as it really is.
type party struct {
	call.Participant
	user string
	// shown is it as the last frame showed it.
	shown call.Participant
}

// world is everything outside the instances.
type world struct {
	rt      *rapid.T
	now     time.Time
	stream  stream
	parties []*party
	paused  bool
	nodes   []*node
	edges   map[string]int // what was shown to have happened, per leg and kind
	unsent  bool           // something happened that no frame has shown yet
	// lossless: every instance has had every frame, so every transition counts.
	lossless bool
}

// node is one instance with its network.
type node struct {
	core   *bridge.Core
	name   string
	topics map[string][]*call.Snapshot // undelivered frames, per topic in order
	memory map[string]*call.Memory     // of each topic that has been heard
	wire   []bridge.Message            // on the way to the stream
	acks   []bridge.Outcome            // on the way back
	tail   int
	leads  bool
	// frozen: it does not run, since a time.
	frozen time.Time
	// crashed: it has missed frames.
	crashed bool
}

type noNames struct{}

func (noNames) User(string) string                { return "" }
func (noNames) Queue(string) string               { return "" }
func (noNames) Station(string) *recording.Station { return nil }

var users = []string{"ua", "ub", "uc"}

func newCore(name string) *bridge.Core {
	return bridge.NewCore(bridge.CoreOptions{
		Adapter: "acme", Source: "/genesys/example/acme", Instance: name, Names: noNames{},
		Policy:  control.Policy{Purposes: []string{"agent"}, DataSource: "acme"},
		Tracker: call.Options{Subscribed: func(string) bool { return true }},
	})
}

func (w *world) snapshot(view string) *call.Snapshot {
	s := &call.Snapshot{
		ConversationID: "conv", View: view, Topic: view, Received: w.now, SecurePause: call.FlagOf(w.paused), Channel: slices.Index(users, view),
		CorrelationID: fmt.Sprint(w.now.UnixMilli()),
	}
	s.Participants = append(s.Participants, call.Participant{
		ID: "cust", Purpose: "customer", State: "connected", Direction: "inbound", Connected: start,
	})
	for _, p := range w.parties {
		s.Participants = append(s.Participants, p.Participant)
	}
	return s
}

// happen makes one real thing happen and puts its frames on every topic, or has the platform
// lose them.
func (w *world) happen() {
	w.now = w.now.Add(2 * time.Second)
	if !w.change() {
		return
	}
	if w.unsent = rapid.IntRange(0, 9).Draw(w.rt, "lost") == 0; !w.unsent {
		w.show()
	}
}

// show puts the frames of what is now on every topic.
func (w *world) show() {
	w.unsent = false
	for _, p := range w.parties {
		w.count(p)
	}
	seen := map[string]bool{}
	for _, p := range w.parties {
		if seen[p.user] {
			continue
		}
		seen[p.user] = true
		for _, n := range w.nodes {
			if n.core == nil {
				continue // a dead instance misses frames
			}
			if rapid.IntRange(0, 99).Draw(w.rt, "starved") == 0 {
				w.lossless = false
				continue
			}
			s := w.snapshot(p.user)
			n.topics[p.user] = append(n.topics[p.user], s)
			if rapid.IntRange(0, 9).Draw(w.rt, "twice") == 0 {
				n.topics[p.user] = append(n.topics[p.user], s)
			}
		}
	}
}

// count counts the steps of a leg from the last frame to this one. The start and the end take
// all others along.
func (w *world) count(p *party) {
	was, is := p.shown, p.Participant
	p.shown = is
	if was.Connected.IsZero() || !is.End.IsZero() {
		return
	}
	step := func(kind recording.Cause, happened bool) {
		if happened {
			w.edges[p.ID+" "+string(kind)]++
		}
	}
	again := !was.StartHold.Equal(is.StartHold)
	step(recording.Held, is.Held == call.Yes && again)
	step(recording.Retrieved, was.Held == call.Yes && again)
	step(recording.Muted, was.Muted < is.Muted)
	step(recording.Unmuted, was.Muted > is.Muted)
}

func (w *world) change() bool {
	i := rapid.IntRange(0, 4).Draw(w.rt, "whose")
	if i == 4 {
		w.paused = !w.paused
		return len(w.parties) > 0
	}
	if i >= len(w.parties) {
		p := &party{user: users[rapid.IntRange(0, 2).Draw(w.rt, "user")]}
		p.Participant = call.Participant{
			ID: fmt.Sprintf("leg%d", len(w.parties)), UserID: p.user, Purpose: "agent", State: "alerting",
			Direction: "inbound", Held: call.No, Muted: call.No, Start: w.now,
		}
		w.parties = append(w.parties, p)
		return true
	}
	p := w.parties[i]
	switch p.State {
	case "alerting":
		if rapid.IntRange(0, 4).Draw(w.rt, "answers") == 0 {
			p.State, p.End, p.DisconnectType = "terminated", w.now, "client"
			return true
		}
		p.State, p.Connected = "connected", w.now
	case "connected":
		switch rapid.IntRange(0, 4).Draw(w.rt, "does") {
		case 0:
			p.State, p.End, p.DisconnectType = "disconnected", w.now, "transfer"
		case 1, 2:
			if p.Held == call.Yes {
				p.Held, p.StartHold = call.No, time.Time{}
			} else {
				p.Held, p.StartHold = call.Yes, w.now
			}
		default:
			p.Muted = 3 - p.Muted
		}
	case "disconnected":
		p.State, p.DisconnectType = "terminated", "peer"
	default:
		return false
	}
	return true
}

func (w *world) pick() *node { return w.nodes[rapid.IntRange(0, len(w.nodes)-1).Draw(w.rt, "node")] }

// step does one random thing.
func (w *world) step() {
	n := w.pick()
	what := rapid.IntRange(0, 26).Draw(w.rt, "step")
	if n.core == nil {
		if what == 0 {
			w.boot(n)
		}
		return
	}
	if !n.frozen.IsZero() {
		switch {
		case what < 4:
			w.happen()
		case what < 8:
			w.thaw(n)
		}
		return
	}
	defer func() {
		if n.core != nil {
			if err := n.core.Count(); err != nil {
				w.rt.Fatal(err)
			}
		}
	}()
	switch what {
	case 0, 1, 2, 3:
		w.happen()
	case 4, 5, 6, 7:
		w.deliver(n)
	case 8, 9:
		n.wire = append(n.wire, n.core.Next(w.now)...)
	case 10, 11:
		w.transmit(n)
	case 12, 13:
		if len(n.acks) > 0 {
			n.core.Resolve(n.acks[0], w.now)
			n.acks = n.acks[1:]
		}
	case 14, 15:
		w.read(n, rapid.IntRange(1, 5).Draw(w.rt, "entries"))
	case 16:
		w.load(n)
	case 17:
		w.now = w.now.Add(time.Duration(rapid.SampledFrom([]int{1, 2, 3, 5, 8, 13, 40}).Draw(w.rt, "seconds")) * time.Second)
		n.core.Tick(w.now)
		n.core.Pending()
		w.answer(n)
	case 18:
		w.elect(n)
	case 20, 21, 22:
		w.work(n)
	case 23:
		w.read(n, len(w.stream.log))
	case 24:
		for range rapid.IntRange(2, 10).Draw(w.rt, "frames in a burst") {
			w.deliver(n)
		}
	case 19:
		if rapid.IntRange(0, 9).Draw(w.rt, "crash") == 0 {
			w.crash(n)
		}
	case 25:
		n.frozen = w.now
	case 26:
		n.core.Returned(w.now)
	}
}

// thaw lets a frozen instance go on: all that has come meanwhile is late.
func (w *world) thaw(n *node) {
	n.core.Hush(n.frozen, w.now.Add(500*time.Millisecond))
	n.frozen = time.Time{}
}

func (w *world) deliver(n *node) {
	u := users[rapid.IntRange(0, 2).Draw(w.rt, "topic")]
	if len(n.topics[u]) > 0 {
		w.take(n, u)
	}
}

// latest is how late a frame may be: what comes after the patience of the core has run
// out may be told a second time.
const latest = 30 * time.Second

// take gives an instance the next frame of a topic.
func (w *world) take(n *node, user string) {
	s := *n.topics[user][0]
	if w.now.Sub(s.Received) > latest {
		w.lossless = false
	}
	s.Received, s.Memory = w.now, n.memory[user]
	n.core.Observe(&s, w.now)
	n.topics[user] = n.topics[user][1:]
}

// work lets an instance observe and publish while nothing disturbs it.
func (w *world) work(n *node) {
	for range rapid.IntRange(1, 4).Draw(w.rt, "changes") {
		w.happen()
		for _, u := range users {
			for len(n.topics[u]) > 0 {
				w.take(n, u)
			}
		}
		w.publish(n)
	}
}

// publish sends what is ready, and takes the acknowledgements.
func (w *world) publish(n *node) {
	for msgs := n.core.Next(w.now); len(msgs) > 0; msgs = n.core.Next(w.now) {
		w.answers(n, msgs)
	}
}

// answers stores messages and gives the answers back.
func (w *world) answers(n *node, msgs []bridge.Message) {
	for i := range msgs {
		v, seq := w.stream.store(&msgs[i], w.now)
		n.core.Resolve(bridge.Outcome{Token: msgs[i].Token, Subject: msgs[i].Subject, Verdict: v, Sequence: seq}, w.now)
	}
}

// transmit takes a message to the stream, loses it, or loses its acknowledgement.
func (w *world) transmit(n *node) {
	if len(n.wire) == 0 {
		return
	}
	i := rapid.IntRange(0, len(n.wire)-1).Draw(w.rt, "message")
	m := n.wire[i]
	n.wire = slices.Delete(n.wire, i, i+1)
	o := bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Unsure}
	switch rapid.IntRange(0, 5).Draw(w.rt, "fate") {
	case 0: // never arrives
	case 1: // arrives, the acknowledgement does not
		w.stream.store(&m, w.now)
	case 2: // arrives twice
		w.stream.store(&m, w.now)
		o.Verdict, o.Sequence = w.stream.store(&m, w.now)
	default:
		o.Verdict, o.Sequence = w.stream.store(&m, w.now)
	}
	n.acks = append(n.acks, o)
}

func (w *world) read(n *node, k int) {
	for ; k > 0 && n.tail < len(w.stream.log); k-- {
		if err := n.core.Stored(&w.stream.log[n.tail], w.now); err != nil {
			w.rt.Fatal(err)
		}
		n.tail++
	}
}

func (w *world) load(n *node) {
	for _, l := range n.core.Loads() {
		seq := cmp.Or(l.Sequence, w.stream.last[l.Subject])
		if seq == 0 {
			continue
		}
		if err := n.core.Stored(&w.stream.log[seq-1], w.now); err != nil {
			w.rt.Fatal(err)
		}
	}
}

// answer lets REST answer what the instance asks about.
func (w *world) answer(n *node) {
	for range n.core.Asks(w.now) {
		w.ask(n)
	}
}

// ask folds a REST answer. One that overtakes notifications hides the transitions
// in them: they are then history, and not told.
func (w *world) ask(n *node) {
	w.lossless = w.lossless && !w.unsent
	for _, q := range n.topics {
		w.lossless = w.lossless && len(q) == 0
	}
	s := w.snapshot(call.ViewREST)
	s.Asked = w.now
	n.core.Observe(s, w.now)
}

// elect makes an instance leader, whether or not the other one still thinks it is.
func (w *world) elect(n *node) {
	n.leads = !n.leads
	if !n.leads {
		n.core.Follow()
		return
	}
	if n.crashed {
		w.lossless = false // it was not there: the survivor must lead until it has told what it saw
	}
	w.read(n, len(w.stream.log)) // it waits until its tail shows its own leader event
	n.core.Lead(uint64(len(w.stream.log) + 1))
}

// crash kills an instance with all that it knew and all that was on its wire. As long
// as one instance lives through everything, no transition may be lost.
func (w *world) crash(n *node) {
	n.crashed = true
	w.lossless = w.lossless && n.core.Stats().Holes == 0
	if w.nodes[0].crashed && w.nodes[1].crashed {
		w.lossless = false
	}
	n.core, n.wire, n.acks, n.leads, n.topics = nil, nil, nil, false, map[string][]*call.Snapshot{}
}

func memories() map[string]*call.Memory {
	m := make(map[string]*call.Memory)
	for _, u := range users {
		m[u] = new(call.Memory)
	}
	return m
}

func (w *world) boot(n *node) {
	n.core, n.tail, n.memory = newCore(n.name), 0, memories()
	n.core.Recover()
	w.read(n, len(w.stream.log))
	if unreadable := n.core.Recovered(w.now); len(unreadable) > 0 {
		w.rt.Fatal(unreadable)
	}
	if len(w.parties) > 0 {
		w.ask(n) // subscribe, then REST, then live
	}
}

// calm ends the faults: everything is delivered, one instance leads, REST is asked,
// and time passes until nothing moves any more.
func (w *world) calm() {
	for _, n := range w.nodes {
		switch {
		case n.core == nil:
			w.boot(n)
		case !n.frozen.IsZero():
			w.thaw(n)
		}
	}
	if w.unsent {
		w.show()
	}
	w.deliverAll()
	for _, n := range w.nodes {
		// Beyond the bound of a leg the steps collapse to the level, by design.
		// The same where the last event was read without those before it.
		w.lossless = w.lossless && n.core.Stats().Collapsed == 0 && n.core.Stats().Holes == 0
		n.core.Follow()
		for _, m := range n.wire {
			w.stream.store(&m, w.now)
		}
		n.wire, n.acks = nil, nil
	}
	n := w.nodes[rapid.IntRange(0, 1).Draw(w.rt, "first leader")]
	if n.crashed {
		n = w.survivor(n)
	}
	w.rest(n)
	n.core.Follow()
	if n == w.nodes[0] {
		n = w.nodes[1]
	} else {
		n = w.nodes[0]
	}
	w.rest(n) // what only the other one has seen comes out when it leads
}

// deliverAll delivers every frame, to both instances at about the same time.
func (w *world) deliverAll() {
	for _, u := range users {
		for more := true; more; {
			more = false
			for _, n := range w.nodes {
				if len(n.topics[u]) == 0 {
					continue
				}
				w.now = w.now.Add(time.Millisecond)
				w.take(n, u)
				more = true
			}
		}
	}
}

// survivor returns the instance that has lived through everything, or n.
func (w *world) survivor(n *node) *node {
	for _, m := range w.nodes {
		if !m.crashed {
			return m
		}
	}
	return n
}

// rest lets one instance lead until nothing moves any more.
func (w *world) rest(n *node) {
	for round := range 200 {
		w.now = w.now.Add(5 * time.Second)
		for _, m := range w.nodes {
			w.read(m, len(w.stream.log))
			m.core.Tick(w.now)
		}
		if round == 0 {
			n.core.Abandon()
			n.core.Lead(uint64(len(w.stream.log) + 1))
		}
		if round == 2 && len(w.parties) > 0 {
			w.ask(n)
		}
		w.answer(n)
		w.load(n)
		msgs := n.core.Next(w.now)
		w.answers(n, msgs)
		if round > 12 && len(msgs) == 0 && n.core.Idle() {
			return
		}
	}
	w.rt.Fatal("the engine does not come to rest")
}
