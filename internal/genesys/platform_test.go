package genesys_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestCallsArrive(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	r.call(t)
	s := r.platform.Status()
	if !s.Ready || s.Users != 3 || s.Observed != 3 || len(s.Channels) != 1 || s.Channels[0].Topics != 6 || s.TokenExpires.IsZero() {
		t.Errorf("status: %+v", s)
	}
	if f := r.feeds[0]; f.Up || f.Cause != genesys.CauseStarted || f.Users != nil {
		t.Errorf("the first report must say that nobody is observed: %+v", f)
	}
	if last := r.feeds[len(r.feeds)-1]; !last.Complete {
		t.Errorf("the last report must be complete: %+v", last)
	}
}

func TestDirectoryAndAgentState(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	user := r.org.Users()[0]
	r.until(t, "the directory", func() bool { return r.directory != nil })
	d := r.directory
	if len(d.Users) != 3 || d.Users[user.ID].Name != user.Name || !d.Users[user.ID].Monitored || len(d.Queues) != 4 {
		t.Errorf("directory: %d users, %d queues, %+v", len(d.Users), len(d.Queues), d.Users[user.ID])
	}
	if d.Users[user.ID].Station.Type == "" {
		t.Errorf("the station's type is missing: %+v", d.Users[user.ID].Station)
	}
	r.until(t, "the state at the start", func() bool {
		return slices.ContainsFunc(r.agents, func(u genesys.AgentUpdate) bool {
			return u.UserID == user.ID && !u.Asked.IsZero() && u.HasPresence && u.HasRouting && u.HasStation
		})
	})
	r.org.SetPresence(user, "Meal")
	r.until(t, "a presence", func() bool {
		return slices.ContainsFunc(r.agents, func(u genesys.AgentUpdate) bool {
			return u.UserID == user.ID && u.Asked.IsZero() && u.HasPresence && u.Presence.System == "meal"
		})
	})
}

func TestNestedFallback(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, RejectFlatTopic: true}, nil)
	r.call(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	if topic := r.snapshots[0].Topic; topic != "v2.users."+r.snapshots[0].View+".conversations" {
		t.Errorf("topic %q", topic)
	}
}

func TestRejectedTopicsLeaveTheRest(t *testing.T) {
	org := organization(t, simulator.Options{Users: 12})
	users := org.Users()
	divisions := org.Divisions()
	org.AddClient(simulator.Client{ID: "few", Secret: "s", Divisions: []string{users[0].Division}})
	o := options(org)
	o.ClientID, o.ClientSecret = "few", "s"
	for _, u := range users {
		o.UserIDs = append(o.UserIDs, u.ID)
	}
	r := connect(t, org, o)
	if len(divisions) < 2 {
		t.Fatal("the organization needs divisions for this")
	}
	r.until(t, "those who may be observed", func() bool { return r.platform.Status().Ready })
	r.call(t)
}

func TestNoPermissionIsReportedByName(t *testing.T) {
	org := organization(t, simulator.Options{Users: 3})
	org.AddClient(simulator.Client{ID: "poor", Secret: "s", Permissions: []string{}})
	o := options(org)
	o.ClientID, o.ClientSecret = "poor", "s"
	r := connect(t, org, o)
	r.until(t, "the refusal", func() bool {
		return len(r.down) == 3 && r.down[org.Users()[0].ID] == genesys.CauseTopicRejected
	})
	found := r.platform.Status().Rejected
	if !slices.Contains(found, genesys.RejectedTopics{
		Permission: simulator.PermissionConversationView, Topic: "v2.users.{id}.conversations.calls", Users: 3,
	}) {
		t.Errorf("rejected: %+v", found)
	}
}

func TestUsersComeAndGo(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) { o.Timings.Discovery = 50 * time.Millisecond })
	connects := r.platform.Stats().Connects
	added := r.org.AddUser()
	r.until(t, "the new user", func() bool {
		return slices.ContainsFunc(r.feeds, func(f genesys.FeedStatus) bool { return f.Up && slices.Contains(f.Users, added.ID) })
	})
	leg := r.org.Call(simulator.Inbound{}).Alert(added)
	r.seen(t, leg, "alerting")
	r.org.SetUserState(added.ID, "inactive")
	r.until(t, "the user to leave", func() bool {
		return r.directory.Users[added.ID].ID == "" && r.platform.Status().Channels[0].Users == 3
	})
	r.call(t)
	if n := r.platform.Stats().Connects; n != connects {
		t.Errorf("%d sockets opened on the way", n-connects)
	}
}

