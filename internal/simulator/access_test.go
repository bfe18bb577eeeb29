package simulator_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestTokenErrorsAreThoseOfTheLoginHost(t *testing.T) {
	org := start(t, simulator.Options{})
	org.AddClient(simulator.Client{ID: "off", Secret: "s", Disabled: true})
	c := &client{tb: t, org: org, http: standard(t, org).http}
	good := url.Values{"grant_type": {"client_credentials"}}
	for name, test := range map[string]struct {
		id, secret string
		form       url.Values
		wantError  string
		wantText   string
	}{
		"unknown client": {"nobody", "s", good, "invalid_client", "client not found"},
		"wrong secret":   {"sim-client", "wrong", good, "invalid_client", "authentication failed"},
		"disabled":       {"off", "s", good, "unauthorized_client", "client is disabled"},
		"other grant":    {"sim-client", "sim-secret", url.Values{"grant_type": {"password"}}, "unsupported_grant_type", "grant type not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			c.tb = t
			status, body := c.grant(test.id, test.secret, test.form)
			if status != http.StatusBadRequest || body["error"] != test.wantError ||
				body["description"] != test.wantText || body["error_description"] != test.wantText {
				t.Fatalf("status %d: %v", status, body)
			}
		})
	}
	c.tb = t
	status, body := c.grant("sim-client", "sim-secret", good)
	if status != http.StatusOK || body["token_type"] != "bearer" || body["expires_in"] != 86400.0 {
		t.Fatalf("status %d: %v", status, body)
	}
}

func TestBadTokenIsRefusedWithErrorBody(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	c.want(http.StatusOK, http.MethodGet, "/api/v2/tokens/me", nil)
	c.want(http.StatusOK, http.MethodHead, "/api/v2/tokens/me", nil)
	c.want(http.StatusOK, http.MethodDelete, "/api/v2/tokens/me", nil)
	if got := c.want(http.StatusUnauthorized, http.MethodGet, "/api/v2/tokens/me", nil); got["code"] != "bad.credentials" {
		t.Fatalf("code %v", got["code"])
	}
}

func TestTokenExpiryIsSilentAndKillsItsChannels(t *testing.T) {
	org := start(t, simulator.Options{TokenLife: 300 * time.Millisecond})
	c := standard(t, org)
	ch := c.channel()
	l := listen(t, ch)
	l.waitClosed()
	c.want(http.StatusUnauthorized, http.MethodGet, "/api/v2/users", nil)
	if _, resp, err := dial(t.Context(), ch.uri); err == nil || resp.StatusCode != http.StatusNotFound { //nolint:bodyclose // Closed by the library.
		t.Fatalf("dial a dead channel: %v", err)
	}
	if events := l.frames; len(events) != 0 {
		t.Fatalf("expiry was announced: %v", events)
	}
}

func TestRevocationIsAnnouncedAndKillsChannels(t *testing.T) {
	org := start(t, simulator.Options{})
	c, other := standard(t, org), standard(t, org)
	ch, safe := c.channel(), other.channel()
	l := listen(t, ch)
	l.sync()
	c.want(http.StatusOK, http.MethodDelete, "/api/v2/tokens/me", nil)
	l.waitFrame("token_revoked", func(n notification) bool {
		return n.Topic == "v2.system.token_revoked."+ch.id && n.Body["systemTopicType"] == "token_revoked"
	})
	l.waitClosed()
	other.want(http.StatusOK, http.MethodHead, "/api/v2/notifications/channels/"+safe.id, nil)
	other.want(http.StatusNotFound, http.MethodHead, "/api/v2/notifications/channels/"+ch.id, nil)
}

func TestChannelDiesWithAnyOfItsTokensUnlessRebound(t *testing.T) {
	for name, rebind := range map[string]bool{"dies": false, "rebound": true} {
		t.Run(name, func(t *testing.T) {
			org := start(t, simulator.Options{RebindOnSubscribe: rebind})
			first, second := standard(t, org), standard(t, org)
			ch := first.channel()
			second.subscribe(ch, callsTopic(org.Users()[0]))
			first.want(http.StatusOK, http.MethodDelete, "/api/v2/tokens/me", nil)
			want := http.StatusNotFound
			if rebind {
				want = http.StatusOK
			}
			second.want(want, http.MethodHead, "/api/v2/notifications/channels/"+ch.id, nil)
		})
	}
}

func TestDisabledClientLosesItsTokens(t *testing.T) {
	org := start(t, simulator.Options{})
	org.AddClient(simulator.Client{ID: "b", Secret: "s"})
	c := login(t, org, "b", "s")
	c.want(http.StatusOK, http.MethodGet, "/api/v2/users", nil)
	org.AddClient(simulator.Client{ID: "b", Secret: "s", Disabled: true})
	c.want(http.StatusUnauthorized, http.MethodGet, "/api/v2/users", nil)
}

func TestRateLimitIsPerTokenAndSaysWhen(t *testing.T) {
	org := start(t, simulator.Options{RateLimit: 3})
	c := standard(t, org)
	for i := 1; i <= 3; i++ {
		resp, _ := c.do(http.MethodGet, "/api/v2/groups", nil)
		if resp.Header.Get("inin-ratelimit-count") != strconv.Itoa(i) || resp.Header.Get("inin-ratelimit-allowed") != "3" ||
			resp.Header.Get("inin-ratelimit-reset") == "" {
			t.Fatalf("headers %v", resp.Header)
		}
	}
	resp, body := c.do(http.MethodGet, "/api/v2/groups", nil)
	if resp.StatusCode != http.StatusTooManyRequests || body["code"] != "too.many.requests" {
		t.Fatalf("status %d: %v", resp.StatusCode, body)
	}
	if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 61 {
		t.Fatalf("Retry-After %q", resp.Header.Get("Retry-After"))
	}
	standard(t, org).want(http.StatusOK, http.MethodGet, "/api/v2/groups", nil)
}

func TestMissingPermissionIsNamed(t *testing.T) {
	org := start(t, simulator.Options{})
	org.AddClient(simulator.Client{ID: "poor", Secret: "s", Permissions: []string{}})
	c := login(t, org, "poor", "s")
	body := c.want(http.StatusForbidden, http.MethodGet, "/api/v2/routing/queues", nil)
	params, _ := body["messageParams"].(map[string]any)
	if params["permissions"] != simulator.PermissionQueueView {
		t.Fatalf("body %v", body)
	}
	c.want(http.StatusOK, http.MethodGet, "/api/v2/users", nil)
}

func TestOptionsNameEveryMistake(t *testing.T) {
	_, err := simulator.New(simulator.Options{Users: -1, Speed: -2, Latency: -1})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"Users -1", "speed -2", "Latency -1ns"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %q", err, want)
		}
	}
}
