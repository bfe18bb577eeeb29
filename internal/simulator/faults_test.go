package simulator_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestCutLosesAndIsRecorded(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	call, leg := connectedCall(s)
	s.l.sync()
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultCut}, 1)
	s.l.waitClosed()
	await(t, "the channel without a socket", func() bool { return !s.org.Channels()[0].Connected })
	leg.Hold()
	leg.Retrieve()
	s.l = listen(t, channelInfo{uri: "ws" + strings.TrimPrefix(s.org.URL(), "http") + "/channels/" + s.org.Channels()[0].ID})
	call.CustomerHangsUp()
	s.l.sync()
	truth := leg.Truth()
	if !truth.SeenConnected || !truth.SeenEnded || truth.Toggles[0].Seen {
		t.Errorf("truth %+v", truth)
	}
	all := s.org.Truth()
	if all.Losses[simulator.LossNoSocket] != 8 || len(all.LostFrames) != 8 || all.LostFrames[0].ConversationID != call.ID() {
		t.Errorf("losses %v, %d frames", all.Losses, len(all.LostFrames))
	}
	if len(all.Sockets) != 1 || all.Sockets[0].Reason != "cut" || all.Sockets[0].Frames == 0 {
		t.Errorf("sockets %+v", all.Sockets)
	}
	if len(all.Faults) != 1 || all.Faults[0].Fault.Kind != simulator.FaultCut {
		t.Errorf("faults %+v", all.Faults)
	}
}

func TestCutChoosesOneChannel(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	a, b := c.channel(), c.channel()
	la, lb := listen(t, a), listen(t, b)
	inject(t, org, simulator.Fault{Kind: simulator.FaultCut, Channel: a.id}, 1)
	la.waitClosed()
	lb.sync()
}

func TestSilentSocketGivesNoSignOfLife(t *testing.T) {
	s := newScene(t, simulator.Options{HeartbeatEvery: 2 * time.Millisecond}, 1)
	s.l.sync()
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultSilence}, 1)
	connectedCall(s)
	s.l.send(map[string]string{"message": "ping"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.l.conn.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a ping of the protocol got %v", err)
	}
	s.l.mu.Lock()
	for _, n := range s.l.frames {
		if n.Topic != "channel.metadata" {
			t.Errorf("a silent socket said %s", n.raw)
		}
	}
	closed := s.l.err
	s.l.mu.Unlock()
	if closed != nil {
		t.Errorf("a silent socket closed: %v", closed)
	}
	if n := s.org.Truth().Losses[simulator.LossSilent]; n == 0 {
		t.Error("no losses of the silence")
	}
}

func TestStarvedChannelBeatsAndDeliversNothing(t *testing.T) {
	s := newScene(t, simulator.Options{HeartbeatEvery: 2 * time.Millisecond}, 1)
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultStarve}, 1)
	_, leg := connectedCall(s)
	if events := s.l.sync(); len(events) != 0 {
		t.Fatalf("%d events on a starved channel", len(events))
	}
	s.l.waitFrame("a heartbeat", func(n notification) bool { return n.Body["message"] == "WebSocket Heartbeat" })
	if n := s.org.Truth().Losses[simulator.LossStarved]; n != 4 {
		t.Errorf("%d losses, want 4", n)
	}
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultClear}, 1)
	leg.Mute()
	if events := s.l.sync(); len(events) != 2 {
		t.Errorf("%d events after the end of the starvation, want 2", len(events))
	}
}

func TestStarvationEndsByItself(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultStarve, For: time.Millisecond}, 1)
	await(t, "the end of the starvation", func() bool { return !s.org.Channels()[0].Starved })
}

func TestDropLosesAFraction(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	_, leg := connectedCall(s)
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultDrop, Fraction: 0.5, Topic: ".calls"}, 0)
	before := len(s.l.sync())
	for range 100 {
		leg.SetAttributes(map[string]string{"a": "b"})
	}
	await(t, "the rest", func() bool {
		return len(s.l.sync())-before+s.org.Truth().Losses[simulator.LossDropped] == 200
	})
	lost := s.org.Truth().Losses[simulator.LossDropped]
	if lost < 20 || lost > 80 {
		t.Errorf("%d of 100 lost", lost)
	}
	if n := len(s.nested(s.users[0])); n != 102 {
		t.Errorf("%d nested frames, want 102: the topic was not chosen", n)
	}
}

