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

// channel is a notification channel. Its address is a secret.
type channel struct {
	ID         string    `json:"id"`
	ConnectURI string    `json:"connectUri"`
	Expires    time.Time `json:"expires"`
	// Bound is when the token that created it expires: the channel may die with it.
	Bound time.Time `json:"bound"`
}

// errChannelGone is returned when the platform no longer knows a channel.
var errChannelGone = errors.New("channel is gone")

// createChannel creates a channel. It is not repeated when the outcome is unknown:
// each one that gets lost counts against the limit for a day.
func (p *Platform) createChannel(ctx context.Context) (*channel, error) {
	if !p.creations.Allow() {
		return nil, errors.New("create channel: too many were created lately")
	}
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
	if err := p.checkConnectURI(raw.ConnectURI); err != nil {
		return nil, fmt.Errorf("create channel: %w", err)
	}
	s := scanner{b: raw.Expires}
	expires := s.time()
	if expires.IsZero() {
		expires = p.client.now().Add(channelLife)
	}
	p.counters.created.Add(1)
	return &channel{ID: raw.ID, ConnectURI: raw.ConnectURI, Expires: expires, Bound: a.token.expires}, nil
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

// countChannels returns how many channels the OAuth client has, those of others too.
func (p *Platform) countChannels(ctx context.Context) (int, error) {
	var list struct {
		Entities []json.RawMessage `json:"entities"`
	}
	_, err := p.client.read(ctx, request{
		method: http.MethodGet, template: channelsTemplate,
		query: url.Values{"includechannels": {"oauthclient"}}, priority: PriorityPeriodic,
	}, &list)
	return len(list.Entities), err
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
