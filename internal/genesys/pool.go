package genesys

import (
	"hash/maphash"
	"strings"
)

// pool keeps strings that are likely to come again: the frames of one socket repeat the
// same ids, names and addresses all day. A string that is found in it costs nothing, and
// is shared by all who keep it.
//
// It never grows. A string has one place, by its hash, and the latest one stays there;
// so one conversation of thousands of participants does not drive out everything else,
// each frame may change some places only.
type pool struct {
	seed   maphash.Seed
	places []string
	fresh  int // places that the present frame may still change
	// lasting are strings that are likely to come again, passing those that never do.
	lasting, passing chunk
}

// chunk has the latest strings one behind the other: those of a call are read together, and
// many are one object. It lives as long as any string in it.
type chunk struct{ *strings.Builder }

const (
	poolPlaces = 4096 // a power of two
	poolString = 128  // bytes; longer strings are rarely the same again
	poolFresh  = 64
	poolChunk  = 512 // about what one call needs
)

func newPool() *pool {
	return &pool{seed: maphash.MakeSeed(), places: make([]string, poolPlaces)}
}

// next begins a frame.
func (p *pool) next() {
	if p != nil {
		p.fresh = poolFresh
	}
}

// string returns a copy of b. A nil pool keeps nothing.
func (p *pool) string(b []byte) string {
	if p == nil || len(b) == 0 || len(b) > poolString {
		return string(b)
	}
	place := &p.places[maphash.Bytes(p.seed, b)%poolPlaces]
	if *place == string(b) {
		return *place
	}
	s := p.lasting.copy(b)
	if p.fresh > 0 {
		p.fresh--
		*place = s
	}
	return s
}

// once returns a copy of b, which never comes again.
func (p *pool) once(b []byte) string {
	if p == nil {
		return string(b)
	}
	return p.passing.copy(b)
}

// copy returns a copy of b, behind that of the last one.
func (c *chunk) copy(b []byte) string {
	if c.Builder == nil || c.Cap()-c.Len() < len(b) {
		c.Builder = new(strings.Builder)
		c.Grow(poolChunk)
	}
	n := c.Len()
	c.Write(b)
	return c.String()[n:]
}
