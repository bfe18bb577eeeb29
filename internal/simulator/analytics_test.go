package simulator_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

type object = map[string]any

const detailsPath = "/api/v2/analytics/conversations/details/query"

func predicate(dimension, operator, value string) object {
	p := object{"type": "dimension", "dimension": dimension, "operator": operator}
	if value != "" {
		p["value"] = value
	}
	return object{"type": "and", "predicates": []object{p}}
}

func today() string {
	at := time.Now().UTC()
	return at.Format(time.RFC3339) + "/" + at.Add(time.Second).Format(time.RFC3339)
}

func found(body object) []string {
	list, _ := body["conversations"].([]any)
	var ids []string
	for _, item := range list {
		c, _ := item.(object)
		id, _ := c["conversationId"].(string)
		ids = append(ids, id)
	}
	return ids
}

func TestAnalyticsFindsOpenVoiceConversations(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	open, leg := connectedCall(s)
	over := s.org.Call(simulator.Inbound{})
	over.CustomerHangsUp()
	callback := s.org.Call(simulator.Callback{})
	query := func(more object) object {
		// The interval is a second; the day that it touches counts.
		q := object{"interval": today(), "order": "asc", "orderBy": "conversationStart"}
		maps.Copy(q, more)
		return s.api.want(http.StatusOK, http.MethodPost, detailsPath, q)
	}
	notOver := []object{predicate("conversationEnd", "notExists", "")}
	voice := []object{predicate("mediaType", "matches", "voice")}
	for name, test := range map[string]struct {
		query object
		want  []string
	}{
		"all":       {nil, []string{open.ID(), over.ID(), callback.ID()}},
		"open":      {object{"conversationFilters": notOver}, []string{open.ID(), callback.ID()}},
		"voice":     {object{"conversationFilters": notOver, "segmentFilters": voice}, []string{open.ID()}},
		"by id":     {object{"conversationFilters": []object{predicate("conversationId", "matches", over.ID())}}, []string{over.ID()}},
		"by user":   {object{"segmentFilters": []object{predicate("userId", "matches", s.users[0].ID)}}, []string{open.ID()}},
		"has ended": {object{"conversationFilters": []object{predicate("conversationEnd", "exists", "")}}, []string{over.ID()}},
	} {
		got := found(query(test.query))
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	body := query(object{"conversationFilters": []object{predicate("conversationId", "matches", open.ID())}})
	for _, want := range []string{"protocolCallId:", "segmentType:interact", "userId:" + leg.UserID(), "participantId:" + leg.ID(), "mediaType:voice"} {
		if text := fmt.Sprint(body); !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	if body["totalHits"] != 1.0 {
		t.Errorf("totalHits %v", body["totalHits"])
	}
}

func TestAnalyticsPagesAndRefuses(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	for range 105 {
		org.Call(simulator.Inbound{})
	}
	ids := map[string]bool{}
	for page := 1; page <= 3; page++ {
		body := c.want(http.StatusOK, http.MethodPost, detailsPath, object{"interval": today(), "paging": object{"pageSize": 100, "pageNumber": page}})
		if body["totalHits"] != 105.0 {
			t.Fatalf("totalHits %v", body["totalHits"])
		}
		for _, id := range found(body) {
			ids[id] = true
		}
		if _, ok := body["conversations"]; ok != (page < 3) {
			t.Fatalf("page %d has a list: %v", page, ok)
		}
	}
	if len(ids) != 105 {
		t.Fatalf("%d conversations on two pages", len(ids))
	}
	yesterday := time.Now().UTC().Add(-48 * time.Hour)
	old := yesterday.Format(time.RFC3339) + "/" + yesterday.Add(time.Hour).Format(time.RFC3339)
	if got := c.want(http.StatusOK, http.MethodPost, detailsPath, object{"interval": old}); got["totalHits"] != 0.0 {
		t.Errorf("two days ago: %v", got["totalHits"])
	}
	for name, bad := range map[string]object{
		"page size": {"interval": today(), "paging": object{"pageSize": 101}},
		"interval":  {"interval": "now"},
		"dimension": {"interval": today(), "segmentFilters": []object{predicate("mood", "matches", "good")}},
		"operator":  {"interval": today(), "segmentFilters": []object{predicate("userId", "resembles", "x")}},
		"filter":    {"interval": today(), "segmentFilters": []object{{"type": "xor"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.tb = t
			c.want(http.StatusBadRequest, http.MethodPost, detailsPath, bad)
		})
	}
	org.AddClient(simulator.Client{ID: "poor", Secret: "s", Permissions: []string{}})
	login(t, org, "poor", "s").want(http.StatusForbidden, http.MethodPost, detailsPath, object{"interval": today()})
}

func TestAnalyticsIsBehind(t *testing.T) {
	org := start(t, simulator.Options{AnalyticsLag: time.Hour})
	c := standard(t, org)
	call := org.Call(simulator.Inbound{})
	if got := c.want(http.StatusOK, http.MethodPost, detailsPath, object{"interval": today()}); got["totalHits"] != 0.0 {
		t.Errorf("analytics knows it already: %v", got)
	}
	c.want(http.StatusOK, http.MethodGet, "/api/v2/conversations/calls/"+call.ID(), nil)
}
