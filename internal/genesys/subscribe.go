package genesys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// topicID is an element of the list of topics as the platform wants it.
type topicID struct {
	ID string `json:"id"`
}

// channelTopic is an element of the platform's answer.
type channelTopic struct {
	ID                 string   `json:"id"`
	State              string   `json:"state"`
	MissingPermissions []string `json:"missingPermissions"`
}

// rejections are the refused topics with the permission that is missing, empty where
// the platform did not say.
type rejections map[string]string

// subscribe sends topics in one call: PUT replaces the list of the channel, POST adds.
func (p *Platform) subscribe(ctx context.Context, method, channel string, topics []string) (rejections, error) {
	list := make([]topicID, len(topics))
	for i, t := range topics {
		list[i].ID = t
	}
	var reply struct {
		Entities []channelTopic `json:"entities"`
	}
	a, err := p.client.read(ctx, request{
		method: method, template: subscriptionsTemplate, id: channel, body: list,
		query: url.Values{"ignoreErrors": {"true"}}, priority: PriorityChannels,
	}, &reply)
	if err != nil {
		// A page of a gateway that says "not found" is no word about the channel.
		refused, ok := errors.AsType[*APIError](err)
		if ok && (errors.Is(err, ErrNotFound) || refused.Status == http.StatusGone && refused.genuine) {
			return nil, fmt.Errorf("%w: %w", errChannelGone, err)
		}
		return nil, err
	}
	if len(bytes.TrimSpace(a.body)) == 0 {
		return p.taken(ctx, channel, topics)
	}
	return rejected(topics, reply.Entities), nil
}

// taken asks for the topics of a channel after an answer that said yes without a word.
// What is not there was refused.
func (p *Platform) taken(ctx context.Context, channel string, topics []string) (rejections, error) {
	listed, err := p.listTopics(ctx, channel, PriorityChannels)
	if err != nil {
		return nil, fmt.Errorf("the answer is empty, and asking again failed: %w", err)
	}
	missing := make(rejections)
	for _, t := range topics {
		// The list may tell a combined topic by its parts.
		if !listed[t] && !slices.ContainsFunc(expanded(t), func(part string) bool { return listed[part] }) {
			missing[t] = ""
		}
	}
	if len(missing) == len(topics) && len(topics) > 0 {
		return nil, errors.New("the answer is empty, and no topic is on the channel")
	}
	return missing, nil
}

// rejected picks the refused topics out of an answer. Of a combined topic the answer
// may tell the whole, or its parts, or both, and then the whole counts.
func rejected(topics []string, answer []channelTopic) rejections {
	states := make(map[string]channelTopic, len(answer))
	for _, t := range answer {
		states[t.ID] = t
	}
	refused := func(topic string) (string, bool) {
		t, ok := states[topic]
		return strings.Join(t.MissingPermissions, " "), ok && strings.EqualFold(t.State, "rejected")
	}
	found := make(rejections)
	for _, topic := range topics {
		if _, told := states[topic]; told {
			if permission, no := refused(topic); no {
				found[topic] = permission
			}
			continue
		}
		all, permission := true, ""
		for _, part := range expanded(topic) {
			missing, no := refused(part)
			all = all && no
			if missing != "" {
				permission = missing
			}
		}
		if all {
			found[topic] = permission
		}
	}
	return found
}

// subscribeAll replaces the topics of a channel. When the platform refuses the list as
// a whole it finds out which topics are to blame: the good ones are subscribed.
func (p *Platform) subscribeAll(ctx context.Context, channel string, topics []string) (rejections, error) {
	found, err := p.subscribe(ctx, http.MethodPut, channel, topics)
	if !refusedAsWhole(err) {
		return found, err
	}
	p.log.Warn("the platform refuses a list of topics as a whole: trying parts of it", "topics", len(topics), "error", err)
	found = make(rejections)
	budget := 60 // calls spent on the search
	byTemplate := make(map[string][]string)
	var order []string
	for _, t := range topics {
		template := templateOf(t)
		if byTemplate[template] == nil {
			order = append(order, template)
		}
		byTemplate[template] = append(byTemplate[template], t)
	}
	for _, template := range order {
		if err := p.search(ctx, channel, byTemplate[template], found, &budget); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// search subscribes topics of one kind by halves. A kind of which the first few fail one
// by one is refused altogether, as is the rest when the budget is used up.
func (p *Platform) search(ctx context.Context, channel string, topics []string, found rejections, budget *int) error {
	const samples = 3
	add := func(part []string) (error, error) {
		*budget--
		r, err := p.subscribe(ctx, http.MethodPost, channel, part)
		maps.Copy(found, r)
		if refusedAsWhole(err) {
			return err, nil
		}
		return nil, err
	}
	no, err := add(topics)
	if no == nil {
		return err
	}
	blame := func(part []string, why error) {
		permission := ""
		if refused, ok := errors.AsType[*APIError](why); ok {
			permission = strings.Join(refused.Permissions, " ")
		}
		for _, t := range part {
			found[t] = permission
		}
	}
	if len(topics) == 1 {
		blame(topics, no)
		return nil
	}
	bad := 0
	for _, t := range topics[:min(samples, len(topics))] {
		if why, err := add([]string{t}); err != nil {
			return err
		} else if why != nil {
			blame([]string{t}, why)
			bad++
		}
	}
	rest := topics[min(samples, len(topics)):]
	if bad == min(samples, len(topics)) {
		blame(rest, no)
		return nil
	}
	return p.halves(rest, add, blame, budget)
}

func (p *Platform) halves(topics []string, add func([]string) (error, error), blame func([]string, error), budget *int) error {
	if len(topics) == 0 {
		return nil
	}
	why, err := add(topics)
	switch {
	case err != nil:
		return err
	case why == nil:
		return nil
	case len(topics) == 1 || *budget <= 0:
		blame(topics, why)
		return nil
	}
	half := len(topics) / 2
	if err := p.halves(topics[:half], add, blame, budget); err != nil {
		return err
	}
	return p.halves(topics[half:], add, blame, budget)
}

// refusedAsWhole reports whether one bad topic may have spoiled the call.
func refusedAsWhole(err error) bool {
	var refused *APIError
	return errors.As(err, &refused) &&
		(refused.Status == http.StatusBadRequest || refused.Status == http.StatusForbidden || refused.Status == http.StatusUnprocessableEntity)
}
