package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// The status is the same over HTTP and NATS, has names of one style, and identifies
// nobody.
func TestStatusJSON(t *testing.T) {
	s := newSite(t, simulator.Options{})
	one, two := s.pair()
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	leg.Answer()
	c.SecurePause(true)
	var text string
	natstest.Eventually(t, "both instances list the paused leg", func() bool {
		for _, i := range []*instance{one, two} {
			text = get(t, "http://"+i.Addr()+"/status.json")
			if !strings.Contains(text, `"legId": "`+leg.ID()+`"`) || !strings.Contains(text, `"secure_pause"`) || strings.Contains(text, `"openCount": 0`) {
				return false
			}
		}
		return true
	})
	style := regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`)
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				if !style.MatchString(key) {
					t.Errorf("%s.%s is not written like the other keys", path, key)
				}
				walk(path+"."+key, value)
			}
		case []any:
			for _, value := range v {
				walk(path, value)
			}
		}
	}
	var status map[string]any
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		t.Fatal(err)
	}
	walk("", status)
	for _, key := range []string{"peer", "activity", "open", "gaps", "channels", "engine", "platform", "clockOffsetSeconds"} {
		if status[key] == nil {
			t.Errorf("%s is missing", key)
		}
	}
	for _, private := range []string{"tel:", "sip:", "+1", "Agent 0", "sim-secret", "streaming"} {
		if strings.Contains(text, private) {
			t.Errorf("the status shows %q", private)
		}
	}
	m, err := s.js.Conn().Request("ingestor.acme.two.status", nil, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var over map[string]any
	if err := json.Unmarshal(m.Data, &over); err != nil || len(over) != len(status) {
		t.Errorf("over NATS %d keys, over HTTP %d: %v", len(over), len(status), err)
	}
}

// The page runs its own script and nothing else, and asks this instance only.
func TestPageIsStrict(t *testing.T) {
	s := newSite(t, simulator.Options{})
	one := s.start("one").ready(t)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+one.Addr()+"/", http.NoBody)
	req.RequestURI = ""
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer func() { _ = answer.Body.Close() }()
	var page bytes.Buffer
	if _, err := page.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	policy := answer.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy has no %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is loose: %s", policy)
	}
	outside := regexp.MustCompile(`(?i)(?:src|href)="(?:https?:)?//|@import|url\(|innerHTML|\son[a-z]+="|style="`)
	if found := outside.FindAllString(page.String(), -1); len(found) > 0 {
		t.Errorf("the page has %q", found)
	}
	for _, element := range []string{"script", "style"} {
		if n := strings.Count(page.String(), "<"+element); n != 1 {
			t.Errorf("the page has %d elements %s: its policy allows one", n, element)
		}
	}
}
