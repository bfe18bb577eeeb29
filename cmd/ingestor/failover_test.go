package main_test

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// led is when the n-th leader event was written, and by whom.
func (w *witness) led(n int) (by string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.feed {
		if e.Data.Event != recording.FeedLeader {
			continue
		}
		if n--; n == 0 {
			return e.Data.Instance, e.Time.Time
		}
	}
	return "", time.Time{}
}

// A primary that is killed is replaced within the time of the lease and a second:
// by a standby that has become ready this moment, and by one that is not ready at all,
// as nobody is left who could do better.
func TestFailOverTime(t *testing.T) {
	t.Parallel()
	const ttl = 3 * time.Second
	nobody, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	dead := nobody.Addr().String()
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	for name, extra := range map[string][]string{"just ready": nil, "not ready": {"GENESYS_PROXY_URL=http://" + dead}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, url := newPlatform(t, 1), natstest.New(t).URL()
			a := launch(t, p, url, "LEASE_TTL="+ttl.String()).ready()
			w := watch(t, url)
			eventually(t, "a to lead", func() bool { by, _ := w.led(1); return by == "a" })
			b := launch(t, p, url, append(extra, "LEASE_TTL="+ttl.String(), "INSTANCE_ID=b")...)
			if extra == nil {
				b.ready()
			}
			eventually(t, "b to know of a", func() bool {
				_, status := b.get("/status.json")
				return strings.Contains(status, `"peer"`)
			})
			killed := time.Now()
			a.end(syscall.SIGKILL)
			eventually(t, "b to lead", func() bool { by, _ := w.led(2); return by == "b" })
			_, at := w.led(2)
			t.Logf("b leads %v after the death of a", at.Sub(killed))
			if took := at.Sub(killed); took > ttl+time.Second {
				t.Errorf("b leads %v after the death of a, LEASE_TTL is %v", took, ttl)
			}
			again := launch(t, p, url, "LEASE_TTL="+ttl.String()).ready() // the same INSTANCE_ID, seconds later
			for _, q := range []*process{again, b} {
				if code := q.end(syscall.SIGTERM); code != 0 {
					t.Errorf("exit code %d after SIGTERM", code)
				}
			}
		})
	}
}
