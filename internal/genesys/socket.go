package genesys

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// socket is one websocket of a channel. Two goroutines serve it from begin on: one
// reads, one watches for silence. done is closed when reading has ended.
type socket struct {
	channel *channel
	conn    *websocket.Conn
	wire    net.Conn // below conn: closing it ends everything that waits for the peer
	opened  time.Time
	alive   context.Context // ends with reading
	end     context.CancelFunc
	done    chan struct{}
	reason  error // why reading ended; read after done
	silent  atomic.Bool
	began   bool
	// Under the lock of the slot: reading has ended, and its end is no loss.
	gone, expected bool

	last      atomic.Int64 // unix ns of the latest frame
	heartbeat atomic.Int64
	event     atomic.Int64
	pong      chan struct{} // holds one element after a pong

	recording atomic.Pointer[overlap] // set while a successor is open
	replay    *overlap                // what the predecessor delivered; reader only
}

// errSilent ends a socket that gave no sign of life.
var errSilent = errors.New("no heartbeat, and no answer to a ping")

// dial opens a socket. The channel's address stays out of the error. No credentials
// are sent: the address is the credential.
func (p *Platform) dial(ctx context.Context, ch *channel) (*socket, error) {
	if err := p.checkConnectURI(ch.ConnectURI); err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, p.opts.Timings.Dial)
	defer cancel()
	var wire net.Conn
	traced := httptrace.WithClientTrace(limited, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { wire = i.Conn }})
	//nolint:bodyclose // the library says that the body never needs closing
	conn, resp, err := websocket.Dial(traced, ch.ConnectURI, &websocket.DialOptions{
		HTTPClient: p.dialer, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		if resp != nil {
			switch resp.StatusCode {
			case http.StatusNotFound, http.StatusGone, http.StatusForbidden, http.StatusUnauthorized:
				return nil, fmt.Errorf("open socket: status %d: %w", resp.StatusCode, errChannelGone)
			}
			return nil, fmt.Errorf("open socket: status %d", resp.StatusCode)
		}
		return nil, fmt.Errorf("open socket: %w", bare(err))
	}
	conn.SetReadLimit(-1) // long frames are passed over here without losing the socket
	p.counters.connects.Add(1)
	s := &socket{channel: ch, conn: conn, wire: wire, opened: time.Now(), done: make(chan struct{}), pong: make(chan struct{}, 1)}
	s.alive, s.end = context.WithCancel(ctx)
	s.last.Store(s.opened.UnixNano())
	return s, nil
}

// buffered takes what has arrived on a connection in one system call: in a storm many
// frames wait there, and the websocket library asks for a part of one at a time.
type buffered struct {
	net.Conn
	waiting *bufio.Reader
	flush   func() // before it waits for the network
}

func (b *buffered) Read(p []byte) (int, error) {
	if b.waiting.Buffered() == 0 {
		b.flush()
	}
	return b.waiting.Read(p)
}

// dialBuffered connects the sockets.
func (p *Platform) dialBuffered(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if p.sink == nil { // a probe has none
		return newBuffered(conn, func() {}), nil
	}
	return newBuffered(conn, p.sink.Flush), nil
}

// together is how much is taken at once at most, in bytes: some sixteen frames. With more the
// first one would wait for long.
const together = 64 << 10

func newBuffered(conn net.Conn, flush func()) *buffered {
	return &buffered{conn, bufio.NewReaderSize(conn, together), flush}
}

// begin starts reading. handle gets each frame in order and must not keep it; long is
// called for a frame above the limit, with its beginning; ended before done is closed.
func (s *socket) begin(p *Platform, handle func(frame []byte, received time.Time), long func(start []byte), ended func()) {
	s.began = true
	s.last.Store(time.Now().UnixNano())
	p.wait.Go(func() {
		defer s.end()
		defer close(s.done)
		s.reason = s.read(p.opts.MaxFrame, handle, long)
		_ = s.conn.CloseNow() // the reason is known
		ended()
	})
	p.wait.Go(func() { s.watch(p) })
}

