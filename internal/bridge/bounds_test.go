package bridge_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// crowd is many calls of two parties at once, one agent each.
type crowd struct {
	core *bridge.Core
	now  time.Time
}

func (c *crowd) tell(n int, change func(p *call.Participant)) {
	user := fmt.Sprint("user", n)
	p := talking(fmt.Sprint("leg", n), user)
	p.StartHold = time.Time{}
	change(&p)
	c.core.Observe(&call.Snapshot{
		ConversationID: fmt.Sprint("conv", n), View: user, Topic: "v2.users." + user + ".conversations.calls",
		CorrelationID: "e4e40000-0000-4000-8000-000000000001", Received: c.now, SecurePause: call.No,
		Participants: []call.Participant{
			{ID: fmt.Sprint("cust", n), Purpose: "customer", State: "connected", Direction: "inbound", Address: far, Name: "Caller One", Connected: start},
			{ID: fmt.Sprint("ivr", n), Purpose: "ivr", State: "terminated", Direction: "inbound", Connected: start, End: start.Add(time.Second)},
			{ID: fmt.Sprint("acd", n), Purpose: "acd", State: "terminated", Direction: "inbound", QueueID: queue, Connected: start, End: start.Add(time.Second)},
			p,
		},
	}, c.now)
}

// TestOutageIsBounded: hours without a broker, in which thousands of legs toggle all
// the time. What waits is bounded by legs and not by time; afterwards each leg is told
// in order, what it began with first, what it came to last.
func TestOutageIsBounded(t *testing.T) {
	const hours, maxPending, turns = 3, 8, 12
	legs := 20_000
	if testing.Short() {
		legs = 2_000
	}
	options := coreOptions("one")
	options.MaxPending = maxPending
	c := &crowd{core: bridge.NewCore(options), now: start}
	c.core.Lead(1)

	lost := 0 // messages that are never answered
	for minute := range hours * 60 {
		c.now = start.Add(time.Duration(minute) * time.Minute)
		for n := minute % turns; n < legs; n += turns { // each leg every few minutes
			c.tell(n, func(p *call.Participant) {
				p.Muted = call.FlagOf(minute/turns%2 == 1)
				if p.Held = call.FlagOf(minute/turns%3 == 1); p.Held == call.Yes {
					p.StartHold = c.now
				}
			})
		}
		c.core.Tick(c.now)
		c.core.Asks(c.now)
		lost += len(c.core.Next(c.now))
	}
	pending, oldest := c.core.Pending()
	// The start is kept, and the first event of each leg is on its way for hours.
	if lost != legs || pending < legs || pending > legs*maxPending || !oldest.Before(start.Add(time.Hour)) {
		t.Fatalf("%d messages, %d edges pending, the oldest of %s", lost, pending, oldest)
	}
	if c.core.Stats().Collapsed == 0 {
		t.Fatal("the bound was never reached")
	}

	// The broker is back and has none of it.
	s := &stream{last: map[string]uint64{}, ids: map[string]uint64{}}
	c.core.Abandon()
	last := c.drain(t, s)
	if len(last) != legs {
		t.Fatalf("%d legs are told, not %d", len(last), legs)
	}
	for subject, d := range last {
		if d.State != recording.Recording {
			t.Fatalf("%s is told as %s", subject, d.State)
		}
		n := 0
		if _, err := fmt.Sscanf(d.Leg.ID, "leg%d", &n); err != nil {
			t.Fatal(err)
		}
		round := hours*60/turns - 1 // when it was seen last
		if muted, held := round%2 == 1, round%3 == 1; d.Leg.Muted != muted || d.Leg.Held != held {
			t.Fatalf("%s is told muted %v held %v", subject, d.Leg.Muted, d.Leg.Held)
		}
	}

	// All of them end. After the grace time nothing is left.
	c.now = c.now.Add(time.Minute)
	for n := range legs {
		c.tell(n, func(p *call.Participant) { p.State, p.End, p.DisconnectType = "terminated", c.now, "peer" })
	}
	for subject, d := range c.drain(t, s) {
		if d.State != recording.Stopped {
			t.Fatalf("%s is told as %s at its end", subject, d.State)
		}
	}
	c.now = c.now.Add(11 * time.Minute)
	c.core.Tick(c.now)
	if n := c.core.OpenLegs(); n != 0 {
		t.Errorf("%d legs are open", n)
	}
	if all := c.core.LegsByState(); len(all) != 0 {
		t.Errorf("legs are kept after their grace: %v", all)
	}
}

// drain stores everything and checks the order of each leg; it returns the last event
// of each subject that was told.
func (c *crowd) drain(t *testing.T, s *stream) map[string]*recording.CallData {
	t.Helper()
	last := map[string]bridge.Message{}
	revisions := map[string]int{}
	for {
		c.now = c.now.Add(time.Second)
		messages := c.core.Next(c.now)
		if len(messages) == 0 {
			break
		}
		for i := range messages {
			m := &messages[i]
			v, seq := s.store(m, c.now)
			if v != bridge.Stored {
				t.Fatalf("verdict %d on %s", v, m.Subject)
			}
			revision, err := strconv.Atoi(strings.Split(m.ID, "-")[1])
			if err != nil {
				t.Fatal(err)
			}
			if was := revisions[m.Subject]; was != 0 && revision != was+1 {
				t.Fatalf("revision %d after %d on %s", revision, was, m.Subject)
			}
			if revision == 1 && !bytes.Contains(m.Data, []byte(`"verb":"start"`)) {
				t.Fatalf("%s begins otherwise than with start", m.Subject)
			}
			revisions[m.Subject], last[m.Subject] = revision, *m
			c.core.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: v, Sequence: seq}, c.now)
		}
	}
	out := make(map[string]*recording.CallData, len(last))
	for subject, m := range last {
		out[subject] = dataOf(t, m.Data)
	}
	return out
}

// TestMemoryPerLeg: what an open leg costs, all in: the belief, what is published, the
// lane and the conversation. The goal is 4 KB, 400 MB for 100,000 legs.
func TestMemoryPerLeg(t *testing.T) {
	const legs = 25_000
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	c := &crowd{core: bridge.NewCore(coreOptions("one")), now: start}
	c.core.Lead(1)
	sequence := uint64(0)
	store := func() {
		for _, m := range c.core.Next(c.now) {
			sequence++
			c.core.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Sequence: sequence}, c.now)
		}
		c.core.Latencies()
	}
	for n := range legs {
		c.tell(n, func(*call.Participant) {})
		store()
	}
	open := heap()
	if per := (open - before) / legs; per > 4096 {
		t.Errorf("an open leg costs %d bytes", per)
	} else {
		t.Logf("an open leg costs %d bytes", per)
	}
	if n := c.core.OpenLegs(); n != legs {
		t.Fatalf("%d legs are open", n)
	}

	c.now = c.now.Add(time.Minute)
	for n := range legs {
		c.tell(n, func(p *call.Participant) { p.State, p.End, p.DisconnectType = "terminated", c.now, "peer" })
	}
	for range 3 {
		store()
	}
	c.now = c.now.Add(11 * time.Minute)
	for range 20 { // room for new events is let go of bit by bit
		c.now = c.now.Add(time.Second)
		c.core.Tick(c.now)
	}
	// Maps keep their size; nothing else is kept.
	after := heap()
	if rest := int64(after) - int64(before); rest > legs*256 {
		t.Errorf("after all calls have ended %d bytes are kept", rest)
	}
	runtime.KeepAlive(c)
}
