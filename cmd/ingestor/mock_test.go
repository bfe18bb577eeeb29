package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	clientID     = "c11e0000-1d00-4000-8000-000000000001"
	clientSecret = "s3cr3t-Value_that-must.never-show"
	tokenPrefix  = "ToKeN-do-not-show-"
)

// platform is a small Genesys Cloud: tokens, users, notification channels with their
// sockets, conversations. It judges nothing.
//
// Its server reads everything below mu, and the conversations that it knows, while a
// test goes on: what a test changes, it changes within change.
type platform struct {
	tb  testing.TB
	srv *httptest.Server

	mu       sync.Mutex
	users    []object
	tokens   map[string]bool
	serial   int
	channels map[string]*channel
	rest     map[string]answer // by conversation
	open     []object          // what the analytics query finds
	requests []string
	hook     func(w http.ResponseWriter, r *http.Request) bool // true: answered
	// What the documentation leaves open.
	noPageCount, noHead, noLimits bool
	reject                        string // topics that contain it are not permitted
}

// answer is what REST says about a conversation, in one shape or the other.
type answer func(w http.ResponseWriter, nested bool)

func newPlatform(tb testing.TB, users int) *platform {
	tb.Helper()
	p := &platform{tb: tb, tokens: map[string]bool{}, channels: map[string]*channel{}, rest: map[string]answer{}}
	for n := range users {
		p.users = append(p.users, user(n+1))
	}
	p.srv = httptest.NewUnstartedServer(p)
	p.srv.Start() // its goroutines read p.srv
	tb.Cleanup(func() {
		p.cut()
		p.srv.CloseClientConnections()
		p.srv.Close()
	})
	return p
}

// user is one as GET /api/v2/users shows it with everything expanded.
func user(n int) object {
	station := object{"id": uuid("station", n), "name": fmt.Sprintf("Station %d", n), "type": "inin_webrtc_softphone"}
	return object{
		"id": uuid("user", n), "name": fmt.Sprintf("Agent %s%d", agentName, n), "state": "active", "version": 7,
		"division": object{"id": uuid("division", 1), "name": "Home"}, "email": fmt.Sprintf("a%d@example.invalid", n),
		"station":       object{"associatedStation": station, "effectiveStation": station},
		"presence":      object{"presenceDefinition": object{"id": uuid("presence", 1), "systemPresence": "Available"}, "modifiedDate": at(-time.Hour)},
		"routingStatus": object{"status": "IDLE", "startTime": at(-time.Hour)},
	}
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.requests = append(p.requests, r.Method+" "+r.URL.Path)
	hook := p.hook
	p.mu.Unlock()
	if hook != nil && hook(w, r) {
		return
	}
	switch {
	case r.URL.Path == "/oauth/token":
		p.token(w, r)
	case strings.HasPrefix(r.URL.Path, "/channels/"):
		p.socket(w, r)
	case !p.authorized(r):
		fail(w, http.StatusUnauthorized, "bad.credentials", "Invalid login credentials.")
	default:
		p.api(w, r, strings.TrimPrefix(r.URL.Path, "/api/v2"))
	}
}

func (p *platform) authorized(r *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
}

func (p *platform) api(w http.ResponseWriter, r *http.Request, path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.noLimits {
		w.Header().Set("inin-ratelimit-count", "1")
		w.Header().Set("inin-ratelimit-allowed", "300")
		w.Header().Set("inin-ratelimit-reset", "60")
	}
	w.Header().Set("ININ-Correlation-Id", uuid("correlation", len(p.requests)))
	id, isCall := strings.CutPrefix(path, "/conversations/calls/")
	whole, isConversation := strings.CutPrefix(path, "/conversations/")
	switch {
	case path == "/users":
		p.listUsers(w, r)
	case strings.HasPrefix(path, "/notifications/"):
		p.notifications(w, r, strings.Split(strings.TrimPrefix(path, "/notifications/"), "/"))
	case path == "/routing/queues":
		list(w, []any{object{"id": uuid("queue", 1), "name": "Support"}})
	case path == "/conversations" || path == "/conversations/calls":
		list(w, []any{}) // always empty with client credentials
	case isCall && p.rest[id] != nil:
		p.rest[id](w, false)
	case isConversation && p.rest[whole] != nil:
		p.rest[whole](w, true)
	case path == "/analytics/conversations/details/query" && len(p.open) == 0:
		reply(w, object{})
	case path == "/analytics/conversations/details/query":
		reply(w, object{"conversations": p.open, "totalHits": len(p.open)})
	default:
		fail(w, http.StatusNotFound, "not.found", "The requested resource was not found")
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func list(w http.ResponseWriter, entities []any) {
	reply(w, object{"entities": entities, "pageSize": 100, "pageNumber": 1, "pageCount": 1, "total": len(entities)})
}

func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{
		"message": message, "code": code, "status": status, "contextId": uuid("context", 1),
		"messageParams": object{}, "details": []any{}, "errors": []any{},
	})
}

func (p *platform) token(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(clientID+":"+clientSecret)) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_client","description":"authentication failed","error_description":"authentication failed"}`)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	token := fmt.Sprint(tokenPrefix, p.serial)
	p.tokens[token] = true
	reply(w, object{"access_token": token, "token_type": "bearer", "expires_in": 86399})
}

func (p *platform) listUsers(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.Atoi(r.URL.Query().Get("pageSize"))
	if err != nil {
		size = 25
	}
	page, err := strconv.Atoi(r.URL.Query().Get("pageNumber"))
	if err != nil {
		page = 1
	}
	from := min((page-1)*size, len(p.users))
	to := min(from+size, len(p.users))
	body := object{"entities": p.users[from:to], "pageSize": size, "pageNumber": page}
	if !p.noPageCount {
		body["total"], body["pageCount"] = len(p.users), (len(p.users)+size-1)/size
	}
	if to < len(p.users) {
		body["nextUri"] = fmt.Sprintf("/api/v2/users?pageSize=%d&pageNumber=%d", size, page+1)
	}
	reply(w, body)
}

// knows makes REST tell the state of c at the moment of the question.
func (p *platform) knows(c *talk) {
	p.says(c, func(w http.ResponseWriter, nested bool) {
		if nested {
			reply(w, c.nested())
		} else {
			reply(w, c.restFlat())
		}
	})
}

// says sets what REST answers about c; nil: that there is no such conversation.
func (p *platform) says(c *talk, a answer) { p.change(func() { p.rest[c.ID] = a }) }

// change moves conversations, and the platform's own ways, while REST may be reading them.
func (p *platform) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// join adds a leg of a user to a conversation, in no state yet.
func (p *platform) join(c *talk, user string) (leg *party) {
	p.change(func() { leg = c.leg(user) })
	return leg
}

// asked counts the requests so far whose method and path begin so.
func (p *platform) asked(prefix string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// analytics makes a conversation findable for somebody who has not seen it.
func (p *platform) analytics(c *talk, leg *party) {
	session := object{
		"mediaType": "voice", "sessionId": uuid("session", 1), "direction": "inbound", "protocolCallId": "call-1@edge",
		"segments": []any{object{"segmentType": "interact", "segmentStart": at(0)}},
	}
	p.change(func() {
		p.open = append(p.open, object{"conversationId": c.ID, "conversationStart": at(-time.Minute), "participants": []any{
			object{"participantId": leg.ID, "purpose": leg.Purpose, "userId": leg.User, "sessions": []any{session}},
		}})
	})
}

// topics are all subscriptions of all channels.
func (p *platform) topics() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.channels {
		all = append(all, c.topics...)
	}
	slices.Sort(all)
	return all
}