func TestSelection(t *testing.T) {
	org := organization(t, simulator.Options{Users: 24, Queues: 3, Groups: 2})
	users := org.Users()
	selected := func(change func(*genesys.Options)) []string {
		o := options(org)
		change(&o)
		r := connect(t, org, o)
		r.ready(t)
		r.stop()
		var ids []string
		for id, u := range r.directory.Users {
			if u.Monitored {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		return ids
	}
	all := selected(func(*genesys.Options) {})
	if len(all) != len(users) {
		t.Fatalf("%d of %d users", len(all), len(users))
	}
	two := []string{users[1].ID, users[5].ID}
	slices.Sort(two)
	if got := selected(func(o *genesys.Options) { o.UserIDs = two }); !slices.Equal(got, two) {
		t.Errorf("by ids: %v", got)
	}
	queue := selected(func(o *genesys.Options) { o.QueueIDs = []string{org.Queues()[0].ID} })
	group := selected(func(o *genesys.Options) { o.GroupIDs = []string{org.Groups()[0].ID} })
	if len(queue) == 0 || len(group) == 0 {
		t.Fatalf("%d users of a queue, %d of a group", len(queue), len(group))
	}
	union := append(append(slices.Clone(two), queue...), group...)
	slices.Sort(union)
	union = slices.Compact(union)
	both := selected(func(o *genesys.Options) {
		o.UserIDs, o.QueueIDs, o.GroupIDs = two, []string{org.Queues()[0].ID}, []string{org.Groups()[0].ID}
	})
	if !slices.Equal(both, union) {
		t.Errorf("ids, queue and group: %d users, want %d", len(both), len(union))
	}
	division := users[0].Division
	var want []string
	for _, u := range users {
		if u.Division == division && slices.Contains(union, u.ID) {
			want = append(want, u.ID)
		}
	}
	slices.Sort(want)
	cut := selected(func(o *genesys.Options) {
		o.UserIDs, o.QueueIDs, o.GroupIDs = two, []string{org.Queues()[0].ID}, []string{org.Groups()[0].ID}
		o.DivisionIDs = []string{division}
	})
	if !slices.Equal(cut, want) {
		t.Errorf("in one division: %d users, want %d", len(cut), len(want))
	}
	var shards []string
	for i := range 3 {
		shards = append(shards, selected(func(o *genesys.Options) { o.ShardIndex, o.ShardCount = i, 3 })...)
	}
	slices.Sort(shards)
	if !slices.Equal(shards, all) {
		t.Errorf("three shards have %d users together, want %d", len(shards), len(all))
	}
}

func TestConversationAndOpenConversations(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	c := r.org.Call(simulator.Inbound{})
	leg := c.Alert(r.org.Users()[0])
	leg.Answer()
	c.SecurePause(true)
	open, err := r.platform.OpenConversations(t.Context(), time.Time{})
	if err != nil || len(open) != 1 || open[0].ID != c.ID() || !slices.Contains(open[0].UserIDs, leg.UserID()) || open[0].Start.IsZero() {
		t.Fatalf("open conversations: %+v, %v", open, err)
	}
	s, err := r.platform.Conversation(t.Context(), c.ID(), genesys.PriorityLegs)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.Participants, func(p call.Participant) bool { return p.ID == leg.ID() })
	if i < 0 || s.Participants[i].State != "connected" || s.SecurePause != call.Yes || s.View != call.ViewREST ||
		s.Asked.IsZero() || s.Received.Before(s.Asked) {
		t.Errorf("conversation: %+v", s)
	}
	if _, err := r.platform.Conversation(t.Context(), "00000000-0000-4000-8000-00000000dead", genesys.PriorityLegs); !errors.Is(err, genesys.ErrNotFound) {
		t.Errorf("an unknown conversation: %v", err)
	}
	c.CustomerHangsUp()
	if open, err = r.platform.OpenConversations(t.Context(), time.Time{}); err != nil || len(open) != 0 {
		t.Errorf("after the end: %+v, %v", open, err)
	}
}

func TestRenewLosesNothing(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	leg := r.org.Call(simulator.Inbound{}).Alert(r.org.Users()[0])
	leg.Answer()
	ctx, cancel := context.WithCancel(t.Context())
	flips := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			leg.Hold()
			leg.Retrieve()
			r.within(2*n - 20) // as fast as the reader, with some on their way
		}
		flips <- n
	}()
	before := r.platform.Status().TokenExpires
	for range 3 {
		if err := r.platform.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	n := <-flips
	leg.Mute()
	r.until(t, "the last change", func() bool {
		last := r.snapshots[len(r.snapshots)-1]
		return last.Participants[len(last.Participants)-1].Muted == call.Yes
	})
	if !r.platform.Status().TokenExpires.After(before) {
		t.Error("the token is the old one")
	}
	if got := r.causes(); !slices.Equal(got, []genesys.Cause{genesys.CauseStarted}) {
		t.Errorf("somebody was down: %v", got)
	}
	// Each hold and each retrieve arrived once, in order.
	changes := r.holds
	if want := 2*n + 1; changes != want {
		t.Errorf("%d changes of hold, want %d", changes, want)
	}
	t.Logf("%d changes of hold during three renewals, %d frames seen twice", changes, r.platform.Stats().FramesRepeated)
}

func TestChannelsAreReusedAfterRestart(t *testing.T) {
	store := &memory{}
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) { o.Store = store })
	r.until(t, "the store", func() bool { d, _ := store.Load(t.Context()); return len(d) > 2 })
	r.stop()
	o := options(r.org)
	o.Store = store
	again := connect(t, r.org, o)
	again.ready(t)
	again.call(t)
	if n := r.org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels created", n)
	}
}
