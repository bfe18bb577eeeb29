package simulator

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// delayer runs functions at their time, in one goroutine, in the order of their
// due times and then of their arrival. The functions must not block.
type delayer struct {
	mu    sync.Mutex
	queue dueQueue
	seq   uint64
	wake  chan struct{}
}

type dueItem struct {
	due time.Time
	seq uint64
	fn  func()
}

type dueQueue []dueItem

func (q dueQueue) Len() int      { return len(q) }
func (q dueQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q dueQueue) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].seq < q[j].seq
}
func (q *dueQueue) Push(x any) { *q = append(*q, x.(dueItem)) } //nolint:errcheck // Only at pushes.
func (q *dueQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = dueItem{}
	*q = old[:len(old)-1]
	return last
}

func (d *delayer) init() { d.wake = make(chan struct{}, 1) }

// at schedules fn. What is still waiting when the organization ends is dropped.
func (d *delayer) at(due time.Time, fn func()) {
	d.mu.Lock()
	d.seq++
	heap.Push(&d.queue, dueItem{due: due, seq: d.seq, fn: fn})
	first := d.queue[0].seq == d.seq
	d.mu.Unlock()
	if first {
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

func (d *delayer) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(d.runDue(time.Now()))
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-timer.C:
		}
	}
}

// runDue runs what is due and returns how long to wait for the next.
func (d *delayer) runDue(at time.Time) time.Duration {
	for {
		d.mu.Lock()
		if len(d.queue) == 0 {
			d.mu.Unlock()
			return time.Hour
		}
		if wait := d.queue[0].due.Sub(at); wait > 0 {
			d.mu.Unlock()
			return wait
		}
		item := heap.Pop(&d.queue).(dueItem) //nolint:errcheck // Only at pushes.
		d.mu.Unlock()
		item.fn()
	}
}
