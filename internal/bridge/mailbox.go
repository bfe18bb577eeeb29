package bridge

import (
	"sync"
	"sync/atomic"
	"time"
)

// Acknowledgements and the stream come many times faster than anybody needs them at once.
// Who brings them does not wait for the lock of the engine: they are put into a box, and
// whoever has the lock takes them along. Waiting would cost a sleep and a wake-up for
// each, and keep the reader of a socket waiting in turn.

// mailbox is what was brought and not taken yet.
type mailbox struct {
	mu              sync.Mutex
	full            atomic.Bool // there is something
	brought, opened mail
}

// mail is in the order in which it came, of each kind.
type mail struct {
	entries  []Entry
	outcomes []Outcome
}

// maxMail is how much may wait before who brings more waits for the lock.
const maxMail = 4096

// bring puts something into the box, and takes it out at once if nobody has the lock.
func (e *Engine) bring(put func(*mail)) {
	b := &e.mail
	b.mu.Lock()
	put(&b.brought)
	many := len(b.brought.entries)+len(b.brought.outcomes) > maxMail
	b.full.Store(true)
	b.mu.Unlock()
	if many {
		e.Do(func(*Core, time.Time) {})
		return
	}
	if !e.gathered.Load() { // else Flush takes it out, and what follows is sent at once
		e.deliver()
	}
}

// deliver takes out what is in the box, unless somebody has the lock, who does so then: at
// the latest after freeing it.
func (e *Engine) deliver() {
	for e.mail.full.Load() && e.mu.TryLock() {
		now, ok := e.entered()
		if !ok {
			return
		}
		e.left(now)
	}
}

// open takes out what is in the box. The caller has the lock.
func (e *Engine) open(now time.Time) {
	b := &e.mail
	if !b.full.Load() {
		return
	}
	b.mu.Lock()
	b.brought, b.opened = b.opened, b.brought
	b.full.Store(false)
	b.mu.Unlock()
	m := &b.opened
	for i := range m.entries {
		e.store(&m.entries[i], now)
		e.tail = max(e.tail, m.entries[i].Sequence)
	}
	for _, o := range m.outcomes {
		e.core.Resolve(o, now)
	}
	clear(m.entries)
	m.entries, m.outcomes = m.entries[:0], m.outcomes[:0]
	if cap(m.entries) > maxMail {
		m.entries = nil // a start does not set the size for good
	}
}
