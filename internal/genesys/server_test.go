package genesys_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// odd is a platform of which a test decides every answer. It remembers requests.
type odd struct {
	*httptest.Server
	mux *http.ServeMux
	mu  sync.Mutex
	log []*http.Request
}

func newOdd(tb testing.TB) *odd {
	tb.Helper()
	o := &odd{mux: http.NewServeMux()}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.log = append(o.log, r)
		o.mu.Unlock()
		o.mux.ServeHTTP(w, r)
	}))
	tb.Cleanup(o.Close)
	return o
}

func (o *odd) handle(pattern, body string) {
	o.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, body) })
}

// token answers as the platform does.
func (o *odd) token() {
	o.handle("POST /oauth/token", `{"access_token":"the-token","token_type":"bearer","expires_in":3600}`)
}

func write(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, body)
}

func (o *odd) options() genesys.Options {
	return genesys.Options{
		ClientID: "id", ClientSecret: "the-secret", APIURL: o.URL, LoginURL: o.URL,
		Timings: genesys.Timings{BackoffMin: time.Millisecond, BackoffMax: 20 * time.Millisecond, Retries: 1},
	}
}

func (o *odd) platform(t *testing.T) *genesys.Platform {
	t.Helper()
	p, err := genesys.New(o.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

const flatPath = "GET /api/v2/conversations/calls/{id}"

const nestedPath = "GET /api/v2/conversations/{id}"

func TestTokenRequest(t *testing.T) {
	o := newOdd(t)
	var form url.Values
	o.mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, ok := r.BasicAuth()
		_ = r.ParseForm()
		form = r.PostForm
		if !ok || id != "id" || secret != "the-secret" {
			t.Errorf("credentials %q, %v", id, ok)
		}
		// A gateway may call JSON plain text.
		w.Header().Set("Content-Type", "text/plain")
		_, _ = fmt.Fprint(w, `{"access_token":"the-token","token_type":"bearer","expires_in":"600"}`)
	})
	o.handle(flatPath, `{"id":"c","securePause":false,"participants":[]}`)
	if _, err := o.platform(t).Conversation(t.Context(), "c", genesys.PriorityLegs); err != nil {
		t.Fatal(err)
	}
	if len(form) != 1 || form.Get("grant_type") != "client_credentials" {
		t.Errorf("form: %v", form)
	}
	if got := o.log[1].Header.Get("Authorization"); got != "Bearer the-token" {
		t.Errorf("authorization %q", got)
	}
}

func TestConversationErrors(t *testing.T) {
	notFound := `{"message":"Conversation not found","code":"not.found","status":404,"contextId":"x","details":[],"errors":[]}`
	const nested = `{"id":"c","securePause":true,"participants":[{"id":"p","userId":"u","purpose":"agent","calls":[{"state":"connected","held":false}]}]}`
	type reply struct {
		status int
		body   string
	}
	for name, c := range map[string]struct {
		flat, nested reply
		want         error  // class; nil: no error
		text         string // in the error
	}{
		"both know nothing":          {reply{404, notFound}, reply{404, notFound}, genesys.ErrNotFound, ""},
		"not in the flat view":       {reply{404, notFound}, reply{200, nested}, nil, ""},
		"flat refused":               {reply{403, `{"code":"missing.permissions","status":403}`}, reply{200, nested}, nil, ""},
		"nested refused":             {reply{404, notFound}, reply{403, `{"code":"x","status":403}`}, genesys.ErrNotFound, ""},
		"a proxy knows nothing":      {reply{404, `<html>no</html>`}, reply{404, `<html>no</html>`}, nil, "status 404, answer is not the platform's"},
		"nested answers, flat fails": {reply{500, `{}`}, reply{200, nested}, nil, ""},
		"one fails, one knows not":   {reply{503, `{"code":"service.unavailable","status":503}`}, reply{404, notFound}, nil, "status 503"},
		"error in a good answer":     {reply{200, notFound}, reply{200, notFound}, genesys.ErrNotFound, ""},
		"cut off":                    {reply{200, `{"id":"c","participants":[{"id"`}, reply{200, nested}, nil, "not JSON"},
		"page of a proxy":            {reply{200, `<html>login</html>`}, reply{200, nested}, nil, "not JSON"},
		"another one":                {reply{200, `{"id":"d","securePause":false}`}, reply{200, nested}, nil, "another conversation"},
		"both refused": {
			reply{403, `{"message":"You are missing the following permission(s): conversation:communication:view","code":"missing.any.permissions","status":403}`},
			reply{403, `{}`},
			genesys.ErrForbidden, "missing permission conversation:communication:view, correlation id corr-9",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOdd(t)
			o.token()
			serve := func(pattern string, v reply) {
				o.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("ININ-Correlation-Id", "corr-9")
					write(w, v.status, v.body)
				})
			}
			serve(flatPath, c.flat)
			serve(nestedPath, c.nested)
			s, err := o.platform(t).Conversation(t.Context(), "c", genesys.PriorityLegs)
			switch {
			case c.want == nil && c.text == "":
				if err != nil || s.ConversationID != "c" || len(s.Participants) != 1 {
					t.Errorf("got %+v, %v", s, err)
				}
			case err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text):
				t.Errorf("error %v", err)
			case c.want == nil && errors.Is(err, genesys.ErrNotFound):
				t.Errorf("taken for an answer of the platform: %v", err)
			}
		})
	}
}

