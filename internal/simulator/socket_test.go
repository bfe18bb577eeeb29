package simulator_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestSocketBeatsAndAnswersPing(t *testing.T) {
	org := start(t, simulator.Options{HeartbeatEvery: 5 * time.Millisecond})
	l := listen(t, standard(t, org).channel())
	l.waitFrame("a heartbeat", func(n notification) bool {
		return n.raw == `{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}`
	})
	l.send(map[string]string{"message": "ping"})
	l.waitFrame("a pong", func(n notification) bool {
		return n.raw == `{"topicName":"channel.metadata","eventBody":{"message":"pong"}}`
	})
}

func TestUnknownChannelIs404AtTheHandshake(t *testing.T) {
	org := start(t, simulator.Options{})
	uri := "ws" + org.URL()[len("http"):] + "/channels/streaming-1-none"
	_, resp, err := dial(t.Context(), uri) //nolint:bodyclose // Closed by the library.
	if err == nil || resp == nil || resp.StatusCode != http.StatusNotFound {
		t.Fatalf("dial: %v", err)
	}
}

func TestSecondSocketDisconnectsTheFirstAndKeepsTheTopics(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	u := org.Users()[0]
	ch := c.channel()
	first := listen(t, ch)
	c.subscribe(ch, callsTopic(u))
	second := listen(t, ch)
	first.waitClosed()
	org.Call(simulator.Inbound{}).Alert(u)
	if events := second.sync(); len(events) != 1 {
		t.Fatalf("%d events on the second socket, want 1", len(events))
	}
	await(t, "the first socket in the truth", func() bool { return len(org.Truth().Sockets) == 1 })
}

func TestNothingIsReplayedAndNothingIsSentOnSubscribe(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	u := org.Users()[0]
	ch := c.channel()
	c.subscribe(ch, callsTopic(u))
	call := org.Call(simulator.Inbound{})
	leg := call.Alert(u)
	leg.Answer()

	l := listen(t, ch)
	c.subscribe(ch, callsTopic(u))
	if events := l.sync(); len(events) != 0 {
		t.Fatalf("got %d events for the past", len(events))
	}
	if n := org.Truth().Losses[simulator.LossNoSocket]; n != 2 {
		t.Fatalf("%d losses without a socket, want 2", n)
	}
	if leg.Truth().SeenConnected {
		t.Fatal("nobody has seen the leg connect")
	}
	leg.Mute()
	l.sync()
	if !leg.Truth().SeenConnected {
		t.Fatal("the later snapshot shows that the leg has connected")
	}
}

func TestSubscribeOverTheSocket(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	u := org.Users()[0]
	l := listen(t, c.channel())
	ask := func(result, status string, topics ...string) {
		t.Helper()
		l.send(map[string]any{"message": "subscribe", "topics": topics, "correlationId": "x"})
		l.waitFrame(result+" "+status, func(n notification) bool { return n.Result == result && n.Status == status })
	}
	ask("200", "subscribed", callsTopic(u))
	ask("400", "failure", "v2.nothing")
	l.send("not an object")
	l.waitFrame("an error", func(n notification) bool { return n.Status == "error" })
	org.Call(simulator.Inbound{}).Alert(u)
	l.waitFrame("the call", func(n notification) bool { return n.Topic == callsTopic(u) })
}

func TestMaintenanceWarnsThenCloses(t *testing.T) {
	org := start(t, simulator.Options{CloseWarning: 50 * time.Millisecond})
	c := standard(t, org)
	ch := c.channel()
	l := listen(t, ch)
	l.sync()
	inject(t, org, simulator.Fault{Kind: simulator.FaultMaintenance}, 1)
	l.waitFrame("the warning", func(n notification) bool { return n.Topic == "v2.system.socket_closing" })
	var closed websocket.CloseError
	if err := l.closedBy(); !errors.As(err, &closed) || closed.Code != websocket.StatusGoingAway {
		t.Fatalf("closed with %v", err)
	}
	listen(t, ch).sync()
}

func TestSlowReaderIsDisconnectedAndBlocksNobody(t *testing.T) {
	org := start(t, simulator.Options{QueueFrames: 64})
	c := standard(t, org)
	u := org.Users()[0]
	slow, quick := c.channel(), c.channel()
	for _, ch := range []channelInfo{slow, quick} {
		c.subscribe(ch, callsTopic(u))
	}
	conn, _, err := dial(t.Context(), slow.uri) //nolint:bodyclose // Closed by the library.
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	l := listen(t, quick)
	leg := org.Call(simulator.Inbound{}).Alert(u)
	big := map[string]string{"data": string(make([]byte, 50_000))}
	// Nobody reads the slow socket: its buffers fill up, then its queue.
	await(t, "the slow reader to go", func() bool {
		leg.SetAttributes(big)
		l.sync()
		return org.Truth().Losses[simulator.LossSlowReader] > 0
	})
	for _, ch := range org.Channels() {
		if ch.ID == quick.id && !ch.Connected {
			t.Fatal("the quick reader was disconnected")
		}
	}
}

func TestEndOfTheOrganizationCutsSocketsAndWaits(t *testing.T) {
	org := start(t, simulator.Options{})
	l := listen(t, standard(t, org).channel())
	l.sync()
	org.Close()
	l.waitClosed()
}

func inject(tb testing.TB, org *simulator.Org, fault simulator.Fault, reached int) {
	tb.Helper()
	record, err := org.Inject(fault)
	if err != nil {
		tb.Fatal(err)
	}
	if record.Reached != reached {
		tb.Fatalf("%s reached %d, want %d", fault.Kind, record.Reached, reached)
	}
}
