package lease_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/lease"
)

// ttl of the virtual tests.
const ttl = 5 * time.Second

// contender is one instance that calls Hold once and waits in its function.
type contender struct {
	*lease.Lease
	*client
	cancel context.CancelFunc
	held   chan lease.Term // gets the term when it begins
	cause  chan error      // gets the cause when the function's context ends
	done   chan error      // gets the result of Hold
	linger time.Duration   // how long the function winds down

	mu       sync.Mutex
	suspects []bool
	holders  []lease.Holder
}

// contend starts Hold at once.
func (m *memory) contend(t *testing.T, name string, change ...func(*lease.Options)) *contender {
	t.Helper()
	c := m.prepare(t, name, change...)
	c.start()
	return c
}

func (m *memory) prepare(t *testing.T, name string, change ...func(*lease.Options)) *contender {
	t.Helper()
	c := &contender{client: m.client(name), held: make(chan lease.Term, 10), cause: make(chan error, 10), done: make(chan error, 10)}
	o := lease.Options{
		Store: c.client, Key: "leader", Instance: name, TTL: ttl,
		OnSuspect: func(s bool) { c.mu.Lock(); defer c.mu.Unlock(); c.suspects = append(c.suspects, s) },
		OnHolder:  func(h lease.Holder) { c.mu.Lock(); defer c.mu.Unlock(); c.holders = append(c.holders, h) },
	}
	for _, f := range change {
		f(&o)
	}
	var err error
	if c.Lease, err = lease.New(o); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *contender) start() {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	go func() {
		c.done <- c.Hold(ctx, func(ctx context.Context, term lease.Term) error {
			c.held <- term
			<-ctx.Done()
			c.cause <- context.Cause(ctx)
			time.Sleep(c.linger)
			return nil
		})
	}()
}

// stop ends the contender and waits for it.
func (c *contender) stop() error {
	c.cancel()
	return <-c.done
}

// holds reports whether the function runs now.
func (c *contender) holds() bool { return c.Holder().Self }

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(m *memory)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(ttl)
		m.t = t
		f(m)
		m.close()
	})
}

func TestTakesAFreeLeaseAndRenewsIt(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		start := time.Now()
		a := m.contend(t, "a")
		term := <-a.held
		if d := time.Since(start); d > 15*time.Millisecond {
			t.Errorf("took the free lease after %v", d)
		}
		if term.Number != 1 || term.Instance != "a" {
			t.Errorf("term %+v", term)
		}
		time.Sleep(10 * ttl)
		if h := a.Holder(); !h.Self || h.Suspect || h.Instance != "a" {
			t.Errorf("holder %+v", h)
		}
		if n := len(m.writes()); n < 45 || n > 52 {
			t.Errorf("%d writes in ten TTLs, want one each fifth", n)
		}
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		if e, _ := m.get(); !e.Deleted {
			t.Error("not released")
		}
	})
}

func TestGracefulHandOver(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a")
		first := <-a.held
		b := m.contend(t, "b")
		time.Sleep(time.Minute)
		if h := b.Holder(); h.Instance != "a" || h.Self {
			t.Errorf("the standby knows %+v", h)
		}
		start := time.Now()
		a.cancel()
		second := <-b.held
		if d := time.Since(start); d > 15*time.Millisecond {
			t.Errorf("handed over after %v", d)
		}
		if second.Number <= first.Number {
			t.Errorf("terms %d, %d", first.Number, second.Number)
		}
		if err := <-a.done; err != nil {
			t.Error(err)
		}
		_ = b.stop()
	})
}

func TestCrashedHolderIsReplacedAfterItsTTL(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a")
		<-a.held
		b := m.contend(t, "b")
		time.Sleep(time.Minute)
		start := time.Now()
		a.set(lost) // nothing of it arrives any more
		<-b.held
		if d := time.Since(start); d > ttl+15*time.Millisecond {
			t.Errorf("replaced after %v", d)
		}
		_ = a.stop()
		_ = b.stop()
	})
}

