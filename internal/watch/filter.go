package watch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Filter chooses events. The zero value chooses all.
type Filter struct {
	// Agent is a user id, or a part of a name in any case.
	Agent string
	// Conversation and Leg are ids or their beginnings.
	Conversation, Leg string
	// Verbs of call events.
	Verbs []recording.Verb
	// Calls, Agents and Feed choose kinds of events. When none is chosen it depends on
	// the other fields: those that only calls have choose calls, an agent calls and
	// agents, nothing all three.
	Calls, Agents, Feed bool
}

// ParseVerbs reads verbs that are separated by commas.
func ParseVerbs(list string) ([]recording.Verb, error) {
	var verbs []recording.Verb
	for word := range strings.SplitSeq(list, ",") {
		v := recording.Verb(strings.ToLower(strings.TrimSpace(word)))
		if v == "" {
			continue
		}
		if !slices.Contains(recording.Verbs(), v) {
			return nil, fmt.Errorf("%q is not a verb; allowed: %v", word, recording.Verbs())
		}
		verbs = append(verbs, v)
	}
	return verbs, nil
}

// Check says what is wrong with a filter: an id that cannot be one, or fields that no
// event of the chosen kinds has, so that nothing would ever be shown, or all would.
func (f Filter) Check() error {
	ids := []struct{ name, id string }{{"conversation", f.Conversation}, {"leg", f.Leg}}
	for _, given := range ids {
		if strings.ContainsFunc(given.id, func(r rune) bool { return recording.Token(string(r)) != string(r) }) {
			return fmt.Errorf("%s %q is not an id or its beginning: those have letters, digits, - and _", given.name, given.id)
		}
	}
	if f.Calls || !f.Agents && !f.Feed {
		return nil
	}
	switch {
	case len(f.Verbs) > 0:
		return errors.New("verbs are those of calls: choose calls too, or neither agents nor feed")
	case f.Conversation != "" || f.Leg != "":
		return errors.New("conversations and legs are those of calls: choose calls too, or neither agents nor feed")
	case f.Agent != "" && !f.Agents:
		return errors.New("the feed is of no agent: choose calls or agents too, or not the feed")
	}
	return nil
}

// kinds fills in which kinds of events are chosen.
func (f Filter) kinds() Filter {
	switch {
	case f.Calls || f.Agents || f.Feed:
	case len(f.Verbs) > 0 || f.Conversation != "" || f.Leg != "":
		f.Calls = true
	case f.Agent != "":
		f.Calls, f.Agents = true, true
	default:
		f.Calls, f.Agents, f.Feed = true, true, true
	}
	return f
}

// subject is the narrowest one that covers what is chosen, so that the server sends
// little else.
func (f Filter) subject(adapter string) string {
	whole := func(id string) string {
		if len(id) == 36 && recording.Token(id) == id { // an id, and not a part of one
			return id
		}
		return "*"
	}
	base := strings.TrimSuffix(recording.AllSubjects(adapter), ">")
	switch {
	case f.Calls && !f.Agents && !f.Feed:
		return base + "call." + whole(f.Agent) + "." + whole(f.Conversation) + "." + whole(f.Leg)
	case f.Agents && !f.Calls && !f.Feed:
		return base + "agent." + whole(f.Agent)
	case f.Feed && !f.Calls && !f.Agents:
		return base + "feed"
	}
	return base + ">"
}

// chooses tells whether a decoded event is chosen.
func (f Filter) chooses(event any) bool {
	switch e := event.(type) {
	case *recording.CallEvent:
		return f.Calls && (len(f.Verbs) == 0 || slices.Contains(f.Verbs, e.Data.Verb)) &&
			strings.HasPrefix(e.Data.Conversation.ID, f.Conversation) && strings.HasPrefix(e.Data.Leg.ID, f.Leg) && f.isAgent(e.Data.Agent)
	case *recording.AgentEvent:
		return f.Agents && f.isAgent(&e.Data.Agent)
	case *recording.FeedEvent:
		return f.Feed
	}
	return false
}

func (f Filter) isAgent(a *recording.Agent) bool {
	if f.Agent == "" {
		return true
	}
	return a != nil && (a.UserID == f.Agent || strings.Contains(strings.ToLower(a.Name), strings.ToLower(f.Agent)))
}
