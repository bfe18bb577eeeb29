package genesys_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// The platform keeps few channels and starves who creates many: a fault that lasts is
// not answered with ever new ones.
func TestLastingFaultsCreateFewChannels(t *testing.T) {
	const subscriptions = "/api/v2/notifications/channels/"
	for name, c := range map[string]struct {
		fault simulator.Fault
		front front
		most  int
	}{
		"handshake refused":                 {fault: simulator.Fault{Path: "/channels/", Status: 404}, most: 3},
		"subscription fails":                {fault: simulator.Fault{Path: subscriptions, Status: 500}, most: 1},
		"subscription unknown to a gateway": {fault: simulator.Fault{Path: subscriptions, Status: 404, Mode: simulator.ModeHTML}, most: 1},
		"nothing subscribed": {front: front{handle: func(_ http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPut // 200, and that is all
		}}, most: 1},
		"channel is gone at once": {fault: simulator.Fault{Path: subscriptions, Status: 404}, most: 3},
		"address elsewhere": {front: front{change: func(_ *http.Response, body map[string]any) {
			if body["connectUri"] != nil {
				body["connectUri"] = "wss://streaming.elsewhere.invalid/channels/x"
			}
		}}, most: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := organization(t, simulator.Options{Users: 3})
			if c.fault.Path != "" {
				c.fault.Kind = simulator.FaultREST
				if _, err := org.Inject(c.fault); err != nil {
					t.Fatal(err)
				}
			}
			var tries atomic.Int64
			pass := c.front.handle
			c.front.handle = func(w http.ResponseWriter, r *http.Request) bool {
				tries.Add(1)
				return pass != nil && pass(w, r)
			}
			var out logs
			r := through(t, org, c.front, func(o *genesys.Options) {
				o.Timings.BackoffMin, o.Timings.BackoffMax, o.Timings.Retries = time.Millisecond, 10*time.Millisecond, 1
				o.Logger = out.logger()
			})
			waitFor(t, "many tries", func() bool {
				return tries.Load() > 40 || strings.Count(out.String(), "operation failed") > 60
			})
			if n := org.ChannelsCreated(); n > c.most || n == 0 {
				t.Errorf("%d channels, at most %d", n, c.most)
			}
			if s := r.platform.Status(); s.Ready {
				t.Error("ready with nothing observed")
			}
		})
	}
}

// A success without words is checked, not taken for a failure.
func TestEmptyAnswerIsAYes(t *testing.T) {
	org := organization(t, simulator.Options{Users: 3})
	if _, err := org.Inject(simulator.Fault{
		Kind: simulator.FaultREST, Mode: simulator.ModeEmpty, Method: http.MethodPut, Path: "/api/v2/notifications/",
	}); err != nil {
		t.Fatal(err)
	}
	r := connect(t, org, options(org))
	r.ready(t)
	r.call(t)
	if n := org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels", n)
	}
}

// Renewals in quick succession alternate between two channels, and lose nothing.
func TestRenewalsAlternate(t *testing.T) {
	store := &memory{}
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) { o.Store = store })
	for range 10 {
		if err := r.platform.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.call(t)
	}
	if n := r.org.ChannelsCreated(); n != 2 {
		t.Errorf("%d channels for ten renewals", n)
	}
	if got := r.causes(); len(got) != 1 {
		t.Errorf("somebody was down: %v", got)
	}
	waitFor(t, "the memory", func() bool { data, _ := store.Load(t.Context()); return strings.Count(string(data), `"id"`) == 2 })
	r.stop()
	o := options(r.org)
	o.Store = store
	again := connect(t, r.org, o)
	again.ready(t)
	if err := again.platform.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	again.call(t)
	if n := r.org.ChannelsCreated(); n != 2 {
		t.Errorf("%d channels after a restart and a renewal", n)
	}
}

// The window of a token is used up when the session is renewed, which takes a new one.
func TestRenewalDoesNotWaitForTheWindowOfTheOldToken(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, RateLimit: 40}, nil)
	r.ready(t)
	for r.platform.Status().RateRemaining > 0 {
		if _, err := r.platform.Conversation(t.Context(), "unknown", genesys.PriorityChannels); !errors.Is(err, genesys.ErrNotFound) {
			t.Fatal(err)
		}
	}
	bounded, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := r.platform.Renew(bounded); err != nil {
		t.Error(err)
	}
	if s := r.platform.Status(); s.RateRemaining == 0 || !s.Ready {
		t.Errorf("after the renewal %d calls are left, ready: %v", s.RateRemaining, s.Ready)
	}
}

// Where a channel lives on with a later token, short-lived tokens need two channels;
// where it dies with its first one, each token needs a new one. Nothing is lost in
// either case.
func TestShortTokensAlternateWherePossible(t *testing.T) {
	for _, rebinds := range []bool{true, false} {
		r := start(t, simulator.Options{Users: 3, TokenLife: time.Second, RebindOnSubscribe: rebinds}, nil)
		waitFor(t, "several renewals", func() bool { return r.platform.Stats().Replacements >= 5 })
		r.call(t)
		s := r.platform.Stats()
		if rebinds && s.ChannelsCreated > 2 || !rebinds && s.ChannelsCreated < 5 {
			t.Errorf("rebinding %v: %d channels for %d replacements", rebinds, s.ChannelsCreated, s.Replacements)
		}
		if got := r.causes(); len(got) != 1 {
			t.Errorf("somebody was down: %v", got)
		}
		r.stop()
	}
}

