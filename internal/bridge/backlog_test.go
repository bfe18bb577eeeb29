package bridge_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// A start knows every leg as its last event tells it, however old, and goes on with the
// next revision.
func TestStartReadsTheLastOfALeg(t *testing.T) {
	for name, pauses := range map[string][3]time.Duration{
		"all old":        {time.Second, time.Second, 5 * time.Minute},
		"the last young": {time.Second, 5 * time.Minute, time.Second},
		"all young":      {time.Second, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			one, two := r.instance("one"), r.instance("two")
			one.Lead(1)
			one.sees("ua", caller(), talking("leg", "ua"))
			one.expects("start established")
			r.wait(pauses[0])
			one.sees("ua", caller(), muted("leg", "ua"))
			one.expects("update muted")
			r.wait(pauses[1])
			one.sees("ua", caller(), talking("leg", "ua"))
			one.expects("update unmuted")
			r.wait(pauses[2])
			two.Recover()
			two.reads()
			if unreadable := two.Recovered(r.now); len(unreadable) > 0 {
				t.Fatal(unreadable)
			}
			if n := two.Stats().Holes; n != 0 {
				t.Errorf("%d holes in a whole log", n)
			}
			one.Follow()
			two.Lead(2)
			two.expects()
			gone := talking("leg", "ua")
			gone.State, gone.End = "terminated", r.now
			two.sees("ua", caller(), gone)
			two.expects("stop cleared")
			if d := r.last(); d.Revision != 4 || d.State != recording.Stopped {
				t.Errorf("the end is revision %d, %s", d.Revision, d.State)
			}
		})
	}
}

// A leg that has ended long ago, and one that cannot be read, cost a start nothing else.
func TestStartLeavesOut(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	gone := talking("leg", "ua")
	gone.State, gone.End = "terminated", r.now
	one.sees("ua", caller(), talking("leg", "ua"))
	one.sees("ua", caller(), gone)
	one.expects("start established", "stop cleared")
	odd := r.stream.log[len(r.stream.log)-1]
	odd.Subject, odd.Data = recording.CallSubject("acme", "ub", "conv", "odd"), []byte("{}")
	odd.Sequence++
	r.stream.log = append(r.stream.log, odd)
	r.wait(time.Hour)
	two.Recover()
	two.reads()
	if unreadable := two.Recovered(r.now); len(unreadable) != 1 {
		t.Errorf("unreadable: %v", unreadable)
	}
	if legs := two.LegsByState(); len(legs) != 0 {
		t.Errorf("known: %v", legs)
	}
}