// numbered makes n changes and returns the numbers as they arrive on a topic.
func numbered(s *scene, topic string, n, want int) []string {
	s.t.Helper()
	_, leg := connectedCall(s)
	for i := range n {
		leg.SetAttributes(map[string]string{"n": string(rune('A' + i))})
	}
	var got []string
	await(s.t, "all frames", func() bool {
		got = got[:0]
		for _, body := range s.bodies(topic) {
			if p := part(body, leg.ID()); p != nil {
				attributes, _ := p["attributes"].(map[string]any)
				if text, ok := attributes["n"].(string); ok {
					got = append(got, text)
				}
			}
		}
		return len(got) >= want
	})
	return got
}

func TestDelayKeepsTheOrderWithinATopic(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultDelay, Delay: 20 * time.Millisecond}, 0)
	if got := numbered(s, callsTopic(s.users[0]), 20, 20); !slices.IsSorted(got) {
		t.Errorf("order %v", got)
	}
}

func TestDeliveryDelayKeepsTheOrderWithinATopic(t *testing.T) {
	s := newScene(t, simulator.Options{DeliveryDelay: 10 * time.Millisecond}, 1)
	if got := numbered(s, callsTopic(s.users[0]), 20, 20); !slices.IsSorted(got) {
		t.Errorf("order %v", got)
	}
}

func TestReorderWithinATopicOnRequestOnly(t *testing.T) {
	for name, within := range map[string]bool{"across": false, "within": true} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, simulator.Options{}, 1)
			inject(t, s.org, simulator.Fault{Kind: simulator.FaultReorder, Fraction: 0.5, Delay: 20 * time.Millisecond, WithinTopic: within}, 0)
			if got := numbered(s, callsTopic(s.users[0]), 25, 25); slices.IsSorted(got) == within {
				t.Errorf("order %v", got)
			}
			var order []string
			for _, n := range s.l.sync() {
				order = append(order, n.Metadata.CorrelationID)
			}
			pairs := 0
			for i := 1; i < len(order); i += 2 {
				if order[i] == order[i-1] {
					pairs++
				}
			}
			if pairs == len(order)/2 {
				t.Error("the two topics of every change stayed together")
			}
		})
	}
}

func TestDuplicatesAreTheSameFrame(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultDuplicate, Delay: 5 * time.Millisecond}, 0)
	got := numbered(s, callsTopic(s.users[0]), 10, 20)
	slices.Sort(got)
	for i := 0; i < len(got); i += 2 {
		if got[i] != got[i+1] {
			t.Fatalf("frames %v, want each twice", got)
		}
	}
}

func TestEvictionAndTokensOnRequest(t *testing.T) {
	for kind, reached := range map[simulator.FaultKind]int{
		simulator.FaultEvict: 1, simulator.FaultExpireTokens: 1, simulator.FaultRevokeTokens: 1,
	} {
		t.Run(string(kind), func(t *testing.T) {
			s := newScene(t, simulator.Options{}, 1)
			s.l.sync()
			inject(t, s.org, simulator.Fault{Kind: kind}, reached)
			s.l.waitClosed()
			if n := len(s.org.Channels()); n != 0 {
				t.Errorf("%d channels are left", n)
			}
		})
	}
}

func TestMalformedAndOversizedFramesComeBetweenGoodOnes(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	_, leg := connectedCall(s)
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultMalformed}, 1)
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultOversized, Bytes: 3 << 20}, 1)
	leg.Mute()
	s.l.sync()
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	var broken, big int
	for _, n := range s.l.frames {
		if n.Topic == "" {
			broken++
		}
		if len(n.raw) > 3<<20 && strings.HasSuffix(n.Topic, ".conversations.calls") {
			big++
		}
	}
	if broken < 5 || big != 1 {
		t.Errorf("%d broken and %d big frames", broken, big)
	}
	if f := last(slices.DeleteFunc(slices.Clone(s.l.frames), func(n notification) bool { return n.Topic != callsTopic(s.users[0]) })); part(f.Body, leg.ID())["muted"] != true {
		t.Error("the good frame after them is missing")
	}
}