func TestStandbyFindsAnUnannouncedExpiry(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a")
		<-a.held
		b := m.prepare(t, "b", func(o *lease.Options) { o.Store = deaf{o.Store} })
		b.start()
		time.Sleep(time.Minute)
		start := time.Now()
		a.set(lost)
		<-b.held
		if d := time.Since(start); d > ttl+time.Second {
			t.Errorf("replaced after %v", d)
		}
		_ = a.stop()
		_ = b.stop()
	})
}

// deaf is a store whose watcher never sees anything.
type deaf struct{ lease.Store }

func (deaf) Watch(ctx context.Context, _ string, _ func(lease.Entry)) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestUnansweredWritesAreNoLoss(t *testing.T) {
	for name, f := range map[string]fault{"lost": lost, "mute": mute, "late": late, "unsettled": unsettled} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(m *memory) {
				t := m.t
				a := m.contend(t, "a")
				<-a.held
				for range 20 {
					time.Sleep(3 * time.Second)
					a.set(f)
					time.Sleep(2500 * time.Millisecond) // shorter than what is trusted
					a.set(healthy)
				}
				time.Sleep(ttl)
				if h := a.Holder(); !h.Self || h.Suspect || a.Stats().Lost != 0 || len(a.suspects) != 0 {
					t.Errorf("holder %+v, stats %+v, suspects %v", h, a.Stats(), a.suspects)
				}
				if a.Stats().Unknown == 0 {
					t.Error("no renewal was hit")
				}
				if err := a.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestUnansweredCreateIsAdopted(t *testing.T) {
	for name, f := range map[string]fault{"mute": mute, "late": late} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(m *memory) {
				t := m.t
				a := m.prepare(t, "a")
				a.set(f)
				start := time.Now()
				a.start()
				time.Sleep(2 * time.Second)
				a.set(healthy)
				<-a.held
				if d := time.Since(start); d >= ttl {
					t.Errorf("held after %v: it waited for its own key to expire", d)
				}
				time.Sleep(3 * ttl)
				if !a.holds() {
					t.Error("adopted, but not renewed")
				}
				_ = a.stop()
			})
		})
	}
}

func TestPausedHolderLearnsThatItLost(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a")
		<-a.held
		b := m.contend(t, "b")
		time.Sleep(ttl)
		a.set(lost)
		<-b.held
		time.Sleep(3 * ttl)
		if !a.holds() {
			t.Error("the holder gave up merely by time")
		}
		if len(a.suspects) != 1 || !a.suspects[0] {
			t.Errorf("suspects %v", a.suspects)
		}
		a.set(healthy)
		cause := <-a.cause
		if !errors.Is(cause, lease.ErrLost) || !strings.Contains(cause.Error(), "b holds it") {
			t.Errorf("cause %v", cause)
		}
		if err := <-a.done; !errors.Is(err, lease.ErrLost) {
			t.Errorf("hold: %v", err)
		}
		time.Sleep(3 * ttl)
		if !b.holds() || a.count("delete") != 0 {
			t.Errorf("the loser deleted %d times, the winner holds: %v", a.count("delete"), b.holds())
		}
		if h := a.Holder(); h.Instance != "b" || h.Self {
			t.Errorf("the loser knows %+v", h)
		}
		_ = b.stop()
	})
}

func TestExpiredLeaseIsLostEvenIfFree(t *testing.T) {
	for name, pause := range map[string]time.Duration{"marker still there": ttl + 500*time.Millisecond, "marker gone": 3 * ttl} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(m *memory) {
				t := m.t
				a := m.contend(t, "a")
				<-a.held
				a.set(lost)
				time.Sleep(pause)
				a.set(healthy)
				if cause := <-a.cause; !errors.Is(cause, lease.ErrLost) {
					t.Errorf("cause %v", cause)
				}
				if err := <-a.done; !errors.Is(err, lease.ErrLost) {
					t.Errorf("hold: %v", err)
				}
				a.start() // and may be taken again
				<-a.held
				_ = a.stop()
			})
		})
	}
}

func TestSuspectIsToldAndTakenBack(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		m.ttl = 10 * ttl // the server is away as a whole: it lets nothing expire
		a := m.contend(t, "a")
		<-a.held
		a.set(lost)
		time.Sleep(2 * ttl)
		if h := a.Holder(); !h.Self || !h.Suspect {
			t.Errorf("holder %+v, want suspect", h)
		}
		a.set(healthy)
		time.Sleep(ttl)
		if h := a.Holder(); !h.Self || h.Suspect {
			t.Errorf("holder %+v, want confirmed", h)
		}
		if len(a.suspects) != 2 || !a.suspects[0] || a.suspects[1] || a.Stats().Suspected != 1 {
			t.Errorf("suspects %v, stats %+v", a.suspects, a.Stats())
		}
		_ = a.stop()
	})
}

