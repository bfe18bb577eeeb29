package simulator_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// outcome is what a story must come to, whatever the dice say.
type outcome struct {
	legs, connected int // at least
	toggle          simulator.ToggleKind
	disconnect      string // of some leg
}

func outcomes() map[simulator.Story]outcome {
	return map[simulator.Story]outcome{
		simulator.StoryInbound:           {legs: 1, connected: 1},
		simulator.StoryDecline:           {legs: 2, connected: 1, disconnect: "client"},
		simulator.StoryNoAnswer:          {legs: 2, connected: 1, disconnect: "system"},
		simulator.StoryManyAlerts:        {legs: 3, connected: 1, disconnect: "client"},
		simulator.StoryHold:              {legs: 1, connected: 1, toggle: simulator.ToggleHeld},
		simulator.StoryMute:              {legs: 1, connected: 1, toggle: simulator.ToggleMuted},
		simulator.StorySecurePause:       {legs: 2, connected: 2, toggle: simulator.ToggleSecurePause},
		simulator.StoryPauseLeftOn:       {legs: 2, connected: 2, toggle: simulator.ToggleSecurePause},
		simulator.StoryBlindTransfer:     {legs: 2, connected: 2, disconnect: "peer"},
		simulator.StoryQueueTransfer:     {legs: 2, connected: 2, disconnect: "transfer"},
		simulator.StoryConsult:           {legs: 2, connected: 2, disconnect: "transfer.consult"},
		simulator.StoryConsultCancel:     {legs: 2, connected: 1},
		simulator.StoryConference:        {legs: 2, connected: 2},
		simulator.StoryMonitor:           {legs: 2, connected: 2, toggle: simulator.ToggleMonitoring},
		simulator.StoryBarge:             {legs: 2, connected: 2, toggle: simulator.ToggleBarging},
		simulator.StoryOutbound:          {legs: 1, connected: 1},
		simulator.StoryOutboundQueue:     {legs: 1, connected: 1},
		simulator.StoryOutboundNoAnswer:  {legs: 1, connected: 1},
		simulator.StoryCampaign:          {legs: 1, connected: 1},
		simulator.StoryInternal:          {legs: 2, connected: 2},
		simulator.StoryDirect:            {legs: 1, connected: 1},
		simulator.StoryCallback:          {legs: 2, connected: 1, disconnect: "client"},
		simulator.StoryPark:              {legs: 1, connected: 1, toggle: simulator.ToggleParked},
		simulator.StoryVoicemail:         {},
		simulator.StoryFlowOnly:          {},
		simulator.StoryAbandon:           {legs: 1},
		simulator.StoryWrapup:            {legs: 1, connected: 1},
		simulator.StoryAttributes:        {legs: 1, connected: 1},
		simulator.StoryStationChange:     {legs: 1, connected: 1},
		simulator.StoryCustomerLeaves:    {legs: 1, connected: 1, disconnect: "client"},
		simulator.StoryAgentError:        {legs: 2, connected: 2, disconnect: "error"},
		simulator.StoryStationTimeout:    {legs: 2, connected: 1, disconnect: "error"},
		simulator.StoryStraightTerminate: {legs: 1, connected: 1, disconnect: "system"},
		simulator.StoryLong:              {legs: 1, connected: 1},
	}
}

func TestEveryStoryIsToldTruly(t *testing.T) {
	s := newScene(t, simulator.Options{Users: 6, Speed: 100_000, RateLimit: -1}, 6)
	all := outcomes()
	if len(all) != len(s.org.Stories()) {
		t.Fatalf("%d outcomes for %d stories", len(all), len(s.org.Stories()))
	}
	for _, story := range s.org.Stories() {
		want, ok := all[story]
		if !ok {
			t.Fatalf("no outcome for story %s", story)
		}
		t.Run(string(story), func(t *testing.T) {
			// Several times, because stories roll dice.
			for range 5 {
				id, err := s.org.Play(t.Context(), story)
				if err != nil {
					t.Fatal(err)
				}
				s.judge(t, id, want)
			}
		})
	}
}

