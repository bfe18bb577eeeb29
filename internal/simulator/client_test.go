package simulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of the tests.
const patience = 10 * time.Second

// start serves an organization until the end of the test.
func start(tb testing.TB, opts simulator.Options) *simulator.Org {
	tb.Helper()
	org, err := simulator.New(opts)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- org.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	return org
}

// client is an independent API client with one token.
type client struct {
	tb    testing.TB
	org   *simulator.Org
	http  *http.Client
	token string
}

func login(tb testing.TB, org *simulator.Org, id, secret string) *client {
	tb.Helper()
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	c := &client{tb: tb, org: org, http: &http.Client{Transport: transport}}
	status, body := c.grant(id, secret, url.Values{"grant_type": {"client_credentials"}})
	if status != http.StatusOK {
		tb.Fatalf("token: status %d: %v", status, body)
	}
	c.token, _ = body["access_token"].(string)
	return c
}

func standard(tb testing.TB, org *simulator.Org) *client {
	tb.Helper()
	return login(tb, org, "sim-client", "sim-secret")
}

func (c *client) grant(id, secret string, form url.Values) (int, map[string]any) {
	c.tb.Helper()
	req, err := http.NewRequestWithContext(c.tb.Context(), http.MethodPost, c.org.URL()+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		c.tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(id, secret)
	resp, err := c.http.Do(req)
	if err != nil {
		c.tb.Fatal(err)
	}
	return resp.StatusCode, decode(c.tb, resp)
}

func decode(tb testing.TB, resp *http.Response) map[string]any {
	tb.Helper()
	data, err := io.ReadAll(resp.Body)
	if cerr := resp.Body.Close(); cerr != nil {
		tb.Fatal(cerr)
	}
	if err != nil {
		tb.Fatal(err)
	}
	var body map[string]any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &body); err != nil {
			tb.Fatalf("decode %q: %v", data, err)
		}
	}
	return body
}

// reply is what is left of a response when its body is read.
type reply struct {
	StatusCode int
	Header     http.Header
}

// do makes one request.
func (c *client) do(method, path string, body any) (reply, map[string]any) {
	c.tb.Helper()
	resp, err := c.try(c.tb.Context(), method, path, body)
	if err != nil {
		c.tb.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header}, decode(c.tb, resp)
}

func (c *client) try(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.org.URL()+path, reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	return c.http.Do(req)
}

// want makes a request and fails unless the status is as wanted.
func (c *client) want(status int, method, path string, body any) map[string]any {
	c.tb.Helper()
	resp, got := c.do(method, path, body)
	if resp.StatusCode != status {
		c.tb.Fatalf("%s %s: status %d, want %d: %v", method, path, resp.StatusCode, status, got)
	}
	if status >= 400 && method != http.MethodHead {
		if got["message"] == "" || got["code"] == "" || got["status"] != float64(status) || resp.Header.Get("ININ-Correlation-Id") == "" {
			c.tb.Fatalf("%s %s: not an ErrorBody: %v", method, path, got)
		}
	}
	return got
}

type channelInfo struct{ id, uri string }

func (c *client) channel() channelInfo {
	c.tb.Helper()
	body := c.want(http.StatusOK, http.MethodPost, "/api/v2/notifications/channels", nil)
	id, _ := body["id"].(string)
	uri, _ := body["connectUri"].(string)
	return channelInfo{id, uri}
}

func topicList(ids ...string) []map[string]string {
	list := make([]map[string]string, len(ids))
	for i, id := range ids {
		list[i] = map[string]string{"id": id}
	}
	return list
}

func subscriptions(ch channelInfo) string {
	return "/api/v2/notifications/channels/" + ch.id + "/subscriptions"
}

func (c *client) subscribe(ch channelInfo, topics ...string) {
	c.tb.Helper()
	c.want(http.StatusOK, http.MethodPut, subscriptions(ch), topicList(topics...))
}

func callsTopic(u simulator.User) string  { return "v2.users." + u.ID + ".conversations.calls" }
func nestedTopic(u simulator.User) string { return "v2.users." + u.ID + ".conversations" }

