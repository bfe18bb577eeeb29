package publish_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// lone is a fleet beside a tail that is told of its acknowledgements, as a leader is.
type lone struct {
	*fleet
	js      jetstream.JetStream
	tail    *publish.Tail
	foreign atomic.Uint64 // the last one of somebody else that was taken in
}

// loneOn is a fleet on a server of its own, whose tail counts.
func loneOn(t *testing.T, lanes, count, stored int) *lone {
	t.Helper()
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	if stored > 0 {
		store(t, js, stored)
	}
	l := newLone(t, js, lanes, count)
	l.alone()
	return l
}

func newLone(t *testing.T, js jetstream.JetStream, lanes, count int) *lone {
	t.Helper()
	l := &lone{fleet: makeFleet(t, js, lanes, count, publish.LanesOptions{}), js: js}
	l.tail, _ = runTail(t, js, publish.TailOptions{Stream: streamOptions.Name, Subject: streamOptions.Subjects[0]}, l.takeIn)
	l.known, l.also = l.foreign.Load, l.tail.Acknowledged
	natstest.Eventually(t, "the tail to catch up", func() bool { return l.tail.Stats().CaughtUp })
	l.lanes.Trust(l.tail)
	l.tail.Own(true)
	return l
}

// takeIn goes on behind what somebody else has written.
func (l *lone) takeIn(batch []publish.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range batch {
		var lane, i int
		if n, _ := fmt.Sscanf(e.ID, "%d/%d/other", &lane, &i); n == 2 && strings.HasSuffix(e.ID, "/other") && e.Sequence > l.expect[lane] {
			l.at[lane], l.expect[lane] = i+1, e.Sequence
		}
	}
	l.foreign.Store(batch[len(batch)-1].Sequence)
}

// alone waits until the tail counts.
func (l *lone) alone() {
	l.t.Helper()
	natstest.Eventually(l.t, "the tail to count", func() bool { _, _, alone := l.tail.Alone(); return alone })
}

// enough ends the lanes with the message after the next one.
func (l *lone) enough() {
	l.t.Helper()
	l.mu.Lock()
	l.count = 0
	for _, at := range l.at {
		l.count = max(l.count, at+1)
	}
	l.mu.Unlock()
	l.wait()
}

// chained counts the stored messages that had to come behind the one before.
func (l *lone) chained() (n int) {
	l.t.Helper()
	stream, err := l.js.Stream(l.t.Context(), streamOptions.Name)
	if err != nil {
		l.t.Fatal(err)
	}
	before := ""
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		var m *jetstream.RawStreamMsg
		natstest.Eventually(l.t, "the message to be everywhere", func() bool { // any replica may be asked
			m, err = stream.GetMsg(l.t.Context(), seq)
			return err == nil
		})
		id, first := m.Header.Get(jetstream.ExpectedLastMsgIDHeader), m.Header.Get(jetstream.ExpectedLastSeqHeader)
		if id != "" || first != "" {
			n++
		}
		if id != "" && id != before || first != "" && first != strconv.FormatUint(seq-1, 10) {
			l.t.Errorf("%d is stored after %s: %v", seq, before, m.Header)
		}
		before = m.Header.Get(jetstream.MsgIDHeader)
	}
	return n
}

// Who writes alone has its messages form a chain, many at a time, and none is sent twice.
func TestMessagesOfWhoWritesAloneFormAChain(t *testing.T) {
	t.Parallel()
	l := loneOn(t, 20, 50, 7)
	for lane := range l.expect {
		if lane < 7 {
			l.expect[lane] = uint64(lane) + 1
		}
	}
	l.start()
	outcomes := l.wait()
	if s := l.lanes.Stats(); outcomes[publish.Stored] != 1000 || s.Repeated != 0 || s.Sent != 1000 {
		t.Errorf("outcomes %v, stats %+v", outcomes, s)
	}
	if n := l.chained(); n != 1000 {
		t.Errorf("%d messages in the chain", n)
	}
}

// A process that has read the stream from some time on only does not know what is older. Its
// first message on a subject that holds some is not stored, chain or not. The links before it
// whose answer was to come with one behind it are sent again, and are there already.
func TestAChainOverlooksNoOldMessage(t *testing.T) {
	t.Parallel()
	const lanes, count, old = 20, 30, 3
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	m := nats.NewMsg(subject(old))
	m.Header.Set(jetstream.MsgIDHeader, fmt.Sprint(old, "/4/other"))
	m.Data = []byte("4")
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	l := newLone(t, js, lanes, count)
	l.at[old], l.expect[old] = 0, 0 // it has read none of it
	l.alone()
	l.start()
	outcomes := l.wait()
	if want := lanes*count - 5; outcomes[publish.Conflict] < 1 || outcomes[publish.Conflict] > lanes || outcomes[publish.Stored]+outcomes[publish.Conflict] != want+1 {
		t.Errorf("outcomes %v, want %d stored and a conflict", outcomes, want)
	}
	if s := l.lanes.Stats(); s.Repeated == 0 {
		t.Error("it was not part of a chain")
	}
}

