package simulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// control makes one request to the control endpoints.
func control(t *testing.T, c *client, method, path string, body, into any) int {
	t.Helper()
	resp, err := c.try(t.Context(), method, "/simulator/"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if cerr := resp.Body.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatalf("%s: %v: %s", path, err, data)
		}
	}
	return resp.StatusCode
}

func TestControlOverHTTPIsTheSameAsInGo(t *testing.T) {
	s := newScene(t, simulator.Options{Speed: 1e6}, 2)
	var played map[string]string
	request := simulator.PlayRequest{Story: simulator.StoryHold, Users: []string{s.users[1].ID}, Wait: true}
	if status := control(t, s.api, http.MethodPost, "play", request, &played); status != http.StatusOK {
		t.Fatalf("play: %d", status)
	}
	s.l.sync()
	var truth simulator.Truth
	control(t, s.api, http.MethodGet, "truth", nil, &truth)
	want := s.org.Truth()
	truth.At, want.At = time.Time{}, time.Time{}
	sortSightings(&truth)
	sortSightings(&want)
	if diff := cmp.Diff(want, truth); diff != "" {
		t.Errorf("truth over HTTP (-Go +HTTP):\n%s", diff)
	}
	if len(truth.Legs) != 1 || truth.Legs[0].ConversationID != played["conversationId"] || truth.Legs[0].UserID != s.users[1].ID {
		t.Errorf("legs %+v of %v", truth.Legs, played)
	}
	if status := control(t, s.api, http.MethodPost, "play", simulator.PlayRequest{Story: simulator.StoryInbound}, nil); status != http.StatusAccepted {
		t.Errorf("play in the background: %d", status)
	}
	await(t, "the second conversation", func() bool { return len(s.org.Truth().Conversations) == 2 && len(s.org.Open()) == 0 })
	var users []simulator.User
	control(t, s.api, http.MethodGet, "users", nil, &users)
	var stories []simulator.Story
	control(t, s.api, http.MethodGet, "stories", nil, &stories)
	var channels []simulator.ChannelInfo
	control(t, s.api, http.MethodGet, "channels", nil, &channels)
	var open []simulator.LegTruth
	control(t, s.api, http.MethodGet, "open", nil, &open)
	if len(users) != 20 || len(stories) != len(s.org.Stories()) || len(channels) != 1 || !channels[0].Connected || len(open) != 0 {
		t.Errorf("%d users, %d stories, channels %+v, %d open", len(users), len(stories), channels, len(open))
	}
}

func sortSightings(truth *simulator.Truth) {
	for i := range truth.Conversations {
		truth.Conversations[i].Sightings = nil // In no order; the legs tell what follows from them.
	}
}

func TestFaultsOverHTTP(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	var record simulator.FaultRecord
	fault := map[string]any{"kind": "starve", "for": "1h", "channel": s.org.Channels()[0].ID}
	if status := control(t, s.api, http.MethodPost, "faults", fault, &record); status != http.StatusOK || record.Reached != 1 || record.Fault.For != time.Hour {
		t.Fatalf("status %d, record %+v", status, record)
	}
	if !s.org.Channels()[0].Starved {
		t.Error("the channel is not starved")
	}
	for _, bad := range []any{
		map[string]any{"kind": "starve", "for": "soon"}, map[string]any{"kind": "x"}, map[string]any{"kind": "cut", "chanel": "typo"}, "cut",
	} {
		if status := control(t, s.api, http.MethodPost, "faults", bad, nil); status != http.StatusBadRequest {
			t.Errorf("%v: status %d", bad, status)
		}
	}
	for path, want := range map[string]int{"nothing": http.StatusNotFound, "play": http.StatusBadRequest} {
		if status := control(t, s.api, http.MethodPost, path, simulator.PlayRequest{Story: "x"}, nil); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
	if status := control(t, s.api, http.MethodPost, "play", simulator.PlayRequest{Story: "x", Wait: true}, nil); status != http.StatusBadRequest {
		t.Errorf("an unknown story: status %d", status)
	}
}
