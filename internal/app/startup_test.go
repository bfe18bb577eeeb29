package app_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

const (
	leaseBucket = "RECORDER_ACME_LEASE"
	stateBucket = "RECORDER_ACME_STATE"
)

// An instance with STARTUP_TYPE=manual is up, says why it is not ready, and neither
// connects nor leads, also when nobody else does, until it is told to.
func TestManualStart(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{})
	one, _ := s.logged("one")
	one.ready(t).leads(t).calm(t)
	two, _ := s.logged("two", "STARTUP_TYPE=manual")
	natstest.Eventually(t, "the second instance follows the stream", func() bool { return two.Status().LastSequence > 0 })
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	leg.Answer()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	s.free(t)
	c.CustomerHangsUp()
	if status, text := two.readiness(t); status != http.StatusServiceUnavailable || !strings.Contains(text, "not started (STARTUP_TYPE=manual)") {
		t.Errorf("readiness: %d %s", status, text)
	}
	if r := two.Report(); r.Ready || r.Role != recording.Secondary || s.org.TokensIssued() != 1 {
		t.Errorf("it was not told to connect, and is %+v; %d tokens", r, s.org.TokensIssued())
	}
	two.Start()
	two.ready(t).leads(t).calm(t)
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "stop/cleared/stopped?")
}

// free waits until nobody holds the lease.
func (s *site) free(t *testing.T) {
	t.Helper()
	kv, err := s.js.KeyValue(t.Context(), leaseBucket)
	if err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "the lease is free", func() bool {
		_, err := kv.Get(t.Context(), "leader")
		return errors.Is(err, jetstream.ErrKeyNotFound)
	})
}

// What was made by hand with other settings is refused with every difference and what
// to do about it, and is left as it was, whether or not the service may create things.
func TestAssetsMadeByHand(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		bucket jetstream.KeyValueConfig
		want   []string
	}{
		"lease": {
			jetstream.KeyValueConfig{Bucket: leaseBucket, Storage: jetstream.FileStorage, TTL: time.Minute, History: 5},
			[]string{"bucket " + leaseBucket, "1m0s", "wanted 1s", "is 5, wanted 1"},
		},
		"state": {
			jetstream.KeyValueConfig{Bucket: stateBucket, Storage: jetstream.MemoryStorage, History: 3},
			[]string{"bucket " + stateBucket, "is 3, wanted 1"},
		},
	} {
		for _, provision := range []string{"true", "false"} {
			t.Run(name+" NATS_PROVISION="+provision, func(t *testing.T) {
				s := newSite(t, simulator.Options{Users: 2})
				assets := app.AssetsOf(s.settingsFor("one"))
				if err := publish.Provision(t.Context(), s.js, assets.Stream); err != nil {
					t.Fatal(err)
				}
				for _, b := range []publish.BucketOptions{assets.Lease, assets.State} {
					if b.Name == x.bucket.Bucket {
						continue
					}
					if err := publish.ProvisionBucket(t.Context(), s.js, b); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := s.js.CreateKeyValue(t.Context(), x.bucket); err != nil {
					t.Fatal(err)
				}
				one, _ := s.logged("one", "NATS_PROVISION="+provision)
				<-one.Done()
				err := one.stop()
				if !errors.Is(err, publish.ErrDifferent) {
					t.Fatalf("refused with %v", err)
				}
				for _, want := range x.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q is not in: %v", want, err)
					}
				}
				kv, err := s.js.KeyValue(t.Context(), x.bucket.Bucket)
				if err != nil {
					t.Fatal(err)
				}
				if st, err := kv.Status(t.Context()); err != nil || st.History() != int64(x.bucket.History) || st.TTL() != x.bucket.TTL {
					t.Errorf("the bucket was changed: %v %v %v", st.History(), st.TTL(), err)
				}
			})
		}
	}
}

// What is missing is refused where the service may not create it.
func TestAssetsAreMissing(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{Users: 2})
	one, _ := s.logged("one", "NATS_PROVISION=false")
	<-one.Done()
	err := one.stop()
	if !errors.Is(err, publish.ErrMissing) {
		t.Fatalf("refused with %v", err)
	}
	for _, want := range []string{"stream RECORDER_ACME", "bucket " + leaseBucket, "bucket " + stateBucket} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
}

