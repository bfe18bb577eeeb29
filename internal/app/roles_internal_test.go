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

// A complaint counts once, and so does what it is about.
func TestComplaintsAreNews(t *testing.T) {
	var h complaints
	now := time.Now()
	for _, c := range []struct {
		after   time.Duration
		stoodIn uint64
		want    bool
	}{
		{0, 3, true},
		{0, 3, false},           // the same report
		{time.Second, 3, false}, // another one, about the same
		{2 * time.Second, 4, true},
		{3 * time.Second, 0, true}, // what is not told is not counted
		{4 * time.Second, 0, true},
	} {
		if r := (Report{At: now.Add(c.after), StoodIn: c.stoodIn}); h.news(&r) != c.want {
			t.Errorf("after %v, stood in %d times: news %v", c.after, c.stoodIn, !c.want)
		}
	}
}