// Somebody else writes now and then, also what the fleet was about to write. Everything is
// stored once and in order.
func TestSomebodyElseWrites(t *testing.T) {
	t.Parallel()
	const lanes, count = 200, 60
	l := loneOn(t, lanes, count, 0)
	other := natstest.JetStream(t, natstest.Connect(t, l.js.Conn().ConnectedUrl()))
	took, lane := 0, 0
	stop := l.disturb(1000, func() {
		for before := took; took == before && !l.over(); lane = (lane + 1) % lanes {
			l.mu.Lock()
			i, expect := l.at[lane], l.expect[lane]
			l.mu.Unlock()
			if i == count {
				continue
			}
			m := &nats.Msg{Subject: subject(lane), Data: []byte(strconv.Itoa(i)), Header: nats.Header{
				jetstream.MsgIDHeader: {fmt.Sprintf("%d/%d/other", lane, i)},
			}}
			if _, err := other.PublishMsg(t.Context(), m, jetstream.WithExpectLastSequenceForSubject(expect, subject(lane))); err == nil {
				took++
			}
		}
	})
	l.start()
	l.wait()
	stop()
	checkStored(t, l.js, lanes, count)
	s := l.lanes.Stats()
	if took == 0 || s.Repeated == 0 {
		t.Errorf("somebody else wrote %d messages, stats %+v", took, s)
	}
	t.Logf("%d messages of somebody else, %d repeated", took, s.Repeated)
}

// Some time after somebody else has written, messages form a chain again.
func TestMessagesFormAChainAgain(t *testing.T) {
	t.Parallel()
	l := loneOn(t, 1, 1<<30, 0)
	l.start()
	for round := range 2 {
		natstest.Eventually(t, "a message in a chain", func() bool {
			stream, err := l.js.Stream(t.Context(), streamOptions.Name)
			if err != nil {
				return false
			}
			m, err := stream.GetMsg(t.Context(), stream.CachedInfo().State.LastSeq)
			return err == nil && m.Header.Get(jetstream.ExpectedLastMsgIDHeader) != ""
		})
		if round == 0 {
			if _, err := l.js.Publish(t.Context(), subject(99), []byte("somebody else")); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.enough()
	if s := l.lanes.Stats(); s.Repeated == 0 {
		t.Errorf("stats %+v", s)
	}
}

// A message whose sender has not taken in what somebody else has written follows its subject,
// however long that is known to the tail.
func TestWhatItsSenderDoesNotKnowIsNotOverwritten(t *testing.T) {
	t.Parallel()
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	l := newLone(t, js, 1, 1)
	results := make(chan publish.Result, 1)
	lanes, err := publish.NewLanes(js, publish.LanesOptions{Stream: streamOptions.Name}, func(r []publish.Result) { results <- r[0] })
	if err != nil {
		t.Fatal(err)
	}
	store(t, js, 1)
	natstest.Eventually(t, "the message of somebody else", func() bool { return l.foreign.Load() == 1 })
	l.alone()
	lanes.Trust(l.tail)
	for _, c := range []struct {
		m    publish.Message
		want publish.Outcome
	}{
		{publish.Message{Subject: subject(0), ID: "stale", Data: []byte("x")}, publish.Conflict},
		{publish.Message{Subject: subject(0), ID: "next", Data: []byte("x"), Expect: 1, Known: 1}, publish.Stored},
	} {
		if err := lanes.Send(c.m); err != nil {
			t.Fatal(err)
		}
		select {
		case r := <-results:
			if r.Outcome != c.want || r.Sequence != 1 && c.want == publish.Conflict {
				t.Errorf("%s: %+v, want %v", c.m.ID, r, c.want)
			}
		case <-time.After(patience):
			t.Fatal("no result")
		}
	}
	for _, lanes := range []*publish.Lanes{lanes, l.lanes} {
		if err := lanes.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Connections break, and answers are lost, while the messages form chains.
func TestChainsOverFaults(t *testing.T) {
	t.Parallel()
	const lanes, count = 50, 120
	srv := natstest.New(t)
	proxy := natstest.NewFaultProxy(t, srv)
	direct := natstest.JetStream(t, natstest.Connect(t, srv.URL()))
	mustProvision(t, direct)
	js := natstest.JetStream(t, mustConnect(t, publish.ConnectOptions{Servers: proxy.URL(), Name: "lone", PingInterval: 200 * time.Millisecond}))
	l := newLone(t, js, lanes, count)
	l.alone()
	stop := l.disturb(1500, proxy.Cut)
	l.start()
	outcomes := l.wait()
	stop()
	checkStored(t, direct, lanes, count)
	if outcomes[publish.Unknown] == 0 {
		t.Errorf("outcomes %v: nothing was disturbed", outcomes)
	}
	l.js = direct
	t.Logf("outcomes %v, %d in chains", outcomes, l.chained())
}

// As long as nobody else writes, the tail reads nothing back, however fast messages are
// stored while it looks at the end of the stream.
func TestTailOfWhoWritesFastStaysAlone(t *testing.T) {
	t.Parallel()
	l := loneOn(t, 100, 1<<30, 0)
	l.start()
	var looks, alone atomic.Int64
	stop := every(t, 5*time.Millisecond, func() {
		if _, _, yes := l.tail.Alone(); yes {
			alone.Add(1)
		}
		looks.Add(1)
	})
	natstest.Eventually(t, "some looks at the end of the stream", func() bool { return looks.Load() >= 600 })
	stop()
	l.enough()
	if alone.Load() < looks.Load()/2 {
		t.Errorf("alone at %d of %d looks", alone.Load(), looks.Load())
	}
}

// A message that a stream with replicas refuses for its place leaves its id behind: nothing is
// chained there.
func TestReplicasHaveNoChains(t *testing.T) {
	t.Parallel()
	js := natstest.JetStream(t, natstest.Connect(t, natstest.NewCluster(t, 3).URL()))
	mustProvision(t, js, 3)
	l := newLone(t, js, 5, 40)
	natstest.Eventually(t, "the consumer to be let go", func() bool {
		stream, err := js.Stream(t.Context(), streamOptions.Name)
		return err == nil && stream.CachedInfo().State.Consumers == 0
	})
	l.start()
	l.wait()
	if n := l.chained(); n != 0 {
		t.Errorf("%d messages in chains", n)
	}
}
