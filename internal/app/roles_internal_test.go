package app

import (
	"testing"
	"time"
)

// Who has not read what was known some seconds ago does not keep up. A version that does not say how
// far it has read is believed to.
func TestPace(t *testing.T) {
	var p pace
	now := time.Now()
	for second := range 10 {
		p.note(uint64(100*(second+1)), now.Add(time.Duration(second)*time.Second))
	}
	for read, want := range map[uint64]bool{0: true, 1000: true, 700: true, 699: false, 1: false} {
		if p.kept(read) != want {
			t.Errorf("after reading as far as %d it keeps up: %v", read, !want)
		}
	}
}
