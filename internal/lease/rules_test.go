package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/lease"
)

// The next four are regressions of faults known from other elections.

func TestStoppingFollowerDeletesNothing(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a")
		<-a.held
		b := m.contend(t, "b")
		time.Sleep(time.Minute)
		if err := b.stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("follower: %v", err)
		}
		time.Sleep(time.Minute)
		if !a.holds() || b.count("delete") != 0 {
			t.Errorf("holder %+v, follower deleted %d times", a.Holder(), b.count("delete"))
		}
		_ = a.stop()
	})
}

func TestShutdownIsToldAndWaitedFor(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.prepare(t, "a")
		a.linger = 3 * ttl
		a.start()
		<-a.held
		b := m.contend(t, "b")
		time.Sleep(ttl)
		start := time.Now()
		a.cancel()
		if cause := <-a.cause; !errors.Is(cause, context.Canceled) {
			t.Errorf("cause %v", cause)
		}
		<-b.held // only now: the lease is renewed while the function winds down
		if d := time.Since(start); d < a.linger {
			t.Errorf("released after %v, before the function returned", d)
		}
		if err := <-a.done; err != nil {
			t.Error(err)
		}
		_ = b.stop()
	})
}

func TestStopNeverDeadlocks(t *testing.T) {
	for name, f := range map[string]fault{"healthy": healthy, "lost": lost, "mute": mute, "late": late, "unsettled": unsettled} {
		t.Run(name, func(t *testing.T) {
			// Stop at many moments: in a campaign, in a renewal, while suspect.
			for _, after := range []time.Duration{0, time.Millisecond, 40 * time.Millisecond, time.Second, 1001 * time.Millisecond, 4100 * time.Millisecond, 3 * ttl} {
				bubble(t, func(m *memory) {
					t := m.t
					a := m.contend(t, "a")
					if after > time.Second {
						time.Sleep(500 * time.Millisecond)
					}
					a.set(f)
					time.Sleep(after)
					start := time.Now()
					_ = a.stop()
					if d := time.Since(start); d > ttl {
						t.Errorf("after %v: stopped after %v", after, d)
					}
				})
			}
		})
	}
}

func TestFailedStartCanBeRetried(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.prepare(t, "a")
		a.set(lost)
		for range 3 {
			a.start()
			time.Sleep(ttl)
			if err := a.stop(); !errors.Is(err, context.Canceled) {
				t.Errorf("hold: %v", err)
			}
		}
		a.set(healthy)
		a.start()
		<-a.held
		if err := a.Hold(t.Context(), nil); !errors.Is(err, lease.ErrBusy) {
			t.Errorf("second hold: %v", err)
		}
		_ = a.stop()
	})
}

func TestFunctionsErrorIsReturnedAndTheLeaseReleased(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.prepare(t, "a")
		boom := errors.New("boom")
		err := a.Hold(t.Context(), func(context.Context, lease.Term) error { return boom })
		if !errors.Is(err, boom) || errors.Is(err, lease.ErrLost) {
			t.Errorf("hold: %v", err)
		}
		if e, _ := m.get(); !e.Deleted {
			t.Error("not released")
		}
	})
}

func TestResignLetsTheOthersGoFirst(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a")
		<-a.held
		b := m.contend(t, "b", func(o *lease.Options) { o.Delay = 200 * time.Millisecond })
		time.Sleep(ttl)
		if b.Resign() {
			t.Error("the standby resigned from nothing")
		}
		if !a.Resign() {
			t.Error("the holder could not resign")
		}
		if cause := <-a.cause; !errors.Is(cause, lease.ErrResigned) {
			t.Errorf("cause %v", cause)
		}
		if err := <-a.done; !errors.Is(err, lease.ErrResigned) {
			t.Errorf("hold: %v", err)
		}
		a.start() // campaigns again at once, and without a delay
		<-b.held
		_ = a.stop()
		_ = b.stop()
	})
}

func TestResignedAloneTakesItAgain(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a")
		<-a.held
		a.Resign()
		if err := <-a.done; !errors.Is(err, lease.ErrResigned) {
			t.Errorf("hold: %v", err)
		}
		start := time.Now()
		a.start()
		<-a.held
		if d := time.Since(start); d > ttl/5+15*time.Millisecond {
			t.Errorf("taken again after %v", d)
		}
		_ = a.stop()
	})
}