// The flat view of older organizations says nothing about secure pauses.
func TestConversationAsksForPauses(t *testing.T) {
	o := newOdd(t)
	o.token()
	o.handle(flatPath, `{"id":"c","participants":[{"id":"p","user":{"id":"u"},"purpose":"agent","state":"connected","dnis":"tel:1"}]}`)
	o.handle(nestedPath, `{"id":"c","securePause":true,"participants":[{"id":"p","userId":"u","calls":[{"state":"connected","securePause":true}]}]}`)
	s, err := o.platform(t).Conversation(t.Context(), "c", genesys.PriorityLegs)
	if err != nil || s.SecurePause != 2 || s.Participants[0].SecurePause != 2 || s.Participants[0].DNIS != "tel:1" {
		t.Errorf("got %+v, %v", s, err)
	}
}

// Servers choose their own page size, and tell more or less about the end.
func TestPaging(t *testing.T) {
	const users = 57
	for name, envelope := range map[string]string{
		"all told":     `{"entities":%s,"pageSize":%d,"pageNumber":%d,"total":57,"pageCount":%d}`,
		"total only":   `{"entities":%s,"total":57}`,
		"pages only":   `{"entities":%s,"pageCount":%[4]d}`,
		"next only":    `{"entities":%s%[5]s}`,
		"wrong count":  `{"entities":%s,"total":57,"pageCount":1}`,
		"numbers cold": `{"entities":%s,"total":"57","pageCount":%[4]d}`,
	} {
		for _, size := range []int{10, 25, 100} {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				o := newOdd(t)
				o.token()
				o.mux.HandleFunc("GET /api/v2/users", func(w http.ResponseWriter, r *http.Request) {
					number := 1
					_, _ = fmt.Sscan(r.URL.Query().Get("pageNumber"), &number)
					var page []map[string]any
					for i := (number - 1) * size; i < min(users, number*size); i++ {
						page = append(page, map[string]any{"id": fmt.Sprintf("u%03d", i), "name": i})
					}
					list, _ := json.Marshal(page)
					next := ""
					if number*size < users {
						next = `,"nextUri":"/api/v2/users?pageNumber=next"`
					}
					body := fmt.Sprintf(envelope, list, size, number, (users+size-1)/size, next)
					body, _, _ = strings.Cut(body, "%!(EXTRA")
					write(w, 200, body)
				})
				r := newRecorder()
				run(t, o.options(), r)
				r.until(t, "the users", func() bool { return r.directory != nil && len(r.directory.Users) == users })
			})
		}
	}
}

// A channel that leads elsewhere is refused before anybody connects to it.
func TestForeignChannelIsRefused(t *testing.T) {
	for address, allowed := range map[string]bool{
		"wss://streaming.evil.example/channels/secret-channel": false,
		"wss://evil-mypurecloud.ie/channels/secret-channel":    false,
		"ws://10.0.0.1/channels/secret-channel":                false,
		"wss://user@evil.example/channels/secret-channel":      false,
		"https://streaming.mypurecloud.ie/channels/x":          false,
		"": false,
		"wss://127.0.0.1:1/channels/secret-channel":              true,
		"wss://streaming.mypurecloud.invalid/channels/secret":    true,
		"wss://STREAMING.MyPureCloud.invalid:443/channels/secre": true,
	} {
		o := newOdd(t)
		o.token()
		o.handle("GET /api/v2/users", `{"entities":[{"id":"u"}]}`)
		body, _ := json.Marshal(map[string]string{"id": "x", "connectUri": address})
		o.handle("POST /api/v2/notifications/channels", string(body))
		options := o.options()
		options.Domain = "mypurecloud.invalid"
		p := run(t, options, newRecorder())
		var text string
		waitFor(t, "an error", func() bool {
			text = p.Status().LastError
			return strings.Contains(text, "channel") || strings.Contains(text, "socket")
		})
		refused := strings.Contains(text, "create channel")
		if refused == allowed || strings.Contains(text, "secret-channel") {
			t.Errorf("%s: %s", address, text)
		}
	}
}

// Credentials do not follow a redirect to another host.
func TestRedirectElsewhereIsRefused(t *testing.T) {
	elsewhere := newOdd(t)
	elsewhere.mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { t.Error("followed") })
	o := newOdd(t)
	o.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	if _, err := o.platform(t).Conversation(t.Context(), "c", genesys.PriorityLegs); !errors.Is(err, genesys.ErrUnauthorized) {
		t.Errorf("token: %v", err)
	}
	again := newOdd(t)
	again.token()
	again.mux.HandleFunc(flatPath, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusFound)
	})
	if _, err := again.platform(t).Conversation(t.Context(), "c", genesys.PriorityLegs); !errors.Is(err, genesys.ErrForeignHost) {
		t.Errorf("call: %v", err)
	}
}

