package genesys

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Probe asks the platform single questions, with the code and the options that a
// running [Platform] would use, and changes nothing that anybody else uses. Its errors
// are as safe to show as those of Platform.
type Probe struct{ p *Platform }

// NewProbe checks the options like [New]. It does not talk to anybody.
func NewProbe(opts Options) (*Probe, error) {
	opts.Store = nil
	def(&opts.Timings.Request, 10*time.Second)
	def(&opts.Timings.Retries, 1)
	p, err := New(opts)
	if err != nil {
		return nil, err
	}
	return &Probe{p}, nil
}

// Close lets go of idle connections.
func (b *Probe) Close() { b.p.Close() }

// Reached is what one answer told about the host that gave it.
type Reached struct {
	Host string
	TLS  string // version, such as TLS 1.3; empty for plain http
	// Date is the host's clock, cut to seconds; zero when it did not tell. The request
	// was under way from Asked to Received.
	Date            time.Time
	Asked, Received time.Time
}

// Reach makes one request without credentials to a base URL, through the proxy where
// one is set. Any answer will do but that of a proxy which refuses.
func (b *Probe) Reach(ctx context.Context, base string) (Reached, error) {
	u, err := url.Parse(base)
	if err != nil {
		return Reached{}, fmt.Errorf("reach: %w", bare(err))
	}
	r := Reached{Host: u.Hostname()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base, http.NoBody)
	if err != nil {
		return r, fmt.Errorf("reach %s: %w", r.Host, bare(err))
	}
	// A redirect is an answer too: it is not followed.
	client := &http.Client{
		Transport: b.p.client.http.Transport, Timeout: b.p.opts.Timings.Request,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r.Asked = time.Now()
	resp, err := client.Do(req)
	r.Received = time.Now()
	if err != nil {
		return r, fmt.Errorf("reach %s: %w", r.Host, bare(err))
	}
	_ = resp.Body.Close()
	if resp.TLS != nil {
		r.TLS = tls.VersionName(resp.TLS.Version)
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.Date = date
	}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		return r, fmt.Errorf("reach %s: the proxy asks for credentials", r.Host)
	}
	return r, nil
}

// Token obtains a token and tells how long it lives. The class of a refusal is
// [ErrUnauthorized].
func (b *Probe) Token(ctx context.Context) (time.Duration, error) {
	t, err := b.p.tokens.get(ctx)
	if err != nil {
		return 0, err
	}
	return t.expires.Sub(t.since).Round(time.Second), nil
}

// OfferedTopic is a topic that the organization offers.
type OfferedTopic struct {
	Permissions []string
	// Socket reports whether it comes over a websocket.
	Socket bool
}

// WantedTopics are the templates that the options ask for; the one of conversations
// comes first, then its substitute, then the aspects of agents.
func (b *Probe) WantedTopics() []string {
	const user = "{id}"
	list := []string{topicOf(TopicCalls, user), topicOf(TopicConversations, user)}
	if b.p.opts.Topic == TopicConversations {
		slices.Reverse(list)
	}
	if b.p.opts.AgentEvents {
		list = append(list, expanded(agentTopicOf(user))...)
	}
	return list
}

// Topics lists the topics that the organization offers, by template.
func (b *Probe) Topics(ctx context.Context) (map[string]OfferedTopic, error) {
	var list struct {
		Entities []struct {
			ID          string   `json:"id"`
			Permissions []string `json:"requiresPermissions"`
			Transports  []string `json:"transports"`
		} `json:"entities"`
	}
	_, err := b.p.client.read(ctx, request{
		method: http.MethodGet, template: "/api/v2/notifications/availabletopics",
		query: url.Values{"expand": {"requiresPermissions,transports"}}, priority: PriorityDiscovery,
	}, &list)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	offered := make(map[string]OfferedTopic, len(list.Entities))
	for _, t := range list.Entities {
		socket := len(t.Transports) == 0 // not told
		for _, way := range t.Transports {
			socket = socket || strings.EqualFold(way, "all") || strings.EqualFold(way, "websocket")
		}
		offered[t.ID] = OfferedTopic{Permissions: t.Permissions, Socket: socket}
	}
	return offered, nil
}

// Users finds whom the options select, as at a start. What it could not find out about
// single groups, queues and users goes to the logger.
func (b *Probe) Users(ctx context.Context) ([]string, error) {
	found, err := b.p.findUsers(ctx)
	if err != nil {
		return nil, err
	}
	return found.monitored, nil
}

// ChannelsNeeded is how many channels so many users take, and how many of the users
// do not fit on the channels that the options allow.
func (b *Probe) ChannelsNeeded(users []string) (channels, left int) {
	shares, rest := plan(nil, users, b.p.opts.AgentEvents, b.p.opts.MaxChannels)
	return len(shares), len(rest)
}

// Channels counts the channels of the OAuth client, whoever made them. limit is how
// many the platform keeps.
func (b *Probe) Channels(ctx context.Context) (count, limit int, err error) {
	var list struct {
		Entities []json.RawMessage `json:"entities"`
	}
	_, err = b.p.client.read(ctx, request{
		method: http.MethodGet, template: channelsTemplate,
		query: url.Values{"includechannels": {"oauthclient"}}, priority: PriorityDiscovery,
	}, &list)
	if err != nil {
		return 0, channelLimit, fmt.Errorf("count channels: %w", err)
	}
	return len(list.Entities), channelLimit, nil
}

// Right is something that the service reads, and needs a permission for.
type Right string

// The rights that can be tried without a channel.
const (
	RightConversations Right = "conversations" // read a call
	RightAnalytics     Right = "analytics"     // list open calls
	RightQueues        Right = "queues"        // names of queues
	RightPresence      Right = "presence"      // presence, routing status and station of users
	RightStations      Right = "stations"      // names and types of stations
)

// nobody is the id of no conversation.
const nobody = "00000000-0000-0000-0000-000000000000"

// Try uses a right, on something that does not exist or on as little as possible. The
// class of a refusal is [ErrForbidden].
func (b *Probe) Try(ctx context.Context, r Right) error {
	get := func(template string, query url.Values) error {
		_, err := b.p.client.call(ctx, request{
			method: http.MethodGet, template: template, id: nobody, query: query, priority: PriorityDiscovery,
		})
		return err
	}
	one := url.Values{"pageSize": {"1"}}
	switch r {
	case RightConversations:
		// Who may not read is told so; who may is told that there is no such call.
		return errors.Join(answered(get(flatTemplate, nil)), answered(get(nestedTemplate, nil)))
	case RightAnalytics:
		_, err := b.p.OpenConversations(ctx, time.Now().Add(-time.Minute))
		return err
	case RightQueues:
		err := get("/api/v2/routing/queues", one)
		if errors.Is(err, ErrForbidden) {
			if get("/api/v2/routing/queues/divisionviews", one) == nil {
				return nil
			}
		}
		return err
	case RightPresence:
		query := b.p.expand()
		query.Set("pageSize", "1")
		return get(usersTemplate, query)
	case RightStations:
		return get("/api/v2/stations", one)
	}
	return fmt.Errorf("try right %q: no such right", r)
}

// answered takes an answer about something that does not exist for a good one.
func answered(err error) error {
	if refused, ok := errors.AsType[*APIError](err); ok && refused.genuine &&
		(refused.Status == http.StatusNotFound || refused.Status == http.StatusBadRequest) {
		return nil
	}
	return err
}
