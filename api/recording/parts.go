package recording

import (
	"hash/maphash"
	"math"
)

// Parts stand for the JSON of those parts of an event that are mostly as they were in the last one of its
// leg: the conversation, the agent and the peers. The zero Parts stand for none.
//
// They are compared by length and a keyed checksum of 64 bits. To keep the texts would take more
// memory, and to fetch what was read from them more time than to read them again.
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

// checksum is the key of the checksums of this process.
var checksum = maphash.MakeSeed()

// part reads a part, unless it is as it was in the event that is read into.
func (w *written) part(part int, read func()) {
	if w.again(part) {
		return
	}
	start := w.i
	if read(); w.parts != nil && !w.odd {
		w.parts.keep(part, w.b[start:w.i])
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
	if length == 0 || end >= len(w.b) || w.b[end] != ',' || maphash.Bytes(checksum, w.b[w.i:end]) != w.parts.sums[part] {
		return false
	}
	w.i = end
	return true
}

// keep notes what the text of a part is; one that is longer than any usual one is not known again.
func (p *Parts) keep(part int, text []byte) {
	if p.lengths[part] = 0; len(text) <= math.MaxUint16 {
		p.lengths[part], p.sums[part] = uint16(len(text)), maphash.Bytes(checksum, text)
	}
}
