package main_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// newOrg is a simulated organization whose first OAuth client is that of environment.
func newOrg(t *testing.T, o simulator.Options) *simulator.Org {
	t.Helper()
	o.ClientID, o.ClientSecret = clientID, clientSecret
	if o.Users == 0 {
		o.Users = 3
	}
	org, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- org.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return org
}

// via are the settings that lead to an address of the platform.
func via(address string, extra ...string) []string {
	return append([]string{"GENESYS_API_URL=" + address, "GENESYS_LOGIN_URL=" + address}, extra...)
}

// found is the outcome of one check.
type found struct {
	Name, Status, Detail, Fix string
}

// findings are the outcome of all of them.
type findings struct {
	t    *testing.T
	code int
	of   map[string]found
}

// checked runs the check, and looks for what must not be shown.
func checked(t *testing.T, natsURL string, extra ...string) findings {
	t.Helper()
	r := execute(t, environment(nil, natsURL, "127.0.0.1:0", extra...), "check", "--json")
	for _, word := range []string{clientSecret, "streaming-1-", "+1555", "Agent 0"} {
		if strings.Contains(r.stdout+r.stderr, word) {
			t.Errorf("the check shows %q:\n%s%s", word, r.stdout, r.stderr)
		}
	}
	var report struct {
		OK     bool    `json:"ok"`
		Checks []found `json:"checks"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		t.Fatalf("not one JSON document: %v\n%s%s", err, r.stdout, r.stderr)
	}
	f := findings{t, r.code, map[string]found{}}
	for _, c := range report.Checks {
		f.of[c.Name] = c
		if c.Status == "failed" && c.Fix == "" {
			t.Errorf("%s fails without a word about what to do: %s", c.Name, c.Detail)
		}
	}
	if report.OK != (r.code == 0) {
		t.Errorf("ok %v, exit code %d", report.OK, r.code)
	}
	return f
}

// is demands the outcome of one check, and words in it.
func (f findings) is(name, status string, words ...string) {
	f.t.Helper()
	c, exists := f.of[name]
	if !exists || c.Status != status {
		f.t.Errorf("%s is %q, want %q: %s (%s)", name, c.Status, status, c.Detail, c.Fix)
	}
	for _, w := range words {
		if !strings.Contains(c.Detail+" -> "+c.Fix, w) {
			f.t.Errorf("%s does not say %q: %s -> %s", name, w, c.Detail, c.Fix)
		}
	}
}

// exit demands the exit code.
func (f findings) exit(code int) {
	f.t.Helper()
	if f.code != code {
		f.t.Errorf("exit code %d, want %d: %v", f.code, code, f.of)
	}
}

// only demands that nothing failed but these checks.
func (f findings) only(names ...string) {
	f.t.Helper()
	for name, c := range f.of {
		if c.Status == "failed" && !strings.Contains(strings.Join(names, " "), name) {
			f.t.Errorf("%s fails too: %s", name, c.Detail)
		}
	}
	for _, name := range names {
		f.is(name, "failed")
	}
	f.exit(min(len(names), 1))
}

// A first installation: nothing is there yet, and nothing is made by the check.
func TestCheckOfAFirstStart(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{}), natstest.New(t)
	f := checked(t, broker.URL(), via(org.URL())...)
	f.only()
	for _, name := range []string{"stream", "lease_bucket", "state_bucket"} {
		f.is(name, "ok", "creates it at its start")
	}
	f.is("publish", "skipped", "needs the stream")
	f.is("users", "ok", "3 users on 1 channel")
	f.is("websocket", "ok", "permitted for 3 users")
	js := natstest.JetStream(t, natstest.Connect(t, broker.URL()))
	for name := range js.StreamNames(t.Context()).Name() {
		t.Errorf("the check made stream %s", name)
	}
}

// As text there is one line per check, with what to do below those that fail.
func TestCheckAsText(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{}), natstest.New(t)
	env := environment(nil, broker.URL(), "127.0.0.1:0", via(org.URL())...)
	r := execute(t, env, "check")
	if r.code != 0 || !strings.Contains(r.stdout, "ok       token           lives 24h0m0s\n") || !strings.Contains(r.stdout, "\nReady to run: ") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	r = execute(t, append(env, "GENESYS_CLIENT_SECRET=other"), "check")
	if r.code != 1 || !strings.Contains(r.stdout, "FAILED   token") || !strings.Contains(r.stdout, "\n                         -> set GENESYS_CLIENT_SECRET") ||
		!strings.Contains(r.stdout, "skipped  users           needs token\n") || !strings.Contains(r.stdout, "\nNot ready to run: ") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	if r = execute(t, env, "check", "--colour"); r.code != 2 {
		t.Errorf("a wrong option: exit code %d", r.code)
	}
}

// What is wrong with the settings or the way to Genesys.
func TestCheckOfTheWayToGenesys(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{}), natstest.New(t)
	good := via(org.URL())
	with := func(extra ...string) findings {
		t.Helper()
		return checked(t, broker.URL(), append(good[:2:2], extra...)...)
	}

	f := with("GENESYS_REGION_HOST=mypurecloud.ei")
	f.exit(2)
	f.is("settings", "failed", "did you mean mypurecloud.ie?")
	f.is("everything_else", "skipped", "needs settings")
	r := execute(t, []string{"ADAPTER_NME=acme"}, "check") // the name is in the next line but one
	if r.code != 2 || !strings.Contains(r.stdout, "FAILED   settings        ADAPTER_NAME: is required") ||
		!strings.Contains(r.stdout, "warning  settings        ADAPTER_NME is not a setting and has no effect: did you mean ADAPTER_NAME?\n") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}

	f = checked(t, broker.URL(), "GENESYS_REGION_HOST=region.invalid", "GENESYS_ALLOW_UNKNOWN_REGION=true")
	f.only("login_host", "api_host")
	f.is("login_host", "failed", "login.region.invalid", "GENESYS_REGION_HOST")
	f.is("token", "skipped", "needs login host")
	f.is("users", "skipped", "needs api host and token")
	f.is("nats", "ok")

	f = with("GENESYS_API_URL=http://127.0.0.1:1")
	f.only("api_host")
	f.is("api_host", "failed", "refused", "GENESYS_API_URL")
	f.is("token", "ok")

	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	defer untrusted.Close()
	f = with("GENESYS_API_URL=" + untrusted.URL)
	f.is("api_host", "failed", "does not trust")

	f = with("GENESYS_CLIENT_SECRET=another")
	f.only("token")
	f.is("token", "failed", "GENESYS_CLIENT_SECRET", "authentication failed")
	f.is("channels", "skipped", "needs token")

	f = with("GENESYS_CLIENT_ID=11111111-0000-4000-8000-000000000001")
	f.only("token")
	f.is("token", "failed", "GENESYS_CLIENT_ID")

	with().only() // as advised
}

// The permissions, each missing once.
func TestCheckOfPermissions(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{}), natstest.New(t)
	grantAllBut := func(missing string) {
		permissions := []string{}
		for _, p := range simulator.AllPermissions() {
			if p != missing {
				permissions = append(permissions, p)
			}
		}
		org.AddClient(simulator.Client{ID: clientID, Secret: clientSecret, Permissions: permissions})
	}
	queue := "GENESYS_QUEUE_IDS=" + org.Queues()[0].ID

	grantAllBut(simulator.PermissionConversationView)
	f := checked(t, broker.URL(), via(org.URL())...)
	f.only("conversations", "websocket")
	f.is("conversations", "failed", "grant conversation:communication:view")
	f.is("websocket", "failed", "refused for all users", "grant conversation:communication:view")

	grantAllBut(simulator.PermissionAnalyticsView)
	f = checked(t, broker.URL(), via(org.URL())...)
	f.only("analytics")
	f.is("analytics", "failed", "grant analytics:conversationDetail:view")

	grantAllBut(simulator.PermissionQueueView)
	f = checked(t, broker.URL(), via(org.URL())...)
	f.only() // names are a luxury
	f.is("queues", "warning", "grant routing:queue:view")
	f = checked(t, broker.URL(), via(org.URL(), queue)...)
	f.only("queues", "users")
	f.is("queues", "failed", "GENESYS_QUEUE_IDS needs it")

	grantAllBut("")
	for _, path := range []string{"/api/v2/stations", "/api/v2/users"} {
		if _, err := org.Inject(simulator.Fault{Kind: simulator.FaultREST, Path: path, Mode: simulator.ModeStatus, Status: http.StatusForbidden}); err != nil {
			t.Fatal(err)
		}
	}
	f = checked(t, broker.URL(), via(org.URL())...)
	f.only("users")
	f.is("users", "failed", "status 403", "grant the permission")
	f.is("presence", "warning", "status 403", "AGENT_EVENTS=false")
	f.is("stations", "warning", "status 403")
	if _, err := org.Inject(simulator.Fault{Kind: simulator.FaultClear}); err != nil {
		t.Fatal(err)
	}
	f = checked(t, broker.URL(), via(org.URL(), queue)...)
	f.is("queues", "ok")
	f.is("conversations", "ok")
	f.is("analytics", "ok")
}

// Whom the settings select.
func TestCheckOfUsers(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{}), natstest.New(t)
	users := org.Users()
	f := checked(t, broker.URL(), via(org.URL(), "GENESYS_USER_IDS=00000000-0000-4000-8000-000000000009")...)
	f.only("users")
	f.is("users", "failed", "nobody is monitored", "no such user", "GENESYS_USER_IDS")
	f.is("websocket", "skipped", "needs users")

	org.AddClient(simulator.Client{ID: clientID, Secret: clientSecret, Divisions: []string{}})
	f = checked(t, broker.URL(), via(org.URL())...)
	f.only("users")
	f.is("users", "failed", "divisions of the agents")

	org.AddClient(simulator.Client{ID: clientID, Secret: clientSecret})
	f = checked(t, broker.URL(), via(org.URL(), "GENESYS_USER_IDS="+users[0].ID)...)
	f.only()
	f.is("users", "ok", "1 user on 1 channel")
}

// behind is a gateway in front of the organization that changes its answers. The change
// is made by the goroutines of the gateway: it must not read what the test writes later.
func behind(t *testing.T, org *simulator.Org, change func(*http.Response) error) string {
	t.Helper()
	target, err := url.Parse(org.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = change
	gateway := httptest.NewServer(proxy)
	t.Cleanup(gateway.Close)
	return gateway.URL
}

// NATS is away, or refuses the user.
func TestCheckOfTheWayToNATS(t *testing.T) {
	t.Parallel()
	org := newOrg(t, simulator.Options{})
	f := checked(t, "nats://127.0.0.1:1", via(org.URL())...)
	f.only("nats")
	f.is("nats", "failed", "refused", "NATS_URL")
	f.is("stream", "skipped", "needs nats")
	f.is("analytics", "ok")
	f.is("websocket", "ok")

	broker := natstest.New(t, func(o *server.Options) { o.Username, o.Password = "ingestor", "right-one" })
	f = checked(t, broker.URL(), via(org.URL(), "NATS_USER=ingestor", "NATS_PASSWORD=wrong-one")...)
	f.only("nats")
	f.is("nats", "failed", "refuses the credentials", "NATS_PASSWORD")
	checked(t, broker.URL(), via(org.URL(), "NATS_USER=ingestor", "NATS_PASSWORD=right-one")...).only()

	plain := natstest.New(t, func(o *server.Options) { o.JetStream = false })
	f = checked(t, plain.URL(), via(org.URL())...)
	f.is("stream", "failed", "enable JetStream")

	single := natstest.New(t)
	f = checked(t, single.URL(), via(org.URL(), "NATS_REPLICAS=3")...)
	f.only("stream", "lease_bucket", "state_bucket")
	f.is("stream", "failed", "3 replicas", "is in no cluster", "NATS_REPLICAS=1")
	cluster := natstest.NewCluster(t, 3)
	checked(t, cluster.URL(), via(org.URL(), "NATS_REPLICAS=3")...).only() // as advised
}

// TLS on the way to NATS: missing, of an unknown authority, with certificates on both
// sides.
func TestCheckOfTLSToNATS(t *testing.T) {
	t.Parallel()
	org, plain := newOrg(t, simulator.Options{}), natstest.New(t)
	f := checked(t, strings.Replace(plain.URL(), "nats://", "tls://", 1), via(org.URL())...)
	f.only("nats")
	f.is("nats", "failed", "offers no TLS", "use nats://")

	issued := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer issued.Close()
	certificate := issued.TLS.Certificates[0]
	ca := filepath.Join(t.TempDir(), "ca.crt")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	secure := func(clients tls.ClientAuthType) string {
		return natstest.New(t, func(o *server.Options) {
			o.TLS = true
			o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: clients, MinVersion: tls.VersionTLS12}
		}).URL()
	}
	one := secure(tls.NoClientCert)
	f = checked(t, one, via(org.URL())...)
	f.only("nats")
	f.is("nats", "failed", "does not trust", "NATS_TLS_CA_FILE")
	f = checked(t, one, via(org.URL(), "NATS_TLS_CA_FILE="+ca)...) // as advised
	f.only()
	f.is("nats", "ok", "TLS")

	f = checked(t, secure(tls.RequireAnyClientCert), via(org.URL(), "NATS_TLS_CA_FILE="+ca)...)
	f.only("nats")
	f.is("nats", "failed", "NATS_TLS_CERT_FILE")
}

// An instance of another account with the same adapter name, and the pair as it
// should be.
func TestCheckBesideInstances(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{}), natstest.New(t)
	org.AddClient(simulator.Client{ID: "another-client", Secret: clientSecret})
	b := launch(t, nil, broker.URL(), via(org.URL(), "INSTANCE_ID=b")...).ready()
	a := launch(t, nil, broker.URL(), via(org.URL())...).ready()
	w := watch(t, broker.URL())
	before := org.ChannelsCreated()
	for range 2 {
		f := checked(t, broker.URL(), via(org.URL())...)
		f.only()
		f.is("stream", "ok", "as it must be")
		f.is("publish", "ok", "nothing was stored")
		f.is("read", "ok")
		f.is("other_instance", "ok", "a is ", "b is primary, ready")
		f.is("websocket", "ok")
	}
	if n := org.ChannelsCreated() - before; n != 1 || org.ChannelsEvicted() != 0 {
		t.Errorf("two checks created %d channels and %d were evicted", n, org.ChannelsEvicted())
	}
	connected := 0
	for _, ch := range org.Channels() {
		if ch.Connected && len(ch.Topics) > 0 {
			connected++
		} else if len(ch.Topics) > 0 {
			t.Errorf("the channel of the check kept %d topics", len(ch.Topics))
		}
	}
	if connected != 2 {
		t.Errorf("%d instances are connected", connected)
	}
	w.mu.Lock()
	gaps := 0
	for _, e := range w.feed {
		if e.Data.Event == "gap_opened" && e.Data.Cause != "started" {
			gaps++
		}
	}
	w.mu.Unlock()
	if gaps > 0 || !a.isReady() || !b.isReady() {
		t.Errorf("the instances were disturbed: %d gaps", gaps)
	}
	f := checked(t, broker.URL(), via(org.URL(), "GENESYS_CLIENT_ID=another-client")...)
	f.only("other_instance")
	f.is("other_instance", "failed", "a uses another OAuth client", "ADAPTER_NAME")
	a.end(syscall.SIGTERM)
	b.end(syscall.SIGTERM)
	w.finish()
}
