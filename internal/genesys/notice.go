package genesys

import (
	"sync"
	"time"
)

// notice says in the log what a renewal waits for, when it takes long. The returned
// function ends it, and returns when nothing more is written.
func (p *Platform) notice(what func() string) (stop func()) {
	var group sync.WaitGroup
	done := make(chan struct{})
	began := time.Now()
	group.Go(func() {
		for wait := p.opts.Timings.Notice; ; wait *= 2 {
			timer := time.NewTimer(wait)
			select {
			case <-done:
				timer.Stop()
				return
			case <-timer.C:
				p.log.Warn("the renewal of the session waits", "for", what(), "waited", time.Since(began).Round(time.Millisecond).String())
			}
		}
	})
	return func() {
		close(done)
		group.Wait()
	}
}

// obstacle names what a slot is waiting for now.
func (s *slot) obstacle() string {
	text := "channel"
	if doing := s.doing.Load(); doing != nil {
		text = *doing
	}
	if until := s.p.client.gate.closed(); !until.IsZero() {
		return text + "; REST calls wait for the rate limit until " + until.UTC().Format(time.TimeOnly)
	}
	if until := s.p.creations.waiting(); !until.IsZero() {
		return text + "; no channel is created before " + until.UTC().Format(time.TimeOnly)
	}
	return text
}

// do notes what the slot is doing, for whoever waits for it.
func (s *slot) do(what string) { s.doing.Store(&what) }
