package simulator

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
)

// casting hands out people to stories, each to one story at a time, so that
// nobody is in two calls that a person could not be in.
type casting struct {
	mu    sync.Mutex
	rng   *rand.Rand
	free  []string
	freed chan struct{} // closed and replaced whenever somebody becomes free
}

func (c *casting) init(rng *rand.Rand) {
	c.rng = rng
	c.freed = make(chan struct{})
}

func (c *casting) join(ids ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free = append(c.free, ids...)
	close(c.freed)
	c.freed = make(chan struct{})
}

// take waits until n people are free, the wanted ones among them, and takes them
// all at once. The wanted ones come first, in their order.
func (c *casting) take(ctx context.Context, n int, wanted []string) ([]string, error) {
	for {
		c.mu.Lock()
		cast, ok := c.pick(n, wanted)
		freed := c.freed
		c.mu.Unlock()
		if ok {
			return cast, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-freed:
		}
	}
}

func (c *casting) pick(n int, wanted []string) ([]string, bool) {
	if len(c.free) < n {
		return nil, false
	}
	for _, id := range wanted {
		if !slices.Contains(c.free, id) {
			return nil, false
		}
	}
	cast := slices.Clone(wanted)
	c.free = slices.DeleteFunc(c.free, func(id string) bool { return slices.Contains(wanted, id) })
	for len(cast) < n {
		i, last := c.rng.IntN(len(c.free)), len(c.free)-1
		cast = append(cast, c.free[i])
		c.free[i] = c.free[last]
		c.free = c.free[:last]
	}
	return cast, true
}
