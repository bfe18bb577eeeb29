package bridge_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// BenchmarkCore is one transition from the snapshot to the acknowledgement: fold,
// compare, compose, encode, settle. Every leg is muted and unmuted in turn.
func BenchmarkCore(b *testing.B) {
	const legs = 1000
	c := &crowd{core: bridge.NewCore(coreOptions("one")), now: start}
	c.core.Lead(1)
	sequence := uint64(0)
	store := func() int {
		messages := c.core.Next(c.now)
		for i := range messages {
			sequence++
			c.core.Resolve(bridge.Outcome{Token: messages[i].Token, Subject: messages[i].Subject, Sequence: sequence}, c.now)
		}
		return len(messages)
	}
	snapshots := switches(legs)
	for n := range legs {
		snapshots[n][0].Received = c.now
		c.core.Observe(snapshots[n][0], c.now)
		store()
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		c.now = c.now.Add(time.Millisecond)
		s := snapshots[n%legs][(n/legs+1)%2]
		s.Received = c.now
		c.core.Observe(s, c.now)
		if store() != 1 {
			b.Fatal("a transition is one event")
		}
		c.core.Latencies()
	}
}

// switches are two snapshots of each leg, in the first of which it is not muted.
func switches(legs int) [][2]*call.Snapshot {
	snapshots := make([][2]*call.Snapshot, legs)
	for n := range legs {
		user := fmt.Sprint("user", n)
		for muted := range 2 {
			p := talking(fmt.Sprint("leg", n), user)
			p.Muted = call.FlagOf(muted == 1)
			ivr, acd := caller(), caller()
			ivr.ID, ivr.Purpose, ivr.State, ivr.End = "ivr", "ivr", "terminated", start
			acd.ID, acd.Purpose, acd.State, acd.End = "acd", "acd", "terminated", start
			snapshots[n][muted] = &call.Snapshot{
				ConversationID: fmt.Sprint("conv", n), View: user, Topic: "v2.users." + user + ".conversations.calls",
				SecurePause: call.No, Participants: []call.Participant{caller(), ivr, acd, p},
			}
		}
	}
	return snapshots
}

// BenchmarkStandby is a transition for the instance that does not lead: fold, note what is
// pending, read what the leader has told of it. Of every third one it reads first.
func BenchmarkStandby(b *testing.B) {
	const legs, events = 1000, 20_000
	snapshots := switches(legs)
	leader, now := bridge.NewCore(coreOptions("one")), start
	leader.Lead(1)
	log := make([]bridge.Entry, 0, events)
	shows := func(c *bridge.Core, i int) {
		s := snapshots[i%legs][i/legs%2]
		s.CorrelationID, s.Received = fmt.Sprintf("e4e40000-0000-4000-8000-%012d", i), now
		c.Observe(s, now)
	}
	for i := range events {
		now = now.Add(time.Millisecond)
		shows(leader, i)
		for _, m := range leader.Next(now) {
			log = append(log, bridge.Entry{Subject: m.Subject, Sequence: uint64(len(log) + 1), ID: m.ID, Data: bytes.Clone(m.Data), Time: now})
			leader.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Sequence: uint64(len(log))}, now)
		}
		leader.Latencies()
	}
	b.ReportAllocs()
	var standby *bridge.Core
	for n := 0; b.Loop(); n++ {
		i := n % events
		if i == 0 {
			standby = bridge.NewCore(coreOptions("two"))
		}
		now = log[i].Time
		if i%3 > 0 {
			shows(standby, i)
		}
		if err := standby.Stored(&log[i], now); err != nil {
			b.Fatal(err)
		}
		if i%3 == 0 {
			shows(standby, i)
		}
		if len(standby.Next(now)) != 0 {
			b.Fatal("the leader has told it")
		}
	}
}

// BenchmarkCoreRepeated is a snapshot that changes nothing: half of what a platform
// sends.
func BenchmarkCoreRepeated(b *testing.B) {
	core := bridge.NewCore(coreOptions("one"))
	core.Lead(1)
	s := &call.Snapshot{
		ConversationID: "conv", View: "ua", Received: start, SecurePause: call.No,
		Participants: []call.Participant{caller(), talking("leg", "ua")},
	}
	core.Observe(s, start)
	for _, m := range core.Next(start) {
		core.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Sequence: 1}, start)
	}
	b.ReportAllocs()
	for b.Loop() {
		core.Observe(s, start)
		if len(core.Next(start)) != 0 {
			b.Fatal("nothing has changed")
		}
	}
}

// BenchmarkRecovery is a start: one core reads 300,000 events, as another has written
// them, of 60,000 legs of which 20,000 are open. It measures the whole of it.
func BenchmarkRecovery(b *testing.B) {
	const events, legs, open = 300_000, 60_000, 20_000
	c := &crowd{core: bridge.NewCore(coreOptions("one")), now: start}
	c.core.Lead(1)
	log := make([]bridge.Entry, 0, events)
	last := map[string]uint64{}
	store := func() {
		messages := c.core.Next(c.now)
		for i := range messages {
			m := &messages[i]
			log = append(log, bridge.Entry{Subject: m.Subject, Sequence: uint64(len(log) + 1), ID: m.ID, Data: bytes.Clone(m.Data), Time: c.now})
			last[m.Subject] = uint64(len(log))
			c.core.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Sequence: uint64(len(log))}, c.now)
		}
		c.core.Latencies()
	}
	for turn := 0; len(log) < events; turn++ {
		for n := range legs {
			c.now = c.now.Add(time.Millisecond)
			c.tell(n, func(p *call.Participant) {
				p.Muted = call.FlagOf(turn%2 == 1)
				if n >= open && turn > 3 {
					p.State, p.End, p.DisconnectType = "terminated", c.now, "peer"
				}
			})
			store()
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		core := bridge.NewCore(coreOptions("two"))
		core.Recover()
		for i := range log {
			if err := core.Stored(&log[i], c.now); err != nil {
				b.Fatal(err)
			}
		}
		if failed := core.Recovered(c.now); len(failed) > 0 {
			b.Fatal(failed)
		}
		if n := core.OpenLegs(); n != open {
			b.Fatalf("%d legs are open", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(log)), "ns/event")
}
