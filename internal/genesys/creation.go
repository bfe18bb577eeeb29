package genesys

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// creations decides when a channel may be created. The platform keeps few channels,
// has no call that deletes one, and has been seen to starve clients that create many:
// a fault that lasts must not be answered with channel after channel.
type creations struct {
	timings Timings
	limiter *rate.Limiter

	mu     sync.Mutex
	wasted int       // in a row: created, and gone or refused before they carried anything
	next   time.Time // none before
}

// freeTries is how many channels may come to nothing before the pauses grow long.
const freeTries = 2

func newCreations(o *Options) *creations {
	return &creations{timings: o.Timings, limiter: rate.NewLimiter(rate.Every(o.Timings.Creation), 2*o.MaxChannels+8)}
}

// enter takes a place for one channel, or says why there is none now.
func (c *creations) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Before(c.next) {
		return fmt.Errorf("create channel: the last %d came to nothing: the next one not before %s",
			c.wasted, c.next.UTC().Format(time.TimeOnly))
	}
	if !c.limiter.Allow() {
		return fmt.Errorf("create channel: too many were created lately: one in %s now", c.timings.Creation)
	}
	return nil
}

// waste notes a channel that came to nothing. One that was refused for its address is
// a mistake of the settings: trying again soon will not help.
func (c *creations) waste(refused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wasted++
	const slowest = 6 // times RefusedMax
	switch {
	case refused:
		c.next = time.Now().Add(backoff(c.wasted-1, 2*c.timings.RefusedMin, slowest*c.timings.RefusedMax))
	case c.wasted > freeTries:
		c.next = time.Now().Add(backoff(c.wasted-freeTries-1, 2*c.timings.RefusedMin, c.timings.RefusedMax))
	}
}

// good notes that a channel works.
func (c *creations) good() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wasted, c.next = 0, time.Time{}
}

// waiting returns until when no channel may be created; zero when one may.
func (c *creations) waiting() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.next) {
		return c.next
	}
	return time.Time{}
}
