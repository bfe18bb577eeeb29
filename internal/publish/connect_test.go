package publish_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

func TestUnusableSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const secret = "SUANOTASEEDBUTSTILLSECRET"
	base := publish.ConnectOptions{Servers: "nats://127.0.0.1:1", Name: "test"}
	for name, c := range map[string]struct {
		change func(*publish.ConnectOptions)
		says   string
	}{
		"no server":        {func(o *publish.ConnectOptions) { o.Servers = " , " }, "no server address"},
		"no name":          {func(o *publish.ConnectOptions) { o.Name = "" }, "no name"},
		"scheme":           {func(o *publish.ConnectOptions) { o.Servers = "http://user:" + secret + "@host" }, `scheme "http", allowed are nats`},
		"address":          {func(o *publish.ConnectOptions) { o.Servers = "nats://user:" + secret + "@host:port" }, "server address 1"},
		"no creds file":    {func(o *publish.ConnectOptions) { o.CredsFile = "/no/such.creds" }, "credentials file /no/such.creds"},
		"bad creds file":   {func(o *publish.ConnectOptions) { o.CredsFile = file("a.creds", secret) }, "a.creds: read"},
		"no seed file":     {func(o *publish.ConnectOptions) { o.NKeySeedFile = "/no/such.nk" }, "nkey seed file /no/such.nk"},
		"bad seed file":    {func(o *publish.ConnectOptions) { o.NKeySeedFile = file("a.nk", secret) }, "a.nk"},
		"two identities":   {func(o *publish.ConnectOptions) { o.User, o.Password, o.Token = "u", secret, secret }, "more than one way to log in: user, token"},
		"password only":    {func(o *publish.ConnectOptions) { o.Password = secret }, "password without user"},
		"no CA file":       {func(o *publish.ConnectOptions) { o.TLSCAFile = "/no/ca.pem" }, "/no/ca.pem"},
		"bad CA file":      {func(o *publish.ConnectOptions) { o.TLSCAFile = file("ca.pem", secret) }, "ca.pem: no PEM certificate"},
		"certificate only": {func(o *publish.ConnectOptions) { o.TLSCertFile = "/no/cert.pem" }, "set both or neither"},
		"bad certificate": {func(o *publish.ConnectOptions) {
			o.TLSCertFile, o.TLSKeyFile = file("c.pem", secret), file("k.pem", secret)
		}, "c.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			o := base
			c.change(&o)
			nc, err := publish.Connect(t.Context(), o)
			if err == nil {
				nc.Close()
			}
			if !errors.Is(err, publish.ErrSettings) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want it to say %q", err, c.says)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

func TestIdentities(t *testing.T) {
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	seedFile := filepath.Join(t.TempDir(), "user.nk")
	if err := os.WriteFile(seedFile, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		server func(*server.Options)
		client publish.ConnectOptions
	}{
		"nobody": {func(*server.Options) {}, publish.ConnectOptions{}},
		"user":   {func(o *server.Options) { o.Username, o.Password = "u", "p" }, publish.ConnectOptions{User: "u", Password: "p"}},
		"token":  {func(o *server.Options) { o.Authorization = "t" }, publish.ConnectOptions{Token: "t"}},
		"nkey":   {func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} }, publish.ConnectOptions{NKeySeedFile: seedFile}},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.client
			o.Servers, o.Name = natstest.New(t, c.server).URL(), "test"
			nc := mustConnect(t, o)
			if inbox := nc.NewInbox(); !strings.HasPrefix(inbox, "_INBOX_test.") {
				t.Errorf("inbox %s", inbox)
			}
		})
	}
}

func TestConnectsWhenTheServerComes(t *testing.T) {
	srv := natstest.New(t)
	url := srv.URL()
	srv.Stop()
	state := publish.NewState()
	nc, err := publish.Connect(t.Context(), publish.ConnectOptions{Servers: url, Name: "early.bird", State: state})
	if err != nil {
		t.Fatal(err)
	}
	closed := nc.StatusChanged()
	defer func() { nc.Close(); nc.RemoveStatusListener(closed) }()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := publish.WaitConnected(short, nc); !errors.Is(err, context.DeadlineExceeded) || state.Connected() {
		t.Errorf("without a server: %v", err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	if err := publish.WaitConnected(t.Context(), nc); err != nil {
		t.Fatal(err)
	}
	natstest.Eventually(t, "the state to follow", state.Connected)
	if inbox := nc.NewInbox(); !strings.HasPrefix(inbox, "_INBOX_early_bird.") {
		t.Errorf("inbox %s", inbox)
	}
}

func TestRefusedCredentialsHealAndStaySecret(t *testing.T) {
	srv := natstest.New(t, func(o *server.Options) { o.Username, o.Password = "u", "right" })
	state := publish.NewState()
	var log natstest.Log
	nc, err := publish.Connect(t.Context(), publish.ConnectOptions{Servers: srv.URL(), Name: "test", User: "u", Password: "wrong-secret", State: state, Logger: log.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	natstest.Eventually(t, "the reason to be known", func() bool { return strings.Contains(strings.ToLower(state.Status().LastError), "authorization") })
	if nc.IsClosed() {
		t.Error("the connection gave up")
	}
	if text := log.String() + state.Status().LastError; strings.Contains(text, "wrong-secret") {
		t.Errorf("the secret is told: %s", text)
	}
}

func TestFrozenServerIsNoticed(t *testing.T) {
	srv := natstest.New(t)
	proxy := natstest.NewFaultProxy(t, srv)
	state := publish.NewState()
	nc := mustConnect(t, publish.ConnectOptions{Servers: proxy.URL(), Name: "test", PingInterval: 100 * time.Millisecond, State: state})
	natstest.Eventually(t, "the state to follow", state.Connected)
	proxy.Freeze(true)
	// A blocked write must not keep the pings from noticing.
	natstest.Eventually(t, "the connection to be given up", func() bool {
		_ = nc.Publish("anything", make([]byte, 512<<10))
		return !state.Connected()
	})
	proxy.Freeze(false)
	natstest.Eventually(t, "the connection to come back", state.Connected)
	if state.Status().Reconnects == 0 {
		t.Error("no reconnect counted")
	}
}
