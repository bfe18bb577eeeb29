package genschema

import (
	"reflect"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// eventRule is one of the three events.
type eventRule struct {
	file, title string
	typ         reflect.Type
	fields      map[string]func(*node) // what differs from fieldRules
}

func events() []eventRule {
	return []eventRule{
		{
			file: "call-event.json", title: "Call event", typ: reflect.TypeFor[recording.CallEvent](),
			fields: map[string]func(*node){
				"Envelope.Type":    constantly(recording.TypeCall),
				"Envelope.Subject": pattern(`^.+/.+$`),
			},
		},
		{
			file: "agent-event.json", title: "Agent event", typ: reflect.TypeFor[recording.AgentEvent](),
			fields: map[string]func(*node){"Envelope.Type": constantly(recording.TypeAgent)},
		},
		{
			file: "feed-event.json", title: "Feed event", typ: reflect.TypeFor[recording.FeedEvent](),
			fields: map[string]func(*node){
				"Envelope.Type":    constantly(recording.TypeFeed),
				"Envelope.Subject": constantly("feed"),
			},
		},
	}
}

// fieldRules add to a field what its type does not say.
func fieldRules() map[string]func(*node) {
	return map[string]func(*node){
		"Envelope.SpecVersion":     constantly(recording.SpecVersion),
		"Envelope.Source":          pattern(`^/genesys/[A-Za-z0-9.:_-]+/[a-z0-9_-]+$`),
		"Envelope.DataContentType": constantly(recording.DataContentType),
		"Envelope.Sequence":        pattern(`^[0-9]{20}$`),
		"CallData.Revision":        atLeast(1),
		"CallData.Epoch":           atLeast(1),
		"AgentData.Revision":       atLeast(1),
		"AgentData.Epoch":          atLeast(1),
		"FeedData.Revision":        atLeast(1),
		"FeedData.OpenLegs":        atLeast(0),
		"Channel.Topics":           atLeast(0),
		"PauseInfo.Reasons":        set(0),
		"Gap.Recovered":            set(recording.MaxGapLegs),
		"Gap.PossiblyLost":         set(recording.MaxGapLegs),
		"GapScope.UserIDs":         set(recording.MaxGapUsers),
	}
}

func constantly(v string) func(*node) {
	return func(n *node) { n.Const, n.MinLength = v, 0 }
}

func pattern(p string) func(*node) {
	return func(n *node) { n.Pattern, n.MinLength = p, 0 }
}

func atLeast(v int) func(*node) { return func(n *node) { n.Minimum = &v } }

// set is a list without repetition, of at most limit items; 0 is no limit.
func set(limit int) func(*node) {
	return func(n *node) { n.UniqueItems, n.MaxItems = true, limit }
}

func timeNode() *node {
	return &node{
		Description: "A moment, RFC 3339 in UTC with exactly three decimals, so that moments compare as text.",
		Type:        "string", Format: "date-time",
		Pattern: `^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$`,
	}
}

// enums are the enumerations, each with all its values. A text of Genesys' own is
// none: Genesys adds words as it likes.
func enums() map[reflect.Type][]string {
	return map[reflect.Type][]string{
		reflect.TypeFor[recording.Verb]():         list(recording.Verbs()),
		reflect.TypeFor[recording.State]():        list(recording.States()),
		reflect.TypeFor[recording.Cause]():        list(recording.Causes()),
		reflect.TypeFor[recording.Confidence]():   list(recording.Confidences()),
		reflect.TypeFor[recording.Direction]():    list(recording.Directions()),
		reflect.TypeFor[recording.Kind]():         list(recording.Kinds()),
		reflect.TypeFor[recording.Role]():         list(recording.Roles()),
		reflect.TypeFor[recording.PauseReason]():  list(recording.PauseReasons()),
		reflect.TypeFor[recording.AgentState]():   list(recording.AgentStates()),
		reflect.TypeFor[recording.AgentCause]():   list(recording.AgentCauses()),
		reflect.TypeFor[recording.FeedKind]():     list(recording.FeedKinds()),
		reflect.TypeFor[recording.InstanceRole](): list(recording.InstanceRoles()),
		reflect.TypeFor[recording.GapCause]():     list(recording.GapCauses()),
	}
}

func list[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}
