package simulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func entities(body map[string]any) []map[string]any {
	list, _ := body["entities"].([]any)
	result := make([]map[string]any, len(list))
	for i, item := range list {
		result[i], _ = item.(map[string]any)
	}
	return result
}

func TestUsersArePaged(t *testing.T) {
	org := start(t, simulator.Options{Users: 103})
	c := standard(t, org)
	if got := c.want(http.StatusOK, http.MethodGet, "/api/v2/users", nil); len(entities(got)) != 25 || got["total"] != 103.0 || got["pageCount"] != 5.0 {
		t.Fatalf("default page: %d entities, total %v, pages %v", len(entities(got)), got["total"], got["pageCount"])
	}
	ids := map[any]bool{}
	for page := 1; page <= 3; page++ {
		body := c.want(http.StatusOK, http.MethodGet, fmt.Sprintf("/api/v2/users?pageSize=50&pageNumber=%d", page), nil)
		for _, u := range entities(body) {
			ids[u["id"]] = true
		}
		if _, more := body["nextUri"]; more != (page < 3) {
			t.Fatalf("page %d: nextUri %v", page, body["nextUri"])
		}
	}
	if len(ids) != 103 {
		t.Fatalf("%d users on three pages", len(ids))
	}
	if got := c.want(http.StatusOK, http.MethodGet, "/api/v2/users?pageNumber=99", nil); len(entities(got)) != 0 {
		t.Fatal("a page behind the end has users")
	}
	for _, bad := range []string{"pageSize=501", "pageSize=0", "pageNumber=x", "state=fired"} {
		c.want(http.StatusBadRequest, http.MethodGet, "/api/v2/users?"+bad, nil)
	}
}

func TestUsersAreFilteredAndExpanded(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	users := org.Users()
	org.SetUserState(users[1].ID, "inactive")
	for query, want := range map[string]int{
		"": 19, "&state=inactive": 1, "&state=any": 20, "&id=" + users[0].ID + "," + users[2].ID: 2, "&id=" + users[0].ID + "&id=" + users[1].ID: 1,
	} {
		if got := c.want(http.StatusOK, http.MethodGet, "/api/v2/users?pageSize=100"+query, nil); len(entities(got)) != want {
			t.Errorf("%q: %d users, want %d", query, len(entities(got)), want)
		}
	}
	plain := c.want(http.StatusOK, http.MethodGet, "/api/v2/users/"+users[0].ID, nil)
	for _, name := range []string{"presence", "routingStatus", "station", "conversationSummary"} {
		if plain[name] != nil {
			t.Errorf("%s without being asked for", name)
		}
	}
	full := c.want(http.StatusOK, http.MethodGet, "/api/v2/users/"+users[0].ID+"?expand=presence,routingStatus,station,conversationSummary", nil)
	for _, name := range []string{"presence", "routingStatus", "station", "conversationSummary"} {
		if full[name] == nil {
			t.Errorf("%s was asked for", name)
		}
	}
	c.want(http.StatusNotFound, http.MethodGet, "/api/v2/users/nobody", nil)
	c.want(http.StatusBadRequest, http.MethodGet, "/api/v2/users/me", nil)
}

func TestRestOfTheDirectory(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	u := org.Users()[0]
	total := func(path string) float64 {
		n, _ := c.want(http.StatusOK, http.MethodGet, path, nil)["total"].(float64)
		return n
	}
	if n := total("/api/v2/users/" + u.ID + "/queues"); n != 2 {
		t.Errorf("queues of a user: %v", n)
	}
	if n := total("/api/v2/routing/queues"); n != 4 {
		t.Errorf("queues: %v", n)
	}
	if n := total("/api/v2/routing/queues/" + org.Queues()[0].ID + "/members?pageSize=100"); n != 10 {
		t.Errorf("members of a queue: %v", n)
	}
	c.want(http.StatusBadRequest, http.MethodGet, "/api/v2/routing/queues/"+org.Queues()[0].ID+"/members?pageSize=101", nil)
	c.want(http.StatusNotFound, http.MethodGet, "/api/v2/routing/queues/none/members", nil)
	if n := total("/api/v2/groups"); n != 2 {
		t.Errorf("groups: %v", n)
	}
	if n := total("/api/v2/groups/" + org.Groups()[1].ID + "/members"); n != 10 {
		t.Errorf("members of a group: %v", n)
	}
	if n := total("/api/v2/authorization/divisions"); n != 2 {
		t.Errorf("divisions: %v", n)
	}
	if n := total("/api/v2/stations"); n != 20 {
		t.Errorf("stations: %v", n)
	}
	if n := total("/api/v2/presence/definitions"); n != 10 {
		t.Errorf("presence definitions: %v", n)
	}
	if got := c.want(http.StatusOK, http.MethodGet, "/api/v2/users/"+u.ID+"/routingstatus", nil); got["status"] != "IDLE" {
		t.Errorf("routing status: %v", got)
	}
	if got := c.want(http.StatusOK, http.MethodGet, "/api/v2/users/"+u.ID+"/presences/purecloud", nil); got["presenceDefinition"] == nil {
		t.Errorf("presence: %v", got)
	}
	org.SetStation(u, simulator.Station{})
	if got := c.want(http.StatusOK, http.MethodGet, "/api/v2/users/"+u.ID+"/station", nil); got["associatedStation"] != nil {
		t.Errorf("station of a user without one: %v", got)
	}
}

func TestClientSeesItsDivisionsOnly(t *testing.T) {
	org := start(t, simulator.Options{})
	org.AddClient(simulator.Client{ID: "branch", Secret: "s", Divisions: []string{org.Divisions()[1].ID}})
	c := login(t, org, "branch", "s")
	if got := c.want(http.StatusOK, http.MethodGet, "/api/v2/users", nil); got["total"] != 10.0 {
		t.Errorf("users of one division: %v", got["total"])
	}
	hidden := org.Users()[0]
	c.want(http.StatusNotFound, http.MethodGet, "/api/v2/users/"+hidden.ID, nil)
	ch := c.channel()
	c.want(http.StatusForbidden, http.MethodPut, subscriptions(ch), topicList(callsTopic(hidden)))
}

func TestAgentStateFollowsTheCallAndIsSent(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	u := org.Users()[0]
	ch := c.channel()
	l := listen(t, ch)
	base := "v2.users." + u.ID
	c.subscribe(ch, base+"?presence&routingStatus&station&activity&outofoffice", base+".conversationsummary")

	call := org.Call(simulator.Inbound{})
	leg := call.Alert(u)
	leg.Answer()
	if got := c.want(http.StatusOK, http.MethodGet, "/api/v2/users/"+u.ID+"/routingstatus", nil); got["status"] != "INTERACTING" {
		t.Errorf("during the call: %v", got)
	}
	call.CustomerHangsUp()
	org.SetPresence(u, "On Queue")
	org.SetStation(u, simulator.Station{ID: "s2", Name: "Other"})
	org.SetOutOfOffice(u, true)
	l.sync()
	for _, want := range []struct{ topic, text string }{
		{base + ".routingStatus", `"INTERACTING"`},
		{base + ".routingStatus", `"IDLE"`},
		{base + ".activity", `"INTERACTING"`},
		{base + ".presence", `"ON_QUEUE"`},
		{base + ".station", `"s2"`},
		{base + ".outofoffice", `"active":true`},
		{base + ".activity", `"outOfOffice":{"active":true`},
		{base + ".conversationsummary", `"active":1`},
	} {
		l.waitFrame(want.topic+" "+want.text, func(n notification) bool {
			return n.Topic == want.topic && strings.Contains(n.raw, want.text)
		})
	}
}
