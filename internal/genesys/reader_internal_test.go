package genesys

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// tally is a sink that counts the snapshots of users.
type tally map[string]int

func (h tally) Snapshot(s *call.Snapshot) { h[s.View]++ }
func (tally) Flush()                      {}
func (tally) Agent(AgentUpdate)           {}
func (tally) Directory(*Directory)        {}
func (tally) Feed(FeedStatus)             {}

// Who is monitored changes while notifications come: from then on they count, or do not.
func TestMonitoredUsersChange(t *testing.T) {
	sink := tally{}
	p := &Platform{sink: sink}
	r := &reader{slot: &slot{p: p}, socket: &socket{}, decoder: newSocketDecoder(nil)}
	for n, step := range []struct {
		users map[string]bool
		want  tally
	}{
		{nil, tally{}},
		{map[string]bool{"a": true}, tally{"a": 2}},
		{map[string]bool{"b": true}, tally{"a": 2, "b": 2}},
		{map[string]bool{"a": true, "b": true}, tally{"a": 4, "b": 4}},
	} {
		if step.users != nil {
			p.monitored.Store(&step.users)
		}
		for range 2 {
			for _, user := range []string{"a", "b"} {
				r.handle([]byte(`{"topicName":"v2.users.`+user+`.conversations.calls","eventBody":{"id":"c","participants":[{"id":"p"}]}}`), time.Now())
			}
		}
		for _, user := range []string{"a", "b"} {
			if sink[user] != step.want[user] {
				t.Errorf("step %d: %d snapshots of %s, want %d", n, sink[user], user, step.want[user])
			}
		}
	}
}
