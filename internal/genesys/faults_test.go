package genesys_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestCutSocket(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	before := time.Now()
	r.inject(t, simulator.Fault{Kind: simulator.FaultCut})
	r.back(t, genesys.CauseSocketLost)
	r.call(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.feeds, func(f genesys.FeedStatus) bool { return f.Cause == genesys.CauseSocketLost })
	if from := r.feeds[i].From; from.After(time.Now()) || from.Before(before.Add(-patience)) || len(r.feeds[i].Users) != 3 {
		t.Errorf("report: %+v", r.feeds[i])
	}
	if n := r.org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels created: the subscriptions live on the channel", n)
	}
}

func TestHalfOpenSocket(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, HeartbeatEvery: 30 * time.Millisecond}, func(o *genesys.Options) {
		o.Timings.Heartbeat, o.Timings.PingWait = 200*time.Millisecond, 100*time.Millisecond
	})
	r.inject(t, simulator.Fault{Kind: simulator.FaultSilence})
	r.back(t, genesys.CauseSilent)
	r.call(t)
}

// A platform without heartbeats that answers pings is alive.
func TestPingKeepsAQuietSocket(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, HeartbeatEvery: time.Hour}, func(o *genesys.Options) {
		o.Timings.Heartbeat, o.Timings.PingWait = 20*time.Millisecond, 500*time.Millisecond
	})
	control := r.platform.Stats().FramesControl
	waitFor(t, "pongs", func() bool { return r.platform.Stats().FramesControl > control+5 })
	if n := r.platform.Stats().Connects; n != 1 {
		t.Errorf("%d sockets", n)
	}
}

// quick shortens the time in which a suspected channel can show that it delivers.
func quick(o *genesys.Options) { o.Timings.Grace = 100 * time.Millisecond }

func TestSuspectedChannelIsReplaced(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, quick)
	r.inject(t, simulator.Fault{Kind: simulator.FaultStarve})
	user := r.org.Users()[0].ID
	r.platform.Suspect([]string{"somebody else"})
	for range 3 { // once is enough
		r.platform.Suspect([]string{user})
	}
	r.back(t, genesys.CauseStarved)
	r.call(t)
	if n := r.org.ChannelsCreated(); n != 2 {
		t.Errorf("%d channels created, want 2", n)
	}
}

// The old socket answers nothing any more: what comes through the new one does not wait for it.
func TestSuccessorOfAMuteSocketIsReadAtOnce(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) {
		quick(o)
		o.Timings.Overlap = 20 * time.Second
	})
	user := r.org.Users()[0].ID
	r.inject(t, simulator.Fault{Kind: simulator.FaultSilence})
	r.platform.Suspect([]string{user})
	begun := time.Now()
	r.back(t, genesys.CauseStarved)
	r.call(t)
	if waited := time.Since(begun); waited > 15*time.Second {
		t.Errorf("the first notification came after %v", waited)
	}
}

func TestEvictedChannel(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	r.inject(t, simulator.Fault{Kind: simulator.FaultEvict})
	r.back(t, genesys.CauseSocketLost)
	r.call(t)
	if n := len(r.org.Channels()); n != 1 {
		t.Errorf("%d channels", n)
	}
}

func TestEvictedChannelThatStarves(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, EvictionStarves: true}, func(o *genesys.Options) {
		o.Timings.Discovery = 50 * time.Millisecond
	})
	r.inject(t, simulator.Fault{Kind: simulator.FaultEvict})
	r.back(t, genesys.CauseStarved)
	r.call(t)
}

func TestRevokedToken(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	r.inject(t, simulator.Fault{Kind: simulator.FaultRevokeTokens})
	r.back(t, genesys.CauseTokenLost)
	r.call(t)
	if n := r.org.TokensIssued(); n > 3 {
		t.Errorf("%d tokens issued", n)
	}
}

func TestTokenThatDiesSilently(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	r.inject(t, simulator.Fault{Kind: simulator.FaultExpireTokens})
	if _, err := r.platform.OpenConversations(t.Context(), time.Time{}); err != nil {
		t.Errorf("a refused token is replaced within the call: %v", err)
	}
	r.inject(t, simulator.Fault{Kind: simulator.FaultCut})
	waitFor(t, "a new channel", func() bool { return r.org.ChannelsCreated() >= 2 && r.platform.Status().Ready })
	r.call(t)
}