// notification is one frame as a client sees it.
type notification struct {
	Topic    string         `json:"topicName"`
	Version  string         `json:"version"`
	Body     map[string]any `json:"eventBody"`
	Metadata struct {
		CorrelationID string `json:"CorrelationId"`
	} `json:"metadata"`
	Result string `json:"result"`
	Status string `json:"status"`
	raw    string
}

// listener reads a socket into a list until it closes.
type listener struct {
	tb   testing.TB
	conn *websocket.Conn

	mu     sync.Mutex
	frames []notification
	err    error
	news   chan struct{}
}

func dial(ctx context.Context, uri string) (*websocket.Conn, *http.Response, error) {
	return websocket.Dial(ctx, uri, &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}})
}

func listen(tb testing.TB, ch channelInfo) *listener {
	tb.Helper()
	conn, _, err := dial(tb.Context(), ch.uri) //nolint:bodyclose // Closed by the library.
	if err != nil {
		tb.Fatalf("dial: %v", err)
	}
	conn.SetReadLimit(64 << 20)
	l := &listener{tb: tb, conn: conn, news: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.read()
	}()
	tb.Cleanup(func() {
		_ = conn.CloseNow()
		<-done
	})
	return l
}

func (l *listener) read() {
	for {
		_, data, err := l.conn.Read(context.Background())
		var n notification
		if err == nil {
			// Malformed frames are kept as they are.
			_ = json.Unmarshal(data, &n)
			n.raw = string(data)
		}
		l.mu.Lock()
		if err != nil {
			l.err = err
		} else {
			l.frames = append(l.frames, n)
		}
		close(l.news)
		l.news = make(chan struct{})
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// wait waits until what was read satisfies the condition.
func (l *listener) wait(what string, ok func(frames []notification, err error) bool) {
	l.tb.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		l.mu.Lock()
		satisfied, news := ok(l.frames, l.err), l.news
		frames, err := len(l.frames), l.err
		l.mu.Unlock()
		if satisfied {
			return
		}
		select {
		case <-news:
		case <-timeout.C:
			l.tb.Fatalf("waited in vain for %s: %d frames, error %v", what, frames, err)
		}
	}
}

func (l *listener) waitFrame(what string, ok func(notification) bool) notification {
	l.tb.Helper()
	var found notification
	l.wait(what, func(frames []notification, _ error) bool {
		i := slices.IndexFunc(frames, ok)
		if i >= 0 {
			found = frames[i]
		}
		return i >= 0
	})
	return found
}

func (l *listener) waitClosed() {
	l.tb.Helper()
	l.wait("the end of the socket", func(_ []notification, err error) bool { return err != nil })
}

// closedBy waits for the end of the socket and returns its error.
func (l *listener) closedBy() error {
	l.tb.Helper()
	l.waitClosed()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *listener) send(v any) {
	l.tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		l.tb.Fatal(err)
	}
	if err := l.conn.Write(l.tb.Context(), websocket.MessageText, data); err != nil {
		l.tb.Fatal(err)
	}
}

// sync returns the events of topics so far, once everything sent before has come:
// the answer to a ping is behind it in the queue.
func (l *listener) sync() []notification {
	l.tb.Helper()
	count := func(frames []notification) (n int) {
		for _, f := range frames {
			if f.Topic == "channel.metadata" && f.Body["message"] == "pong" {
				n++
			}
		}
		return n
	}
	l.mu.Lock()
	before := count(l.frames)
	l.mu.Unlock()
	l.send(map[string]string{"message": "ping"})
	var events []notification
	l.wait("a pong", func(frames []notification, _ error) bool {
		events = slices.DeleteFunc(slices.Clone(frames), func(n notification) bool { return n.Topic == "channel.metadata" })
		return count(frames) > before
	})
	return events
}

// await waits for a condition of the organization.
func await(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			tb.Fatalf("waited in vain for %s", what)
		}
	}
}

// parts returns the participants of a flat or nested body.
func parts(body map[string]any) []map[string]any {
	list, _ := body["participants"].([]any)
	var result []map[string]any
	for _, item := range list {
		if p, ok := item.(map[string]any); ok {
			result = append(result, p)
		}
	}
	return result
}

// part returns the participant with an id, or nil.
func part(body map[string]any, id string) map[string]any {
	for _, p := range parts(body) {
		if p["id"] == id {
			return p
		}
	}
	return nil
}
