package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// channel is a notification channel: its topics live on after its socket.
type channel struct {
	id     string
	topics []string
	conn   *websocket.Conn
}

func (p *platform) notifications(w http.ResponseWriter, r *http.Request, path []string) {
	switch {
	case path[0] == "availabletopics":
		var all []any
		for _, name := range []string{"conversations.calls", "conversations", "presence", "routingStatus", "station"} {
			all = append(all, object{
				"id": "v2.users.{id}." + name, "visibility": "Public", "transports": []string{"All"},
				"requiresPermissions": []string{"conversation:communication:view"},
			})
		}
		reply(w, object{"entities": all})
	case len(path) == 1 && r.Method == http.MethodPost:
		p.serial++
		c := &channel{id: fmt.Sprintf("streaming-3-%04d", p.serial)}
		p.channels[c.id] = c
		reply(w, p.show(c))
	case len(path) == 1:
		all := []any{}
		for _, c := range p.channels {
			all = append(all, p.show(c))
		}
		reply(w, object{"entities": all})
	case len(path) == 2 && p.noHead:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case p.channels[path[1]] == nil:
		fail(w, http.StatusNotFound, "not.found", "Channel not found")
	case len(path) == 3:
		p.subscriptions(w, r, p.channels[path[1]])
	}
}

// show is all that a new channel's answer has: address, id and end.
func (p *platform) show(c *channel) object {
	return object{
		"connectUri": strings.Replace(p.srv.URL, "http", "ws", 1) + "/channels/" + c.id, "id": c.id, "expires": at(24 * time.Hour),
	}
}

func (p *platform) subscriptions(w http.ResponseWriter, r *http.Request, c *channel) {
	var in []struct {
		ID string `json:"id"`
	}
	writes := r.Method == http.MethodPut || r.Method == http.MethodPost
	if writes && json.NewDecoder(r.Body).Decode(&in) != nil {
		fail(w, http.StatusBadRequest, "bad.request", "topics expected")
		return
	}
	answers, accepted := []any{}, []string{}
	for _, t := range in {
		if p.reject != "" && strings.Contains(t.ID, p.reject) {
			if r.URL.Query().Get("ignoreErrors") != "true" {
				fail(w, http.StatusForbidden, "missing.any.permissions", "You are missing the following permission(s)")
				return
			}
			answers = append(answers, object{
				"id": t.ID, "state": "Rejected", "rejectionReason": "missing permissions",
				"missingPermissions": []string{"conversation:communication:view"},
			})
			continue
		}
		accepted = append(accepted, t.ID)
		answers = append(answers, object{"id": t.ID, "state": "Permitted"})
	}
	switch r.Method {
	case http.MethodPut:
		c.topics = accepted
	case http.MethodPost:
		c.topics = append(c.topics, accepted...)
	default:
		for _, t := range c.topics {
			answers = append(answers, object{"id": t, "state": "Permitted"})
		}
	}
	reply(w, object{"entities": answers})
}

// socket serves one websocket: a second one on the same channel replaces the first.
func (p *platform) socket(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	c := p.channels[strings.TrimPrefix(r.URL.Path, "/channels/")]
	p.mu.Unlock()
	if c == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	p.mu.Lock()
	previous := c.conn
	c.conn = conn
	p.mu.Unlock()
	if previous != nil {
		_ = previous.CloseNow()
	}
	ctx := context.WithoutCancel(r.Context()) // the server's own ends with the handshake
	for err == nil {
		var msg []byte
		if _, msg, err = conn.Read(ctx); err == nil && strings.Contains(string(msg), `"ping"`) {
			err = conn.Write(ctx, websocket.MessageText, []byte(`{"topicName":"channel.metadata","eventBody":{"message":"pong"}}`))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.conn == conn {
		c.conn = nil
	}
}

// listeners are the sockets whose channel carries the topic, alone or combined.
func (p *platform) listeners(topic string) (conns []*websocket.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.channels {
		if c.conn != nil && slices.ContainsFunc(c.topics, func(id string) bool { return slices.Contains(expand(id), topic) }) {
			conns = append(conns, c.conn)
		}
	}
	return conns
}

// expand lists the topics that a subscription stands for.
func expand(id string) (topics []string) {
	head, tail, combined := strings.Cut(id, "?")
	if !combined {
		return []string{id}
	}
	for t := range strings.SplitSeq(tail, "&") {
		topics = append(topics, head+"."+t)
	}
	return topics
}

// raw sends bytes as one text frame to everybody who carries the topic.
func (p *platform) raw(topic, frame string) {
	p.tb.Helper()
	conns := p.listeners(topic)
	if len(conns) == 0 {
		p.tb.Errorf("nobody listens to %s", topic)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, conn := range conns {
		_ = conn.Write(ctx, websocket.MessageText, []byte(frame)) // the client may be gone
	}
}

// send is one notification.
func (p *platform) send(topic string, body object) {
	p.tb.Helper()
	p.mu.Lock()
	p.serial++
	frame, err := json.Marshal(object{
		"topicName": topic, "version": "2", "eventBody": body, "metadata": object{"CorrelationId": uuid("correlation", p.serial)},
	})
	p.mu.Unlock()
	if err != nil {
		p.tb.Fatal(err)
	}
	p.raw(topic, string(frame))
}

func callsOf(user string) string { return "v2.users." + user + ".conversations.calls" }

// tell notifies the topics of users of a conversation, in the shape that they chose.
func (p *platform) tell(c *talk, users ...string) {
	p.tb.Helper()
	for _, u := range users {
		if t := callsOf(u); len(p.listeners(t)) > 0 {
			p.send(t, c.flat2026())
		} else {
			p.send("v2.users."+u+".conversations", c.nested())
		}
	}
}

// cut ends every socket without a word.
func (p *platform) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.channels {
		if c.conn != nil {
			go func(conn *websocket.Conn) { _ = conn.CloseNow() }(c.conn)
			c.conn = nil
		}
	}
}

// waitFor waits until somebody listens to a topic.
func (p *platform) waitFor(t *testing.T, topic string) {
	t.Helper()
	eventually(t, "a listener of "+topic, func() bool { return len(p.listeners(topic)) > 0 })
}
