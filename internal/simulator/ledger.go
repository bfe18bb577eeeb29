package simulator

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// LossCause tells why a frame did not reach a channel that was subscribed to it.
type LossCause string

// The causes of a loss.
const (
	LossNoSocket   LossCause = "no_socket"   // nobody was connected
	LossCut        LossCause = "cut"         // the socket ended with the frame in its queue
	LossStarved    LossCause = "starved"     // the channel delivered heartbeats only
	LossSilent     LossCause = "silent"      // the socket was half open
	LossDropped    LossCause = "dropped"     // a fault chose this frame
	LossSlowReader LossCause = "slow_reader" // the reader was too far behind
)

// Loss is one frame that was not delivered to one channel.
type Loss struct {
	At             time.Time `json:"at"`
	Channel        string    `json:"channel"`
	Client         string    `json:"client"`
	Topic          string    `json:"topic"`
	ConversationID string    `json:"conversationId,omitempty"`
	Version        int       `json:"version,omitempty"`
	Cause          LossCause `json:"cause"`
}

// SocketTruth is one websocket that was closed.
type SocketTruth struct {
	Channel  string    `json:"channel"`
	Client   string    `json:"client"`
	OpenedAt time.Time `json:"openedAt"`
	ClosedAt time.Time `json:"closedAt"`
	Reason   string    `json:"reason"`
	Frames   int       `json:"frames"`
	Bytes    int       `json:"bytes"`
}

// maxLosses bounds the lost frames and the sockets that are remembered in detail.
const maxLosses = 100_000

// ledger notes what did not arrive.
type ledger struct {
	mu      sync.Mutex
	counts  map[LossCause]int
	losses  []Loss
	sockets []SocketTruth
}

// lose records a frame of a topic as not delivered. Heartbeats and answers do not count.
func (o *Org) lose(ch *channel, f *frame, cause LossCause) {
	if f.topic == "" {
		return
	}
	loss := Loss{
		At: now(), Channel: ch.id, Client: ch.client, Topic: f.topic, Version: f.version, Cause: cause,
	}
	if f.call != nil {
		loss.ConversationID = f.call.id
	}
	l := &o.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = make(map[LossCause]int)
	}
	l.counts[cause]++
	l.losses = appendBounded(l.losses, loss)
}

func (l *ledger) socketClosed(s SocketTruth) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sockets = appendBounded(l.sockets, s)
}

// appendBounded drops the older half when the list is full.
func appendBounded[T any](list []T, item T) []T {
	if len(list) >= maxLosses {
		list = append(list[:0], list[len(list)/2:]...)
	}
	return append(list, item)
}

func (l *ledger) fill(t *Truth) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Losses = maps.Clone(l.counts)
	t.LostFrames = slices.Clone(l.losses)
	t.Sockets = slices.Clone(l.sockets)
}
