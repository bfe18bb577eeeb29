package simulator

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// hub knows which channels want which topic. Lists are replaced, never changed,
// so that a publisher reads one without holding the lock.
type hub struct {
	mu     sync.RWMutex
	topics map[string][]*channel
}

func (h *hub) init() { h.topics = make(map[string][]*channel) }

func (h *hub) subscribers(topic string) []*channel {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.topics[topic]
}

// replace changes the topics of a channel from one set of names to another.
func (h *hub) replace(ch *channel, before, after []channelTopic) {
	gone := make(map[string]bool)
	for _, topic := range before {
		for _, name := range topic.expanded {
			gone[name] = true
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, topic := range after {
		for _, name := range topic.expanded {
			if gone[name] {
				delete(gone, name)
				continue
			}
			if list := h.topics[name]; !slices.Contains(list, ch) {
				h.topics[name] = append(slices.Clone(list), ch)
			}
		}
	}
	for name := range gone {
		list := slices.DeleteFunc(slices.Clone(h.topics[name]), func(c *channel) bool { return c == ch })
		if len(list) == 0 {
			delete(h.topics, name)
			continue
		}
		h.topics[name] = list
	}
}

// frame is one text frame on its way. The bytes are shared by all subscribers
// and must not be changed.
type frame struct {
	data    []byte
	topic   string
	call    *Call // nil for frames that are not about a conversation
	version int
}

// envelope wraps a body into a notification.
func envelope(topic string, body []byte, correlation string) []byte {
	const a, b, c, d = `{"topicName":"`, `","version":"2","eventBody":`, `,"metadata":{"CorrelationId":"`, `"}}`
	data := make([]byte, 0, len(a)+len(b)+len(c)+len(d)+len(topic)+len(body)+len(correlation))
	data = append(append(append(data, a...), topic...), b...)
	data = append(append(append(data, body...), c...), correlation...)
	return append(data, d...)
}

// emit sends one notification to every channel that is subscribed to its topic.
// It never blocks.
func (o *Org) emit(topic string, body func() []byte, correlation string, call *Call, version int) {
	list := o.hub.subscribers(topic)
	if len(list) == 0 {
		return
	}
	f := &frame{data: envelope(topic, body(), correlation), topic: topic, call: call, version: version}
	for _, ch := range list {
		o.deliver(ch, f)
	}
}

// deliver takes the straight way to the socket unless a delay or a fault is in force.
func (o *Org) deliver(ch *channel, f *frame) {
	if o.faults.standing.Load() == 0 && o.opts.DeliveryDelay == 0 && ch.pending.Load() == 0 {
		o.send(ch, f)
		return
	}
	fate := o.faults.fate(ch, f, o.dice)
	if fate.dropped {
		o.lose(ch, f, LossDropped)
		return
	}
	delay := fate.delay
	if o.opts.DeliveryDelay > 0 {
		delay += time.Duration(o.dice.float() * float64(o.opts.DeliveryDelay))
	}
	ch.mu.Lock()
	if ch.pending.Load() == 0 {
		clear(ch.due)
	}
	due := time.Now().Add(delay)
	// A frame that may be overtaken within its topic leaves no mark there.
	if !fate.overtakes {
		if last := ch.due[f.topic]; due.Before(last) {
			due = last
		}
		ch.due[f.topic] = due
	}
	ch.mu.Unlock()
	o.later(ch, f, due)
	for _, copyDelay := range fate.copies {
		o.later(ch, f, due.Add(copyDelay))
	}
}

func (o *Org) later(ch *channel, f *frame, due time.Time) {
	ch.pending.Add(1)
	o.delayer.at(due, func() {
		o.send(ch, f)
		ch.pending.Add(-1)
	})
}

// send hands a frame to the writer of the channel's socket, or loses it.
func (o *Org) send(ch *channel, f *frame) {
	ch.mu.Lock()
	s, starved := ch.socket, ch.starved
	if s == nil || starved || s.silent.Load() {
		ch.mu.Unlock()
		switch {
		case s == nil:
			o.lose(ch, f, LossNoSocket)
		case starved:
			o.lose(ch, f, LossStarved)
		default:
			o.lose(ch, f, LossSilent)
		}
		return
	}
	select {
	case s.queue <- f:
		ch.mu.Unlock()
	default:
		ch.mu.Unlock()
		s.kill(closeAbrupt, "slow reader")
		o.lose(ch, f, LossSlowReader)
	}
}

// channel is one notification channel. The fields of the first group are guarded
// by the lock of channels, those after mu by mu.
type channel struct {
	id, client string
	tokens     []*token
	topics     []channelTopic
	created    time.Time
	lastUsed   time.Time
	expires    time.Time

	pending atomic.Int64 // frames that wait in the delayer

	mu      sync.Mutex
	socket  *socket
	starved bool
	due     map[string]time.Time // of the last delayed frame of a topic
}

func (ch *channel) connected() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.socket != nil
}
