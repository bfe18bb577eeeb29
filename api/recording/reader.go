package recording

import (
	"fmt"
	"hash/maphash"
	"math"
)

// EventReader reads the call events of many logs. Of each event it reads only what is not as it was in the
// one before in its log. It is not safe for concurrent use. Make it with [NewEventReader]: the zero value
// has no key for [Parts].
type EventReader struct {
	seed maphash.Seed
	w    written
}

// NewEventReader returns a reader.
func NewEventReader() *EventReader { return &EventReader{seed: maphash.MakeSeed()} }

// Parts stand for the JSON of those parts of an event that are mostly as they were in the last one of its
// leg: the conversation, the agent and the peers. The zero Parts stand for none.
//
// They are compared by length and a checksum of 64 bits with the key of the reader. To keep the texts would
// take more memory, and to fetch what was read from them more time than to read them again.
type Parts struct {
	sums    [countParts]uint64
	lengths [countParts]uint16
}

const (
	conversationPart = iota
	agentPart
	peersPart
	countParts
)

// Read does what [CallData.DecodeEvent] does. Parts of the event that are the same as in like are not even
// read: parts, which may be nil, are those that like was read from by this reader, none if it was not, and
// become those of d. After an error, which is one of [Decode], they are none.
func (r *EventReader) Read(d *CallData, b []byte, like *CallData, parts *Parts) error {
	agent, queue, peers := d.Agent, d.Conversation.Queue, d.Peers[:0]
	if *d = (CallData{}); like != nil {
		*d = *like
	} else if parts != nil {
		*parts = Parts{}
	}
	d.Agent, d.Conversation.Queue, d.Peers = copied(agent, d.Agent), copied(queue, d.Conversation.Queue), append(peers, d.Peers...)
	w := &r.w
	*w = written{b: b, parts: parts, seed: r.seed, agentRoom: agent, queueRoom: queue}
	w.byte('{')
	known := w.skipEnvelope() && w.data(d)
	*w = written{} // keeps nothing of b
	if known {
		return nil
	}
	if parts != nil {
		*parts = Parts{}
	}
	v, err := Decode(b)
	if err != nil {
		return err
	}
	e, ok := v.(*CallEvent)
	if !ok {
		return fmt.Errorf("%w: %T is no call event", ErrUnknownType, v)
	}
	*d = e.Data
	return nil
}

// part reads a part, unless it is as it was in the event that is read into.
func (w *written) part(part int, read func()) {
	if w.again(part) {
		return
	}
	start := w.i
	if read(); w.parts != nil && !w.odd {
		w.keep(part, w.b[start:w.i])
	}
}

// partOpt does so with a part that may be absent, and reports whether it was there.
func (w *written) partOpt(name string, part int, read func()) bool {
	if w.has(name) {
		w.part(part, read)
		return true
	}
	if w.parts != nil {
		w.parts.lengths[part] = 0
	}
	return false
}

// again passes over a part that has the text that was read before.
func (w *written) again(part int) bool {
	if w.parts == nil || w.odd {
		return false
	}
	length := int(w.parts.lengths[part])
	end := w.i + length
	// Most have another length when they change: then no comma follows, and no sum is needed.
	if length == 0 || end >= len(w.b) || w.b[end] != ',' || maphash.Bytes(w.seed, w.b[w.i:end]) != w.parts.sums[part] {
		return false
	}
	w.i = end
	return true
}

// keep notes what the text of a part is; one that is longer than any usual one is not known again.
func (w *written) keep(part int, text []byte) {
	p := w.parts
	if p.lengths[part] = 0; len(text) <= math.MaxUint16 {
		p.lengths[part], p.sums[part] = uint16(len(text)), maphash.Bytes(w.seed, text)
	}
}
