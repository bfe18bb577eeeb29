package genesys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// Listened is what a channel of the probe's own showed.
type Listened struct {
	Host    string        // of the websocket
	Created bool          // the channel is new
	Answer  time.Duration // from a ping to the answer
	// Tried is for how many users the topics of calls were subscribed, Unobserved for
	// how many of them the platform refused both kinds.
	Tried, Unobserved int
	// Refused are the templates of topics that were refused, those of agents tried with
	// the first user alone, with the missing permission where the platform said which.
	Refused map[string]string
}

// Listen opens a socket on a channel that nobody else has, subscribes to the topics of
// the users (of as many as fit), waits for a sign of life, and lets go of all. The platform has no call
// that deletes a channel, so the one used is kept in the store for the next time; a new
// one is created only when mayCreate says so, after a write to the store has succeeded.
// lost tells mayCreate that there was one which should live and does not: if that
// happens always, each call creates one.
// It never touches a channel that it has not created.
func (b *Probe) Listen(ctx context.Context, store ChannelStore, users []string, mayCreate func(lost bool) error) (Listened, error) {
	var out Listened
	ch, lost, err := b.ownChannel(ctx, store)
	if err != nil {
		return out, err
	}
	if ch == nil {
		if err := mayCreate(lost); err != nil {
			return out, err
		}
		if ch, err = b.newChannel(ctx, store); err != nil {
			return out, err
		}
		out.Created = true
	}
	// Nothing is left on the channel, also when ctx has ended.
	defer func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = b.p.client.call(last, request{ // it delivers to nobody as it is
			method: http.MethodDelete, template: subscriptionsTemplate, id: ch.ID, priority: PriorityDiscovery,
		})
	}()
	u, err := url.Parse(ch.ConnectURI)
	if err != nil {
		return out, errors.New("the channel has no usable address")
	}
	out.Host = u.Hostname()
	s, err := b.p.dial(ctx, ch)
	if err != nil {
		return out, err
	}
	defer s.close()
	if err = b.topicsOf(ctx, ch.ID, users[:min(len(users), topicsPerChannel/2)], &out); err != nil {
		return out, err
	}
	out.Answer, err = heard(ctx, s)
	return out, err
}

// ownChannel returns the channel of an earlier probe, nil when there is none that
// still lives, and whether there was one that should.
func (b *Probe) ownChannel(ctx context.Context, store ChannelStore) (ch *channel, lost bool, err error) {
	data, err := store.Load(ctx)
	if err != nil {
		return nil, false, err
	}
	var list []*channel
	if json.Unmarshal(data, &list) != nil {
		list = nil // what cannot be read is not there
	}
	now := time.Now()
	for _, ch := range list {
		if ch == nil || ch.ID == "" || !now.Before(ch.Expires) || !now.Before(ch.Bound) || b.p.checkConnectURI(ch.ConnectURI) != nil {
			continue
		}
		_, err := b.p.client.call(ctx, request{
			method: http.MethodGet, template: subscriptionsTemplate, id: ch.ID, priority: PriorityDiscovery,
		})
		if err == nil {
			return ch, false, nil
		}
		if refused, ok := errors.AsType[*APIError](err); !ok || refused.Status >= http.StatusInternalServerError {
			return nil, false, fmt.Errorf("look for the channel of an earlier check: %w", err)
		}
		lost = true
	}
	return nil, lost, nil
}

// newChannel creates a channel and remembers it. What cannot be remembered would be
// created again and again, so the store is tried first.
func (b *Probe) newChannel(ctx context.Context, store ChannelStore) (*channel, error) {
	if err := store.Save(ctx, []byte("[]")); err != nil {
		return nil, err
	}
	a, err := b.p.client.call(ctx, request{
		method: http.MethodPost, template: channelsTemplate, body: struct{}{}, priority: PriorityDiscovery, once: true,
	})
	if err != nil {
		return nil, fmt.Errorf("create channel: %w", err)
	}
	ch := new(channel)
	if lenient(json.Unmarshal(a.body, ch)) != nil || ch.ID == "" {
		return nil, errors.New("create channel: answer is not the expected JSON")
	}
	if ch.Expires.IsZero() {
		ch.Expires = b.p.client.now().Add(channelLife)
	}
	ch.Bound = a.token.expires
	data, err := json.Marshal([]*channel{ch})
	if err == nil {
		err = store.Save(ctx, data)
	}
	return ch, errors.Join(err, b.p.checkConnectURI(ch.ConnectURI))
}

// topicsOf subscribes to the topics of calls of the users, to the other kind for those
// to whom the preferred one is refused, and to the states of the first one.
func (b *Probe) topicsOf(ctx context.Context, channel string, users []string, out *Listened) error {
	out.Refused, out.Tried = make(map[string]string), len(users)
	if len(users) == 0 {
		return nil
	}
	other := TopicConversations
	if b.p.opts.Topic == other {
		other = TopicCalls
	}
	left := users
	for _, kind := range []string{b.p.opts.Topic, other} {
		var err error
		if left, err = b.subscribe(ctx, channel, left, func(u string) string { return topicOf(kind, u) }, out); err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
	}
	out.Unobserved = len(left)
	if !b.p.opts.AgentEvents {
		return nil
	}
	for i := range expanded(agentTopicOf("")) {
		aspect := func(u string) string { return expanded(agentTopicOf(u))[i] }
		if _, err := b.subscribe(ctx, channel, users[:1], aspect, out); err != nil {
			return err
		}
	}
	return nil
}

// subscribe adds a topic per user, and returns the users to whom it is refused.
func (b *Probe) subscribe(ctx context.Context, channel string, users []string, topic func(string) string, out *Listened) ([]string, error) {
	list := make([]topicID, len(users))
	for i, u := range users {
		list[i].ID = topic(u)
	}
	var reply struct {
		Entities []channelTopic `json:"entities"`
	}
	_, err := b.p.client.read(ctx, request{
		method: http.MethodPost, template: subscriptionsTemplate, id: channel, body: list,
		query: url.Values{"ignoreErrors": {"true"}}, priority: PriorityDiscovery,
	}, &reply)
	if why, ok := errors.AsType[*APIError](err); ok && (why.Status == http.StatusBadRequest || why.Status == http.StatusForbidden) {
		out.Refused[topic("{id}")] = strings.Join(why.Permissions, ", ")
		return users, nil
	}
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	answers := make(map[string]channelTopic, len(reply.Entities))
	for _, t := range reply.Entities {
		answers[t.ID] = t
	}
	var refused []string
	for _, u := range users {
		if t := answers[topic(u)]; strings.EqualFold(t.State, "rejected") {
			refused = append(refused, u)
			out.Refused[topic("{id}")] = strings.Join(t.MissingPermissions, ", ")
		}
	}
	return refused, nil
}

// heard asks for a sign of life and returns how long it took.
func heard(ctx context.Context, s *socket) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	asked := time.Now()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(`{"message":"ping"}`)); err != nil {
		return 0, fmt.Errorf("ping: %w", err)
	}
	for {
		_, frame, err := s.conn.Read(ctx)
		if err != nil {
			return 0, fmt.Errorf("no answer to a ping: %w", err)
		}
		if bytes.Contains(frame, []byte("channel.metadata")) {
			return time.Since(asked), nil
		}
	}
}
