package genesys

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff returns the pause before try n, counted from 0: doubling from shortest to
// longest, and at random in the upper half, so that many do not come back at once.
func backoff(n int, shortest, longest time.Duration) time.Duration {
	d := longest
	if n < 32 {
		d = min(shortest<<n, longest)
	}
	if d <= 0 {
		d = longest
	}
	return d/2 + rand.N(d/2+1)
}

// sleep waits; it returns early with the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