func TestGateKeepsAnUnreadyInstanceOut(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		var ready atomic.Bool
		a := m.contend(t, "a", func(o *lease.Options) { o.Gate = ready.Load })
		time.Sleep(10 * ttl)
		if n := len(m.writes()); n != 0 || a.count("create") != 0 {
			t.Errorf("campaigned although not ready: %d writes", n)
		}
		start := time.Now()
		ready.Store(true)
		<-a.held
		if d := time.Since(start); d > ttl/20+10*time.Millisecond {
			t.Errorf("taken %v after it was ready", d)
		}
		ready.Store(false) // has no effect on a lease that is held
		time.Sleep(3 * ttl)
		if !a.holds() {
			t.Error("lost by the gate")
		}
		_ = a.stop()
	})
}

func TestDelayPrefersTheOther(t *testing.T) {
	for range 20 {
		bubble(t, func(m *memory) {
			t := m.t
			b := m.contend(t, "b", func(o *lease.Options) { o.Delay = 100 * time.Millisecond })
			a := m.contend(t, "a")
			time.Sleep(ttl)
			if !a.holds() || b.holds() {
				t.Error("the instance with a delay won")
			}
			_ = b.stop()
			_ = a.stop()
		})
	}
}

func TestForeignValueIsLeftAlone(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		for _, value := range []string{"not json", `{"instance":"x"}`} {
			if _, err := m.put("somebody", lease.Entry{Value: []byte(value)}, 0); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			var log strings.Builder
			a := m.contend(t, "a", func(o *lease.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			time.Sleep(ttl / 2)
			if h := a.Holder(); h.Known || h.Self {
				t.Errorf("holder %+v, want unknown", h)
			}
			<-a.held
			if d := time.Since(start); d < ttl-time.Millisecond {
				t.Errorf("taken after %v: it did not wait for the expiry", d)
			}
			_ = a.stop()
			synctest.Wait()
			if strings.Count(log.String(), "level=ERROR") != 1 {
				t.Errorf("log:\n%s", log.String())
			}
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := lease.New(lease.Options{TTL: time.Millisecond, Delay: -1})
	for _, says := range []string{"store is required", "key is required", "instance is required", "TTL 1ms is too short", "delay -1ns"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}

// Who looks at a free lease knows since when it is free and who had it.
func TestFreeLeaseTellsWhoHadIt(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		b := m.contend(t, "b", func(o *lease.Options) { o.Gate = func() bool { return false } })
		synctest.Wait()
		if h := b.Holder(); !h.Known || !h.Free || h.Before != "" {
			t.Errorf("a key that never was: %+v", h)
		}
		a := m.contend(t, "a")
		<-a.held
		time.Sleep(ttl)
		a.set(lost) // it dies
		died := time.Now()
		time.Sleep(ttl + ttl/2)
		h := b.Holder()
		if expired := h.Since.Sub(died); !h.Free || h.Before != "a" || expired < ttl*4/5-time.Millisecond || expired > ttl {
			t.Errorf("after an expiry: %+v, free %v after the death", h, expired)
		}
		time.Sleep(2 * ttl)
		if later := b.Holder(); later.Since != h.Since || later.Before != "a" {
			t.Errorf("later: %+v", later)
		}
		_ = a.stop()
		_ = b.stop()
	})
}

// A newer version may tell more about itself in the key: it is a holder like any other.
func TestHolderOfANewerVersion(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		value := `{"instance":"x","nonce":"n","since":"2030-01-01T00:00:00Z","mood":{"good":true},"version":9}`
		if _, err := m.put("x", lease.Entry{Value: []byte(value)}, 0); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		a := m.contend(t, "a")
		time.Sleep(ttl / 2)
		if h := a.Holder(); !h.Known || h.Instance != "x" {
			t.Errorf("holder %+v", h)
		}
		<-a.held
		if d := time.Since(start); d < ttl-time.Millisecond || d > ttl+time.Second {
			t.Errorf("taken after %v", d)
		}
		_ = a.stop()
	})
}

// A probe says whether the key may be written, and writes nothing.
func TestProbeWritesNothing(t *testing.T) {
	bubble(t, func(m *memory) {
		t := m.t
		a := m.contend(t, "a")
		if err := a.Probe(t.Context()); err != nil {
			t.Errorf("probe of a free key: %v", err)
		}
		<-a.held
		b := m.contend(t, "b")
		if err := b.Probe(t.Context()); err != nil {
			t.Errorf("probe of a held key: %v", err)
		}
		b.set(lost)
		if err := b.Probe(t.Context()); err == nil {
			t.Error("a probe without an answer is well")
		}
		for _, w := range m.writes() {
			if w.by != "a" {
				t.Errorf("%s wrote", w.by)
			}
		}
		_ = a.stop()
		_ = b.stop()
	})
}
