package app

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
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

// Only who leads considers a complaint at once: of two that do not, each would answer the other one.
func TestOnlyALeaderListens(t *testing.T) {
	for role, want := range map[recording.InstanceRole]int{recording.Primary: 1, recording.Secondary: 0} {
		a := &App{role: role, tell: make(chan struct{}, 1)}
		a.listen()
		if len(a.tell) != want {
			t.Errorf("a %s reports at once: %v", role, want == 0)
		}
	}
}