// judge compares the truth about one conversation with the frames and with REST.
func (s *scene) judge(t *testing.T, id string, want outcome) {
	t.Helper()
	frames := slices.DeleteFunc(s.l.sync(), func(n notification) bool { return n.Body["id"] != id })
	truths := s.org.Truth().Conversations
	i := slices.IndexFunc(truths, func(c simulator.ConversationTruth) bool { return c.ID == id })
	truth := truths[i]
	if truth.EndedAt.IsZero() {
		t.Errorf("the conversation never ended")
	}
	connected, toggled, disconnected := 0, want.toggle == "", want.disconnect == ""
	for _, leg := range truth.Legs {
		if !leg.ConnectedAt.IsZero() {
			connected++
		}
		toggled = toggled || slices.ContainsFunc(leg.Toggles, func(x simulator.Toggle) bool { return x.Kind == want.toggle })
		disconnected = disconnected || leg.DisconnectType == want.disconnect
		if leg.Voice {
			s.judgeLeg(t, leg, frames)
		}
	}
	if len(truth.Legs) < want.legs || connected < want.connected || !toggled || !disconnected {
		t.Errorf("%d legs, %d connected, toggled %v, disconnected %v: %+v", len(truth.Legs), connected, toggled, disconnected, truth.Legs)
	}
	if want.legs == 0 && len(truth.Legs) > 0 {
		t.Errorf("people in a call without people: %+v", truth.Legs)
	}
	rest := s.api.want(http.StatusOK, http.MethodGet, "/api/v2/conversations/calls/"+id, nil)
	for _, p := range parts(rest) {
		if p["state"] != "terminated" || p["endTime"] == nil {
			t.Errorf("REST shows %v as %v", p["purpose"], p["state"])
		}
	}
}

func (s *scene) judgeLeg(t *testing.T, leg simulator.LegTruth, frames []notification) {
	t.Helper()
	ranks := map[any]int{"contacting": 1, "dialing": 1, "alerting": 1, "connected": 2, "parked": 2, "disconnected": 3, "terminated": 4}
	topic := "v2.users." + leg.UserID + ".conversations.calls"
	rank := 0
	var held []bool
	var final map[string]any
	for _, n := range frames {
		p := part(n.Body, leg.LegID)
		if n.Topic != topic || p == nil {
			continue
		}
		now := ranks[p["state"]]
		if now < rank || now == 0 {
			t.Errorf("state went from rank %d to %v", rank, p["state"])
		}
		rank = now
		for _, key := range []string{"connectedTime", "endTime"} {
			if final != nil && final[key] != nil && final[key] != p[key] {
				t.Errorf("%s changed from %v to %v", key, final[key], p[key])
			}
		}
		if is, _ := p["held"].(bool); now == 2 && is != (len(held)%2 == 1) {
			held = append(held, is)
		}
		final = p
	}
	if final == nil {
		t.Fatalf("leg %+v is in no frame", leg)
	}
	if final["state"] != "terminated" || final["disconnectType"] != leg.DisconnectType {
		t.Errorf("last frame: %v %v, truth: %s", final["state"], final["disconnectType"], leg.DisconnectType)
	}
	stamp := func(at time.Time) any {
		if at.IsZero() {
			return nil
		}
		return at.Format("2006-01-02T15:04:05.000Z")
	}
	if final["connectedTime"] != stamp(leg.ConnectedAt) || final["endTime"] != stamp(leg.EndedAt) {
		t.Errorf("last frame: %v to %v, truth: %+v", final["connectedTime"], final["endTime"], leg)
	}
	var told []bool
	for _, x := range leg.Toggles {
		if x.Kind == simulator.ToggleHeld {
			told = append(told, x.On)
		}
		if !x.Seen {
			t.Errorf("toggle %+v of a followed user was not seen", x)
		}
	}
	if !slices.Equal(told, held) {
		t.Errorf("holds in frames %v, in truth %v", held, told)
	}
	if leg.SeenConnected == leg.ConnectedAt.IsZero() || !leg.SeenEnded {
		t.Errorf("seen connected %v, ended %v: %+v", leg.SeenConnected, leg.SeenEnded, leg)
	}
}

