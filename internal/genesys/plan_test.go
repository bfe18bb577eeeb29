package genesys //nolint:testpackage // planning is private and pure

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func people(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("user-%05d", i)
	}
	return list
}

func TestPlanSizes(t *testing.T) {
	for _, c := range []struct {
		users  int
		agents bool
		most   int
		shares int
		topics int
		left   int
	}{
		{0, true, 8, 0, 0, 0},
		{1, true, 8, 1, 2, 0},
		{500, true, 8, 1, 1000, 0},
		{501, true, 8, 2, 1002, 0},
		{1000, false, 8, 1, 1000, 0},
		{4000, true, 8, 8, 8000, 0},
		{6000, true, 8, 8, 8000, 0},
		{8000, true, 8, 8, 8000, 0},
		{8001, true, 8, 8, 8000, 1},
		{1500, false, 1, 1, 1000, 500},
	} {
		shares, left := plan(nil, people(c.users), c.agents, c.most)
		topics := 0
		for _, s := range shares {
			topics += len(s.topics(shape{kind: TopicCalls}))
		}
		if len(shares) != c.shares || topics != c.topics || len(left) != c.left {
			t.Errorf("%+v: %d shares, %d topics, %d left", c, len(shares), topics, len(left))
		}
	}
}

// Whatever comes and goes: nobody is lost or doubled, nobody moves, no channel is
// above the limit.
func TestPlanIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 5).Draw(t, "channels")
		agents := rapid.Bool().Draw(t, "agents")
		all := people(2500)
		var shares []share
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			lo := rapid.IntRange(0, 2000).Draw(t, "from")
			users := all[lo : lo+rapid.IntRange(0, 2500-lo).Draw(t, "count")]
			before := make(map[string]int)
			for i, s := range shares {
				for _, u := range s.users {
					before[u] = i
				}
			}
			var left []string
			shares, left = plan(shares, users, agents, most)
			if len(shares) > most {
				t.Fatalf("%d shares", len(shares))
			}
			got := slices.Clone(left)
			for i, s := range shares {
				if n := len(s.topics(shape{kind: TopicCalls})); n > topicsPerChannel {
					t.Fatalf("%d topics on a channel", n)
				}
				for _, u := range s.users {
					if was, known := before[u]; known && was != i {
						t.Fatalf("%s moved from %d to %d", u, was, i)
					}
				}
				got = append(got, s.users...)
			}
			slices.Sort(got)
			if !slices.Equal(got, users) {
				t.Fatalf("%d users planned of %d", len(got), len(users))
			}
			if len(left) > 0 && len(users) <= most*topicsPerChannel {
				t.Fatalf("%d left over of %d on %d channels", len(left), len(users), most)
			}
		}
	})
}

func TestRejectedCombinedTopics(t *testing.T) {
	topic := plainTopicOf("u")
	if len(topic) > 200 || topic != "v2.users.u?presence&routingStatus&station" {
		t.Fatal(topic)
	}
	part := func(aspect, state string, missing ...string) channelTopic {
		return channelTopic{ID: "v2.users.u." + aspect, State: state, MissingPermissions: missing}
	}
	for name, c := range map[string]struct {
		answer []channelTopic
		want   bool
	}{
		"nothing said":   {nil, false},
		"whole":          {[]channelTopic{{ID: topic, State: "Rejected"}}, true},
		"whole permits":  {[]channelTopic{{ID: topic, State: "Permitted"}, part("presence", "Rejected")}, false},
		"one part":       {[]channelTopic{part("presence", "Rejected"), part("station", "Permitted")}, false},
		"all parts":      {[]channelTopic{part("presence", "REJECTED", "a:b:c"), part("routingStatus", "rejected"), part("station", "Rejected")}, true},
		"somebody else":  {[]channelTopic{{ID: plainTopicOf("v"), State: "Rejected"}}, false},
		"unknown states": {[]channelTopic{{ID: topic, State: "Pending"}}, false},
	} {
		got := rejected([]string{topic}, c.answer)
		if _, no := got[topic]; no != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	all := rejected([]string{topic}, []channelTopic{
		part("presence", "Rejected", "a:b:c"), part("routingStatus", "Rejected"), part("station", "Rejected"),
	})
	if !strings.Contains(all[topic], "a:b:c") {
		t.Errorf("the permission is lost: %v", all)
	}
}
