package bridges_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/benchmark/bridges"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

const prefix = "recorder.v1.bench."

type bridge func(context.Context, bridges.Env, func()) error

func both() map[string]bridge {
	return map[string]bridge{"floor": bridges.Floor, "plain": bridges.Plain}
}

// notification builds a frame like the platform's whose agent participant and
// number differ. A member of agent replaces an earlier one of that name.
func notification(n int, agent string) string {
	return fmt.Sprintf(`{
  "topicName": "v2.users.user-%[1]d.conversations.calls", "version": "2",
  "eventBody": {
    "participants": [
      {"muted": false, "id": "customer-%[1]d", "name": "customer \"\\\\\" é", "address": "sip:customer@example.invalid",
       "connectedTime": "2026-08-28T18:40:17.990Z", "purpose": "customer", "state": "connected", "direction": "inbound",
       "held": false, "attributes": {"id": "no id", "n": [1, {"a]": "}"}, -2.5e3, null, true]}, "mediaRoles": ["full"]},
      {"id": "ivr-%[1]d", "purpose": "ivr", "state": "terminated", "endTime": "2026-08-28T18:40:26.809Z", "attributes": {}},
      {"id": "leg-%[1]d", "purpose": "agent", "address": "sip:agent@example.invalid", "direction": "inbound",
       "connectedTime": "2026-08-28T18:40:28.462Z", "queue": {"name": "q", "id": "queue-%[1]d"}%[2]s}
    ],
    "address": "tel:+15550000000", "id": "conversation-%[1]d"
  },
  "metadata": {"x": {"CorrelationId": "no"}, "CorrelationId": "00000000-0000-4000-8000-%012[1]d"}
}`, n, agent)
}

// serve sends the frames to whoever connects, and holds the socket open.
func serve(t *testing.T, frames []string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		ctx := conn.CloseRead(r.Context()) // ends when the bridge hangs up
		for _, frame := range frames {
			if err := conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
				return // a bridge that ends early is seen by what it stored
			}
		}
		<-ctx.Done()
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

// stored is a message of the stream.
type stored struct{ subject, data string }

