package genesys

import (
	"slices"
	"strings"
)

// topicOf returns the topic of a user's conversations.
func topicOf(kind, user string) string {
	if kind == TopicConversations {
		return userTopic + user + conversationSuffix
	}
	return userTopic + user + callsSuffix
}

// shape says which topics are used, among those that tell the same.
type shape struct {
	kind  string // of conversations
	plain bool   // without out of office
}

// agentTopicOf returns the combined topic of a user's state: one topic to the limits,
// one notification per aspect.
func agentTopicOf(user string) string { return plainTopicOf(user) + "&outofoffice" }

// plainTopicOf is agentTopicOf without what an organization may not know.
func plainTopicOf(user string) string { return userTopic + user + "?presence&routingStatus&station" }

// states returns the combined topic of a user's state in this shape.
func (f shape) states(user string) string {
	if f.plain {
		return plainTopicOf(user)
	}
	return agentTopicOf(user)
}

// expanded returns the topics that a combined topic stands for, or the topic itself.
func expanded(topic string) []string {
	prefix, aspects, ok := strings.Cut(topic, "?")
	if !ok {
		return []string{topic}
	}
	list := strings.Split(aspects, "&")
	for i, a := range list {
		list[i] = prefix + "." + a
	}
	return list
}

// templateOf replaces the user in a topic, for logs and status.
func templateOf(topic string) string {
	rest, ok := strings.CutPrefix(topic, userTopic)
	if !ok {
		return topic
	}
	if _, aspects, ok := strings.Cut(rest, "?"); ok {
		return userTopic + "{id}?" + aspects
	}
	for _, suffix := range []string{callsSuffix, conversationSuffix} {
		if strings.HasSuffix(rest, suffix) {
			return userTopic + "{id}" + suffix
		}
	}
	return userTopic + "{id}"
}

// share is what one slot carries: its users, and those of them whose state is
// subscribed too.
type share struct {
	users  []string // sorted
	agents []string // sorted, a part of users
}

// topics lists the topics of a share, conversations first.
func (s share) topics(f shape) []string {
	list := make([]string, 0, len(s.users)+len(s.agents))
	for _, u := range s.users {
		list = append(list, topicOf(f.kind, u))
	}
	for _, u := range s.agents {
		list = append(list, f.states(u))
	}
	return list
}

// plan divides users into at most most shares of one channel each. Users stay where
// they are in before, new ones go where there is room. When the channels are too few
// for everything, states are left out before conversations are; users beyond the limit
// are returned as left over.
func plan(before []share, users []string, agents bool, most int) (shares []share, left []string) {
	wanted := make(map[string]bool, len(users))
	for _, u := range users {
		wanted[u] = true
	}
	for _, s := range before {
		var kept []string
		for _, u := range s.users {
			if wanted[u] {
				kept = append(kept, u)
				delete(wanted, u)
			}
		}
		shares = append(shares, share{users: kept})
	}
	comfortable := topicsPerChannel
	if agents {
		comfortable /= 2
	}
	for len(shares) < min(most, (len(users)+comfortable-1)/comfortable) {
		shares = append(shares, share{})
	}
	for _, u := range users {
		if !wanted[u] {
			continue
		}
		i := emptiest(shares)
		if i >= 0 && len(shares[i].users) >= comfortable && len(shares) < most {
			shares = append(shares, share{})
			i = len(shares) - 1
		}
		if i < 0 || len(shares[i].users) >= topicsPerChannel {
			left = append(left, u)
			continue
		}
		shares[i].users = append(shares[i].users, u)
	}
	for i := range shares {
		s := &shares[i]
		slices.Sort(s.users)
		if agents {
			s.agents = s.users[:min(len(s.users), topicsPerChannel-len(s.users))]
		}
	}
	return shares, left
}

func emptiest(shares []share) int {
	best := -1
	for i, s := range shares {
		if best < 0 || len(s.users) < len(shares[best].users) {
			best = i
		}
	}
	return best
}