// A value of the lease that is none counts as held by somebody unknown: it is said,
// nobody touches it, and nobody leads until it expires. Written over the lease of a
// leader it ends the term, and nothing is told twice.
func TestForeignLease(t *testing.T) {
	t.Parallel()
	s := newSite(t, simulator.Options{})
	nc := natstest.Connect(t, s.nats.URL())
	var mu sync.Mutex
	var writes []string
	watch, err := nc.Subscribe("$KV."+leaseBucket+".>", func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		if string(m.Data) != "probe" { // which the server never stores
			writes = append(writes, strings.TrimSpace(m.Header.Get("KV-Operation")+" "+string(m.Data)))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watch.Unsubscribe() }()
	if err = publish.ProvisionBucket(t.Context(), s.js, app.AssetsOf(s.settingsFor("one")).Lease); err != nil {
		t.Fatal(err)
	}
	kv, err := s.js.KeyValue(t.Context(), leaseBucket)
	if err != nil {
		t.Fatal(err)
	}
	put := func() time.Time {
		at := time.Now()
		if _, err := kv.Put(t.Context(), "leader", []byte("garbage")); err != nil {
			t.Fatal(err)
		}
		return at
	}
	at := put()
	one, log := s.logged("one")
	one.leads(t).calm(t)
	if waited := time.Since(at); waited < time.Second {
		t.Errorf("led %v after the value was written, which lives for a second", waited)
	}
	mu.Lock()
	if len(writes) < 2 || writes[0] != "garbage" || !strings.Contains(writes[1], `"instance":"one"`) {
		t.Errorf("what was written to the lease: %q", writes)
	}
	mu.Unlock()
	if n := len(log.lines("the lease holds a value that is none")); n != 1 {
		t.Errorf("said %d times", n)
	}

	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	s.expect(leg.ID(), "prepare/delivered/armed")
	epoch := one.Report().Epoch
	put()
	one.role(t, recording.Secondary)
	leg.Answer()
	one.leads(t).calm(t)
	if one.Report().Epoch <= epoch {
		t.Error("the term is not a new one")
	}
	c.CustomerHangsUp()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording", "stop/cleared/stopped")
}

// A standby without rights on the bucket of the lease can never lead. It runs on, says
// so in its log and wherever it is asked, long before it is needed, and nobody hands
// over to it; one that has the rights leads.
func TestStandbyWithoutRightsOnTheLease(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		denied []string
		says   string
	}{
		"write": {[]string{"$KV." + leaseBucket + ".>"}, "NATS refuses $KV." + leaseBucket + ".leader: this instance can never lead"},
		"see": {
			[]string{"$KV." + leaseBucket + ".>", "$JS.API.*.*.KV_" + leaseBucket, "$JS.API.*.*.*.KV_" + leaseBucket + ".>", "$JS.API.DIRECT.GET.KV_" + leaseBucket + ".>"},
			"check stream and buckets: NATS refuses $JS.API.STREAM.INFO.KV_" + leaseBucket,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := natstest.New(t, func(o *server.Options) {
				o.Users = []*server.User{
					{Username: "full", Password: "full"},
					{Username: "limited", Password: "limited", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: x.denied}}},
				}
			})
			s := &site{t: t, org: newOrg(t, simulator.Options{}), nats: broker}
			s.js = natstest.JetStream(t, natstest.Connect(t, broker.URL(), nats.UserInfo("full", "full")))
			one, _ := s.logged("one", "NATS_USER=full", "NATS_PASSWORD=full")
			one.ready(t).leads(t)
			two, log := s.logged("two", "NATS_USER=limited", "NATS_PASSWORD=limited")
			natstest.Eventually(t, "the log says which right is missing", func() bool {
				return len(log.lines("level=ERROR", "NATS refused a permission", leaseBucket)) > 0
			})
			natstest.Eventually(t, "it says which right is missing", func() bool {
				status, text := two.readiness(t)
				return status == http.StatusServiceUnavailable && strings.Contains(text, x.says)
			})
			nc := natstest.Connect(t, broker.URL(), nats.UserInfo("full", "full"))
			m, err := nc.Request(app.ServicePrefix("acme", "one")+".step-down", nil, 5*time.Second)
			if err != nil || m.Header.Get(micro.ErrorCodeHeader) != "409" || one.Report().Role != recording.Primary {
				t.Errorf("the lead was handed over to nobody: %v %v", m, err)
			}
			if blamed := log.lines(stateBucket, "deadline exceeded"); len(blamed) > 0 {
				t.Errorf("blamed for nothing: %v", blamed)
			}
			if err := one.stop(); err != nil {
				t.Fatal(err)
			}
			s.free(t)
			three, _ := s.logged("three", "NATS_USER=full", "NATS_PASSWORD=full")
			three.ready(t).leads(t)
			if two.Report().Role == recording.Primary {
				t.Error("it leads")
			}
			select {
			case <-two.Done():
				t.Errorf("it has given up: %v", two.stop())
			default:
			}
		})
	}
}
