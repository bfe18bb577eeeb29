package simulator

import (
	"slices"
	"strings"
)

// maxCombined is the longest combined topic, in characters.
const maxCombined = 200

// topicKind is one template of the topics that the organization knows.
type topicKind struct {
	template    string
	description string
	permission  string
}

// topicKinds lists the templates; {id} stands for a user or a queue.
func (o *Org) topicKinds() []topicKind {
	kinds := []topicKind{
		{"v2.users.{id}.conversations.calls", "calls of a user", PermissionConversationView},
		{"v2.users.{id}.conversations", "conversations of a user", PermissionConversationView},
		{"v2.users.{id}.presence", "presence of a user", ""},
		{"v2.users.{id}.routingStatus", "routing status of a user", ""},
		{"v2.users.{id}.station", "station of a user", ""},
		{"v2.users.{id}.outofoffice", "out of office of a user", ""},
		{"v2.users.{id}.activity", "activity of a user", ""},
		{"v2.users.{id}.conversationsummary", "number of conversations of a user", PermissionConversationView},
		{"v2.routing.queues.{id}.conversations.calls", "calls of a queue", PermissionConversationView},
	}
	return slices.DeleteFunc(kinds, func(k topicKind) bool { return slices.Contains(o.opts.UnknownTopics, k.template) })
}

// expandTopic returns the names under which notifications of a topic arrive.
func (o *Org) expandTopic(id string) ([]string, bool) {
	prefix, rest, combined := strings.Cut(id, "?")
	if !combined {
		return []string{id}, true
	}
	if len(id) > maxCombined {
		return nil, false
	}
	var names []string
	for suffix := range strings.SplitSeq(rest, "&") {
		if suffix == "" || strings.Contains(suffix, ".") && !o.opts.DottedSuffixes {
			return nil, false
		}
		names = append(names, prefix+"."+suffix)
	}
	return names, true
}

// verdict on one expanded topic.
type verdict struct {
	known   bool
	reason  string
	missing []string
}

func (v verdict) rejected() bool { return v.reason != "" }

// judgeTopic decides whether a client may subscribe to one expanded topic.
func (o *Org) judgeTopic(name string, c *Client) verdict {
	for _, kind := range o.topicKinds() {
		before, after, _ := strings.Cut(kind.template, "{id}")
		id, ok := strings.CutPrefix(name, before)
		if !ok {
			continue
		}
		if id, ok = strings.CutSuffix(id, after); !ok || id == "" || strings.Contains(id, ".") {
			continue
		}
		return o.judgeKind(kind, id, c)
	}
	return verdict{}
}

func (o *Org) judgeKind(kind topicKind, id string, c *Client) verdict {
	var division string
	if strings.HasPrefix(kind.template, "v2.users.") {
		m := o.directory.member(id)
		if m == nil {
			return verdict{known: true, reason: "user not found"}
		}
		division = m.fixed.Division
		if o.opts.RejectFlatTopic && strings.HasSuffix(kind.template, ".conversations.calls") {
			return verdict{known: true, reason: "topic requires the current user"}
		}
	} else {
		q, ok := o.directory.queue(id)
		if !ok {
			return verdict{known: true, reason: "queue not found"}
		}
		division = q.Division
	}
	if !c.may(kind.permission) {
		return verdict{known: true, reason: "missing permissions", missing: []string{kind.permission}}
	}
	if kind.permission != "" && !c.sees(division) {
		return verdict{known: true, reason: "missing division permissions", missing: []string{kind.permission}}
	}
	return verdict{known: true}
}

// channelTopic is one subscription as the API shows it.
type channelTopic struct {
	ID                 string   `json:"id"`
	State              string   `json:"state"`
	RejectionReason    string   `json:"rejectionReason,omitempty"`
	MissingPermissions []string `json:"missingPermissions,omitempty"`
	SelfURI            string   `json:"selfUri,omitempty"`

	expanded []string // the names that are delivered; empty when rejected
}

const (
	statePermitted = "Permitted"
	stateRejected  = "Rejected"
)

// resolveTopics judges a request to subscribe. Unknown and malformed topics fail
// the whole request always, refused ones unless errors are ignored.
func (o *Org) resolveTopics(ids []string, c *Client, ignoreErrors bool) ([]channelTopic, *apiError) {
	topics := make([]channelTopic, 0, len(ids))
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		names, ok := o.expandTopic(id)
		if !ok {
			e := errBadRequest("Invalid combined topic: %s", id)
			return nil, &e
		}
		topic := channelTopic{ID: id, State: statePermitted, SelfURI: "/api/v2/notifications/channels/subscriptions/" + id}
		var refused []channelTopic
		for _, name := range names {
			v := o.judgeTopic(name, c)
			switch {
			case !v.known:
				e := errBadRequest("Invalid topic: %s", name)
				return nil, &e
			case v.rejected() && !ignoreErrors:
				e := errForbidden(v.missing...)
				e.message += " (" + v.reason + ": " + name + ")"
				return nil, &e
			case v.rejected():
				refused = append(refused, channelTopic{
					ID: name, State: stateRejected, RejectionReason: v.reason, MissingPermissions: v.missing,
				})
			default:
				topic.expanded = append(topic.expanded, name)
			}
		}
		// Of a combined topic with some refused parts, the whole is Permitted and
		// each refused part is listed under its own name.
		if len(topic.expanded) > 0 {
			topics = append(topics, topic)
			topics = append(topics, refused...)
			continue
		}
		topic.State = stateRejected
		topic.RejectionReason = refused[0].RejectionReason
		topic.MissingPermissions = refused[0].MissingPermissions
		topics = append(topics, topic)
	}
	return topics, nil
}
