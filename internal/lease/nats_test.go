package lease_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/lease"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// patience bounds a single step of a test on a busy machine.
const patience = 60 * time.Second

// bucket creates the lease's bucket as an operator would.
func bucket(t *testing.T, js jetstream.JetStream, ttl time.Duration, replicas int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "lease", TTL: ttl, LimitMarkerTTL: time.Second, History: 1, Replicas: replicas})
	if err != nil {
		t.Fatal(err)
	}
}

// connect as the service does: a dead connection is noticed soon and nothing is
// buffered.
func connect(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	return natstest.JetStream(t, natstest.Connect(t, url,
		nats.PingInterval(200*time.Millisecond), nats.MaxPingsOutstanding(2), nats.ReconnectBufSize(-1),
		nats.FlusherTimeout(time.Second), nats.Timeout(time.Second)))
}

func open(t *testing.T, js jetstream.JetStream) lease.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := lease.NewStore(ctx, js, "lease")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runner calls Hold again and again until the test ends.
type runner struct {
	*lease.Lease
	mu    sync.Mutex
	terms []uint64
	begun time.Time // of the last term
	stop  func()
}

func run(t *testing.T, store lease.Store, name string, ttl time.Duration) *runner {
	t.Helper()
	l, err := lease.New(lease.Options{Store: store, Key: "leader", Instance: name, TTL: ttl})
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{Lease: l}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_ = r.Hold(ctx, func(ctx context.Context, term lease.Term) error {
				r.mu.Lock()
				r.terms, r.begun = append(r.terms, term.Number), time.Now()
				r.mu.Unlock()
				<-ctx.Done()
				return nil
			})
		}
	}()
	r.stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(r.stop)
	return r
}

// leads reports whether a term runs and is confirmed.
func (r *runner) leads() bool { h := r.Holder(); return h.Self && !h.Suspect }

func (r *runner) seen() (terms []uint64, begun time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.terms), r.begun
}

// one waits until exactly one of the runners leads, and returns it.
func one(t *testing.T, runners ...*runner) *runner {
	t.Helper()
	var leader *runner
	natstest.Eventually(t, "one leader", func() bool {
		n := 0
		for _, r := range runners {
			if r.leads() {
				leader = r
				n++
			}
		}
		return n == 1
	})
	return leader
}

// checkTerms fails unless no term number was given twice.
func checkTerms(t *testing.T, runners ...*runner) {
	t.Helper()
	var all []uint64
	for _, r := range runners {
		terms, _ := r.seen()
		if !slices.IsSorted(terms) {
			t.Errorf("terms of one instance: %v", terms)
		}
		all = append(all, terms...)
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("a term was given twice: %v", all)
	}
}

func TestStoreTellsConflictsApart(t *testing.T) {
	js := connect(t, natstest.New(t).URL())
	bucket(t, js, time.Second, 1)
	s := open(t, js)
	ctx := t.Context()
	conflictAt := func(err error, revision uint64) {
		t.Helper()
		var c *lease.ConflictError
		if !errors.As(err, &c) || c.Revision != revision {
			t.Errorf("got %v, want a conflict with revision %d", err, revision)
		}
	}
	_, err := s.Put(ctx, "k", []byte("x"), 7)
	conflictAt(err, 0)
	first, err := s.Put(ctx, "k", []byte("x"), 0)
	if err != nil || first != 1 {
		t.Fatalf("create: %d, %v", first, err)
	}
	_, err = s.Put(ctx, "k", []byte("y"), 0)
	conflictAt(err, 1)
	conflictAt(s.Delete(ctx, "k", 9), 1)
	if e, err := s.Get(ctx, "k"); err != nil || e.Deleted || string(e.Value) != "x" || e.Revision != 1 {
		t.Errorf("get: %+v, %v", e, err)
	}
	natstest.Eventually(t, "the marker of the expiry", func() bool {
		e, err := s.Get(ctx, "k")
		return err == nil && e.Deleted && e.Revision == 2
	})
	_, err = s.Put(ctx, "k", []byte("x"), 1)
	conflictAt(err, 2)
	if _, err := s.Put(ctx, "k", []byte("z"), 0); err != nil {
		t.Errorf("create over the marker: %v", err)
	}
	if e, err := s.Get(ctx, "other"); err != nil || !e.Deleted || e.Revision != 0 {
		t.Errorf("get of nothing: %+v, %v", e, err)
	}
}

