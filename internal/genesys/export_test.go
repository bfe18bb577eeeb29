package genesys

import "net"

// NewDecoder returns the decoder of one socket: it takes the named attributes, all when
// nil, and keeps its memory from one frame to the next.
func NewDecoder(attributes []string) func(frame []byte) (Frame, error) {
	return newSocketDecoder(attributes).frame
}

// NewBuffered returns a connection as sockets have it.
func NewBuffered(conn net.Conn, flush func()) net.Conn { return newBuffered(conn, flush) }

// CheckChannels has each slot look whether its channel carries what it should.
func (p *Platform) CheckChannels() {
	for _, s := range p.allSlots() {
		s.poke()
	}
}
