package simulator

import (
	"encoding/hex"
	"math/rand/v2"
	"sync"
	"time"
)

// dice is the source of every random choice of the organization. It is safe for
// concurrent use; a story takes its own generator from it.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newDice(seed uint64) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))} // Repeatable on purpose: it guards nothing.
}

// fork returns an independent generator for one owner.
func (d *dice) fork() *rand.Rand {
	d.mu.Lock()
	defer d.mu.Unlock()
	return rand.New(rand.NewPCG(d.rng.Uint64(), d.rng.Uint64()))
}

func (d *dice) float() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64()
}

// uuid returns a version 4 UUID.
func (d *dice) uuid() string {
	d.mu.Lock()
	hi, lo := d.rng.Uint64(), d.rng.Uint64()
	d.mu.Unlock()
	var raw [16]byte
	for i := range 8 {
		raw[i] = byte(hi >> (8 * i))
		raw[8+i] = byte(lo >> (8 * i))
	}
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], raw[0:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:36], raw[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

const hexDigits = "0123456789abcdef"

// word returns n hexadecimal digits.
func (d *dice) word(n int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := make([]byte, n)
	for i := range text {
		text[i] = hexDigits[d.rng.IntN(len(hexDigits))]
	}
	return string(text)
}

const stampLayout = "2006-01-02T15:04:05.000Z"

// stamp writes a time as the platform does; the zero time becomes the empty
// string, which the wire types leave out.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stampLayout)
}

// now is the platform's clock: milliseconds, UTC.
func now() time.Time {
	return time.Now().UTC().Truncate(time.Millisecond)
}