// run lets a bridge work on frames until want messages are stored, and returns
// all that is stored after its end.
func run(t *testing.T, b bridge, frames []string, want uint64) []stored {
	t.Helper()
	server := natstest.New(t)
	js := natstest.JetStream(t, natstest.Connect(t, server.URL()))
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "BENCH", Subjects: []string{prefix + ">"}, Storage: jetstream.MemoryStorage,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, result := make(chan struct{}), make(chan error, 1)
	env := bridges.Env{WS: serve(t, frames), NATS: server.URL(), Subject: prefix}
	go func() { result <- b(ctx, env, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-result:
		t.Fatalf("ended before it was ready: %v", err)
	}
	count := func() uint64 {
		info, err := stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return info.State.Msgs
	}
	natstest.Eventually(t, "all events are stored", func() bool { return count() >= want })
	cancel()
	if err := <-result; err != nil {
		t.Fatalf("at the end: %v", err)
	}
	all := make([]stored, count())
	consumer, err := stream.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	for i := range all {
		m, err := messages.Next(jetstream.NextContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		all[i] = stored{m.Subject(), string(m.Data())}
	}
	return all
}

func TestOneEventForEachFrameInOrder(t *testing.T) {
	// More than a window of acknowledgements, so that waiting for room is part of it.
	const n = 5000
	frames := make([]string, 0, n+n/100)
	for i := range n {
		if i%100 == 0 {
			frames = append(frames, `{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}`)
		}
		frames = append(frames, notification(i, `,"state":"connected","user":{"id":"agent"}`))
	}
	for name, b := range both() {
		t.Run(name, func(t *testing.T) {
			all := run(t, b, frames, n)
			if len(all) != n {
				t.Fatalf("%d events of %d frames", len(all), n)
			}
			for i, m := range all {
				if want := fmt.Sprintf("%scall.agent.conversation-%d.leg-%d", prefix, i, i); m.subject != want {
					t.Fatalf("event %d is on %s, want %s", i, m.subject, want)
				}
				var event struct {
					Data struct {
						Source struct{ CorrelationID string }
					}
				}
				if err := json.Unmarshal([]byte(m.data), &event); err != nil {
					t.Fatalf("event %d: %v\n%s", i, err, m.data)
				}
				if want := fmt.Sprintf("00000000-0000-4000-8000-%012d", i); event.Data.Source.CorrelationID != want {
					t.Fatalf("event %d has the correlation id %s, want %s", i, event.Data.Source.CorrelationID, want)
				}
			}
		})
	}
}

// stories are agent participants, and the verb, cause and state that they mean.
func stories() map[string]string {
	return map[string]string{
		`,"state":"alerting","userId":"agent"`:                                        "prepare delivered armed",
		`,"state":"dialing","user":{"name":"a","id":"agent"}`:                         "prepare originated armed",
		`,"state":"connected"`:                                                        "start established recording",
		`,"state":"connected","muted":true,"confined":true`:                           "update muted recording",
		`,"state":"connected","held":true,"muted":true`:                               "update held recording",
		`,"state":"connected","held":true,"securePause":true`:                         "pause secure_paused paused",
		`,"state":"connected","held":null,"name":"a \"b\"","user":null`:               "start established recording",
		`,"state":"terminated","endTime":"2026-08-28T18:50:00.000Z"`:                  "stop cleared stopped",
		`,"state":"disconnected","disconnectType":"peer"`:                             "stop cleared stopped",
		`,"state":"connected","userId":"agent","attributes":{"a":"{\\"},"peer":"p\n"`: "start established recording",
	}
}

// TestBothMakeTheSameEvent uses the standard decoder of one bridge as the oracle
// for the scanner of the other.
func TestBothMakeTheSameEvent(t *testing.T) {
	var frames, want []string
	for agent, words := range stories() {
		var compact bytes.Buffer
		frame := notification(len(frames), agent)
		if err := json.Compact(&compact, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		frames, want = append(frames, frame, compact.String()), append(want, words, words)
	}
	// The same text twice would be one message for a bridge with ids.
	for i := range frames {
		frames[i] = strings.Replace(frames[i], "00000000-0000", fmt.Sprintf("%08d-0000", i), 1)
	}
	decoded := map[string][]map[string]any{}
	subjects := map[string][]string{}
	for name, b := range both() {
		for i, m := range run(t, b, frames, uint64(len(frames))) {
			var event map[string]any
			if err := json.Unmarshal([]byte(m.data), &event); err != nil {
				t.Fatalf("%s, frame %d: %v\n%s", name, i, err, m.data)
			}
			data, _ := event["data"].(map[string]any)
			if got := fmt.Sprint(data["verb"], " ", data["cause"], " ", data["state"]); got != want[i] {
				t.Errorf("%s, frame %d: %s, want %s", name, i, got, want[i])
			}
			timing, _ := data["timing"].(map[string]any)
			if timing["received"] == nil || timing["published"] == nil {
				t.Errorf("%s, frame %d: timing %v", name, i, timing)
			}
			delete(timing, "received") // the clock differs between the runs
			delete(timing, "published")
			decoded[name], subjects[name] = append(decoded[name], event), append(subjects[name], m.subject)
		}
	}
	if diff := cmp.Diff(decoded["plain"], decoded["floor"]); diff != "" {
		t.Errorf("events differ (-plain +floor):\n%s", diff)
	}
	if diff := cmp.Diff(subjects["plain"], subjects["floor"]); diff != "" {
		t.Errorf("subjects differ (-plain +floor):\n%s", diff)
	}
}

// TestNoEventForTheRest sends what is no conversation or no JSON.
func TestNoEventForTheRest(t *testing.T) {
	good := notification(1, `,"state":"connected"`)
	var frames []string
	for end := range good {
		frames = append(frames, good[:end]) // cut off anywhere
	}
	frames = append(
		frames, `null`, `[]`, `"text"`, `{}`, `{"topicName":7}`, `}`, `{"a":}`, `{"topicName":"v2.users.u.conversations.calls"}`,
		strings.Replace(good, "conversations.calls", "presence", 1),
		strings.Replace(good, `"agent"`, `"acd"`, 1),
		strings.Replace(good, `"participants": [`, `"participants": null, "rest": [`, 1),
		good,
	)
	for name, b := range both() {
		t.Run(name, func(t *testing.T) {
			if all := run(t, b, frames, 1); len(all) != 1 {
				t.Errorf("%d events, want that of the last frame only:\n%v", len(all), all)
			}
		})
	}
}

func TestReportsWhatFailed(t *testing.T) {
	server := natstest.New(t)
	frames := []string{notification(1, `,"state":"connected"`)}
	for name, b := range both() {
		t.Run(name+" without a server", func(t *testing.T) {
			err := b(t.Context(), bridges.Env{WS: serve(t, frames), NATS: "nats://127.0.0.1:1", Subject: prefix}, func() { t.Error("ready") })
			if err == nil || !strings.HasPrefix(err.Error(), "connect to NATS: ") {
				t.Error(err)
			}
		})
		t.Run(name+" without a websocket", func(t *testing.T) {
			err := b(t.Context(), bridges.Env{WS: "ws://127.0.0.1:1", NATS: server.URL(), Subject: prefix}, func() { t.Error("ready") })
			if err == nil || !strings.HasPrefix(err.Error(), "open websocket: ") {
				t.Error(err)
			}
		})
		t.Run(name+" with a socket that closes", func(t *testing.T) {
			hangUp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if conn, err := websocket.Accept(w, r, nil); err == nil {
					_ = conn.Close(websocket.StatusGoingAway, "")
				}
			}))
			defer hangUp.Close()
			env := bridges.Env{WS: "ws" + strings.TrimPrefix(hangUp.URL, "http"), NATS: server.URL(), Subject: prefix}
			if err := b(t.Context(), env, func() {}); err == nil || !strings.HasPrefix(err.Error(), "read websocket: ") {
				t.Error(err)
			}
		})
		t.Run(name+" without a stream", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			answered := natstest.Connect(t, server.URL())
			sub, err := answered.SubscribeSync(prefix + ">")
			if err != nil {
				t.Fatal(err)
			}
			if err := answered.Flush(); err != nil {
				t.Fatal(err)
			}
			result := make(chan error, 1)
			go func() {
				result <- b(ctx, bridges.Env{WS: serve(t, frames), NATS: server.URL(), Subject: prefix}, func() {})
			}()
			m, err := sub.NextMsgWithContext(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Respond([]byte(`{"error":{"code":503,"description":"no"},"stream":"","seq":0}`)); err != nil {
				t.Fatal(err)
			}
			if err := answered.Flush(); err != nil {
				t.Fatal(err)
			}
			cancel()
			if err := <-result; err == nil || !strings.HasPrefix(err.Error(), "flush: ") {
				t.Error(err)
			}
		})
	}
}
