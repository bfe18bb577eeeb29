package load

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Operations of RFC 6455.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// flushAt is how much is sent at once when there is more to send than time.
const flushAt = 32 << 10

// socket is the server's end of one websocket. Frames are gathered and sent together
// when the load allows no pause between them.
type socket struct {
	conn net.Conn
	mu   sync.Mutex
	out  []byte
	err  error
}

// upgrade answers the handshake and takes the connection over.
func upgrade(w http.ResponseWriter, r *http.Request) (*socket, error) {
	key := r.Header.Get("Sec-WebSocket-Key")
	if key == "" || !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		http.Error(w, "a websocket is expected", http.StatusBadRequest)
		return nil, errors.New("not a websocket")
	}
	h, ok := w.(http.Hijacker)
	if !ok {
		return nil, errors.New("the connection cannot be taken over")
	}
	conn, rw, err := h.Hijack()
	if err != nil {
		return nil, fmt.Errorf("take over the connection: %w", err)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // as the protocol has it
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("answer the handshake: %w", err), conn.Close())
	}
	s := &socket{conn: conn, out: make([]byte, 0, flushAt+8<<10)}
	go s.listen(rw.Reader) // ends with the connection
	return s, nil
}

// head appends the header of an unmasked frame of n bytes.
func head(b []byte, op byte, n int) []byte {
	b = append(b, 0x80|op)
	switch {
	case n < 126:
		return append(b, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
}

// add gathers a text frame and sends what is gathered once it is enough.
func (s *socket) add(text []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = append(head(s.out, opText, len(text)), text...)
	if len(s.out) >= flushAt {
		s.send()
	}
	return s.err
}

// flush sends what is gathered.
func (s *socket) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.send()
	return s.err
}

func (s *socket) send() {
	if len(s.out) == 0 {
		return
	}
	if s.err == nil {
		_ = s.conn.SetWriteDeadline(time.Now().Add(time.Minute))
		_, s.err = s.conn.Write(s.out)
	}
	s.out = s.out[:0]
}

// say sends one frame at once.
func (s *socket) say(op byte, payload []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = append(head(s.out, op, len(payload)), payload...)
	s.send()
}

const (
	heartbeatText = `{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}`
	pongText      = `{"topicName":"channel.metadata","eventBody":{"message":"pong"}}`
)

// listen answers pings of both kinds until the connection ends.
func (s *socket) listen(r *bufio.Reader) {
	defer func() { _ = s.conn.Close() }()
	for {
		op, payload, err := readFrame(r)
		if err != nil {
			return
		}
		switch {
		case op == opPing:
			s.say(opPong, payload)
		case op == opClose:
			s.say(opClose, payload)
			return
		case op == opText && strings.Contains(string(payload), "ping"):
			s.say(opText, []byte(pongText))
		}
	}
}

// readFrame reads one masked frame of a client.
func readFrame(r *bufio.Reader) (op byte, payload []byte, err error) {
	var h [14]byte
	if _, err := io.ReadFull(r, h[:2]); err != nil {
		return 0, nil, err
	}
	n, more := uint64(h[1]&0x7f), 0
	switch n {
	case 126:
		more = 2
	case 127:
		more = 8
	}
	if _, err := io.ReadFull(r, h[2:2+more]); err != nil {
		return 0, nil, err
	}
	if more == 2 {
		n = uint64(binary.BigEndian.Uint16(h[2:]))
	} else if more == 8 {
		n = binary.BigEndian.Uint64(h[2:])
	}
	if n > 1<<16 {
		return 0, nil, errors.New("a frame of a client is too long")
	}
	var mask [4]byte
	if h[1]&0x80 != 0 {
		if _, err := io.ReadFull(r, mask[:]); err != nil {
			return 0, nil, err
		}
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, err
	}
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return h[0] & 0xf, payload, nil
}