func TestRenewalSaysWhatItWaitsFor(t *testing.T) {
	var out logs
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) {
		o.Logger, o.Timings.Notice = out.logger(), 20*time.Millisecond
	})
	r.inject(t, simulator.Fault{Kind: simulator.FaultREST, Path: "/api/v2/notifications/", Status: 429, RetryAfter: 1, Count: 1})
	if err := r.platform.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "the renewal of the session waits") || !strings.Contains(text, "rate limit until") {
		t.Errorf("log:\n%s", text)
	}
	r.inject(t, simulator.Fault{Kind: simulator.FaultREST, Path: "/channels/", Status: 503})
	r.inject(t, simulator.Fault{Kind: simulator.FaultCut})
	waitFor(t, "the loss", func() bool { return !r.platform.Status().Ready })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := r.platform.Renew(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("renewal of a channel that is down: %v", err)
	}
	if text := out.String(); !strings.Contains(text, "channel 0: the pause before the next try to connect") {
		t.Errorf("log:\n%s", text)
	}
	r.inject(t, simulator.Fault{Kind: simulator.FaultClear})
	r.ready(t)
}

// broken is a store that fails until it is mended.
type broken struct {
	memory
	works atomic.Bool
	saves atomic.Int64
}

var errStore = errors.New("the store is away")

func (b *broken) Load(ctx context.Context) ([]byte, error) {
	if !b.works.Load() {
		return nil, errStore
	}
	return b.memory.Load(ctx)
}

func (b *broken) Save(ctx context.Context, data []byte) error {
	b.saves.Add(1)
	if !b.works.Load() {
		return errStore
	}
	return b.memory.Save(ctx, data)
}

// A store that is away hinders nothing, and gets what it missed when it is back.
func TestStoreThatFails(t *testing.T) {
	var out logs
	store := &broken{}
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) { o.Store, o.Logger = store, out.logger() })
	r.call(t)
	waitFor(t, "a failed save", func() bool { return store.saves.Load() > 0 })
	for _, text := range []string{"load remembered channels", "save channels", errStore.Error()} {
		waitFor(t, text, func() bool { return strings.Contains(out.String(), text) })
	}
	store.works.Store(true)
	waitFor(t, "the channel in the store", func() bool {
		data, _ := store.Load(t.Context())
		return strings.Contains(string(data), r.org.Channels()[0].ID)
	})
	if n := strings.Count(out.String(), "WARN"); n > 4 {
		t.Errorf("%d warnings:\n%s", n, out.String())
	}
}

// What a store holds may be anything.
func TestStoreWithNonsense(t *testing.T) {
	for _, data := range []string{`{`, `[null,{},17]`, `[{"id":"x","connectUri":"wss://elsewhere.invalid/","bound":"2100-01-01T00:00:00Z"}]`, `"x"`} {
		r := start(t, simulator.Options{Users: 2}, func(o *genesys.Options) { o.Store = &memory{data: []byte(data)} })
		r.call(t)
		r.stop()
	}
}

// A channel that REST knows is tried again when its socket is refused.
func TestRefusedSocketKeepsTheChannel(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	r.inject(t, simulator.Fault{Kind: simulator.FaultREST, Path: "/channels/", Status: 404, Count: 5})
	r.inject(t, simulator.Fault{Kind: simulator.FaultCut})
	r.back(t, genesys.CauseSocketLost)
	r.call(t)
	if n := r.org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels", n)
	}
}

// Who cannot be subscribed yet takes nobody else down.
func TestNewcomerWhoCannotBeSubscribed(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) {
		o.Timings.Discovery, o.Timings.Retries = 20*time.Millisecond, 1
	})
	r.inject(t, simulator.Fault{
		Kind: simulator.FaultREST, Path: "/api/v2/notifications/channels/", Method: http.MethodPost, Status: 500, Count: 6,
	})
	r.inject(t, simulator.Fault{
		Kind: simulator.FaultREST, Path: "/api/v2/notifications/channels/", Method: http.MethodPut, Status: 500, Count: 6,
	})
	u := r.org.AddUser()
	leg := r.org.Call(simulator.Inbound{}).Alert(r.org.Users()[0])
	r.seen(t, leg, "alerting")
	r.until(t, "the newcomer", func() bool {
		for _, f := range r.feeds {
			if f.Up && len(r.down) == 0 && strings.Contains(strings.Join(f.Users, " "), u.ID) {
				return true
			}
		}
		return false
	})
	if n := r.platform.Stats().Connects; n != 1 {
		t.Errorf("%d sockets: a good one was given up", n)
	}
}