func TestShortLivedTokenLosesNothing(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, TokenLife: time.Second}, nil)
	for range 3 {
		expires := r.platform.Status().TokenExpires
		waitFor(t, "another token and channel", func() bool {
			return r.platform.Status().TokenExpires.After(expires) && r.platform.Stats().Replacements > 0
		})
		r.call(t)
	}
	if got := r.causes(); !slices.Equal(got, []genesys.Cause{genesys.CauseStarted}) {
		t.Errorf("somebody was down: %v", got)
	}
}

func TestChannelLifeIsExtended(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, ChannelLife: 3 * time.Second}, nil)
	expires := r.org.Channels()[0].Expires
	waitFor(t, "a longer life", func() bool { return r.org.Channels()[0].Expires.After(expires) })
	if got := r.causes(); !slices.Equal(got, []genesys.Cause{genesys.CauseStarted}) {
		t.Errorf("somebody was down: %v", got)
	}
}

func TestMaintenanceLosesNothing(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, CloseWarning: 2 * time.Second}, nil)
	leg := r.org.Call(simulator.Inbound{}).Alert(r.org.Users()[0])
	r.inject(t, simulator.Fault{Kind: simulator.FaultMaintenance})
	leg.Answer()
	leg.Hold()
	waitFor(t, "the second socket", func() bool { return r.platform.Stats().Connects == 2 })
	r.until(t, "the hold", func() bool {
		last := r.snapshots[len(r.snapshots)-1]
		return last.Participants[len(last.Participants)-1].Held == call.Yes
	})
	r.call(t)
	if got := r.causes(); !slices.Equal(got, []genesys.Cause{genesys.CauseStarted}) {
		t.Errorf("somebody was down: %v", got)
	}
	if n := r.org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels created", n)
	}
}

func TestMalformedFrames(t *testing.T) {
	var out logs
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) { o.Logger = out.logger() })
	r.inject(t, simulator.Fault{Kind: simulator.FaultMalformed})
	r.back(t, genesys.CauseFrameRejected)
	r.call(t)
	s := r.platform.Stats()
	if s.FramesMalformed < 5 || s.Connects != 1 {
		t.Errorf("stats: %+v", s)
	}
	if n := strings.Count(out.String(), "frame rejected"); n == 0 || n > 3 {
		t.Errorf("%d lines about frames", n)
	}
}

func TestOversizedFrame(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) { o.MaxFrame = 1 << 20 })
	r.inject(t, simulator.Fault{Kind: simulator.FaultOversized})
	r.back(t, genesys.CauseFrameRejected)
	r.call(t)
	if s := r.platform.Stats(); s.FramesOversized != 1 || s.Connects != 1 {
		t.Errorf("stats: %+v", s)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.feeds, func(f genesys.FeedStatus) bool { return f.Cause == genesys.CauseFrameRejected })
	if len(r.feeds[i].Users) != 1 {
		t.Errorf("the topic tells whose frame it was: %+v", r.feeds[i])
	}
}

func TestRESTFaults(t *testing.T) {
	for name, f := range map[string]simulator.Fault{
		"401":      {Status: 401, Count: 1},
		"403":      {Status: 403, Count: 4},
		"404":      {Status: 404, Count: 4},
		"429":      {Status: 429, Count: 2, RetryAfter: 1},
		"500":      {Status: 500, Count: 6},
		"503":      {Status: 503, Count: 12},
		"html":     {Mode: simulator.ModeHTML, Status: 502, Count: 5},
		"html 404": {Mode: simulator.ModeHTML, Status: 404, Count: 5},
		"garbage":  {Mode: simulator.ModeGarbage, Count: 5},
		"ok error": {Mode: simulator.ModeOKError, Count: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := organization(t, simulator.Options{Users: 3})
			f.Kind = simulator.FaultREST
			if _, err := org.Inject(f); err != nil {
				t.Fatal(err)
			}
			r := connect(t, org, options(org)) // at the start
			r.ready(t)
			f.Path = "/api/v2/notifications/"
			r.inject(t, f)
			r.inject(t, simulator.Fault{Kind: simulator.FaultCut}) // and on the way
			r.back(t, genesys.CauseSocketLost)
			r.call(t)
		})
	}
}

