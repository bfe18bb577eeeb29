package genesys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// channelLimit is how many channels the platform keeps for one OAuth client.
const channelLimit = 20

// channelLife is how long a channel lives after its topics were confirmed.
const channelLife = 24 * time.Hour

const (
	channelsTemplate      = "/api/v2/notifications/channels"
	channelTemplate       = channelsTemplate + "/{id}"
	subscriptionsTemplate = channelTemplate + "/subscriptions"
)

// channel is a notification channel. Its address is a secret. It is not changed: who
// learns something about a channel makes a new value.
type channel struct {
	ID         string    `json:"id"`
	ConnectURI string    `json:"connectUri,omitempty"`
	Expires    time.Time `json:"expires"` // by the platform's clock
	// Bound is when the first of the tokens expires that it was created or subscribed
	// with: the channel may die with it.
	Bound time.Time `json:"bound"`
	// Rebound is when the last of them expires. Whether a channel lives that long is
	// not documented: it is tried with channels that are not in use.
	Rebound time.Time `json:"rebound,omitzero"`
	// Rebinds is set when it has outlived its first token: the last one counts.
	Rebinds bool `json:"rebinds,omitempty"`
	// Left is set when it exists but is not to be used again.
	Left bool `json:"left,omitempty"`
}

// with returns the channel after its topics were put with a token.
func (c *channel) with(t *token) *channel {
	if t == nil {
		return c
	}
	v := *c
	if v.Rebinds || t.expires.Before(v.Bound) {
		v.Bound = t.expires
	}
	v.Rebound = latest(v.Rebound, t.expires)
	return &v
}

// errChannelGone is returned when the platform no longer knows a channel.
var errChannelGone = errors.New("channel is gone")

// createChannel creates a channel. It is not repeated when the outcome is unknown:
// each one that gets lost counts against the limit for a day.
func (p *Platform) createChannel(ctx context.Context) (*channel, error) {
	if err := p.creations.enter(); err != nil {
		return nil, err
	}
	p.lookAhead(ctx)
	a, err := p.client.call(ctx, request{
		method: http.MethodPost, template: channelsTemplate, body: struct{}{}, priority: PriorityChannels, once: true,
	})
	if err != nil {
		return nil, fmt.Errorf("create channel: %w", err)
	}
	var raw struct {
		ID         string          `json:"id"`
		ConnectURI string          `json:"connectUri"`
		Expires    json.RawMessage `json:"expires"`
	}
	if err := lenient(json.Unmarshal(a.body, &raw)); err != nil {
		return nil, errors.New("create channel: answer is not the expected JSON")
	}
	if raw.ID == "" {
		return nil, errors.New("create channel: answer has no id")
	}
	s := scanner{b: raw.Expires}
	expires := s.time()
	if expires.IsZero() {
		expires = p.client.now().Add(channelLife)
	}
	p.counters.created.Add(1)
	ch := &channel{ID: raw.ID, ConnectURI: raw.ConnectURI, Expires: expires, Bound: a.token.expires}
	if err := p.checkConnectURI(raw.ConnectURI); err != nil {
		p.leave(ch)
		p.wasted(true)
		return nil, fmt.Errorf("create channel: %w", err)
	}
	p.bear(ch)
	return ch, nil
}

// checkChannel asks whether a channel still exists. An answer to HEAD has no body that
// could tell who says "not found", and gateways know HEAD less well than GET: the list
// of topics has the last word.
func (p *Platform) checkChannel(ctx context.Context, id string) error {
	_, err := p.client.call(ctx, request{
		method: http.MethodHead, template: channelTemplate, id: id, priority: PriorityChannels,
	})
	if _, refused := errors.AsType[*APIError](err); !refused {
		return err
	}
	if _, err = p.listTopics(ctx, id, PriorityChannels); err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*APIError](err); ok && refused.Status < http.StatusInternalServerError {
		return fmt.Errorf("%w: %w", errChannelGone, err)
	}
	return err
}

// wasted notes a channel that was created for nothing.
func (p *Platform) wasted(refused bool) {
	p.counters.wasted.Add(1)
	p.creations.waste(refused)
}

// listTopics returns the topics of a channel.
func (p *Platform) listTopics(ctx context.Context, id string, prio Priority) (map[string]bool, error) {
	var list struct {
		Entities []channelTopic `json:"entities"`
	}
	_, err := p.client.read(ctx, request{
		method: http.MethodGet, template: subscriptionsTemplate, id: id, priority: prio,
	}, &list)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	topics := make(map[string]bool, len(list.Entities))
	for _, t := range list.Entities {
		topics[t.ID] = true
	}
	return topics, nil
}

// checkConnectURI makes sure that a channel leads to the region. The address itself
// stays out of the error.
func (p *Platform) checkConnectURI(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return errors.New("the channel has no usable address")
	}
	api, err := url.Parse(p.opts.APIURL)
	if err != nil {
		return fmt.Errorf("parse API URL: %w", err)
	}
	host := strings.ToLower(u.Hostname())
	domain := strings.ToLower(strings.TrimPrefix(p.opts.Domain, "."))
	loopback := isLoopback(host) && isLoopback(api.Hostname())
	inside := loopback || strings.EqualFold(host, api.Hostname()) ||
		domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
	if !inside {
		return fmt.Errorf("the channel's host %s: %w", host, ErrForeignHost)
	}
	if u.Scheme != "wss" && (u.Scheme != "ws" || !loopback && !p.opts.AllowInsecure) {
		return fmt.Errorf("the channel's scheme is %q: must be wss", u.Scheme)
	}
	return nil
}