func TestWriteInFlightIsNoConflict(t *testing.T) {
	cluster := natstest.NewCluster(t, 3)
	js := connect(t, cluster.URL())
	bucket(t, js, time.Minute, 3)
	s := open(t, js)
	revision, err := s.Put(t.Context(), "k", []byte("x"), 0)
	if err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "the server to answer that a write is in flight", func() bool {
		var mu sync.Mutex
		var writers sync.WaitGroup
		inFlight, next := false, revision
		for range 32 {
			writers.Go(func() {
				r, err := s.Put(t.Context(), "k", []byte("x"), revision)
				mu.Lock()
				defer mu.Unlock()
				var api *jetstream.APIError
				switch {
				case err == nil:
					next = r
				case errors.As(err, &api) && api.ErrorCode == 10164:
					inFlight = true
					if _, ok := errors.AsType[*lease.ConflictError](err); ok {
						t.Error("taken for a proof that somebody else wrote")
					}
				}
			})
		}
		writers.Wait()
		if next == revision { // all were unsettled; the server tells the truth later
			if e, err := s.Get(t.Context(), "k"); err == nil {
				next = e.Revision
			}
		}
		revision = next
		return inFlight
	})
}

func TestHandOverOnARealServer(t *testing.T) {
	srv := natstest.New(t)
	bucket(t, connect(t, srv.URL()), 2*time.Second, 1)
	var took []time.Duration
	a := run(t, open(t, connect(t, srv.URL())), "a", 2*time.Second)
	one(t, a)
	b := run(t, open(t, connect(t, srv.URL())), "b", 2*time.Second)
	natstest.Eventually(t, "the standby to know the holder", func() bool { return b.Holder().Instance == "a" })
	for range 5 {
		leader := one(t, a, b)
		other := b
		if leader == b {
			other = a
		}
		// Who resigned lets the others go first for a while; wait until that is over.
		renewals := leader.Stats().Renewals
		natstest.Eventually(t, "a few renewals", func() bool { return leader.Stats().Renewals >= renewals+3 })
		start := time.Now()
		leader.Resign()
		natstest.Eventually(t, "the other to lead", other.leads)
		_, begun := other.seen()
		took = append(took, begun.Sub(start))
	}
	t.Logf("handed over within %v (up to 10 ms of it wait on purpose)", took)
	checkTerms(t, a, b)
}

func TestCrashFailOver(t *testing.T) {
	const ttl = time.Second
	srv := natstest.New(t)
	direct := connect(t, srv.URL())
	bucket(t, direct, ttl, 1)
	proxy := natstest.NewFaultProxy(t, srv)
	a := run(t, open(t, connect(t, proxy.URL())), "a", ttl)
	one(t, a)
	b := run(t, open(t, connect(t, srv.URL())), "b", ttl)
	natstest.Eventually(t, "the standby to know the holder", func() bool { return b.Holder().Instance == "a" })
	proxy.Freeze(true)
	start := time.Now()
	natstest.Eventually(t, "the standby to lead", b.leads)
	_, begun := b.seen()
	t.Logf("TTL %v: failed over after %v", ttl, begun.Sub(start))
	if !a.Holder().Self {
		t.Error("the frozen holder was told by nobody and gave up")
	}
	proxy.Freeze(false)
	natstest.Eventually(t, "the old holder to learn it", func() bool { h := a.Holder(); return !h.Self && h.Instance == "b" })
	if !b.leads() {
		t.Error("the old holder disturbed its successor")
	}
	checkTerms(t, a, b)
}

