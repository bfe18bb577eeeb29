package bridges

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// object is any JSON object.
type object = map[string]any

// Plain is the bridge that an ordinary engineer writes in an afternoon: maps for
// the frame and for the event, the standard JSON package, and the asynchronous
// publish of the client with its defaults and a message id. It is not tuned, and
// not made worse than such a program would be.
//
// It calls ready when both sides are connected, runs until ctx ends, and then
// waits up to five seconds for what is in flight. It returns nil unless a side
// failed before, or events remained without a good acknowledgement.
func Plain(ctx context.Context, e Env, ready func()) error {
	ws, nc, err := dial(ctx, e)
	if err != nil {
		return err
	}
	defer nc.Close()
	defer ws.CloseNow() //nolint:errcheck // nothing can be done about it
	var failed atomic.Int64
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncErrHandler(func(jetstream.JetStream, *nats.Msg, error) {
		failed.Add(1)
	}))
	if err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	ready()
	reading := forward(ctx, ws, js, e.Subject)
	return ended(ctx, reading, complete(js, &failed))
}

// forward publishes an event for each frame until reading or publishing fails.
func forward(ctx context.Context, ws *websocket.Conn, js jetstream.JetStream, prefix string) error {
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			return fmt.Errorf("read websocket: %w", err)
		}
		subject, event := translate(data, time.Now())
		if event == nil {
			continue
		}
		body, err := json.Marshal(event)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		if err := publish(ctx, js, prefix+subject, body, text(event["id"])); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
}

// publish waits as long as too many messages are pending.
func publish(ctx context.Context, js jetstream.JetStream, subject string, body []byte, id string) error {
	for {
		_, err := js.PublishAsync(subject, body, jetstream.WithMsgID(id))
		if !errors.Is(err, jetstream.ErrTooManyStalledMsgs) || ctx.Err() != nil {
			return err
		}
	}
}

// complete waits for the acknowledgements that are missing.
func complete(js jetstream.JetStream, failed *atomic.Int64) error {
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(flushWithin):
		return fmt.Errorf("flush: %d events have no acknowledgement after %v", js.PublishAsyncPending(), flushWithin)
	}
	if n := failed.Load(); n > 0 {
		return fmt.Errorf("flush: %d events were not stored", n)
	}
	return nil
}

// translate returns the event of a frame and the end of its subject, or nil when
// the frame is not about an agent's call.
func translate(data []byte, now time.Time) (subject string, event object) {
	var f object
	if json.Unmarshal(data, &f) != nil {
		return "", nil
	}
	topic := text(f["topicName"])
	parts := strings.Split(topic, ".")
	if len(parts) < 4 || parts[0] != "v2" || parts[1] != "users" || parts[3] != "conversations" {
		return "", nil
	}
	body := sub(f["eventBody"])
	participants, _ := body["participants"].([]any)
	var agent object
	for _, one := range participants {
		if p := sub(one); text(p["purpose"]) == "agent" {
			agent = p
		}
	}
	if agent == nil {
		return "", nil
	}
	user := text(sub(agent["user"])["id"])
	if user == "" {
		user = text(agent["userId"])
	}
	if user == "" {
		user = parts[2]
	}
	conversation, leg := text(body["id"]), text(agent["id"])
	correlation := text(sub(f["metadata"])["CorrelationId"])
	received := now.UTC().Format(stampLayout)
	occurred := received
	if at := text(agent["connectedTime"]); at != "" {
		occurred = at
	}
	if at := text(agent["endTime"]); at != "" {
		occurred = at
	}
	verb, cause, state := decide(agent)
	return "call." + user + "." + conversation + "." + leg, object{
		"specversion": "1.0", "type": "recorder.v1.call", "source": "/genesys/bench/bridge",
		"subject": conversation + "/" + leg, "id": leg + "-" + correlation, "time": occurred,
		"datacontenttype": "application/json", "sequence": "00000000000000000001",
		"data": object{
			"verb": verb, "cause": cause, "state": state, "revision": 1, "epoch": 1,
			"confidence": "observed", "dataSource": "bench",
			"conversation": describe(body, sub(participants[0]), agent),
			"leg":          legOf(agent),
			"agent":        object{"userId": user},
			"peers":        peersOf(participants, leg),
			"timing":       object{"occurred": occurred, "received": received, "published": received},
			"source":       object{"topic": topic, "correlationId": correlation, "instance": "bench"},
		},
	}
}

func describe(body, first, agent object) object {
	c := object{"id": body["id"], "kind": kind(agent["queue"] != nil)}
	put(c, "direction", first["direction"])
	if queue := sub(agent["queue"]); queue != nil {
		c["queue"] = object{"id": queue["id"]}
	}
	put(c, "ani", first["address"])
	put(c, "dnis", body["address"])
	put(c, "startTime", first["connectedTime"])
	return c
}

func legOf(agent object) object {
	leg := object{"role": "agent"}
	for _, key := range []string{"id", "purpose", "direction", "connectedTime", "endTime", "disconnectType"} {
		put(leg, key, agent[key])
	}
	for _, key := range []string{"held", "muted", "confined", "securePause"} {
		leg[key] = agent[key] == true
	}
	return leg
}

func peersOf(participants []any, leg string) []object {
	peers := []object{}
	for _, one := range participants {
		p := sub(one)
		if text(p["id"]) == leg || left(p) {
			continue
		}
		peer := object{"id": p["id"], "purpose": p["purpose"]}
		put(peer, "address", p["address"])
		put(peer, "name", p["name"])
		peers = append(peers, peer)
	}
	return peers
}

// decide says in the words of the contract what a participant asks of the recorder.
func decide(p object) (verb, cause, state string) {
	switch s := text(p["state"]); {
	case left(p):
		return "stop", "cleared", "stopped"
	case s == "alerting" || s == "offering":
		return "prepare", "delivered", "armed"
	case s == "dialing" || s == "contacting":
		return "prepare", "originated", "armed"
	case p["securePause"] == true:
		return "pause", "secure_paused", "paused"
	case p["held"] == true:
		return "update", "held", "recording"
	case p["muted"] == true:
		return "update", "muted", "recording"
	default:
		return "start", "established", "recording"
	}
}

func left(p object) bool {
	state := text(p["state"])
	return p["endTime"] != nil || state == "terminated" || state == "disconnected"
}

func sub(value any) object {
	o, _ := value.(object)
	return o
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func put(o object, key string, value any) {
	if value != nil {
		o[key] = value
	}
}
