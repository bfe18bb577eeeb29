package publish

import (
	"net"
	"sync/atomic"
	"time"
)

// Nobody waits for an acknowledgement: what is stored is stored, and the next step of the same leg
// comes seconds later. Yet each of them wakes this process up, which on a quiet machine takes longer
// than all that is done with it. So while small messages come one after the other, they gather in
// the socket for a moment before the next ones are read. What comes alone is read at once, and so
// is what comes in bulk, as the stream does at start. The tail has stored events gather at the
// server in the same way.

// Haste says that somebody waits for answers, as while the lead changes hands: nothing gathers then, and
// nearly every message wakes this process up. Make it with [NewHaste].
type Haste struct {
	on    atomic.Bool
	began chan struct{} // capacity 1, for the tail
}

// NewHaste makes one that is off.
func NewHaste() *Haste { return &Haste{began: make(chan struct{}, 1)} }

// Set switches it on or off.
func (h *Haste) Set(on bool) {
	h.on.Store(on)
	if on {
		wake(h.began)
	}
}

const (
	// gatherFor is how long messages gather, and so how late one of them is at most.
	gatherFor = 5 * time.Millisecond
	// gatherLeast is how many bytes must have come in that time to go on: two acknowledgements,
	// of some 110 bytes each. gatherMost is how many are bulk.
	gatherLeast = 200
	gatherMost  = 8 << 10
)

// gatheringDialer dials connections to NATS.
type gatheringDialer struct {
	net.Dialer
	haste *Haste
}

// Dial implements [nats.CustomDialer].
func (d *gatheringDialer) Dial(network, address string) (net.Conn, error) {
	c, err := d.Dialer.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return &gatheringConn{Conn: c, haste: d.haste}, nil
}

// gatheringConn is a connection of which one goroutine reads.
type gatheringConn struct {
	net.Conn
	haste  *Haste
	last   time.Time // when something was read
	gather bool      // before the next read
}

// Read implements [io.Reader].
func (c *gatheringConn) Read(p []byte) (int, error) {
	gathered := c.gather && !c.haste.on.Load()
	if gathered {
		time.Sleep(gatherFor - time.Since(c.last))
	}
	n, err := c.Conn.Read(p)
	now := time.Now()
	switch {
	case n == len(p) || n > gatherMost: // there is more, or soon will be
		c.gather = false
	case gathered:
		c.gather = n >= gatherLeast
	default:
		c.gather = now.Sub(c.last) < gatherFor/2
	}
	c.last = now
	return n, err
}
