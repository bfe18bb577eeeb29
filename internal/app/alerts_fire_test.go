//go:build prometheus

package app_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// Each alert is provoked by its fault: real instances, a real Prometheus. What is
// missing here is in alerts_test.yaml only, since its fault takes hours or is one of
// the service itself: IngestorChannelSilent, IngestorRestartOverdue and
// IngestorTailLagging.
func TestAlertsFire(t *testing.T) {
	t.Run("nothing while all is well", func(t *testing.T) {
		s := newSite(t, busy())
		one, two := s.pair("RECONCILE_INTERVAL=2s")
		s.talk(5)
		w := watch(t, one, two)
		natstest.Eventually(t, "half a minute of scrapes", func() bool { return w.value("min(count_over_time(ingestor_ready[1m]))") > 60 })
		if firing := w.firing(); len(firing) > 0 {
			t.Errorf("firing: %v", firing)
		}
		if w.value(`sum(histogram_count(ingestor_receipt_to_stored_seconds))`) <= 0 {
			t.Error("there is no native histogram")
		}
		w.draws(t)
	})
	t.Run("nobody is there", func(t *testing.T) { watch(t).fires("IngestorAbsent") })
	t.Run("nobody was told to start", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		one, two := s.start("one", "STARTUP_TYPE=manual"), s.start("two", "STARTUP_TYPE=manual")
		watch(t, one, two).fires("IngestorNoLeader", "IngestorNobodyObserves", "IngestorNotReady", "IngestorNoUsers")
	})
	t.Run("one is enough until it is gone", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		one, two := s.pair()
		w := watch(t, one, two)
		if err := two.stop(); err != nil {
			t.Fatal(err)
		}
		w.fires("IngestorDown", "IngestorNoStandby")
	})
	t.Run("two lead", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		one := s.start("one").ready(t).leads(t)
		two := s.startWith((*app.App).IgnoreLease, "two").ready(t).leads(t)
		watch(t, one, two).fires("IngestorTwoLeaders")
	})
	t.Run("the lead goes to and fro", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		one, two := s.pair()
		w := watch(t, one, two)
		for _, step := range []struct{ down, up *instance }{{one, two}, {two, one}, {one, two}} {
			if _, err := s.js.Conn().Request(app.ServicePrefix("Acme", step.down.Report().Instance)+".step-down", nil, 5*time.Second); err != nil {
				t.Fatal(err)
			}
			step.up.leads(t)
		}
		w.fires("IngestorFailoversFrequent")
		watch(t, one, s.startVersion("three", "v0.0.2").ready(t)).fires("IngestorVersionsDiffer")
	})
	t.Run("NATS is away", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		one, two := s.pair()
		w := watch(t, one, two)
		leg := s.org.Call(simulator.Inbound{}).Alert(s.org.Users()[0])
		leg.Answer()
		s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")
		s.nats.Stop()
		for range 30 {
			leg.Hold()
			leg.Retrieve()
		}
		w.fires("IngestorNATSDisconnected", "IngestorNotReady", "IngestorNobodyObserves", "IngestorTransitionsStuck", "IngestorBacklogCollapsed")
		if err := s.nats.Start(); err != nil {
			t.Fatal(err)
		}
		w.fires("IngestorEventsLate")
	})
	t.Run("Genesys is away", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		one, two := s.pair()
		w := watch(t, one, two)
		s.inject(simulator.Fault{Kind: simulator.FaultREST, Path: "/oauth", Status: 400})
		s.inject(simulator.Fault{Kind: simulator.FaultREST})
		s.inject(simulator.Fault{Kind: simulator.FaultRevokeTokens})
		w.fires("IngestorGapOpen", "IngestorGapsFrequent", "IngestorTokenRefused", "IngestorChannelsLost", "IngestorNobodyObserves")
		one.Restart("requested")
		two.Restart("requested")
		w.fires("IngestorRestartFailed")
	})
	t.Run("frames and requests", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		one, two := s.pair()
		w := watch(t, one, two)
		s.inject(simulator.Fault{Kind: simulator.FaultMalformed})
		s.inject(simulator.Fault{Kind: simulator.FaultREST, Status: 429, RetryAfter: 1, Count: 5})
		w.fires("IngestorFramesUnreadable", "IngestorRateLimited")
		if _, err := s.js.Publish(t.Context(), "recorder.v1.acme.call.user.conversation.leg", []byte("no event")); err != nil {
			t.Fatal(err)
		}
		w.fires("IngestorStreamDamaged")
	})
	t.Run("REST does not tell what it knows", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		one, two := s.pair("RECONCILE_INTERVAL=1s")
		w := watch(t, one, two)
		leg := s.org.Call(simulator.Inbound{}).Alert(s.org.Users()[0])
		leg.Answer()
		s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")
		s.inject(simulator.Fault{Kind: simulator.FaultREST, Path: "/api/v2/conversations/", Status: 500})
		w.fires("IngestorReconciliationIncomplete")
		s.inject(simulator.Fault{Kind: simulator.FaultREST, Path: "/api/v2/analytics", Status: 503})
		w.fires("IngestorReconciliationStale")
	})
	t.Run("the clocks differ", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		ahead := "GENESYS_API_URL=" + s.ahead(time.Minute)
		one, two := s.start("one", ahead).ready(t), s.start("two", ahead).ready(t)
		watch(t, one, two).fires("IngestorClockOffset")
	})
	t.Run("a pause is forgotten", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		one, two := s.pair()
		w := watch(t, one, two)
		c := s.org.Call(simulator.Inbound{})
		leg := c.Alert(s.org.Users()[0])
		leg.Answer()
		c.SecurePause(true)
		w.fires("IngestorPauseForgotten")
		c.SecurePause(false)
		natstest.Eventually(t, "the alert ends", func() bool { return !slices.Contains(w.firing(), "IngestorPauseForgotten") })
	})
	t.Run("a right is missing", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		s.org.AddClient(simulator.Client{ID: "weak", Secret: "weak", Permissions: []string{"directory:user:view"}})
		one := s.start("one", "GENESYS_CLIENT_ID=weak", "GENESYS_CLIENT_SECRET=weak")
		watch(t, one).fires("IngestorTopicsRejected")
	})
	t.Run("somebody else uses the client", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{})
		s.strangers(18)
		one, two := s.pair()
		watch(t, one, two).fires("IngestorForeignChannels", "IngestorChannelLimit")
	})
	t.Run("JetStream has no majority", func(t *testing.T) {
		t.Parallel()
		c := natstest.NewCluster(t, 3)
		s := newSiteOn(t, c.Servers[0], c.URL(), simulator.Options{})
		one, two := s.pair("NATS_REPLICAS=3", "NATS_URL="+c.Servers[0].URL())
		w := watch(t, one, two)
		c.Servers[1].Stop()
		c.Servers[2].Stop()
		w.fires("IngestorJetStreamSilent", "IngestorNobodyObserves")
	})
	t.Run("events are refused", func(t *testing.T) {
		t.Parallel()
		broker := natstest.New(t, func(o *server.Options) {
			o.Users = []*server.User{{Username: "ingestor", Password: "ingestor", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Deny: []string{"recorder.v1.acme.call.>"}},
			}}}
		})
		s := newSiteOn(t, broker, strings.Replace(broker.URL(), "://", "://ingestor:ingestor@", 1), simulator.Options{})
		one := s.start("one", "NATS_USER=ingestor", "NATS_PASSWORD=ingestor").ready(t).leads(t)
		w := watch(t, one)
		s.org.Call(simulator.Inbound{}).Alert(s.org.Users()[0]).Answer()
		w.fires("IngestorEventsRefused", "IngestorTransitionsStuck")
	})
	t.Run("the token lives for a minute", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, simulator.Options{TokenLife: 50 * time.Second})
		watch(t, s.start("one").ready(t)).fires("IngestorTokenEnding")
	})
}