func (s *socket) read(limit int64, handle func([]byte, time.Time), long func([]byte)) error {
	// The library would arm a watch of the context for every part of every frame. One
	// for the life of the socket does the same.
	stop := context.AfterFunc(s.alive, s.cut)
	defer stop()
	unwatched := context.WithoutCancel(s.alive)
	var buf bytes.Buffer
	var part io.LimitedReader
	for {
		_, r, err := s.conn.Reader(unwatched)
		if err != nil {
			return s.why(err)
		}
		buf.Reset()
		part.R, part.N = r, limit+1
		n, err := buf.ReadFrom(&part)
		if err != nil {
			return s.why(err)
		}
		received := time.Now()
		s.last.Store(received.UnixNano())
		if n > limit {
			rest := progress{r, &s.last}
			if _, err := io.Copy(io.Discard, rest); err != nil {
				return s.why(err)
			}
			long(buf.Bytes()[:min(buf.Len(), 1024)])
		} else {
			handle(buf.Bytes(), received)
		}
		if buf.Cap() > 1<<20 {
			buf = bytes.Buffer{} // one huge frame does not set the size for good
		}
	}
}

// cut ends the connection without a word, whatever waits for it.
func (s *socket) cut() { _ = s.wire.Close() }

func (s *socket) why(err error) error {
	if s.silent.Load() {
		return errSilent
	}
	if s.alive.Err() != nil {
		err = s.alive.Err()
	}
	return fmt.Errorf("read: %w", err)
}

// progress notes that a long frame is still arriving.
type progress struct {
	io.Reader
	last *atomic.Int64
}

func (p progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if n > 0 {
		p.last.Store(time.Now().UnixNano())
	}
	return n, err
}

// watch pings a silent socket and closes it when there is no answer.
func (s *socket) watch(p *Platform) {
	t := p.opts.Timings
	for {
		seen := s.last.Load()
		if sleep(s.alive, time.Until(time.Unix(0, seen).Add(t.Heartbeat))) != nil {
			return
		}
		if s.last.Load() != seen {
			continue
		}
		ctx, cancel := context.WithTimeout(s.alive, t.PingWait)
		asked := time.Now()
		err := s.ping(ctx)
		if err == nil {
			err = sleep(s.alive, t.PingWait-time.Since(asked))
		}
		cancel()
		if s.alive.Err() != nil {
			return
		}
		if s.last.Load() == seen || err != nil {
			s.silent.Store(true)
			p.counters.silent.Add(1)
			_ = s.conn.CloseNow() // the reader reports it
			return
		}
	}
}

func (s *socket) ping(ctx context.Context) error {
	return s.conn.Write(ctx, websocket.MessageText, []byte(`{"message":"ping"}`))
}

// drain lets a socket that has a successor deliver what is on its way. Events take a
// moment to arrive, so it waits for the overlap first. Then it asks for a pong: what
// the platform has queued for this socket comes before it.
func (s *socket) drain(ctx context.Context, overlap time.Duration) {
	const patience = 5 // overlaps
	limited, cancel := context.WithTimeout(ctx, overlap*(1+patience))
	defer cancel()
	timer := time.NewTimer(overlap)
	defer timer.Stop()
	select {
	case <-s.done:
		return
	case <-limited.Done():
		return
	case <-timer.C:
	}
	select {
	case <-s.pong: // an old one
	default:
	}
	if s.ping(limited) != nil {
		return
	}
	select {
	case <-s.pong:
	case <-s.done:
	case <-limited.Done():
	}
}

// close ends the socket in order, but not at the price of waiting for a dead peer.
func (s *socket) close() {
	const patience = 500 * time.Millisecond
	timer := time.AfterFunc(patience, s.cut)
	_ = s.conn.Close(websocket.StatusNormalClosure, "")
	timer.Stop()
	_ = s.conn.CloseNow() // closed already in most cases
	s.end()
	if s.began {
		<-s.done
	}
}

// lastFrame is the latest sign of life.
func (s *socket) lastFrame() time.Time { return time.Unix(0, s.last.Load()) }
