package genesys

import (
	"hash/maphash"
	"sync"
	"time"
)

// overlap remembers what an old socket delivered while the new one was open already.
// The new socket has the same frames in its buffer. Handing them over again would be
// worse than a repetition: they are older than what came after them.
type overlap struct {
	seed  maphash.Seed
	began time.Time // when the new socket began to be read
	mu    sync.Mutex
	seen  map[uint64]int
}

// overlapLimit ends an overlap when the platform answers no ping.
const overlapLimit = 5 * time.Second

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
// taken as often as it was added.
func (o *overlap) take(frame []byte) bool {
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
	return n > 0
}
