package natstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Direction is one of the two ways bytes take through a [Proxy].
type Direction int

// The directions of a connection through a [Proxy].
const (
	ToServer Direction = iota // what the client sends
	ToClient                  // what the server answers
)

// Proxy forwards TCP connections to one address and breaks them on request.
// Without faults it is transparent. Its methods may be called from several
// goroutines.
type Proxy struct {
	listener *net.TCPListener
	target   string
	done     sync.WaitGroup
	ctx      context.Context //nolint:containedctx // the proxy's own life, ended by Close
	cancel   context.CancelFunc

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever a fault changes
	held    [2]bool
	delay   time.Duration
	refuse  bool
	pipes   map[*pipe]struct{}
}

// pipe is one client connection and its connection to the server.
type pipe struct {
	client, server *net.TCPConn
	once           sync.Once
	gone           chan struct{} // closed with the connections
}

// NewProxy listens on a free loopback port and forwards to target (host:port).
func NewProxy(target string) (*Proxy, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("listen for the fault proxy: %w", err)
	}
	p := &Proxy{listener: l, target: target, changed: make(chan struct{}), pipes: map[*pipe]struct{}{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.done.Go(p.accept)
	return p, nil
}

// URL is the address clients connect to.
func (p *Proxy) URL() string { return "nats://" + p.listener.Addr().String() }

// Hold keeps the bytes of one direction back (on) or lets them flow again
// (off). The connections stay open and the sender's buffers fill up, as with a
// frozen peer or a network that drops packets. Held bytes are delivered late
// when the direction is released, and lost when the connection is cut.
func (p *Proxy) Hold(d Direction, on bool) { p.set(func() { p.held[d] = on }) }

// Freeze holds both directions (on) or releases both (off).
func (p *Proxy) Freeze(on bool) { p.set(func() { p.held = [2]bool{on, on} }) }

// Delay makes every read in both directions wait before it is passed on.
func (p *Proxy) Delay(d time.Duration) { p.set(func() { p.delay = d }) }

// Refuse closes new connections at once (on) or takes them again (off).
// Connections that are open stay open.
func (p *Proxy) Refuse(on bool) { p.set(func() { p.refuse = on }) }

// Cut closes all open connections. New ones are accepted unless [Proxy.Refuse]
// is on.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pipes {
		c.close()
	}
}

// HalfClose ends one direction of all open connections: its receiver sees the
// end of the stream, the other direction keeps flowing.
func (p *Proxy) HalfClose(d Direction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pipes {
		to := c.server
		if d == ToClient {
			to = c.client
		}
		_ = to.CloseWrite() // already closed is as good
	}
}

// Connections is the number of open connections.
func (p *Proxy) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pipes)
}

// Close ends the proxy and all its connections and waits for its goroutines.
func (p *Proxy) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.Cut()
	p.done.Wait()
	return err
}

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.AcceptTCP()
		if err != nil {
			return
		}
		p.mu.Lock()
		refuse := p.refuse
		p.mu.Unlock()
		if refuse {
			_ = client.Close()
			continue
		}
		p.done.Go(func() { p.serve(client) })
	}
}

// serve forwards one connection until either side ends it.
func (p *Proxy) serve(client *net.TCPConn) {
	var d net.Dialer
	conn, err := d.DialContext(p.ctx, "tcp", p.target)
	server, ok := conn.(*net.TCPConn)
	if err != nil || !ok {
		_ = client.Close()
		return
	}
	c := &pipe{client: client, server: server, gone: make(chan struct{})}
	p.mu.Lock()
	p.pipes[c] = struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.pump(c, ToServer, c.client, c.server) })
	both.Go(func() { p.pump(c, ToClient, c.server, c.client) })
	both.Wait()
	c.close()
	p.mu.Lock()
	delete(p.pipes, c)
	p.mu.Unlock()
}

// pump copies one direction. An error ends the whole connection; a sender that
// merely finished ends its direction only.
func (p *Proxy) pump(c *pipe, d Direction, from, to *net.TCPConn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if !p.pass(d, c.gone) {
				c.close()
				return
			}
			if _, werr := to.Write(buf[:n]); werr != nil {
				c.close()
				return
			}
		}
		if errors.Is(err, io.EOF) {
			_ = to.CloseWrite() // pass the end on; the other direction may go on
			return
		}
		if err != nil {
			c.close()
			return
		}
	}
}

// pass waits while the direction is held and reports whether the connection
// still lives.
func (p *Proxy) pass(d Direction, gone <-chan struct{}) bool {
	for {
		p.mu.Lock()
		held, delay, changed := p.held[d], p.delay, p.changed
		p.mu.Unlock()
		if !held {
			if delay > 0 {
				select {
				case <-time.After(delay):
				case <-gone:
					return false
				}
			}
			return true
		}
		select {
		case <-changed:
		case <-gone:
			return false
		}
	}
}

func (c *pipe) close() {
	c.once.Do(func() {
		close(c.gone)
		_ = c.client.Close()
		_ = c.server.Close()
	})
}
