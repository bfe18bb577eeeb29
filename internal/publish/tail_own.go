package publish

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Who writes alone knows what is in the stream without reading it: each acknowledgement
// names the sequence of its message. Reading every own message back costs the server and
// this process as much again as writing it. So the tail of a process that leads lets its
// consumer go, counts acknowledgements instead, and looks at the end of the stream now and
// then. As soon as anything is there that was not acknowledged, or an answer is not what it
// was expected to be, it reads on with a consumer, behind the last message that it knows:
// nothing is ever skipped, it may only come later by twice ownLook, and by as much as
// acknowledgements are late.

const (
	// ownAfter is how long a consumer reads at least before it is let go. When that had to
	// be taken back soon, the time doubles, up to ownAfterLongest.
	ownAfter        = time.Second
	ownAfterLongest = time.Minute
	ownSoon         = 10 * time.Second
	// ownLook is how often the end of the stream is looked at.
	ownLook = 250 * time.Millisecond
	// ownFrozen: a process that did not look for as long did not run. Somebody else may
	// have written meanwhile.
	ownFrozen = time.Second
)

// errOwn ends a consumer that is not needed.
var errOwn = errors.New("all that is written is our own")

// own is what a tail knows from acknowledgements.
type own struct {
	mu    sync.Mutex
	on    bool
	since time.Time           // when it was switched on
	alone bool                // there is no consumer
	ahead map[uint64]struct{} // acknowledged, and not delivered or counted
	after time.Duration
	doubt chan struct{} // capacity 1: read now
}

// Own says whether this process writes alone as far as it knows, so that its own messages
// need not be delivered to it, see [Tail.Acknowledged]. They may be all the same. Whatever
// anybody else writes is delivered in any case, up to half a second late.
// From Own(false) on the tail counts nothing more: what is stored afterwards is delivered.
func (t *Tail) Own(on bool) {
	o := &t.own
	o.mu.Lock()
	defer o.mu.Unlock()
	o.on, o.since = on, time.Now()
	clear(o.ahead)
	if !on {
		o.alone = false
		wake(o.doubt)
	}
}

// Acknowledged takes what became of messages that this process has sent, after whoever sent
// them has been told.
func (t *Tail) Acknowledged(results []Result) {
	o := &t.own
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.on {
		return
	}
	last := t.last.Load()
	for i := range results {
		switch r := &results[i]; {
		case r.Outcome == Conflict, r.Outcome == Unknown:
			wake(o.doubt)
		case r.Outcome != Stored, r.Sequence <= last:
		case o.alone && r.Sequence == last+1:
			last++
		default:
			o.ahead[r.Sequence] = struct{}{}
		}
	}
	if o.alone {
		t.last.Store(o.advance(last))
	}
}

// Alone implements [Sole]. A stream with replicas is never written alone.
func (t *Tail) Alone() (last, delivered uint64, alone bool) {
	t.own.mu.Lock()
	defer t.own.mu.Unlock()
	return t.last.Load(), t.handed.Load(), t.own.alone && !t.replicated.Load()
}

// Doubt implements [Sole].
func (t *Tail) Doubt() { wake(t.own.doubt) }

// advance goes on from the last known sequence over those that are acknowledged.
func (o *own) advance(last uint64) uint64 {
	for len(o.ahead) > 0 {
		if _, ok := o.ahead[last+1]; !ok {
			return last
		}
		last++
		delete(o.ahead, last)
	}
	return last
}

// hole reports whether something is acknowledged behind what is not: that is not ours. Where
// there is none and acknowledgements go on coming, they are only late, as under much load.
func (o *own) hole() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.ahead) > 0
}

// delivered forgets what a consumer has brought.
func (o *own) delivered(entries []Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ahead) == 0 {
		return
	}
	for i := range entries {
		delete(o.ahead, entries[i].Sequence)
	}
}

// enough reports whether a consumer that has read since a time may be let go.
func (o *own) enough(since time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	return o.on && now.Sub(since) >= o.after && now.Sub(o.since) >= o.after
}

// count goes on without a consumer until one is needed: then it returns nil. Its errors are
// those of [Tail.consume].
func (t *Tail) count(ctx context.Context, origin time.Time) error {
	ctx, end := t.whileConnected(ctx)
	defer end()
	begin := time.Now()
	if !t.alone(true) {
		return nil
	}
	defer t.alone(false)
	t.pending.Store(0)
	defer func() { t.own.pace(time.Since(begin)) }()

	look := time.NewTicker(ownLook)
	defer look.Stop()
	looked, stored, known := begin, uint64(0), uint64(0)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.own.doubt:
			return nil
		case <-look.C:
		}
		before := t.last.Load() // while it is asked, more is acknowledged
		info, err := t.streamInfo(ctx)
		switch last := t.last.Load(); {
		case err != nil:
			return err
		case !info.Created.Equal(origin), info.State.LastSeq < before:
			return nil // another stream, or one that lost its end: who reads looks closer
		case last < stored && (last == known || t.own.hole()):
			return nil // in the stream since the last look, and not acknowledged
		case time.Since(looked) > ownFrozen:
			return nil
		default:
			looked, stored, known = time.Now(), info.State.LastSeq, last
		}
	}
}

// alone begins or ends counting. It is false when there is nothing to begin.
func (t *Tail) alone(begin bool) bool {
	o := &t.own
	o.mu.Lock()
	defer o.mu.Unlock()
	o.alone = begin && o.on
	if o.alone {
		select {
		case <-o.doubt: // older than what the consumer has read, or seen at the first look
		default:
		}
		t.last.Store(o.advance(t.last.Load()))
	}
	return o.alone
}

// pace says how long the next consumer reads at least.
func (o *own) pace(counted time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if counted < ownSoon && o.on {
		o.after = min(2*o.after, ownAfterLongest)
	} else {
		o.after = ownAfter
	}
}