// ahead is a gateway to the platform, whose clock goes before ours.
func (s *site) ahead(d time.Duration) string {
	s.t.Helper()
	target, err := url.Parse(s.org.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Date", time.Now().Add(d).UTC().Format(http.TimeFormat))
		return nil
	}
	gateway := httptest.NewServer(proxy)
	s.t.Cleanup(gateway.Close)
	return gateway.URL
}

// strangers creates channels with the client of the adapter.
func (s *site) strangers(n int) {
	s.t.Helper()
	post := func(path, contentType, body, token string, out any) {
		s.t.Helper()
		req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.org.URL()+path, strings.NewReader(body))
		if err != nil {
			s.t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		if req.SetBasicAuth("sim-client", "sim-secret"); token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			s.t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		if err := json.NewDecoder(answer.Body).Decode(out); err != nil || answer.StatusCode != http.StatusOK {
			s.t.Fatalf("%s: %d %v", path, answer.StatusCode, err)
		}
	}
	var token struct {
		Access string `json:"access_token"`
	}
	post("/oauth/token", "application/x-www-form-urlencoded", "grant_type=client_credentials", "", &token)
	for range n {
		var channel struct{ ID string }
		post("/api/v2/notifications/channels", "application/json", "{}", token.Access, &channel)
	}
}

// inject makes the platform misbehave.
func (s *site) inject(f simulator.Fault) {
	s.t.Helper()
	if _, err := s.org.Inject(f); err != nil {
		s.t.Fatal(err)
	}
}

// startVersion starts an instance of another version.
func (s *site) startVersion(name, version string) *instance {
	s.t.Helper()
	a, err := app.New(app.Options{
		Settings: s.settingsFor(name), Version: version, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = a.Run(ctx) }()
	s.t.Cleanup(func() { cancel(); <-ended })
	return &instance{App: a}
}