// A list of topics that is refused as a whole is searched for the bad ones.
func TestListRefusedAsAWhole(t *testing.T) {
	o := newOdd(t)
	o.token()
	var users []string
	for i := range 40 {
		users = append(users, fmt.Sprintf(`{"id":"u%02d"}`, i))
	}
	o.handle("GET /api/v2/users", `{"entities":[`+strings.Join(users, ",")+`]}`)
	ws := "ws" + strings.TrimPrefix(o.URL, "http") + "/channels/x"
	o.handle("POST /api/v2/notifications/channels", `{"id":"x","connectUri":"`+ws+`"}`)
	o.mux.HandleFunc("/channels/x", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err == nil {
			_, _, _ = conn.Read(r.Context()) // until the client goes
		}
	})
	var calls, accepted int
	var mu sync.Mutex
	o.mux.HandleFunc("/api/v2/notifications/channels/x/subscriptions", func(w http.ResponseWriter, r *http.Request) {
		var topics []struct{ ID string }
		_ = json.NewDecoder(r.Body).Decode(&topics)
		mu.Lock()
		defer mu.Unlock()
		calls++
		for _, topic := range topics {
			if strings.Contains(topic.ID, "u17.") || strings.Contains(topic.ID, "?") {
				write(w, http.StatusBadRequest, `{"code":"bad.request","status":400}`)
				return
			}
		}
		accepted += len(topics)
		write(w, http.StatusOK, `{}`)
	})
	options := o.options()
	options.AgentEvents = true
	options.Timings.BackoffMax = time.Hour // the refused ones are not tried again
	r := newRecorder()
	run(t, options, r)
	r.until(t, "the rest", func() bool {
		return len(r.down) == 1 && r.down["u17"] == genesys.CauseTopicRejected
	})
	mu.Lock()
	defer mu.Unlock()
	if accepted != 39 || calls > 25 {
		t.Errorf("%d topics accepted in %d calls", accepted, calls)
	}
}

// Calls go through the proxy: the host of the platform is not resolved here.
func TestProxy(t *testing.T) {
	o := newOdd(t)
	o.token()
	o.handle(flatPath, `{"id":"c","securePause":false,"participants":[]}`)
	options := o.options()
	options.ProxyURL, options.AllowInsecure = o.URL, true
	options.APIURL, options.LoginURL = "http://api.nowhere.invalid", "http://login.nowhere.invalid"
	p, err := genesys.New(options)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Conversation(t.Context(), "c", genesys.PriorityLegs); err != nil {
		t.Fatal(err)
	}
	if o.log[0].Host != "login.nowhere.invalid" || o.log[1].Host != "api.nowhere.invalid" {
		t.Errorf("hosts %s, %s", o.log[0].Host, o.log[1].Host)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := genesys.New(genesys.Options{APIURL: "http://api.example", LoginURL: "nonsense", Topic: "x", ShardIndex: 2, ShardCount: 2, MaxChannels: 21})
	for _, part := range []string{"client id", "client secret", "API URL", "login URL", "topic", "shard", "channels"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s is not named: %v", part, err)
		}
	}
	for address, ok := range map[string]bool{
		"https://api.mypurecloud.ie": true, "http://127.0.0.1:1": true, "http://localhost:1": true, "http://[::1]:1": true,
		"http://api.mypurecloud.ie": false, "ftp://127.0.0.1": false, "https://u:p@h": false,
	} {
		_, err := genesys.New(genesys.Options{ClientID: "a", ClientSecret: "b", APIURL: address, LoginURL: address})
		if (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestOpenConversationsReadsAllPages(t *testing.T) {
	o := newOdd(t)
	o.token()
	var intervals []string
	o.mux.HandleFunc("POST /api/v2/analytics/conversations/details/query", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Interval string
			Paging   struct{ PageSize, PageNumber int }
		}
		_ = json.NewDecoder(r.Body).Decode(&q)
		intervals = append(intervals, q.Interval)
		const size, total = 25, 60 // smaller pages than asked for
		var list []string
		for i := (q.Paging.PageNumber - 1) * size; i < min(total, q.Paging.PageNumber*size); i++ {
			list = append(list, fmt.Sprintf(`{"conversationId":"c%d","conversationStart":"2026-11-20T08:00:00.000Z","participants":[`+
				`{"participantId":"p","userId":"u","sessions":[{"mediaType":"voice","protocolCallId":"sip-%d"}]},{"participantId":"q","userId":"u"}]}`, i, i))
		}
		write(w, 200, fmt.Sprintf(`{"conversations":[%s],"totalHits":%d}`, strings.Join(list, ","), total))
	})
	open, err := o.platform(t).OpenConversations(t.Context(), time.Now().Add(-50*time.Hour))
	if err != nil || len(open) != 60 || open[59].ProtocolCallIDs["p"] != "sip-59" || !slices.Equal(open[0].UserIDs, []string{"u"}) {
		t.Fatalf("%d conversations, %v", len(open), err)
	}
	from, _, _ := strings.Cut(intervals[0], "/")
	if start, err := time.Parse(time.RFC3339, from); err != nil || time.Since(start) < 49*time.Hour {
		t.Errorf("interval %s", intervals[0])
	}
}