func TestRESTFaults(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	const path = "/api/v2/users"
	for _, status := range []int{401, 403, 404, 429, 500, 503} {
		inject(t, org, simulator.Fault{Kind: simulator.FaultREST, Path: path, Status: status, Count: 2, RetryAfter: 7}, 0)
		c.want(http.StatusOK, http.MethodGet, "/api/v2/groups", nil)
		for range 2 {
			resp, _ := c.do(http.MethodGet, path, nil)
			if resp.StatusCode != status || status == 429 && resp.Header.Get("Retry-After") != "7" {
				t.Errorf("status %d, want %d, %v", resp.StatusCode, status, resp.Header)
			}
		}
		c.want(http.StatusOK, http.MethodGet, path, nil)
	}
	inject(t, org, simulator.Fault{Kind: simulator.FaultREST, Mode: simulator.ModeOKError, Count: 1}, 0)
	if body := c.want(http.StatusOK, http.MethodGet, path, nil); body["status"] != 500.0 {
		t.Errorf("body %v", body)
	}
	for mode, text := range map[string]string{simulator.ModeHTML: "<html>", simulator.ModeGarbage: `"id":"`} {
		inject(t, org, simulator.Fault{Kind: simulator.FaultREST, Mode: mode, Count: 1}, 0)
		resp, err := c.try(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		if cerr := resp.Body.Close(); err != nil || cerr != nil || !strings.Contains(string(data), text) {
			t.Errorf("%s: %q", mode, data)
		}
	}
	inject(t, org, simulator.Fault{Kind: simulator.FaultREST, Path: "/oauth/", Status: 500, For: time.Minute}, 0)
	if status, _ := c.grant("sim-client", "sim-secret", nil); status != http.StatusInternalServerError {
		t.Errorf("token: %d", status)
	}
	inject(t, org, simulator.Fault{Kind: simulator.FaultClear}, 0)
	standard(t, org)
	ch := c.channel()
	inject(t, org, simulator.Fault{Kind: simulator.FaultREST, Path: "/channels/", Status: 503, Count: 1}, 0)
	if _, resp, err := dial(t.Context(), ch.uri); err == nil || resp.StatusCode != http.StatusServiceUnavailable { //nolint:bodyclose // Closed by the library.
		t.Errorf("handshake: %v", err)
	}
}

func TestHangLastsUntilTheClientGivesUpOrTheFaultEnds(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	try := func(ctx context.Context) error {
		resp, err := c.try(ctx, http.MethodGet, "/api/v2/users", nil)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	inject(t, org, simulator.Fault{Kind: simulator.FaultREST, Mode: simulator.ModeHang}, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := try(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a hanging request: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- try(t.Context()) }()
	inject(t, org, simulator.Fault{Kind: simulator.FaultClear}, 0)
	if err := <-done; err != nil && errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the fault: %v", err)
	}
	inject(t, org, simulator.Fault{Kind: simulator.FaultREST, Mode: simulator.ModeHang, For: 5 * time.Millisecond, Count: 1}, 0)
	if err := try(t.Context()); err == nil {
		t.Error("a hanging request was answered")
	}
}

func TestNonsenseFaultsAreRefused(t *testing.T) {
	org := start(t, simulator.Options{})
	for _, bad := range []simulator.Fault{
		{},
		{Kind: "earthquake"},
		{Kind: simulator.FaultDrop, Fraction: 2},
		{Kind: simulator.FaultDelay, Delay: -1},
		{Kind: simulator.FaultREST, Mode: "sulk"},
		{Kind: simulator.FaultREST, Status: 42},
	} {
		if _, err := org.Inject(bad); !errors.Is(err, simulator.ErrFault) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if n := len(org.Truth().Faults); n != 0 {
		t.Errorf("%d faults in the truth", n)
	}
}

func TestUnsubscribeTakesTheTopicsAndSaysSo(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	s.l.sync()
	inject(t, s.org, simulator.Fault{Kind: simulator.FaultUnsubscribe}, 1)
	s.l.waitFrame("the message", func(n notification) bool { return strings.HasPrefix(n.Topic, "v2.system.no_longer_subscribed.") })
	if ch := s.org.Channels()[0]; len(ch.Topics) != 0 || !ch.Connected {
		t.Errorf("after the message: %+v", ch)
	}
}

func TestEmptyAnswerObeysTheRequest(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	ch := c.channel()
	inject(t, org, simulator.Fault{
		Kind: simulator.FaultREST, Mode: simulator.ModeEmpty, Method: http.MethodPut, Path: "/api/v2/notifications/", Count: 1,
	}, 0)
	c.want(http.StatusOK, http.MethodGet, subscriptions(ch), nil) // another method
	resp, err := c.try(t.Context(), http.MethodPut, subscriptions(ch), topicList("v2.users."+org.Users()[0].ID+".outofoffice"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if cerr := resp.Body.Close(); err != nil || cerr != nil || resp.StatusCode != http.StatusOK || len(data) != 0 {
		t.Errorf("status %d, body %q", resp.StatusCode, data)
	}
	if topics := org.Channels()[0].Topics; len(topics) != 1 {
		t.Errorf("topics: %v", topics)
	}
}
