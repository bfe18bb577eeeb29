package genesys

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Status is the state of the connection at one moment. It holds no secrets.
type Status struct {
	// Ready is set when every monitored user whose topic is permitted is observed, and
	// there is one.
	Ready bool
	// TokenSince and TokenExpires are zero without a token.
	TokenSince, TokenExpires time.Time
	// ClockOffset is what has to be added to the local clock to get the platform's.
	// It is as coarse as the Date header: a second.
	ClockOffset time.Duration
	Channels    []ChannelStatus
	// Budget counts the channels of the OAuth client, also those of others.
	Budget   ChannelBudget
	Users    int // monitored
	Observed int // of these, up
	// Rejected counts the topics the platform refuses, by missing permission.
	Rejected []RejectedTopics
	// The rate limit of the platform's present window.
	RateAllowed, RateRemaining int
	RateReset                  time.Time
	// LastError is the latest failure; it stays after recovery, with its time.
	LastError     string
	LastErrorTime time.Time
}

// ChannelStatus is one slot.
type ChannelStatus struct {
	Slot          int
	Open          bool // socket open and topics confirmed
	Topics        int
	Users         int
	Opened        time.Time
	LastHeartbeat time.Time
	LastEvent     time.Time
	Expires       time.Time // by the platform's clock
}

// RejectedTopics is a class of refused topics.
type RejectedTopics struct {
	Permission string // empty when the platform did not say
	Topic      string // template, such as v2.users.{id}.conversations.calls
	Users      int
}

// Stats are counters since the start.
type Stats struct {
	FramesConversation uint64 // delivered as snapshots
	FramesAgent        uint64
	FramesControl      uint64 // heartbeats, pongs, replies, system messages
	FramesRepeated     uint64 // seen on both sides of an overlap, handed over once
	FramesMalformed    uint64 // not JSON, or without what is needed
	FramesOversized    uint64
	FramesUnknown      uint64 // topics and users nobody asked for
	BytesRead          uint64

	Connects        uint64 // sockets opened
	Disconnects     uint64 // sockets lost, not those given up on purpose
	SilentSockets   uint64
	ChannelsCreated uint64
	ChannelsReused  uint64
	ChannelsLost    uint64
	ChannelsWasted  uint64 // created, and gone or refused before they carried anything
	Replacements    uint64 // channels replaced new before old
	Acquitted       uint64 // suspicions that a channel starves which were not confirmed
	TokensIssued    uint64
	TokenErrors     uint64

	Requests       uint64
	RequestErrors  uint64
	RequestRetries uint64
	RateLimited    uint64 // answers with status 429
	RateWaits      uint64 // calls that waited at the gate
	Discoveries    uint64
}

type counters struct {
	conversation, agent, control, repeated, malformed, oversized, unknown, bytes atomic.Uint64
	connects, disconnects, silent, created, reused, lost, renewals, discoveries  atomic.Uint64
	wasted, acquitted                                                            atomic.Uint64
}

// Stats returns the counters.
func (p *Platform) Stats() Stats {
	c, r := &p.counters, p.client
	return Stats{
		FramesConversation: c.conversation.Load(), FramesAgent: c.agent.Load(), FramesControl: c.control.Load(),
		FramesRepeated: c.repeated.Load(), FramesMalformed: c.malformed.Load(), FramesOversized: c.oversized.Load(),
		FramesUnknown: c.unknown.Load(), BytesRead: c.bytes.Load(),
		Connects: c.connects.Load(), Disconnects: c.disconnects.Load(), SilentSockets: c.silent.Load(),
		ChannelsCreated: c.created.Load(), ChannelsReused: c.reused.Load(), ChannelsLost: c.lost.Load(),
		ChannelsWasted: c.wasted.Load(), Acquitted: c.acquitted.Load(),
		Replacements: c.renewals.Load(), TokensIssued: p.tokens.issued.Load(), TokenErrors: p.tokens.refused.Load(),
		Requests: r.requests.Load(), RequestErrors: r.failures.Load(), RequestRetries: r.retries.Load(),
		RateLimited: r.limited.Load(), RateWaits: r.gate.waits.Load(), Discoveries: c.discoveries.Load(),
	}
}

// Status returns the present state.
func (p *Platform) Status() Status {
	v := Status{ClockOffset: time.Duration(p.client.offset.Load())}
	if t := p.tokens.shown.Load(); t != nil {
		v.TokenSince, v.TokenExpires = t.since, t.expires
	}
	v.RateAllowed, v.RateRemaining, v.RateReset = p.client.gate.budget()
	for _, s := range p.allSlots() {
		v.Channels = append(v.Channels, s.status())
	}
	p.mu.Lock()
	feed := p.feed
	v.Budget = p.budget
	v.LastError, v.LastErrorTime = p.lastError, p.lastTime
	sum := make(map[RejectedTopics]int)
	for _, m := range p.rejected {
		for class, n := range m {
			sum[class] += n
		}
	}
	p.mu.Unlock()
	for class, n := range sum {
		class.Users = n
		v.Rejected = append(v.Rejected, class)
	}
	slices.SortFunc(v.Rejected, func(a, b RejectedTopics) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Permission, b.Permission))
	})
	if m := p.monitored.Load(); m != nil && feed != nil {
		n := feed.count()
		v.Users = len(*m)
		v.Observed = v.Users - n.down
		v.Ready = n.known && n.down == n.refused && (v.Observed > 0 || v.Users == 0) && !v.TokenExpires.IsZero() && time.Now().Before(v.TokenExpires)
	}
	return v
}

func (s *slot) status() ChannelStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := ChannelStatus{
		Slot: s.index, Open: s.open, Topics: len(s.share.users) + len(s.share.agents), Users: len(s.share.users), Expires: s.expires,
	}
	if k := s.socket; k != nil {
		v.Opened, v.LastHeartbeat, v.LastEvent = k.opened, unixNano(k.heartbeat.Load()), unixNano(k.event.Load())
	}
	return v
}

func unixNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// refusals notes the refused topics of a slot and logs them when they changed.
func (p *Platform) refusals(slot int, log *slog.Logger, refused rejections) {
	classes := make(map[RejectedTopics]int)
	for topic, permission := range refused {
		classes[RejectedTopics{Permission: permission, Topic: templateOf(topic)}]++
		log.Debug("topic is refused", "topic", topic, "permission", permission)
	}
	p.mu.Lock()
	before := p.rejected[slot]
	p.rejected[slot] = classes
	p.mu.Unlock()
	if maps.Equal(before, classes) {
		return
	}
	for class, n := range classes {
		log.Error("the platform refuses topics", "topic", class.Topic, "missing_permission", class.Permission, "users", n,
			"user_ids", usersOf(refused, class))
	}
	if len(classes) == 0 && len(before) > 0 {
		log.Info("the platform refuses no topics any more")
	}
}

// usersOf names some of the users whose topic is refused.
func usersOf(refused rejections, class RejectedTopics) []string {
	const most = 10
	var ids []string
	for topic, permission := range refused {
		if permission == class.Permission && templateOf(topic) == class.Topic {
			if parts := strings.SplitN(topic, ".", 4); len(parts) > 2 {
				id, _, _ := strings.Cut(parts[2], "?")
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids[:min(len(ids), most)]
}
