package genschema

import (
	"reflect"
	"strings"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// objectRules are the promises between the fields of one object.
func objectRules() map[reflect.Type]func(*node) {
	return map[reflect.Type]func(*node){
		reflect.TypeFor[recording.CallData]():   callRules,
		reflect.TypeFor[recording.FeedData]():   feedRules,
		reflect.TypeFor[recording.Supervisor](): supervisorRules,
		reflect.TypeFor[recording.GapScope]():   func(n *node) { n.MinProperties = 1 },
		reflect.TypeFor[recording.Wrapup]():     func(n *node) { n.MinProperties = 1 },
	}
}

// callRules: which state and which causes go with a verb, and what a state
// promises about its leg.
func callRules(n *node) {
	verb := func(v recording.Verb, states []recording.State, causes ...recording.Cause) *node {
		return &node{
			If:   has("verb", oneOf(v)),
			Then: object("state", oneOf(states...)).with("cause", oneOf(causes...)),
		}
	}
	states := func(s ...recording.State) []recording.State { return s }
	connected := object("leg", &node{Required: []string{"connectedTime"}, Not: &node{Required: []string{"endTime"}}})
	recorded := object("leg", object("securePause", &node{Const: false}))
	recorded.Not = &node{Required: []string{"pause"}}
	n.AllOf = []*node{
		verb(recording.Prepare, states(recording.Armed), recording.Originated, recording.Delivered),
		verb(recording.Start, states(recording.Recording, recording.Paused), recording.Established, recording.Barged),
		verb(recording.Pause, states(recording.Paused), recording.SecurePaused, recording.Held),
		verb(recording.Resume, states(recording.Recording), recording.SecureResumed, recording.Retrieved),
		verb(recording.Stop, states(recording.Stopped), recording.Transferred, recording.Conferenced,
			recording.Diverted, recording.Failed, recording.Cleared),
		{
			If:   has("state", oneOf(recording.Armed)),
			Then: object("leg", &node{Not: &node{AnyOf: []*node{{Required: []string{"connectedTime"}}, {Required: []string{"endTime"}}}}}),
		},
		{If: has("state", oneOf(recording.Recording, recording.Paused)), Then: connected},
		{If: has("state", oneOf(recording.Recording)), Then: recorded},
		{If: has("state", oneOf(recording.Paused)), Then: &node{Required: []string{"pause"}}},
		{If: has("state", oneOf(recording.Stopped)), Then: object("leg", &node{Required: []string{"endTime"}})},
	}
}

// feedRules: the fields of a gap are there for gaps and only for them.
func feedRules(n *node) {
	var anyOfThem []*node
	for _, name := range gapFields() {
		anyOfThem = append(anyOfThem, &node{Required: []string{name}})
	}
	n.AllOf = []*node{
		{
			If:   has("event", oneOf(recording.FeedGapOpened, recording.FeedGapClosed)),
			Then: &node{Required: []string{"id", "from", "cause", "scope"}},
			Else: &node{Not: &node{AnyOf: anyOfThem}},
		},
		{If: has("event", oneOf(recording.FeedGapClosed)), Then: &node{Required: []string{"to"}}},
		{If: has("event", oneOf(recording.FeedGapOpened)), Then: &node{Not: &node{Required: []string{"to"}}}},
		{If: has("event", oneOf(recording.FeedLeader)), Then: object("role", oneOf(recording.Primary))},
		{If: has("event", oneOf(recording.FeedDegraded)), Then: &node{Required: []string{"reason"}}},
	}
}

func gapFields() []string {
	var names []string
	for f := range reflect.TypeFor[recording.Gap]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func supervisorRules(n *node) {
	n.AllOf = []*node{object("mode", oneOf(recording.RoleMonitor, recording.RoleCoach, recording.RoleBarge))}
}

// object describes one property.
func object(name string, n *node) *node { return (&node{}).with(name, n) }

// with describes one more.
func (n *node) with(name string, p *node) *node {
	if n.Properties == nil {
		n.Properties = &properties{}
	}
	n.Properties.add(name, p)
	return n
}

// has also requires the property: a condition on what is absent would be true.
func has(name string, n *node) *node {
	o := object(name, n)
	o.Required = []string{name}
	return o
}

func oneOf[T ~string](values ...T) *node {
	if len(values) == 1 {
		return &node{Const: string(values[0])}
	}
	return &node{Enum: list(values)}
}
