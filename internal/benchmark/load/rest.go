package load

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type object = map[string]any

// ServeHTTP shows the organization.
func (s *Source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/all" || strings.HasPrefix(r.URL.Path, "/channels/") {
		s.open(w, r)
		return
	}
	s.requests.Add(1)
	h := w.Header()
	h.Set("inin-ratelimit-count", "1")
	h.Set("inin-ratelimit-allowed", "300")
	h.Set("inin-ratelimit-reset", "60")
	path := strings.TrimPrefix(r.URL.Path, "/api/v2")
	switch {
	case path == "/oauth/token":
		reply(w, object{"access_token": "load", "token_type": "bearer", "expires_in": 86399})
	case path == "/users" || path == "/users/search":
		s.users(w, r)
	case path == "/notifications/availabletopics":
		var all []any
		for _, name := range []string{"conversations.calls", "conversations", "presence", "routingStatus", "station", "outofoffice"} {
			all = append(all, object{"id": "v2.users.{id}." + name, "visibility": "Public", "transports": []string{"All"}})
		}
		reply(w, object{"entities": all})
	case strings.HasPrefix(path, "/notifications/channels"):
		s.channels(w, r, strings.Split(strings.Trim(strings.TrimPrefix(path, "/notifications/channels"), "/"), "/"))
	case path == "/routing/queues":
		list(w, []any{object{"id": idQueue, "name": "Support"}})
	case path == "/stations", path == "/conversations", path == "/conversations/calls":
		list(w, []any{})
	case path == "/analytics/conversations/details/query":
		reply(w, object{})
	case strings.HasPrefix(path, "/conversations/calls/"):
		s.conversation(w, strings.TrimPrefix(path, "/conversations/calls/"))
	default:
		missing(w)
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func list(w http.ResponseWriter, entities []any) {
	reply(w, object{"entities": entities, "pageSize": 100, "pageNumber": 1, "pageCount": 1, "total": len(entities)})
}

func missing(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(object{
		"message": "The requested resource was not found", "code": "not.found", "status": http.StatusNotFound,
		"messageParams": object{}, "details": []any{}, "errors": []any{},
	})
}

// users lists the agents by pages, or those that are asked for by id.
func (s *Source) users(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	number := func(key string, def int) int {
		if n, err := strconv.Atoi(q.Get(key)); err == nil && n > 0 {
			return n
		}
		return def
	}
	size, page := number("pageSize", 25), number("pageNumber", 1)
	if ids := q["id"]; len(ids) > 0 {
		var all []any
		for _, id := range ids {
			if n := numberOf(idUser, id); n > 0 && n <= s.agents {
				all = append(all, user(n))
			}
		}
		list(w, all)
		return
	}
	from := min((page-1)*size, s.agents)
	to := min(from+size, s.agents)
	all := make([]any, 0, size)
	for n := from; n < to; n++ {
		all = append(all, user(n+1))
	}
	body := object{"entities": all, "pageSize": size, "pageNumber": page, "total": s.agents, "pageCount": (s.agents + size - 1) / size}
	if to < s.agents {
		body["nextUri"] = fmt.Sprintf("/api/v2/users?pageSize=%d&pageNumber=%d", size, page+1)
	}
	reply(w, body)
}

func user(n int) object {
	since := string(appendStamp(nil, time.Now().Add(-time.Hour)))
	station := object{"id": fmt.Sprintf("e3000000-0000-4000-8000-%012d", n), "name": fmt.Sprint("Station ", n), "type": "inin_webrtc_softphone"}
	return object{
		"id": fmt.Sprintf("%s%012d", idUser, n), "name": fmt.Sprint("Agent ", n), "state": "active", "version": 1,
		"division":      object{"id": idDivision, "name": "Home"},
		"station":       object{"associatedStation": station, "effectiveStation": station},
		"presence":      object{"presenceDefinition": object{"id": idPresence, "systemPresence": "On Queue"}, "modifiedDate": since},
		"routingStatus": object{"status": "INTERACTING", "startTime": since},
	}
}

// numberOf reads the number out of an id of a kind; 0 when it is none.
func numberOf(prefix, id string) int {
	text, ok := strings.CutPrefix(id, prefix)
	if n, err := strconv.Atoi(text); ok && err == nil {
		return n
	}
	return 0
}

func (s *Source) conversation(w http.ResponseWriter, id string) {
	s.mu.Lock()
	body := s.script.conversation(numberOf(idCall, id))
	s.mu.Unlock()
	if body == nil {
		missing(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client may be gone
}

// channel is a notification channel and its topics.
type channel struct {
	id     string
	topics map[string]bool
	socket *socket
}

func (s *Source) show(c *channel) object {
	return object{"id": c.id, "connectUri": s.wsURL() + "/channels/" + c.id, "expires": string(appendStamp(nil, time.Now().Add(24*time.Hour)))}
}

func (s *Source) channels(w http.ResponseWriter, r *http.Request, path []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if path[0] == "" {
		if r.Method == http.MethodPost {
			c := &channel{id: fmt.Sprintf("streaming-0-%04d", len(s.byID)+1), topics: make(map[string]bool)}
			s.byID[c.id] = c
			reply(w, s.show(c))
			return
		}
		all := []any{}
		for _, c := range s.byID {
			all = append(all, s.show(c))
		}
		list(w, all)
		return
	}
	c := s.byID[path[0]]
	switch {
	case c == nil:
		missing(w)
	case len(path) == 1 && r.Method == http.MethodDelete:
		delete(s.byID, c.id)
		s.route()
	case len(path) == 1:
		reply(w, s.show(c))
	default:
		s.subscribe(w, r, c)
	}
}

// subscribe replaces (PUT), extends (POST), empties (DELETE) or shows the topics.
func (s *Source) subscribe(w http.ResponseWriter, r *http.Request, c *channel) {
	var in []struct {
		ID string `json:"id"`
	}
	if r.Method == http.MethodPut || r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	if r.Method == http.MethodPut || r.Method == http.MethodDelete {
		clear(c.topics)
	}
	for _, t := range in {
		c.topics[t.ID] = true
	}
	s.route()
	all := make([]any, 0, len(c.topics))
	for t := range c.topics {
		all = append(all, object{"id": t, "state": "Permitted"})
	}
	reply(w, object{"entities": all})
}