func TestStrictDeadlineEndsBeforeTheServerLetsExpire(t *testing.T) {
	for name, f := range map[string]fault{"lost": lost, "mute": mute, "unsettled": unsettled} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(m *memory) {
				t := m.t
				a := m.contend(t, "a", func(o *lease.Options) { o.StrictDeadline = true })
				<-a.held
				time.Sleep(3*ttl + ttl/10) // between two renewals
				writes := m.writes()
				last := writes[len(writes)-1].at
				a.set(f)
				if cause := <-a.cause; !errors.Is(cause, lease.ErrLost) {
					t.Errorf("cause %v", cause)
				}
				if d := time.Since(last); d > ttl*4/5+time.Millisecond {
					t.Errorf("ended %v after the last confirmed write, want four fifths of %v at most", d, ttl)
				}
				if err := <-a.done; !errors.Is(err, lease.ErrLost) {
					t.Errorf("hold: %v", err)
				}
			})
		})
	}
}

func TestOwnUnansweredWriteIsRecognisedWithoutTheWatcher(t *testing.T) {
	for name, f := range map[string]fault{"mute": mute, "late": late} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(m *memory) {
				t := m.t
				a := m.contend(t, "a", func(o *lease.Options) { o.Store = deaf{o.Store} })
				<-a.held
				for range 5 {
					a.set(f)
					time.Sleep(2500 * time.Millisecond)
					a.set(healthy)
					time.Sleep(ttl)
				}
				if !a.holds() || a.Stats().Lost != 0 {
					t.Errorf("holder %+v, stats %+v", a.Holder(), a.Stats())
				}
				_ = a.stop()
			})
		})
	}
}

func TestReleaseSparesTheSuccessor(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a", func(o *lease.Options) { o.Store = deaf{o.Store} })
		<-a.held
		b := m.contend(t, "b")
		time.Sleep(ttl)
		a.set(lost)
		<-b.held
		time.Sleep(ttl + ttl/10)
		a.set(healthy) // it still believes it holds the lease, and stops now
		if err := a.stop(); err != nil && !errors.Is(err, lease.ErrLost) {
			t.Error(err)
		}
		time.Sleep(ttl)
		if !b.holds() || len(b.held) != 0 {
			t.Error("the stopping predecessor deleted the key of its successor")
		}
		_ = b.stop()
	})
}

func TestLateReleaseReleasesAnUnansweredRenewal(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a", func(o *lease.Options) { o.Store = deaf{o.Store} })
		<-a.held
		time.Sleep(ttl + ttl/10)
		a.set(mute)
		time.Sleep(ttl / 5) // a renewal is stored, its answer is missing
		a.set(healthy)
		if err := a.stop(); err != nil {
			t.Error(err)
		}
		if e, _ := m.get(); !e.Deleted {
			t.Error("the key was left to expire")
		}
	})
}

// dated is a store whose watcher delivers only what is put in, whenever.
type dated struct {
	lease.Store
	entries chan lease.Entry
}

func (d dated) Watch(ctx context.Context, _ string, deliver func(lease.Entry)) error {
	for {
		select {
		case e := <-d.entries:
			deliver(e)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestDatedViewOfOurOwnKeyIsNotBelieved(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		entries := make(chan lease.Entry)
		a := m.prepare(t, "a", func(o *lease.Options) { o.Store = dated{o.Store, entries} })
		a.set(mute)
		a.start()
		time.Sleep(ttl / 10)
		a.set(lost)
		first := m.writes()[0].Entry
		b := m.contend(t, "b")
		<-b.held
		a.set(healthy)
		entries <- first // as a replica that lags tells it
		time.Sleep(3 * ttl)
		if len(a.held) != 0 || !b.holds() {
			t.Error("a lease that had long passed on was adopted")
		}
		_ = a.stop()
		_ = b.stop()
	})
}
