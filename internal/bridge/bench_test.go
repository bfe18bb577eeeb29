package bridge_test

import (
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
