package publish_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// every runs step again and again until the returned function is called.
func every(t *testing.T, period time.Duration, step func()) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				step()
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}

func TestTwoWritersStoreEachMessageOnce(t *testing.T) {
	srv := natstest.New(t)
	js := natstest.JetStream(t, natstest.Connect(t, srv.URL()))
	mustProvision(t, js)
	const lanes, count = 20, 100
	a := newFleet(t, js, lanes, count, publish.LanesOptions{})
	b := newFleet(t, natstest.JetStream(t, natstest.Connect(t, srv.URL())), lanes, count, publish.LanesOptions{})
	outcomes := a.wait()
	if b.wait(); outcomes[publish.Conflict] == 0 {
		t.Error("no conflict: the writers did not meet")
	}
	checkStored(t, js, lanes, count)
}

func TestLanesOverServerRestarts(t *testing.T) {
	t.Parallel()
	srv := natstest.New(t)
	js := natstest.JetStream(t, natstest.Connect(t, srv.URL()))
	mustProvision(t, js)
	const lanes, count = 20, 2000
	f := newFleet(t, js, lanes, count, publish.LanesOptions{AckTimeout: time.Second})
	stop := f.disturb(5000, func() {
		srv.Stop()
		if err := srv.Start(); err != nil {
			t.Errorf("restart: %v", err)
		}
	})
	outcomes := f.wait()
	stop()
	if outcomes[publish.Unknown] == 0 {
		t.Error("no unknown outcome: the restarts hit nothing")
	}
	t.Logf("outcomes %v", outcomes)
	checkStored(t, js, lanes, count)
}

func TestLanesOverABrokenWire(t *testing.T) {
	srv := natstest.New(t)
	proxy := natstest.NewFaultProxy(t, srv)
	direct := natstest.JetStream(t, natstest.Connect(t, srv.URL()))
	mustProvision(t, direct)
	const lanes, count = 20, 2000
	f := newFleet(t, natstest.JetStream(t, natstest.Connect(t, proxy.URL())), lanes, count, publish.LanesOptions{AckTimeout: 50 * time.Millisecond})
	hurt := []func(){
		proxy.Cut,
		func() { proxy.Hold(natstest.ToClient, true) },
		func() { proxy.Hold(natstest.ToServer, true) },
		func() { proxy.Freeze(true) },
	}
	round, mark, hurting, unknown := 0, 0, false, 0
	stop := every(t, 5*time.Millisecond, func() {
		switch {
		case hurting && (f.seen(publish.Unknown) > unknown || f.over()):
			if round%3 == 0 {
				proxy.Cut() // what is held is lost, not late
			}
			proxy.Freeze(false)
			hurting, mark = false, f.seen(publish.Stored)
		case !hurting && f.seen(publish.Stored) >= mark+1000:
			unknown = f.seen(publish.Unknown)
			hurt[round%len(hurt)]()
			hurting = true
			round++
		}
	})
	outcomes := f.wait()
	stop()
	if outcomes[publish.Unknown] == 0 {
		t.Error("no unknown outcome: the faults hit nothing")
	}
	t.Logf("outcomes %v", outcomes)
	checkStored(t, direct, lanes, count)
}

// TestLanesWhileTheStreamLeaderMoves is the case for which pipelining is known
// to reorder: a message gets no answer while its successors are stored.
func TestLanesWhileTheStreamLeaderMoves(t *testing.T) {
	t.Parallel()
	cluster := natstest.NewCluster(t, 3)
	nc := natstest.Connect(t, cluster.URL())
	js := natstest.JetStream(t, nc)
	mustProvision(t, js, 3)
	const lanes, count = 50, 400
	f := newFleet(t, js, lanes, count, publish.LanesOptions{AckTimeout: 500 * time.Millisecond})
	moves := 0
	stop := f.disturb(1000, func() {
		if stepDown(nc, streamOptions.Name) {
			moves++
		}
	})
	outcomes := f.wait()
	stop()
	if moves == 0 || outcomes[publish.Unknown] == 0 {
		t.Errorf("%d moves and outcomes %v: the moves hit nothing", moves, outcomes)
	}
	t.Logf("%d moves, outcomes %v, duplicates %d", moves, outcomes, f.lanes.Stats().Duplicate)
	checkStored(t, js, lanes, count)
}

// stepDown makes the stream's leader resign.
func stepDown(nc *nats.Conn, stream string) bool {
	_, err := nc.Request(jetstream.DefaultAPIPrefix+"STREAM.LEADER.STEPDOWN."+stream, nil, time.Second)
	return err == nil
}

func TestUnsettledSequenceOnAClusterIsUnknown(t *testing.T) {
	cluster := natstest.NewCluster(t, 3)
	js := natstest.JetStream(t, natstest.Connect(t, cluster.URL()))
	mustProvision(t, js, 3)
	// Against the rules, many messages on one subject at once: the server settles
	// one at a time and answers 10164 to some of the others.
	s := newSender(t, js, publish.LanesOptions{})
	unsettled := 0
	natstest.Eventually(t, "an unsettled sequence", func() bool {
		last, _, err := publish.NewReader(js, streamOptions.Name).Last(t.Context(), subject(1))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 64 {
			if err := s.lanes.Send(publish.Message{Subject: subject(1), ID: last.ID + string(rune('A'+i)), Expect: last.Sequence}); err != nil {
				t.Fatal(err)
			}
		}
		stored := 0
		for range 64 {
			switch r := s.result(); {
			case r.Outcome == publish.Stored:
				stored++
			case hasCode(r.Err, 10164):
				want(t, r, publish.Unknown, nil)
				unsettled++
			}
		}
		if stored > 1 {
			t.Fatalf("%d messages stored as the successor of one", stored)
		}
		return unsettled > 0
	})
}
