package genesys

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// confirm replaces the topics of the socket's channel by those of the share, and
// reports the outcome.
func (s *slot) confirm(socket *socket) error {
	v := s.current()
	refused, err := s.put(socket.alive, socket.channel, v)
	if err != nil {
		if errors.Is(err, errChannelGone) {
			s.lose(CauseChannelLost, socket.lastFrame())
		}
		return fmt.Errorf("subscribe: %w", err)
	}
	if ch := s.ch.with(s.p.tokens.shown.Load()); *ch != *s.ch {
		s.ch = ch
		s.p.remember(s.index, ch)
	}
	s.confirmed(socket, v, refused)
	return nil
}

// put replaces the topics of a channel. When all conversations are refused in one
// shape it tries the other one.
func (s *slot) put(ctx context.Context, ch *channel, v share) (rejections, error) {
	refused, err := s.p.subscribeAll(ctx, ch.ID, v.topics(s.shape()))
	if err == nil && !s.plain && statesRefused(refused, s.shape(), v) {
		refused, err = s.simplify(ctx, ch, v, refused)
	}
	if err != nil || !allRefused(refused, s.kind, v) {
		return refused, err
	}
	other := TopicConversations
	if s.kind == TopicConversations {
		other = TopicCalls
	}
	again, err := s.p.subscribeAll(ctx, ch.ID, v.topics(shape{other, s.plain}))
	if err != nil {
		return nil, err
	}
	if allRefused(again, other, v) {
		return refused, nil // to be reported in the shape that was asked for
	}
	s.log.Warn("the platform refuses the topic for all users: using the other one",
		"refused", templateOf(topicOf(s.kind, "x")), "used", templateOf(topicOf(other, "x")))
	s.kind = other
	s.p.prefer(other)
	return again, nil
}

// simplify adds the topics of the agents' states without out of office, when they were
// all refused with it: perhaps that is the part that the organization does not know.
func (s *slot) simplify(ctx context.Context, ch *channel, v share, refused rejections) (rejections, error) {
	const budget = 20 // calls
	s.plain = true
	s.p.stateless.Store(true)
	for _, u := range v.agents {
		delete(refused, agentTopicOf(u))
	}
	left := budget
	if err := s.p.search(ctx, ch.ID, share{agents: v.agents}.topics(s.shape()), refused, &left); err != nil {
		return nil, err
	}
	if !statesRefused(refused, s.shape(), v) {
		s.log.Warn("the platform refuses the topic of out of office: it is read by REST only")
	}
	return refused, nil
}

// statesRefused reports whether nobody's state may be observed in this shape.
func statesRefused(r rejections, f shape, v share) bool {
	for _, u := range v.agents {
		if _, no := r[f.states(u)]; !no {
			return false
		}
	}
	return len(v.agents) > 0
}

func allRefused(r rejections, kind string, v share) bool {
	for _, u := range v.users {
		if _, no := r[topicOf(kind, u)]; !no {
			return false
		}
	}
	return len(v.users) > 0
}

// confirmed notes a subscription and reports who is up and who is refused.
func (s *slot) confirmed(socket *socket, v share, refused rejections) {
	s.subscribed, s.refused, s.verified = v, refused, time.Now()
	s.worked, s.owed = true, ""
	s.p.refusals(s.index, s.log, refused)
	var up, down []string
	for _, u := range v.users {
		if _, no := refused[topicOf(s.kind, u)]; no {
			down = append(down, u)
		} else {
			up = append(up, u)
		}
	}
	s.reports.Lock() // the end of the socket is reported after this
	defer s.reports.Unlock()
	expires := s.p.client.now().Add(channelLife)
	if socket.channel.Expires.After(expires) || time.Since(socket.opened) < time.Minute && !socket.channel.Expires.IsZero() {
		expires = socket.channel.Expires
	}
	s.mu.Lock()
	present := s.socket == socket && !socket.gone
	if present {
		before := s.since
		if !s.open {
			before = nil
		}
		s.open, s.expires = true, expires
		s.since = make(map[string]time.Time, len(up))
		s.observe(up, before)
	}
	s.mu.Unlock()
	if !present {
		return
	}
	s.p.feed.lose(CauseTopicRejected, time.Now(), down)
	s.p.feed.regain(up)
	s.p.refresh()
}

// update subscribes newcomers, tries refused topics again, and drops who left.
func (s *slot) update(socket *socket) error {
	v := s.current()
	before := make(map[string]bool)
	for _, t := range s.subscribed.topics(s.shape()) {
		before[t] = true
	}
	var added []string
	for _, t := range v.topics(s.shape()) {
		_, no := s.refused[t]
		if !before[t] || no {
			added = append(added, t)
		}
		delete(before, t)
	}
	switch {
	case len(before) > 0:
		return s.confirm(socket)
	case len(added) == 0:
		return s.verify(socket)
	}
	answer, err := s.p.subscribe(socket.alive, http.MethodPost, socket.channel.ID, added)
	if refusedAsWhole(err) {
		return s.confirm(socket)
	}
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	refused := maps.Clone(s.refused)
	if refused == nil {
		refused = make(rejections)
	}
	news := make(map[string]bool)
	for _, t := range added {
		delete(refused, t)
		news[t] = true
	}
	maps.Copy(refused, answer)
	s.subscribed, s.refused, s.verified = v, refused, time.Now()
	s.p.refusals(s.index, s.log, refused)
	up, down := []string(nil), []string(nil)
	for _, u := range v.users {
		t := topicOf(s.kind, u)
		if _, no := refused[t]; no {
			down = append(down, u)
		} else if news[t] {
			up = append(up, u)
		}
	}
	s.mu.Lock()
	if s.open {
		s.observe(up, nil)
	}
	s.mu.Unlock()
	s.p.feed.lose(CauseTopicRejected, time.Now(), down)
	s.p.feed.regain(slices.Clip(up))
	return nil
}

// observe notes since when users are observed without a break: since before, as far as
// that tells, else from now on. The caller holds the lock.
func (s *slot) observe(users []string, before map[string]time.Time) {
	now := time.Now()
	for _, u := range users {
		since, was := before[u]
		if !was {
			since = now
		}
		s.since[u] = since
	}
}

// verify compares the channel with what it should carry: an evicted one, or one whose
// topics were taken away, may go on beating without delivering anything. Nothing else can be
// done with the slot meanwhile, so it does not wait behind questions about calls.
func (s *slot) verify(socket *socket) error {
	asked := time.Now()
	topics, err := s.p.listTopics(socket.alive, socket.channel.ID, PriorityChannels)
	if errors.Is(err, ErrNotFound) {
		s.lose(CauseStarved, s.verified)
		return fmt.Errorf("%w: %w", errChannelGone, err)
	}
	if err != nil {
		return nil //nolint:nilerr // anything else is no news about the channel
	}
	for _, u := range s.subscribed.users {
		t := topicOf(s.kind, u)
		if _, no := s.refused[t]; no || topics[t] {
			continue
		}
		if len(topics) > 0 {
			s.log.Warn("channel has lost topics", "topics", len(topics))
			s.lose(CauseChannelLost, s.verified)
		}
		return s.confirm(socket)
	}
	s.verified = asked
	return nil
}
