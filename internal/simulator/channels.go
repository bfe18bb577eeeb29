package simulator

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// channels holds the living notification channels.
type channels struct {
	mu      sync.Mutex
	byID    map[string]*channel
	created int
	evicted int
}

func (c *channels) init() { c.byID = make(map[string]*channel) }

// ChannelInfo is what the organization knows about one living channel.
type ChannelInfo struct {
	ID        string    `json:"id"`
	Client    string    `json:"client"`
	Topics    []string  `json:"topics"`
	Connected bool      `json:"connected"`
	Starved   bool      `json:"starved"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires"`
}

// Channels returns the living channels, oldest first.
func (o *Org) Channels() []ChannelInfo {
	o.channels.mu.Lock()
	defer o.channels.mu.Unlock()
	infos := make([]ChannelInfo, 0, len(o.channels.byID))
	for _, ch := range o.channels.byID {
		info := ChannelInfo{ID: ch.id, Client: ch.client, Created: ch.created, Expires: ch.expires}
		for _, topic := range ch.topics {
			info.Topics = append(info.Topics, topic.ID)
		}
		ch.mu.Lock()
		info.Connected, info.Starved = ch.socket != nil, ch.starved
		ch.mu.Unlock()
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b ChannelInfo) int {
		if n := a.Created.Compare(b.Created); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return infos
}

// ChannelsCreated is how many channels were ever created.
func (o *Org) ChannelsCreated() int {
	o.channels.mu.Lock()
	defer o.channels.mu.Unlock()
	return o.channels.created
}

// ChannelsEvicted is how many channels had to go because of the limit.
func (o *Org) ChannelsEvicted() int {
	o.channels.mu.Lock()
	defer o.channels.mu.Unlock()
	return o.channels.evicted
}

// createChannel makes room if the client has too many, then creates one.
func (o *Org) createChannel(who caller) *channel {
	at := time.Now()
	ch := &channel{
		id: "streaming-1-" + o.dice.word(26), client: who.client.ID, tokens: []*token{who.token},
		created: at, lastUsed: at, expires: at.Add(o.opts.ChannelLife), due: make(map[string]time.Time),
	}
	o.channels.mu.Lock()
	defer o.channels.mu.Unlock()
	var own []*channel
	for _, other := range o.channels.byID {
		if other.client == ch.client {
			own = append(own, other)
		}
	}
	for len(own) >= o.opts.MaxChannels {
		victim := slices.MinFunc(own, func(a, b *channel) int {
			if ac, bc := a.connected(), b.connected(); ac != bc {
				if bc {
					return -1
				}
				return 1
			}
			if n := a.lastUsed.Compare(b.lastUsed); n != 0 {
				return n
			}
			return strings.Compare(a.id, b.id)
		})
		own = slices.DeleteFunc(own, func(c *channel) bool { return c == victim })
		o.evict(victim)
	}
	o.channels.byID[ch.id] = ch
	o.channels.created++
	return ch
}

// evict removes a channel; the caller holds the lock of channels.
func (o *Org) evict(ch *channel) {
	o.channels.evicted++
	o.log.Info("channel evicted", "client", ch.client)
	if o.opts.EvictionStarves {
		// The socket stays and beats on; the channel is gone for everybody else.
		o.removeChannel(ch, "")
		return
	}
	o.removeChannel(ch, "channel replaced")
}

// removeChannel forgets a channel and closes its socket if a reason is given;
// the caller holds the lock of channels.
func (o *Org) removeChannel(ch *channel, reason string) {
	delete(o.channels.byID, ch.id)
	o.hub.replace(ch, ch.topics, nil)
	ch.topics = nil
	ch.mu.Lock()
	s := ch.socket
	ch.mu.Unlock()
	if s != nil && reason != "" {
		s.kill(closeGoingAway, reason)
	}
}

// killChannels removes the chosen channels because their token is gone.
func (o *Org) killChannels(chosen func(*channel) bool, how tokenEnd) {
	o.channels.mu.Lock()
	defer o.channels.mu.Unlock()
	for _, ch := range slices.Collect(maps.Values(o.channels.byID)) {
		if !chosen(ch) {
			continue
		}
		if how == tokenRevoked {
			o.tell(ch, "v2.system.token_revoked."+ch.id, systemMessage{
				ChannelID: ch.id, SystemTopicType: "token_revoked", OAuthClientID: ch.client, Reason: "user_tokens_revoked",
			})
		}
		o.removeChannel(ch, "token "+string(how))
	}
}

// tell sends a system message on the channel's socket, if it has one.
func (o *Org) tell(ch *channel, topic string, body systemMessage) {
	data := mustJSON(systemFrame{TopicName: topic, Version: "2", EventBody: body})
	o.send(ch, &frame{data: data, topic: topic})
}

func (o *Org) expireChannels(at time.Time) {
	o.channels.mu.Lock()
	defer o.channels.mu.Unlock()
	for _, ch := range slices.Collect(maps.Values(o.channels.byID)) {
		if !at.Before(ch.expires) {
			o.removeChannel(ch, "channel expired")
		}
	}
}

// living returns a channel of the client that has not expired, or nil. The
// caller holds the lock of channels.
func (o *Org) living(id string, c *Client) *channel {
	ch := o.channels.byID[id]
	if ch == nil || c != nil && ch.client != c.ID || !time.Now().Before(ch.expires) {
		return nil
	}
	return ch
}

// subscribe replaces the topics of a channel, or adds to them, and extends its life.
func (o *Org) subscribe(id string, who caller, ids []string, add, ignoreErrors bool) ([]channelTopic, *apiError) {
	topics, failure := o.resolveTopics(ids, who.client, ignoreErrors)
	if failure != nil {
		return nil, failure
	}
	o.channels.mu.Lock()
	defer o.channels.mu.Unlock()
	ch := o.living(id, who.client)
	if ch == nil {
		e := errNotFound("channel", id)
		return nil, &e
	}
	var kept []channelTopic
	if add {
		kept = slices.Clone(ch.topics)
	}
	for _, topic := range topics {
		known := slices.ContainsFunc(kept, func(t channelTopic) bool { return t.ID == topic.ID })
		if topic.State == statePermitted && !known {
			kept = append(kept, topic)
		}
	}
	if len(kept) > o.opts.MaxTopics || len(ids) > o.opts.MaxTopics {
		e := errBadRequest("Cannot subscribe to more than %d topics on one channel", o.opts.MaxTopics)
		return nil, &e
	}
	o.hub.replace(ch, ch.topics, kept)
	ch.topics = kept
	ch.lastUsed = time.Now()
	ch.expires = ch.lastUsed.Add(o.opts.ChannelLife)
	if o.opts.RebindOnSubscribe {
		ch.tokens = []*token{who.token}
	} else if !slices.Contains(ch.tokens, who.token) {
		ch.tokens = append(ch.tokens, who.token)
	}
	return topics, nil
}