func TestWrongSecret(t *testing.T) {
	var out logs
	org := organization(t, simulator.Options{Users: 3})
	o := options(org)
	o.ClientSecret, o.Logger = "not-the-secret", out.logger()
	o.Timings.RefusedMin, o.Timings.RefusedMax = 100*time.Millisecond, 200*time.Millisecond
	r := connect(t, org, o)
	waitFor(t, "several refusals", func() bool { return r.platform.Stats().TokenErrors > 5 })
	s := r.platform.Status()
	if s.Ready || !strings.Contains(s.LastError, "invalid_client") {
		t.Errorf("status: %+v", s)
	}
	if text := out.String(); strings.Count(text, "no token from the platform") != 1 || !strings.Contains(text, "authentication failed") ||
		strings.Contains(text, "not-the-secret") {
		t.Errorf("log:\n%s", text)
	}
	org.AddClient(simulator.Client{ID: "sim-client", Secret: "not-the-secret"})
	r.ready(t)
}

// Secrets never reach a log, whatever happens.
func TestLogsHoldNoSecrets(t *testing.T) {
	var out logs
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) {
		o.Logger = out.logger()
		o.Store = &memory{}
	})
	channel := r.org.Channels()[0].ID
	for _, f := range []simulator.Fault{
		{Kind: simulator.FaultMalformed},
		{Kind: simulator.FaultREST, Path: "/api/v2/notifications/", Status: 500, Count: 8},
		{Kind: simulator.FaultEvict},
	} {
		r.inject(t, f)
	}
	r.back(t, genesys.CauseSocketLost)
	for _, secret := range []string{channel, r.org.Channels()[0].ID, "sim-secret", "tel:", "Agent 0", "Bearer", "ws://"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, out.String())
		}
	}
}

// Eight thousand users take few calls: far below the rate limit.
func TestManyUsers(t *testing.T) {
	for _, c := range []struct {
		users, channels, topics int
		agents                  bool
		requests                uint64
	}{
		{100, 1, 200, true, 12},
		{1500, 3, 3000, true, 45},
		{8000, 8, 8000, true, 220},
	} {
		if testing.Short() && c.users > 1500 {
			continue // tens of seconds with the race detector, for the same code
		}
		began := time.Now()
		r := start(t, simulator.Options{Users: c.users}, func(o *genesys.Options) { o.AgentEvents = c.agents })
		took := time.Since(began)
		s, n := r.platform.Status(), r.platform.Stats().Requests
		topics := 0
		for _, ch := range s.Channels {
			topics += ch.Topics
		}
		if s.Observed != c.users || len(s.Channels) != c.channels || topics != c.topics || n > c.requests {
			t.Errorf("%d users: %d observed, %d channels, %d topics, %d requests", c.users, s.Observed, len(s.Channels), topics, n)
		}
		t.Logf("%d users: ready after %s, %d requests, %d channels", c.users, took.Round(time.Millisecond), n, len(s.Channels))
		r.stop()
	}
}

// waitFor waits for a condition that no callback announces.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-timeout.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// logs keeps what was logged.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logs) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Somebody else takes the topics of a channel away: nothing on the socket tells.
func TestLostTopicsAreFound(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) { o.Timings.Discovery = 50 * time.Millisecond })
	channel := r.org.Channels()[0].ID
	token := accessToken(t, r.org)
	replaceTopics(t, r.org, token, channel, `[{"id":"v2.users.`+r.org.Users()[1].ID+`.conversations.calls"}]`)
	r.back(t, genesys.CauseChannelLost)
	r.call(t)
	if n := r.platform.Stats().Connects; n != 1 {
		t.Errorf("%d sockets", n)
	}
}

func accessToken(t *testing.T, org *simulator.Org) string {
	t.Helper()
	form := strings.NewReader("grant_type=client_credentials")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, org.URL()+"/oauth/token", form)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("sim-client", "sim-secret")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var reply struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(send(t, req), &reply); err != nil {
		t.Fatal(err)
	}
	return reply.Token
}

func replaceTopics(t *testing.T, org *simulator.Org, token, channel, topics string) {
	t.Helper()
	address := org.URL() + "/api/v2/notifications/channels/" + channel + "/subscriptions"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, strings.NewReader(topics))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	send(t, req)
}

func send(t *testing.T, req *http.Request) []byte {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return body
}
