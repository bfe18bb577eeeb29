package simulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestTwentyFirstChannelEvictsTheOldestWithoutConnection(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	var all []channelInfo
	for range 20 {
		all = append(all, c.channel())
	}
	l := listen(t, all[0])
	l.sync()
	// The connected channel is now the one that was used longest ago.
	for _, ch := range all[1:] {
		c.subscribe(ch)
	}
	c.channel()
	alive := func(ch channelInfo) bool {
		resp, _ := c.do(http.MethodHead, "/api/v2/notifications/channels/"+ch.id, nil)
		return resp.StatusCode == http.StatusOK
	}
	if !alive(all[0]) || alive(all[1]) || !alive(all[2]) {
		t.Fatalf("alive: %v %v %v, want only the second evicted", alive(all[0]), alive(all[1]), alive(all[2]))
	}
	if n := org.ChannelsEvicted(); n != 1 {
		t.Fatalf("%d evicted", n)
	}
	// Another client has its own twenty.
	org.AddClient(simulator.Client{ID: "b", Secret: "s"})
	login(t, org, "b", "s").channel()
	if n := org.ChannelsEvicted(); n != 1 {
		t.Fatalf("%d evicted by another client", n)
	}
}

func TestConnectedChannelIsEvictedWhenAllAreConnected(t *testing.T) {
	for name, starves := range map[string]bool{"closes": false, "starves": true} {
		t.Run(name, func(t *testing.T) {
			org := start(t, simulator.Options{MaxChannels: 1, EvictionStarves: starves, HeartbeatEvery: 10 * time.Millisecond})
			c := standard(t, org)
			u := org.Users()[0]
			ch := c.channel()
			l := listen(t, ch)
			c.subscribe(ch, callsTopic(u))
			c.channel()
			if !starves {
				l.waitClosed()
				return
			}
			org.Call(simulator.Inbound{}).Alert(u)
			for _, n := range l.sync() {
				t.Errorf("an evicted channel got %s", n.raw)
			}
			l.waitFrame("a heartbeat", func(n notification) bool { return n.Body["message"] == "WebSocket Heartbeat" })
		})
	}
}

func TestChannelCannotBeReadOrDeleted(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	ch := c.channel()
	path := "/api/v2/notifications/channels/" + ch.id
	c.want(http.StatusMethodNotAllowed, http.MethodDelete, path, nil)
	c.want(http.StatusMethodNotAllowed, http.MethodGet, path, nil)
	c.want(http.StatusOK, http.MethodHead, path, nil)
	c.want(http.StatusNotFound, http.MethodHead, "/api/v2/notifications/channels/none", nil)
	c.want(http.StatusNotFound, http.MethodGet, "/api/v2/notifications/channels/none/subscriptions", nil)
}

func TestListOfChannelsHidesThoseOfOtherTokens(t *testing.T) {
	org := start(t, simulator.Options{})
	mine, other := standard(t, org), standard(t, org)
	ch := mine.channel()
	other.channel()
	list := entities(mine.want(http.StatusOK, http.MethodGet, "/api/v2/notifications/channels", nil))
	if len(list) != 1 || list[0]["id"] != ch.id || list[0]["connectUri"] != ch.uri {
		t.Fatalf("channels of the token: %v", list)
	}
	hidden := 0
	for _, e := range entities(mine.want(http.StatusOK, http.MethodGet, "/api/v2/notifications/channels?includechannels=oauthclient", nil)) {
		if e["id"] == "" {
			hidden++
		}
	}
	if hidden != 1 {
		t.Fatalf("%d hidden channels, want 1", hidden)
	}
	mine.want(http.StatusBadRequest, http.MethodGet, "/api/v2/notifications/channels?includechannels=all", nil)
}

func TestMoreThanTheTopicLimitIsRefused(t *testing.T) {
	org := start(t, simulator.Options{Users: 501})
	c := standard(t, org)
	ch := c.channel()
	var topics []string
	for _, u := range org.Users() {
		topics = append(topics, callsTopic(u), nestedTopic(u))
	}
	c.subscribe(ch, topics[:1000]...)
	c.want(http.StatusBadRequest, http.MethodPut, subscriptions(ch), topicList(topics[:1001]...))
	c.want(http.StatusBadRequest, http.MethodPost, subscriptions(ch), topicList(topics[1000:]...))
	if n := len(entities(c.want(http.StatusOK, http.MethodGet, subscriptions(ch), nil))); n != 1000 {
		t.Fatalf("%d topics after refused requests, want 1000", n)
	}
	c.want(http.StatusOK, http.MethodDelete, subscriptions(ch), nil)
	if n := len(entities(c.want(http.StatusOK, http.MethodGet, subscriptions(ch), nil))); n != 0 {
		t.Fatalf("%d topics after a delete", n)
	}
}

