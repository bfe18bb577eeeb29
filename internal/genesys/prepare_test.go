package genesys_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// What is prepared tells nobody anything, and is not asked for again. Where it fails, Run
// begins anew.
func TestPrepare(t *testing.T) {
	for name, broken := range map[string]bool{"in time": false, "in vain": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := organization(t, simulator.Options{Users: 3})
			var lists atomic.Int32
			asked := make(chan struct{}, 10)
			f := front{handle: func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/api/v2/users" {
					return false
				}
				lists.Add(1)
				asked <- struct{}{}
				if broken && lists.Load() == 1 {
					w.WriteHeader(http.StatusForbidden)
					return true
				}
				return false
			}}
			o := options(org)
			o.APIURL = f.before(t, org)
			o.LoginURL = o.APIURL
			p, err := genesys.New(o)
			if err != nil {
				t.Fatal(err)
			}
			r := &rig{recorder: newRecorder(), org: org, platform: p}
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			defer func() { cancel(); running.Wait() }()
			p.Prepare(ctx)
			<-asked
			if r.mu.Lock(); len(r.feeds)+len(r.agents) > 0 || r.directory != nil {
				t.Errorf("told before Run: %+v %+v %+v", r.feeds, r.agents, r.directory)
			}
			r.mu.Unlock()
			running.Go(func() {
				if err := p.Run(ctx, r.recorder); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
			r.ready(t)
			r.call(t)
			want := int32(1)
			if broken {
				want = 2
			}
			if n := lists.Load(); n != want {
				t.Errorf("the users were listed %d times, want %d", n, want)
			}
			if r.directory == nil || len(r.directory.Users) != 3 {
				t.Errorf("directory: %+v", r.directory)
			}
		})
	}
}
