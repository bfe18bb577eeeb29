package recording

import (
	"fmt"
	"strings"
)

// Subjects, for an adapter named acme:
//
//	recorder.v1.acme.call.<userId|_>.<conversationId>.<legId>
//	recorder.v1.acme.agent.<userId>
//	recorder.v1.acme.feed
const subjectPrefix = "recorder." + Version + "."

// NoUser stands for the user id in the subject of a leg without a user.
const NoUser = "_"

// Token makes s one token of a subject: every character outside [A-Za-z0-9_-]
// becomes "_", and an empty text becomes [NoUser]. The result is never a
// wildcard and never more than one token, whatever s is. Genesys ids pass
// unchanged.
func Token(s string) string {
	if s == "" {
		return NoUser
	}
	if strings.IndexFunc(s, notInToken) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if notInToken(r) {
			return '_'
		}
		return r
	}, s)
}

func notInToken(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
}

// AdapterToken is the adapter's name as it stands in subjects: lower case.
func AdapterToken(name string) string { return strings.ToLower(Token(name)) }

// StreamName is the name of the one stream of an adapter: RECORDER_<ADAPTER>.
func StreamName(adapter string) string { return "RECORDER_" + strings.ToUpper(Token(adapter)) }

// AllSubjects matches everything of an adapter.
func AllSubjects(adapter string) string { return subjectPrefix + AdapterToken(adapter) + ".>" }

// CallSubject is the subject of one leg.
func CallSubject(adapter, userID, conversationID, legID string) string {
	return subjectPrefix + AdapterToken(adapter) + ".call." + Token(userID) + "." + Token(conversationID) + "." + Token(legID)
}

// AgentSubject is the subject of one agent's state.
func AgentSubject(adapter, userID string) string {
	return subjectPrefix + AdapterToken(adapter) + ".agent." + Token(userID)
}

// FeedSubject is the subject of the feed.
func FeedSubject(adapter string) string { return subjectPrefix + AdapterToken(adapter) + ".feed" }

// Subject is a subject taken apart. Of the ids only those that the kind has are set.
type Subject struct {
	Adapter string
	// Kind is "call", "agent" or "feed".
	Kind           string
	UserID         string // [NoUser] for a leg without a user
	ConversationID string
	LegID          string
}

// ParseSubject takes a subject apart. It accepts exactly what [CallSubject],
// [AgentSubject] and [FeedSubject] return; the error names what is wrong.
func ParseSubject(s string) (Subject, error) {
	rest, ok := strings.CutPrefix(s, subjectPrefix)
	if !ok {
		return Subject{}, fmt.Errorf("subject %.80q does not begin with %q", s, subjectPrefix)
	}
	t := strings.Split(rest, ".")
	for _, token := range t {
		if token == "" || strings.IndexFunc(token, notInToken) >= 0 {
			return Subject{}, fmt.Errorf("subject %.80q: token %.40q is not of [A-Za-z0-9_-]", s, token)
		}
	}
	if t[0] != strings.ToLower(t[0]) {
		return Subject{}, fmt.Errorf("subject %.80q: adapter %.40q is not in lower case", s, t[0])
	}
	switch {
	case len(t) == 5 && t[1] == "call":
		return Subject{Adapter: t[0], Kind: t[1], UserID: t[2], ConversationID: t[3], LegID: t[4]}, nil
	case len(t) == 3 && t[1] == "agent":
		return Subject{Adapter: t[0], Kind: t[1], UserID: t[2]}, nil
	case len(t) == 2 && t[1] == "feed":
		return Subject{Adapter: t[0], Kind: t[1]}, nil
	}
	return Subject{}, fmt.Errorf("subject %.80q is not …call.<user>.<conversation>.<leg>, …agent.<user> or …feed", s)
}
