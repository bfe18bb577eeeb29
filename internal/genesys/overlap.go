package genesys

import (
	"hash/maphash"
	"sync"
)

// overlap remembers what an old socket delivered while the new one was open already.
// The new socket has the same frames in its buffer. Handing them over again would be
// worse than a repetition: they are older than what came after them.
type overlap struct {
	seed maphash.Seed
	mu   sync.Mutex
	seen map[uint64]int
}

func newOverlap() *overlap {
	return &overlap{seed: maphash.MakeSeed(), seen: make(map[uint64]int)}
}

// add notes a frame of the old socket.
func (o *overlap) add(frame []byte) {
	h := maphash.Bytes(o.seed, frame)
	o.mu.Lock()
	o.seen[h]++
	o.mu.Unlock()
}

// take reports whether a frame of the new socket came on the old one. Each frame is
// taken as often as it was added. When nothing is left the overlap is over.
func (o *overlap) take(frame []byte) (repeated, over bool) {
	h := maphash.Bytes(o.seed, frame)
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.seen[h]
	switch {
	case n > 1:
		o.seen[h] = n - 1
	case n == 1:
		delete(o.seen, h)
	}
	return n > 0, len(o.seen) == 0
}
