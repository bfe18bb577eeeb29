package app

import (
	"context"
	"os"
	"runtime/debug"
	gauges "runtime/metrics"
	"time"
)

// By default the heap may grow to twice what is in use before it is collected. With a
// hundred thousand legs that is hundreds of megabytes that nobody ever needs; with few legs
// and much traffic it is so little that collections follow each other, and events wait
// for them. So the room is made for some seconds of what is allocated, within bounds.

const (
	// roomFor is how long what is allocated should fit before the next collection.
	roomFor = 10 * time.Second
	// most is the room for any traffic, less a part of what is in use, usual what is left
	// when little is allocated: as much as is in use, up to this.
	most, usual = 64 << 20, 32 << 20
	lessOf      = 8
	// leastPercent of what is in use is room in any case.
	leastPercent = 10
	allOfIt      = 100
	// lookAtHeap: a burst has the room of the quiet time before it for as long.
	lookAtHeap = 250 * time.Millisecond
	// worthIt is by how much the room must change, in percent of itself.
	worthIt = 20
	// worthGiving is how much memory must have become idle to be given back at once. The
	// runtime does so by itself, but keeps a tenth of everything.
	worthGiving = 32 << 20
)

// heapPercent is how much may be allocated before the next collection, in percent of the
// bytes in use, when so many bytes are allocated a second.
func heapPercent(used, perSecond uint64) int {
	used = max(used, 1<<20)
	room := min(max(perSecond*uint64(roomFor/time.Second), min(used, usual)), max(most-min(used/lessOf, most), usual))
	return max(int(room*allOfIt/used), leastPercent)
}

// trim keeps the room of the heap as the traffic needs it, unless the operator has set it
// with GOGC or GOMEMLIMIT.
func (a *App) trim(ctx context.Context) error {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	defer debug.SetGCPercent(debug.SetGCPercent(allOfIt))
	look := time.NewTicker(lookAtHeap)
	defer look.Stop()
	heap := []gauges.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	gauges.Read(heap)
	before, percent := heap[1].Value.Uint64(), allOfIt
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		gauges.Read(heap)
		allocated := heap[1].Value.Uint64()
		p := heapPercent(heap[0].Value.Uint64(), (allocated-before)*uint64(time.Second/lookAtHeap))
		before = allocated
		if change := p - percent; max(change, -change)*allOfIt > percent*worthIt {
			percent = p
			debug.SetGCPercent(p)
			if change < 0 && heap[2].Value.Uint64() > worthGiving {
				debug.FreeOSMemory() // the burst is over
			}
		}
	}
}
