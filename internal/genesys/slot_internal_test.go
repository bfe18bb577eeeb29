package genesys

import (
	"testing"
	"time"
)

// What failed while the platform was away does not count once it has confirmed the topics, also
// where that did not last. What never lasts is tried less and less often all the same.
func TestTriesCount(t *testing.T) {
	for name, c := range map[string]struct {
		n, short, want int
		lasted         time.Duration
		confirmed      bool
	}{
		"it failed at once":              {n: 7, want: 7},
		"it failed, after one was short": {n: 7, short: 1, want: 7},
		"it worked":                      {n: 7, want: 0, lasted: time.Minute, confirmed: true},
		"it did not last":                {n: 7, short: 1, want: 1, lasted: time.Second, confirmed: true},
		"it did not last again":          {n: 2, short: 2, want: 2, lasted: time.Second, confirmed: true},
		"another channel is taken":       {n: 3, short: 0, want: 0, lasted: time.Second, confirmed: true},
	} {
		if n := tries(c.n, c.lasted, c.confirmed, c.short); n != c.want {
			t.Errorf("%s: %d failed tries count as %d, want %d", name, c.n, n, c.want)
		}
	}
}
