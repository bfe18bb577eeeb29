package bridge

import (
	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// rooms is memory that is used again: most of what an event needs is needed no more when
// the next one of its leg is stored.
type rooms struct {
	data  shelf[[]byte]
	past  shelf[*recording.CallData]
	done  shelf[*flight]
	steps shelf[[]call.Edge]
}

// Bounds of what is kept for another time: a huge one does not set the size for good.
const (
	maxShelf   = 4096 // as many as may be on their way
	maxEvent   = 8 << 10
	usualEvent = 2 << 10 // most events find it enough, in bytes
	maxEdges   = 16
	maxPeers   = 8
	usualPeers = 2
	usualEdges = 4
)

// take returns room for an event; give takes back that of one that is stored.
func (r *rooms) take() []byte {
	if room, ok := r.data.take(); ok {
		return room[:0]
	}
	return make([]byte, 0, usualEvent)
}

func (r *rooms) give(room []byte) {
	if cap(room) <= maxEvent {
		r.data.give(room)
	}
}

// sheet is the data of an event, and room for what they point to, in one piece of memory.
type sheet struct {
	data  recording.CallData
	agent recording.Agent
	queue recording.Named
	peers [usualPeers]recording.Peer
}

// described returns room for the data of an event, and for what they point to; replaced takes
// back that of one that a later one of its leg has replaced.
func (r *rooms) described() *recording.CallData {
	if d, ok := r.past.take(); ok {
		return d
	}
	s := new(sheet)
	s.data.Agent, s.data.Conversation.Queue, s.data.Peers = &s.agent, &s.queue, s.peers[:0]
	return &s.data
}

func (r *rooms) replaced(d *recording.CallData) {
	if d == nil {
		return
	}
	agent, queue, peers := d.Agent, d.Conversation.Queue, d.Peers[:0]
	if agent != nil {
		*agent = recording.Agent{}
	}
	if queue != nil {
		*queue = recording.Named{}
	}
	if clear(peers[:cap(peers)]); cap(peers) > maxPeers {
		peers = nil
	}
	*d = recording.CallData{Agent: agent, Conversation: recording.Conversation{Queue: queue}, Peers: peers} // keeps no text alive
	r.past.give(d)
}

// flight returns one to be filled; landed takes back one that is over.
func (r *rooms) flight() *flight {
	if f, ok := r.done.take(); ok {
		return f
	}
	return new(flight)
}

func (r *rooms) landed(f *flight) {
	*f = flight{}
	r.done.give(f)
}

// edges returns room for the pending steps of a leg, which has none most of the time;
// giveEdges takes it back.
func (r *rooms) edges() []call.Edge {
	if room, ok := r.steps.take(); ok {
		return room[:0]
	}
	return make([]call.Edge, 0, usualEdges)
}

func (r *rooms) giveEdges(room []call.Edge) {
	if cap(room) > 0 && cap(room) <= maxEdges {
		r.steps.give(room)
	}
}

// shrink lets go of what was not needed lately. Call it about once a second.
func (r *rooms) shrink() {
	r.data.shrink()
	r.past.shrink()
	r.done.shrink()
	r.steps.shrink()
}

// shelf holds what is used again.
type shelf[T any] struct {
	free []T
	idle int // so many have not been needed since shrink was called last
}

func (s *shelf[T]) take() (item T, ok bool) {
	n := len(s.free)
	if n == 0 {
		return item, false
	}
	item = s.free[n-1]
	clear(s.free[n-1:])
	s.free = s.free[:n-1]
	s.idle = min(s.idle, n-1)
	return item, true
}

func (s *shelf[T]) give(item T) {
	if len(s.free) < maxShelf {
		s.free = append(s.free, item)
	}
}

// shrink drops half of what was idle, so that a burst soon leaves nothing behind.
func (s *shelf[T]) shrink() {
	keep := len(s.free) - (s.idle+1)/2
	clear(s.free[keep:])
	s.free = s.free[:keep]
	if keep == 0 {
		s.free = nil
	}
	s.idle = keep
}
