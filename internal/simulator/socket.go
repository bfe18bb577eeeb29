package simulator

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

const (
	// closeAbrupt drops the connection without a close frame.
	closeAbrupt    = websocket.StatusCode(0)
	closeGoingAway = websocket.StatusGoingAway
	// flushTime is how long a graceful close waits for a reader to take the rest.
	flushTime = time.Second
)

// socket is one websocket of a channel. One goroutine writes, one reads.
type socket struct {
	ch     *channel
	conn   *websocket.Conn
	queue  chan *frame
	silent atomic.Bool // half open: nothing comes out, nothing is answered

	once   sync.Once
	stop   chan struct{}
	code   websocket.StatusCode
	reason string

	truth SocketTruth // frames and bytes belong to the writer, the rest to the handler
}

// kill asks the handler to close. The first caller decides how.
func (s *socket) kill(code websocket.StatusCode, reason string) {
	s.once.Do(func() {
		s.code, s.reason = code, reason
		close(s.stop)
	})
}

// serveSocket is the websocket of a channel. It asks for no credentials: the
// channel id is the secret.
func (o *Org) serveSocket(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ININ-Correlation-Id", o.dice.uuid())
	if o.answerWithFault(w, r, nil) {
		return
	}
	id := r.PathValue("id")
	o.channels.mu.Lock()
	ch := o.living(id, nil)
	if ch != nil {
		ch.lastUsed = time.Now()
	}
	o.channels.mu.Unlock()
	if ch == nil {
		o.writeError(w, errNotFound("channel", id))
		return
	}
	s := &socket{
		ch: ch, queue: make(chan *frame, o.opts.QueueFrames), stop: make(chan struct{}),
		truth: SocketTruth{Channel: id, Client: ch.client, OpenedAt: now()},
	}
	// The socket belongs to the channel before the client learns that it is open:
	// what happens after its dial returns is not lost.
	o.attach(s)
	defer o.detach(s)
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		CompressionMode: websocket.CompressionDisabled,
		OnPingReceived:  func(context.Context, []byte) bool { return !s.silent.Load() },
	})
	if err != nil {
		s.kill(closeAbrupt, "handshake failed")
		o.log.Debug("websocket refused", "error", err)
		return
	}
	defer func() { _ = conn.CloseNow() }() // Already closed in most cases.
	conn.SetReadLimit(maxBody)
	s.conn = conn

	var workers sync.WaitGroup
	ctx, cancel := context.WithCancel(r.Context()) // Derived from that of the organization.
	written := make(chan struct{})
	workers.Go(func() {
		defer close(written)
		s.write(ctx, o)
	})
	workers.Go(func() { s.read(ctx, o) })
	select {
	case <-s.stop:
	case <-ctx.Done():
		s.kill(closeAbrupt, "simulator ends")
	}
	if s.code != closeAbrupt && ctx.Err() == nil {
		// What is queued goes out first. The peer may have gone already: the close
		// is best effort, and the end of the organization does not wait for it.
		select {
		case <-written:
		case <-ctx.Done():
		case <-time.After(flushTime):
		}
		hurry := context.AfterFunc(ctx, func() { _ = conn.CloseNow() })
		_ = conn.Close(s.code, s.reason)
		hurry()
	}
	cancel()
	_ = conn.CloseNow()
	workers.Wait()
}

// attach makes s the socket of its channel; the one before is disconnected.
func (o *Org) attach(s *socket) {
	o.channels.mu.Lock()
	alive := o.channels.byID[s.ch.id] == s.ch
	s.ch.mu.Lock()
	before := s.ch.socket
	s.ch.socket = s
	s.ch.mu.Unlock()
	o.channels.mu.Unlock()
	if before != nil {
		before.kill(closeGoingAway, "another socket uses this channel")
	}
	if !alive {
		s.kill(closeGoingAway, "channel expired")
	}
}