func TestPlayRefusesWhatCannotBe(t *testing.T) {
	org := start(t, simulator.Options{Users: 1, Speed: 1000})
	for _, test := range []struct {
		story simulator.Story
		users []string
	}{
		{"no such story", nil},
		{simulator.StoryInternal, nil},
		{simulator.StoryInbound, []string{"nobody"}},
		{simulator.StoryVoicemail, []string{org.Users()[0].ID}},
	} {
		if _, err := org.Play(t.Context(), test.story, test.users...); !errors.Is(err, simulator.ErrStory) {
			t.Errorf("%s %v: %v", test.story, test.users, err)
		}
	}
}

func TestCastIsAsWantedAndInOneStoryOnly(t *testing.T) {
	org := start(t, simulator.Options{Users: 2, Speed: 2})
	u := org.Users()[1]
	playing, hurry := context.WithCancel(t.Context())
	done := make(chan string, 1)
	go func() {
		id, err := org.Play(playing, simulator.StoryHold, u.ID)
		if err != nil {
			id = err.Error()
		}
		done <- id
	}()
	await(t, "the first story", func() bool { return len(org.Truth().Conversations) == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := org.Play(ctx, simulator.StoryInbound, u.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a busy user was cast: %v", err)
	}
	// A story that is told to end hurries, and still ends properly, one step after another.
	hurry()
	id := <-done
	for _, leg := range org.Truth().Legs {
		if leg.ConversationID != id || leg.UserID != u.ID || leg.EndedAt.IsZero() {
			t.Errorf("leg %+v of conversation %s", leg, id)
		}
		if len(leg.Toggles) < 2 || leg.Toggles[1].At.Sub(leg.Toggles[0].At) < 10*time.Millisecond {
			t.Errorf("held and retrieved at once: %+v", leg.Toggles)
		}
	}
}

func TestTrafficKeepsPeopleHonestAndEndsEverything(t *testing.T) {
	org := start(t, simulator.Options{Users: 8, Speed: 2000})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- org.Traffic(ctx, simulator.Traffic{CallsPerSecond: 400}) }()
	await(t, "a hundred conversations", func() bool { return len(org.Truth().Conversations) > 100 })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if open := org.Open(); len(open) > 0 {
		t.Fatalf("%d legs are open after the traffic", len(open))
	}
	byUser := map[string][]simulator.LegTruth{}
	for _, leg := range org.Truth().Legs {
		if !leg.ConnectedAt.IsZero() {
			byUser[leg.UserID] = append(byUser[leg.UserID], leg)
		}
	}
	for user, legs := range byUser {
		slices.SortFunc(legs, func(a, b simulator.LegTruth) int { return a.ConnectedAt.Compare(b.ConnectedAt) })
		for i := 1; i < len(legs); i++ {
			if legs[i].ConnectedAt.Before(legs[i-1].EndedAt) {
				t.Fatalf("user %s is in two calls at once: %+v and %+v", user, legs[i-1], legs[i])
			}
		}
	}
}

func TestTrafficRefusesNonsense(t *testing.T) {
	org := start(t, simulator.Options{Users: 1})
	for _, bad := range []simulator.Traffic{
		{},
		{CallsPerSecond: 1, Mix: map[simulator.Story]int{"x": 1}},
		{CallsPerSecond: 1, Mix: map[simulator.Story]int{simulator.StoryInbound: 0}},
		{CallsPerSecond: 1, Mix: map[simulator.Story]int{simulator.StoryInternal: 1}},
	} {
		if err := org.Traffic(t.Context(), bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func TestOldConversationsAreForgotten(t *testing.T) {
	org := start(t, simulator.Options{Speed: 1e6, Retain: time.Millisecond})
	if _, err := org.Play(t.Context(), simulator.StoryInbound); err != nil {
		t.Fatal(err)
	}
	org.Call(simulator.Inbound{})
	await(t, "one conversation, the open one", func() bool {
		list := org.Truth().Conversations
		return len(list) == 1 && list[0].EndedAt.IsZero()
	})
}

func ExampleOrg_Call() {
	org, err := simulator.New(simulator.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer org.Close()
	call := org.Call(simulator.Inbound{})
	leg := call.Alert(org.Users()[0])
	leg.Answer()
	leg.Hold()
	call.CustomerHangsUp()
	truth := leg.Truth()
	fmt.Println(truth.Purpose, truth.DisconnectType, truth.Toggles[0].Kind, truth.SeenConnected)
	// Output: agent peer held false
}
