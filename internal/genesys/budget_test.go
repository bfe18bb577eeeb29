package genesys_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// stranger creates channels as another program with the same OAuth client does.
func stranger(t *testing.T, org *simulator.Org, channels int) {
	t.Helper()
	token := accessToken(t, org)
	for range channels {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, org.URL()+"/api/v2/notifications/channels", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		send(t, req)
	}
}

// The channels of strangers are seen, and warned about before anybody loses one.
func TestForeignChannelsAreWarnedAboutBeforeEviction(t *testing.T) {
	var out logs
	org := organization(t, simulator.Options{Users: 3})
	stranger(t, org, 17)
	o := options(org)
	o.Logger, o.Timings.Discovery = out.logger(), 50*time.Millisecond
	r := connect(t, org, o)
	r.ready(t)
	waitFor(t, "the count", func() bool { b := r.platform.Status().Budget; return b.Foreign == 17 && b.Own == 1 })
	if text := out.String(); strings.Count(text, "somebody else uses channels") != 1 || strings.Contains(text, "run out") {
		t.Errorf("log:\n%s", text)
	}
	if b := r.platform.Status().Budget; b.Total != 18 || b.Limit != 20 || b.Needed != 1 || b.Counted.IsZero() {
		t.Errorf("budget %+v", b)
	}
	stranger(t, org, 2)
	waitFor(t, "the warning", func() bool { return strings.Contains(out.String(), "run out") })
	if n := org.ChannelsEvicted(); n != 0 {
		t.Errorf("the warning comes after %d evictions", n)
	}
	discoveries := r.platform.Stats().Discoveries
	waitFor(t, "more counts", func() bool { return r.platform.Stats().Discoveries > discoveries+3 })
	if n := strings.Count(out.String(), "run out"); n != 1 {
		t.Errorf("%d warnings about the same", n)
	}
}

// Before the first channel, too.
func TestFullClientIsWarnedAboutAtTheStart(t *testing.T) {
	var out logs
	org := organization(t, simulator.Options{Users: 3})
	stranger(t, org, 20)
	o := options(org)
	o.Logger = out.logger()
	r := connect(t, org, o)
	r.ready(t)
	text := out.String()
	warned, created := strings.Index(text, "creating a channel although"), org.ChannelsEvicted()
	if warned < 0 || created != 1 {
		t.Errorf("%d evictions, log:\n%s", created, text)
	}
}

var _ genesys.PeerStore = (*pair)(nil)

// pair is a store that knows what the other instance has saved.
type pair struct {
	memory
	other *memory
}

func (p *pair) Others(ctx context.Context) ([][]byte, error) {
	data, err := p.other.Load(ctx)
	return [][]byte{data}, err
}

// The channels of the other instance are no strangers, and neither are our own of an
// earlier token.
func TestChannelsOfThePeerAreNotForeign(t *testing.T) {
	var out logs
	org := organization(t, simulator.Options{Users: 3})
	a, b := &pair{}, &pair{}
	a.other, b.other = &b.memory, &a.memory
	o := options(org)
	o.Logger, o.Timings.Discovery = out.logger(), 50*time.Millisecond
	o.Store = a
	first := connect(t, org, o)
	o.Store = b
	second := connect(t, org, o)
	first.ready(t)
	second.ready(t)
	if err := first.platform.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := func(r *rig, own, peer int) {
		t.Helper()
		waitFor(t, "the count", func() bool {
			v := r.platform.Status().Budget
			return v.Own == own && v.Peer == peer && v.Foreign == 0 && v.Total == 3
		})
	}
	want(first, 2, 1)
	want(second, 1, 2)
	genuine := strings.Count(out.String(), "somebody else uses")
	stranger(t, org, 1)
	for _, r := range []*rig{first, second} {
		waitFor(t, "the stranger", func() bool { return r.platform.Status().Budget.Foreign == 1 })
	}
	// While the peer connects its channel is not saved yet: that may look foreign.
	if genuine > 2 {
		t.Errorf("%d false warnings:\n%s", genuine, out.String())
	}
}
