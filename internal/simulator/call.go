package simulator

import (
	"slices"
	"sync"
	"time"
)

// Call is one conversation. Its steps are methods of Call and of its legs; each
// step is one change, or a few in a row, and every change is one snapshot on the
// topics of everybody involved. A step on a leg that is over changes nothing.
type Call struct {
	org  *Org
	id   string
	kind string // acd, direct, internal, campaign, callback or flow

	direction string
	ani, dnis string
	queue     Queue // zero without a queue
	started   time.Time

	mu          sync.Mutex
	version     int
	legs        []*Leg
	securePause bool
	pauses      []Toggle
	transfers   []nestedTransfer
	ended       time.Time

	seenMu sync.Mutex
	seen   map[sightKey]*Sighting
}

type sightKey struct{ channel, topic string }

// ID of the conversation.
func (c *Call) ID() string { return c.id }

// Legs returns the participants so far, in the order of their creation, also
// those that are no persons of the organization.
func (c *Call) Legs() []*Leg {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.legs)
}

// Ended tells whether every participant has gone.
func (c *Call) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.ended.IsZero()
}

// calls holds every conversation that is remembered.
type calls struct {
	mu    sync.RWMutex
	byID  map[string]*Call
	order []*Call
}

func (c *calls) init() { c.byID = make(map[string]*Call) }

func (c *calls) add(call *Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID[call.id] = call
	c.order = append(c.order, call)
}

func (c *calls) get(id string) *Call {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byID[id]
}

func (c *calls) all() []*Call {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.order)
}

// forget drops the conversations that ended before a moment.
func (c *calls) forget(before time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order = slices.DeleteFunc(c.order, func(call *Call) bool {
		call.mu.Lock()
		old := !call.ended.IsZero() && call.ended.Before(before)
		call.mu.Unlock()
		if old {
			delete(c.byID, call.id)
		}
		return old
	})
}

// step makes one change and publishes the snapshot after it. The change returns
// false when there was nothing to change.
func (c *Call) step(change func(at time.Time) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	at := now()
	if !change(at) {
		c.version--
		return
	}
	c.settle(at)
	c.publish()
}

// settle notes the end of the conversation and what it means for the people.
func (c *Call) settle(at time.Time) {
	if c.ended.IsZero() && !slices.ContainsFunc(c.legs, func(l *Leg) bool { return !l.over() }) {
		c.ended = at
	}
}

// publish sends the current snapshot to the topics of the people and the queue;
// the caller holds the lock. One body is encoded per shape, and only if somebody
// listens. All notifications of one change share their correlation id.
func (c *Call) publish() {
	correlation := c.org.dice.uuid()
	var flat, nested []byte
	flatBody := func() []byte {
		if flat == nil {
			shape := shape2026
			if c.org.opts.Shape2022 {
				shape = shape2022
			}
			flat = mustJSON(c.flat(shape))
		}
		return flat
	}
	nestedBody := func() []byte {
		if nested == nil {
			nested = mustJSON(c.nested(false))
		}
		return nested
	}
	voice := slices.ContainsFunc(c.legs, func(l *Leg) bool { return l.hasCall })
	for i, leg := range c.legs {
		m := leg.member
		if m == nil || slices.ContainsFunc(c.legs[:i], func(l *Leg) bool { return l.member == m }) {
			continue
		}
		// The flat topic knows nothing of a conversation that has no call yet.
		if voice {
			c.org.emit(m.topics.flat, flatBody, correlation, c, c.version)
		}
		c.org.emit(m.topics.nested, nestedBody, correlation, c, c.version)
	}
	if voice && c.queue.ID != "" {
		c.org.emit("v2.routing.queues."+c.queue.ID+".conversations.calls", flatBody, correlation, c, c.version)
	}
	for _, leg := range c.legs {
		leg.updateBusy(correlation)
	}
}

// saw records that a frame was written to the socket of a channel.
func (c *Call) saw(ch *channel, f *frame) {
	c.seenMu.Lock()
	defer c.seenMu.Unlock()
	key := sightKey{ch.id, f.topic}
	s := c.seen[key]
	if s == nil {
		s = &Sighting{Channel: ch.id, Client: ch.client, Topic: f.topic}
		if c.seen == nil {
			c.seen = make(map[sightKey]*Sighting)
		}
		c.seen[key] = s
	}
	s.Versions, s.At = append(s.Versions, f.version), append(s.At, time.Now().UnixMilli())
}

// SecurePause turns the pause of a sensitive passage on or off for the whole
// conversation, as a supervisor or a payment system does it. Legs that join later
// during the pause do not carry the flag themselves; the conversation does.
func (c *Call) SecurePause(on bool) {
	c.step(func(at time.Time) bool {
		if c.securePause == on || !c.ended.IsZero() {
			return false
		}
		for _, leg := range c.legs {
			if leg.connectedNow() {
				leg.securePause = on
			} else if !on {
				leg.securePause = false
			}
		}
		c.pauseChanged(on, at)
		return true
	})
}

func (c *Call) pauseChanged(on bool, at time.Time) {
	c.securePause = on
	c.pauses = append(c.pauses, Toggle{Kind: ToggleSecurePause, On: on, At: at, Version: c.version})
}

// SetAttributes adds participant data to every participant of the conversation.
// It is possible after the end.
func (c *Call) SetAttributes(attributes map[string]string) {
	c.step(func(time.Time) bool {
		for _, leg := range c.legs {
			leg.setAttributes(attributes)
		}
		return len(attributes) > 0
	})
}

// CustomerLeaves ends the far end only; the people stay for the moment.
func (c *Call) CustomerLeaves(disconnectType string) {
	for _, leg := range c.Legs() {
		if leg.farEnd() {
			leg.Disconnect(disconnectType)
		}
	}
}

// CustomerHangsUp ends the far end and, after it, everybody else.
func (c *Call) CustomerHangsUp() {
	c.step(func(at time.Time) bool {
		changed := false
		for _, leg := range c.legs {
			changed = leg.farEnd() && leg.disconnect("endpoint", at) || changed
		}
		return changed
	})
	c.step(func(at time.Time) bool {
		changed := false
		for _, leg := range c.legs {
			if leg.farEnd() {
				changed = leg.terminate("", at) || changed
			} else {
				changed = leg.disconnect("peer", at) || changed
			}
		}
		return changed
	})
	c.finish()
}

// Hangup ends everybody at once, as the platform does when it gives up a call.
func (c *Call) Hangup(disconnectType string) {
	c.step(func(at time.Time) bool {
		changed := false
		for _, leg := range c.legs {
			changed = leg.disconnect(disconnectType, at) || changed
		}
		return changed
	})
	c.finish()
}

// finish turns every disconnected participant into a terminated one.
func (c *Call) finish() {
	c.step(func(at time.Time) bool {
		changed := false
		for _, leg := range c.legs {
			if leg.state == stateDisconnected {
				changed = leg.terminate("", at) || changed
			}
		}
		return changed
	})
}
