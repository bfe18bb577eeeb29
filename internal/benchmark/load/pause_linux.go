package load

import (
	"syscall"
	"time"
)

// pause waits as exactly as the system can: the timers of the runtime are rounded up
// to a millisecond while nothing else happens, which would be measured with the peer.
func pause(d time.Duration) {
	if d <= 0 {
		return
	}
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // an interruption sends a frame a little early
}