func TestServerRestart(t *testing.T) {
	const ttl = 5 * time.Second
	srv := natstest.New(t)
	bucket(t, connect(t, srv.URL()), ttl, 1)
	a := run(t, open(t, connect(t, srv.URL())), "a", ttl)
	b := run(t, open(t, connect(t, srv.URL())), "b", ttl)
	for range 3 {
		before := one(t, a, b)
		srv.Stop()
		if err := srv.Start(); err != nil {
			t.Fatal(err)
		}
		renewals := before.Stats().Renewals
		natstest.Eventually(t, "a renewal after the restart", func() bool { return before.Stats().Renewals > renewals })
		if one(t, a, b) != before {
			t.Error("a short restart moved the lease")
		}
	}
	checkTerms(t, a, b)
}

func TestClusterNodeKilledAndQuorumLost(t *testing.T) {
	const ttl = 2 * time.Second
	cluster := natstest.NewCluster(t, 3)
	bucket(t, connect(t, cluster.URL()), ttl, 3)
	var runners []*runner
	for i := range 3 {
		runners = append(runners, run(t, open(t, connect(t, cluster.URL())), fmt.Sprint("i", i), ttl))
	}
	one(t, runners...)

	start := time.Now()
	node := cluster.StreamLeader("KV_lease")
	natstest.Eventually(t, "a leader of the bucket", func() bool { node = cluster.StreamLeader("KV_lease"); return node != nil })
	node.Stop()
	confirmed := confirmedAfter(t, runners)
	t.Logf("node with the bucket's leader stopped: confirmed again after %v", confirmed.Sub(start))
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}

	leader := one(t, runners...)
	cluster.Servers[0].Stop()
	cluster.Servers[1].Stop()
	natstest.Eventually(t, "the holder to be suspect", func() bool { return leader.Holder().Suspect })
	if !leader.Holder().Self {
		t.Error("without a quorum nobody can have taken the lease, yet the holder gave up")
	}
	start = time.Now()
	for _, s := range cluster.Servers[:2] {
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
	}
	confirmed = confirmedAfter(t, runners)
	t.Logf("quorum back: confirmed after %v", confirmed.Sub(start))
	one(t, runners...)
	checkTerms(t, runners...)
}

// confirmedAfter waits until some instance has written the key once more.
func confirmedAfter(t *testing.T, runners []*runner) time.Time {
	t.Helper()
	total := func() (n uint64) {
		for _, r := range runners {
			s := r.Stats()
			n += s.Renewals + s.Terms
		}
		return n
	}
	before := total()
	natstest.Eventually(t, "a confirmed write", func() bool { return total() > before })
	return time.Now()
}

// TestLeastPrivilege holds and passes on a lease with exactly the rights the
// deployment grants.
func TestLeastPrivilege(t *testing.T) {
	srv := natstest.New(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "admin", Password: "admin"},
			{Username: "service", Password: "service", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Allow: []string{
					"$KV.lease.leader",
					"$JS.API.STREAM.INFO.KV_lease",
					"$JS.API.DIRECT.GET.KV_lease.$KV.lease.>",
					"$JS.API.CONSUMER.CREATE.KV_lease.*.$KV.lease.>",
					"$JS.API.CONSUMER.DELETE.KV_lease.*",
					"$JS.API.CONSUMER.INFO.KV_lease.*",
					"$JS.FC.KV_lease.>",
				}},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_service.>"}},
			}},
		}
	})
	bucket(t, natstest.JetStream(t, natstest.Connect(t, srv.URL(), nats.UserInfo("admin", "admin"))), time.Second, 1)
	refused := make(chan error, 100)
	service := func() jetstream.JetStream {
		return natstest.JetStream(t, natstest.Connect(t, srv.URL(), nats.UserInfo("service", "service"), nats.CustomInboxPrefix("_INBOX_service"),
			nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err })))
	}
	a := run(t, open(t, service()), "a", time.Second)
	one(t, a)
	b := run(t, open(t, service()), "b", time.Second)
	natstest.Eventually(t, "the standby to know the holder", func() bool { return b.Holder().Instance == "a" })
	for _, l := range []*runner{a, b} {
		if err := l.Probe(t.Context()); err != nil {
			t.Errorf("the right was not found: %v", err)
		}
	}
	a.stop()
	one(t, b)
	select {
	case err := <-refused:
		t.Errorf("refused: %v", err)
	default:
	}
}