// detach ends the life of a socket: what it did not send is lost.
func (o *Org) detach(s *socket) {
	s.ch.mu.Lock()
	if s.ch.socket == s {
		s.ch.socket = nil
	}
	s.ch.mu.Unlock()
	for {
		select {
		case f := <-s.queue:
			o.lose(s.ch, f, LossCut)
			continue
		default:
		}
		break
	}
	s.truth.ClosedAt, s.truth.Reason = now(), s.reason
	o.ledger.socketClosed(s.truth)
}

// write sends frames and heartbeats until the socket ends.
func (s *socket) write(ctx context.Context, o *Org) {
	beat := time.NewTicker(o.opts.HeartbeatEvery)
	defer beat.Stop()
	stop := s.stop
	for {
		var f *frame
		select {
		case <-stop:
			if s.code == closeAbrupt {
				return
			}
			stop = nil
			continue
		default:
		}
		if stop == nil && len(s.queue) == 0 {
			return
		}
		select {
		case <-stop:
			continue
		case <-ctx.Done():
			return
		case f = <-s.queue:
		case <-beat.C:
			f = &frame{data: []byte(heartbeatFrame)}
		}
		if s.silent.Load() {
			o.lose(s.ch, f, LossSilent)
			continue
		}
		if err := s.conn.Write(ctx, websocket.MessageText, f.data); err != nil {
			o.lose(s.ch, f, LossCut)
			s.kill(closeAbrupt, "write failed")
			return
		}
		s.truth.Frames++
		s.truth.Bytes += len(f.data)
		if f.call != nil {
			f.call.saw(s.ch, f)
		}
	}
}

const (
	heartbeatFrame = `{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}`
	pongFrame      = `{"topicName":"channel.metadata","eventBody":{"message":"pong"}}`
)

// read answers what the client says until the socket ends.
func (s *socket) read(ctx context.Context, o *Org) {
	for {
		_, data, err := s.conn.Read(ctx)
		if err != nil {
			s.kill(closeAbrupt, "closed by the client")
			return
		}
		if s.silent.Load() {
			continue
		}
		var request struct {
			Message       string   `json:"message"`
			Topics        []string `json:"topics"`
			CorrelationID string   `json:"correlationId"`
		}
		if err := json.Unmarshal(data, &request); err != nil {
			s.answer(socketReply{Result: "400", Status: "error"})
			continue
		}
		switch request.Message {
		case "ping":
			s.push([]byte(pongFrame))
		case "subscribe":
			reply := o.socketSubscribe(s.ch, request.Topics)
			reply.CorrelationID = request.CorrelationID
			s.answer(reply)
		default:
			s.answer(socketReply{Result: "400", Status: "error", CorrelationID: request.CorrelationID})
		}
	}
}

type socketReply struct {
	Result        string `json:"result"`
	Status        string `json:"status,omitempty"`
	CorrelationID string `json:"correlationId,omitempty"`
}

func (s *socket) answer(reply socketReply) { s.push(mustJSON(reply)) }

func (s *socket) push(data []byte) {
	select {
	case s.queue <- &frame{data: data}:
	default:
		s.kill(closeAbrupt, "slow reader")
	}
}

// socketSubscribe adds topics by a request over the socket, with the rights of
// the channel's last token.
func (o *Org) socketSubscribe(ch *channel, topics []string) socketReply {
	o.channels.mu.Lock()
	var who caller
	if o.living(ch.id, nil) == ch {
		who.token = ch.tokens[len(ch.tokens)-1]
	}
	o.channels.mu.Unlock()
	if who.token != nil {
		_, who.client = o.client("Bearer " + who.token.value)
	}
	if who.client == nil {
		return socketReply{Result: "404"}
	}
	if _, failure := o.subscribe(ch.id, who, topics, true, false); failure != nil {
		return socketReply{Result: "400", Status: "failure"}
	}
	return socketReply{Result: "200", Status: "subscribed"}
}
