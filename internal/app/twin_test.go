package app_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// A second process of an INSTANCE_ID is refused before it takes anything away from the
// first one, which goes on as if nothing had been, be it that it leads or stands by.
func TestSameInstanceIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{})
	one, two := s.pair()
	tokens, epoch := s.org.TokensIssued(), one.Report().Epoch
	for _, i := range []*instance{one, two} {
		twin, _ := s.logged(i.Report().Instance)
		<-twin.Done()
		err := twin.stop()
		if !errors.Is(err, app.ErrSameInstance) || !strings.Contains(err.Error(), "give each instance an INSTANCE_ID of its own") {
			t.Fatalf("refused with %v", err)
		}
		if status, text := i.readiness(t); status != http.StatusOK {
			t.Errorf("the first one is not ready: %s", text)
		}
	}
	if r := one.Report(); r.Role != recording.Primary || r.Epoch != epoch || s.org.TokensIssued() != tokens {
		t.Errorf("the pair was disturbed: %+v, %d tokens", r, s.org.TokensIssued()-tokens)
	}
	natstest.Eventually(t, "the reports of the first ones stand", func() bool {
		peer := one.Status().Peer
		return peer != nil && peer.Ready && peer.Established
	})
}

// Of two processes of an INSTANCE_ID that start at the same moment, one stays.
func TestSameInstanceTwiceAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{})
	stays, _ := s.logged("one")
	leaves, _ := s.logged("one")
	select {
	case <-leaves.Done():
	case <-stays.Done(): // the other one was there first
		stays, leaves = leaves, stays
	}
	if err := leaves.stop(); !errors.Is(err, app.ErrSameInstance) {
		t.Fatalf("refused with %v", err)
	}
	stays.ready(t).leads(t)
}

// A new process waits for one that is leaving, and is not refused. What a process left
// behind that has died or said farewell is no sign of life.
func TestSameInstanceAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{})
	one, _ := s.logged("one")
	one.ready(t).leads(t)
	kv, err := s.js.KeyValue(t.Context(), stateBucket)
	if err != nil {
		t.Fatal(err)
	}
	left, err := kv.Get(t.Context(), "instance.one")
	if err != nil {
		t.Fatal(err)
	}
	one.Stop()
	again, _ := s.logged("one")
	again.ready(t).leads(t)
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	if err := again.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Get(t.Context(), "instance.one"); !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Errorf("no farewell: %v", err)
	}
	if _, err := kv.Put(t.Context(), "instance.one", left.Value()); err != nil { // as after a crash
		t.Fatal(err)
	}
	third, _ := s.logged("one")
	third.ready(t).leads(t)
}

// A twin of a version that knows nothing of twins, and of another account, is recognised.
func TestSameInstanceOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		changes map[string]any
		want    error
	}{
		"same account":  {nil, app.ErrSameInstance},
		"other account": {map[string]any{"account": "another"}, app.ErrOtherAccount},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, simulator.Options{})
			like, _ := s.logged("two")
			like.ready(t)
			changes := map[string]any{"process": "", "established": false}
			maps.Copy(changes, x.changes)
			s.reportOf(t, like, "one", 0, changes)
			one, _ := s.logged("one")
			natstest.Eventually(t, "the new one leaves", func() bool {
				s.reportOf(t, like, "one", 0, changes)
				select {
				case <-one.Done():
					return true
				default:
					return false
				}
			})
			if err := one.stop(); !errors.Is(err, x.want) {
				t.Errorf("refused with %v", err)
			}
		})
	}
}