func TestOneBadTopicFailsAllUnlessErrorsAreIgnored(t *testing.T) {
	org := start(t, simulator.Options{RejectFlatTopic: true})
	c := standard(t, org)
	u := org.Users()[0]
	ch := c.channel()
	both := topicList(nestedTopic(u), callsTopic(u))
	c.want(http.StatusForbidden, http.MethodPut, subscriptions(ch), both)
	got := entities(c.want(http.StatusOK, http.MethodPut, subscriptions(ch)+"?ignoreErrors=true", both))
	if len(got) != 2 || got[0]["state"] != "Permitted" || got[1]["state"] != "Rejected" || got[1]["rejectionReason"] == "" {
		t.Fatalf("states: %v", got)
	}
	// A topic that does not exist is no matter of permissions.
	for _, bad := range []string{"v2.users." + u.ID + ".nothing", "v3.x", "", "v2.users." + u.ID + ".conversations.calls.more"} {
		c.want(http.StatusBadRequest, http.MethodPut, subscriptions(ch)+"?ignoreErrors=true", topicList(bad))
	}
	org.AddClient(simulator.Client{ID: "poor", Secret: "s", Permissions: []string{}})
	poor := login(t, org, "poor", "s")
	got = entities(poor.want(http.StatusOK, http.MethodPut, subscriptions(poor.channel())+"?ignoreErrors=true", topicList(nestedTopic(u))))
	if missing := fmt.Sprint(got[0]["missingPermissions"]); missing != "["+simulator.PermissionConversationView+"]" {
		t.Fatalf("missing permissions %s", missing)
	}
}

func TestCombinedTopicCountsOnceAndArrivesExpanded(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	u := org.Users()[0]
	ch := c.channel()
	l := listen(t, ch)
	combined := "v2.users." + u.ID + "?presence&routingStatus&station"
	c.subscribe(ch, combined)
	got := entities(c.want(http.StatusOK, http.MethodGet, subscriptions(ch), nil))
	if len(got) != 1 || got[0]["id"] != combined {
		t.Fatalf("subscriptions %v", got)
	}
	org.SetPresence(u, "Meal")
	events := l.sync()
	if len(events) != 1 || events[0].Topic != "v2.users."+u.ID+".presence" {
		t.Fatalf("events %v", events)
	}
	dotted := "v2.users." + u.ID + "?conversations.calls&station"
	c.want(http.StatusBadRequest, http.MethodPut, subscriptions(ch), topicList(dotted))
	long := "v2.users." + u.ID + "?presence" + strings.Repeat("&routingStatus", 12)
	c.want(http.StatusBadRequest, http.MethodPut, subscriptions(ch), topicList(long))
	c.subscribe(ch, "v2.users."+u.ID+".conversations?calls")
	org.Call(simulator.Inbound{}).Alert(u)
	if events = l.sync(); events[len(events)-1].Topic != callsTopic(u) {
		t.Fatalf("last event on %s", events[len(events)-1].Topic)
	}
}

func TestCombinedTopicWithARefusedPartListsIt(t *testing.T) {
	org := start(t, simulator.Options{})
	org.AddClient(simulator.Client{ID: "poor", Secret: "s", Permissions: []string{}})
	c := login(t, org, "poor", "s")
	u := org.Users()[0]
	combined := "v2.users." + u.ID + "?presence&conversations"
	got := entities(c.want(http.StatusOK, http.MethodPut, subscriptions(c.channel())+"?ignoreErrors=true", topicList(combined)))
	if len(got) != 2 || got[0]["id"] != combined || got[0]["state"] != "Permitted" || got[1]["id"] != nestedTopic(u) || got[1]["state"] != "Rejected" {
		t.Fatalf("entities %v", got)
	}
}

func TestChannelLivesFromItsLastSubscription(t *testing.T) {
	org := start(t, simulator.Options{ChannelLife: 400 * time.Millisecond})
	c := standard(t, org)
	ch := c.channel()
	l := listen(t, ch)
	before := org.Channels()[0].Expires
	await(t, "a later expiry", func() bool {
		c.subscribe(ch, callsTopic(org.Users()[0]))
		return org.Channels()[0].Expires.After(before)
	})
	l.waitClosed()
	c.want(http.StatusNotFound, http.MethodPut, subscriptions(ch), topicList())
}

func TestAvailableTopicsAreExpandedOnRequest(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	for _, e := range entities(c.want(http.StatusOK, http.MethodGet, "/api/v2/notifications/availabletopics", nil)) {
		if len(e) != 1 {
			t.Fatalf("details without being asked for: %v", e)
		}
	}
	found := false
	for _, e := range entities(c.want(http.StatusOK, http.MethodGet, "/api/v2/notifications/availabletopics?expand=requiresPermissions,transports", nil)) {
		if e["id"] == "v2.users.{id}.conversations.calls" {
			found = fmt.Sprint(e["requiresPermissions"]) == "["+simulator.PermissionConversationView+"]" && e["transports"] != nil
		}
	}
	if !found {
		t.Fatal("the topic of calls is not described")
	}
}
