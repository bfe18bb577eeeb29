package bridge

// rooms is memory that is used again: most of what an event needs is needed no more when
// the next one of its leg is stored.
type rooms struct {
	data [][]byte
	past []*sent
}

// Bounds of what is kept for another time.
const (
	maxRooms = 256
	maxEvent = 8 << 10 // a huge one does not set the size for good
)

// take returns room for an event; give takes back that of one that is stored.
func (r *rooms) take() []byte {
	n := len(r.data)
	if n == 0 {
		return make([]byte, 0, usualEvent)
	}
	room := r.data[n-1]
	r.data = r.data[:n-1]
	return room[:0]
}

func (r *rooms) give(room []byte) {
	if len(r.data) < maxRooms && cap(room) <= maxEvent {
		r.data = append(r.data, room)
	}
}

// sent returns room for the data of an event; replaced takes back that of one that a later
// one of its leg has replaced.
func (r *rooms) sent() *sent {
	n := len(r.past)
	if n == 0 {
		return new(sent)
	}
	s := r.past[n-1]
	r.past[n-1] = nil
	r.past = r.past[:n-1]
	return s
}

func (r *rooms) replaced(s *sent) {
	if s != nil && len(r.past) < maxRooms {
		*s = sent{} // keeps nothing alive
		r.past = append(r.past, s)
	}
}
