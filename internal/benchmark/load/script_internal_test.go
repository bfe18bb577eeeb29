package load

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// shown is what a test looks at in a frame.
type shown struct {
	Topic string `json:"topicName"`
	Body  struct {
		ID           string
		Participants []struct {
			ID, Purpose, State string
			Held, Muted        bool
			ConnectedTime      time.Time
			EndTime            time.Time
			User               struct{ ID string }
		}
	} `json:"eventBody"`
	Meta struct{ CorrelationID string } `json:"metadata"`
}

// TestEveryFrameChangesOneThing follows two desks through several calls: frames are
// valid, numbered without a hole, and each differs from the one before on its desk in
// the state of the agent.
func TestEveryFrameChangesOneThing(t *testing.T) {
	s := newScript(Options{Agents: 2, Desks: 2})
	now := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	last := map[string]string{}
	seen := map[string]int{}
	for n := 1; n <= 100; n++ {
		now = now.Add(time.Second)
		b, user := s.next(nil, now)
		var f shown
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatalf("frame %d: %v\n%s", n, err, b)
		}
		if len(b) < 3600 || len(b) > 4000 {
			t.Errorf("frame %d has %d bytes, want about 3800", n, len(b))
		}
		if got := numberOf(idFrame, f.Meta.CorrelationID); got != n {
			t.Errorf("frame %d carries the number %d", n, got)
		}
		agent := f.Body.Participants[3]
		if want := "v2.users." + agent.User.ID + ".conversations.calls"; f.Topic != want || numberOf(idUser, agent.User.ID) != user {
			t.Errorf("frame %d of user %d is on %s, want %s", n, user, f.Topic, want)
		}
		state := agent.State
		if agent.Held {
			state += " held"
		}
		if agent.Muted {
			state += " muted"
		}
		if last[f.Body.ID] == state {
			t.Errorf("frame %d shows %s again", n, state)
		}
		if _, known := last[f.Body.ID]; known == (state == "alerting") {
			t.Errorf("frame %d shows %s, known call: %t", n, state, known)
		}
		if state == "terminated" && !agent.EndTime.Equal(now) {
			t.Errorf("frame %d ends at %v, want %v", n, agent.EndTime, now)
		}
		last[f.Body.ID] = state
		seen[state]++
	}
	for _, state := range []string{"alerting", "connected", "connected held", "connected muted", "terminated"} {
		if seen[state] == 0 {
			t.Errorf("no frame shows %s: %v", state, seen)
		}
	}
}

// TestRESTTellsTheLastFrame: what is read of a call is what was sent of it last.
func TestRESTTellsTheLastFrame(t *testing.T) {
	s := newScript(Options{Agents: 1, Desks: 1})
	for n := range 6 {
		frame, _ := s.next(nil, time.Date(2026, 3, 1, 12, 0, n, 0, time.UTC))
		if body := s.conversation(1); body == nil || !strings.Contains(string(frame), string(body)) {
			t.Fatalf("after frame %d REST tells\n%s\nof\n%s", n+1, body, frame)
		}
	}
	s.next(nil, time.Date(2026, 3, 1, 12, 1, 0, 0, time.UTC))
	if body := s.conversation(1); body != nil {
		t.Errorf("REST tells of a call that has ended: %s", body)
	}
}

// TestHoldsNeverBeginTogether: to whoever follows the call, a hold that begins when the
// one before did is that one told late, and no news.
func TestHoldsNeverBeginTogether(t *testing.T) {
	s := newScript(Options{Agents: 1, Desks: 1, Endless: true})
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	begun := map[string]bool{}
	for range 40 {
		b, _ := s.next(nil, now)
		_, rest, held := strings.Cut(string(b), `"startHoldTime":"`)
		if !held {
			continue
		}
		if begun[rest[:stampLen]] {
			t.Fatalf("two holds begin at %s", rest[:stampLen])
		}
		begun[rest[:stampLen]] = true
	}
	if len(begun) != 10 {
		t.Errorf("%d holds in 40 frames, want 10", len(begun))
	}
}

func BenchmarkNext(b *testing.B) {
	s := newScript(Options{Agents: 500, Desks: 500})
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var frame []byte
	b.ReportAllocs()
	for b.Loop() {
		frame, _ = s.next(frame[:0], now)
	}
}
