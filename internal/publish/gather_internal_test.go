package publish

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// socket has bytes that arrive at given moments after it was made.
type socket struct {
	net.Conn
	began    time.Time
	arrivals []arrival
	reads    int
	longest  time.Duration // from when bytes arrived until they were read
}

type arrival struct {
	after time.Duration
	bytes int
}

// Read waits for the first bytes, and takes all that are there.
func (s *socket) Read(p []byte) (n int, _ error) {
	s.reads++
	time.Sleep(s.arrivals[0].after - time.Since(s.began))
	for len(s.arrivals) > 0 && s.arrivals[0].after <= time.Since(s.began) && n < len(p) {
		a := &s.arrivals[0]
		s.longest = max(s.longest, time.Since(s.began)-a.after)
		taken := min(a.bytes, len(p)-n)
		n += taken
		if a.bytes -= taken; a.bytes == 0 {
			s.arrivals = s.arrivals[1:]
		}
	}
	return n, nil
}

func every(d time.Duration, bytes int) (all []arrival) {
	for after := d; after <= time.Second; after += d {
		all = append(all, arrival{after, bytes})
	}
	return all
}

func TestAcknowledgementsGatherWhereTheyAreMany(t *testing.T) {
	const ack = 110
	tests := []struct {
		name     string
		arrivals []arrival
		buffer   int
		reads    int           // at most
		late     time.Duration // at most
		haste    bool
	}{
		{"one after the other", every(time.Millisecond, ack), 32 << 10, 210, gatherFor, false},
		{"in haste", every(time.Millisecond, ack), 32 << 10, 1000, 0, true},
		{"a quarter of that", every(4*time.Millisecond, ack), 32 << 10, 250, 0, false},
		{"alone", every(100*time.Millisecond, ack), 32 << 10, 10, 0, false},
		{"two, and after a long time two more", []arrival{{0, ack}, {time.Millisecond, ack}, {time.Second, ack}, {time.Second + 3*time.Millisecond, ack}}, 32 << 10, 4, 0, false},
		{"in bulk", every(time.Millisecond, 2*gatherMost), 32 << 10, 1000, 0, false},
		{"more than the buffer takes, as TLS reads", every(100*time.Millisecond, 200<<10), 512, 4000, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &socket{began: time.Now(), arrivals: test.arrivals}
				c := &gatheringConn{Conn: s, haste: NewHaste()}
				c.haste.Set(test.haste)
				for buffer := make([]byte, test.buffer); len(s.arrivals) > 0; {
					if _, err := c.Read(buffer); err != nil {
						t.Fatal(err)
					}
				}
				if s.reads > test.reads || s.longest > test.late {
					t.Errorf("%d reads, at most %s late; want at most %d and %s", s.reads, s.longest, test.reads, test.late)
				}
			})
		})
	}
}
