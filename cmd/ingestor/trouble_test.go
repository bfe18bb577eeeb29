package main_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// away makes every request and every new socket fail until the returned function is
// called.
func (p *platform) away() (back func()) {
	var gone atomic.Bool
	gone.Store(true)
	p.change(func() {
		p.hook = func(w http.ResponseWriter, _ *http.Request) bool {
			if !gone.Load() {
				return false
			}
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
			return true
		}
	})
	p.cut()
	return func() { gone.Store(false) }
}

// What changes while nothing can be observed is found afterwards, marked as learned,
// and the gap says from when to when.
func TestCallsChangeDuringAGap(t *testing.T) {
	t.Parallel()
	s := try(t, 1, nil)
	ends, a := s.call(1)
	pauses, b := s.call(1)
	same, c := s.call(1)
	begins := inbound(100)
	s.p.knows(begins)
	back := s.p.away()
	s.q.notReady("")
	s.w.fed(t, "the gap", func(d *recording.FeedData) bool {
		return d.Event == recording.FeedGapOpened && d.Cause == "socket_lost"
	})
	d := s.p.join(begins, uuid("user", 1))
	s.p.change(func() { a.end("peer"); pauses.Secure = true; d.connect() })
	s.p.analytics(begins, d)
	back()
	s.w.told(t, ends, a, prepare, started, cleared)
	s.w.told(t, pauses, b, prepare, started, paused)
	s.w.told(t, begins, d, started)
	for call, leg := range map[*talk]*party{ends: a, pauses: b, begins: d} {
		if got := s.w.last(t, call, leg).Confidence; got != recording.Reconciled {
			t.Errorf("confidence %q", got)
		}
	}
	closed := s.w.fed(t, "the end of the gap", func(d *recording.FeedData) bool {
		return d.Event == recording.FeedGapClosed && d.Cause == "socket_lost"
	})
	if closed.RecoveredCount != 3 || closed.PossiblyLostCount != 0 || !closed.From.Before(closed.To.Time) {
		t.Errorf("gap %+v", closed.Gap)
	}
	s.q.ready()
	s.hangUp(same, c)
}

// A token dies early: the next request gets a new one, and calls go on.
func TestTokenRevoked(t *testing.T) {
	t.Parallel()
	s := try(t, 1, nil)
	c, a := s.call(1)
	s.p.change(func() { clear(s.p.tokens) })
	s.p.cut()
	eventually(t, "another token", func() bool { return s.p.asked("POST /oauth/token") > 1 })
	s.p.waitFor(t, callsOf(a.User))
	s.hangUp(c, a)
	s.whole(1)
}

// Maintenance is announced: the new socket is open before the old one is gone.
func TestSocketClosing(t *testing.T) {
	t.Parallel()
	s := try(t, 1, nil)
	c, a := s.call(1)
	s.p.raw(callsOf(a.User), `{"topicName":"v2.system.socket_closing","version":"2","eventBody":{"message":"WebSocket is about to close"}}`)
	eventually(t, "the new socket", func() bool { return s.p.asked("GET /channels/") > 1 })
	s.p.waitFor(t, callsOf(a.User))
	s.hangUp(c, a)
}

// The platform's words about a wrong client are in the log, the secret is not.
func TestClientRefused(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct{ status, body, words string }{
		"wrong secret": {"", "", "invalid_client: authentication failed"},
		"disabled":     {"401", `{"error":"unauthorized_client","error_description":"client is disabled"}`, "unauthorized_client: client is disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t, 1)
			secret := clientSecret + "-wrong"
			if v.body != "" {
				p.change(func() {
					p.hook = func(w http.ResponseWriter, r *http.Request) bool {
						if r.URL.Path != "/oauth/token" {
							return false
						}
						w.WriteHeader(http.StatusUnauthorized)
						_, _ = io.WriteString(w, v.body)
						return true
					}
				})
			}
			q := launch(t, p, natstest.New(t).URL(), "GENESYS_CLIENT_SECRET="+secret)
			q.notReady(v.words)
			if status, _ := q.get("/livez"); status != http.StatusOK {
				t.Errorf("livez %d", status)
			}
			eventually(t, "the words in the log", func() bool { return strings.Contains(q.log.String(), v.words) })
			if n := p.asked("POST /oauth/token"); n > 3 {
				t.Errorf("%d token requests at once", n)
			}
		})
	}
}

// The platform is not there at first.
func TestPlatformComesLater(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, 1)
	back := p.away()
	url := natstest.New(t).URL()
	q := launch(t, p, url)
	q.notReady("find users")
	back()
	q.ready()
	s := &trial{T: t, p: p, q: q, w: watch(t, url), url: url}
	s.whole(1)
}

// NATS is away during a call: the transitions go out afterwards, in order.
func TestNATSAway(t *testing.T) {
	t.Parallel()
	p, broker := newPlatform(t, 1), natstest.New(t)
	q := launch(t, p, broker.URL()).ready()
	s := &trial{T: t, p: p, q: q, w: watch(t, broker.URL()), url: broker.URL()}
	c, a := s.call(1)
	broker.Stop()
	q.notReady("NATS")
	for _, step := range []func(){func() { c.Secure = true }, func() { a.hold(true) }, func() { a.hold(false) }, func() { a.end("peer") }} {
		p.change(step)
		p.tell(c, a.User)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	s.w.told(t, c, a, prepare, started, paused, "update held paused", "update retrieved paused", cleared)
	q.ready()
	s.whole(1)
}

// A stream that exists with other settings is left alone, and what differs is said.
func TestForeignStream(t *testing.T) {
	t.Parallel()
	url := natstest.New(t).URL()
	js := natstest.JetStream(t, natstest.Connect(t, url))
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "RECORDER_ACME", Subjects: []string{"recorder.v1.acme.call.>"}, Retention: jetstream.WorkQueuePolicy,
	}); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"run", "provision"} {
		r := execute(t, environment(nil, url, "127.0.0.1:0"), command)
		if r.code != 1 || !strings.Contains(r.stderr, "retention is WorkQueue, wanted Limits") || !strings.Contains(r.stderr, "recorder.v1.acme.>") {
			t.Errorf("%s: exit code %d\n%s", command, r.code, r.stderr)
		}
	}
	r := execute(t, environment(nil, url, "127.0.0.1:0", "NATS_PROVISION=false", "ADAPTER_NAME=other"), "run")
	if r.code != 1 || !strings.Contains(r.stderr, "stream RECORDER_OTHER does not exist") {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
}

// A pair: the primary is killed during calls, the killed one comes back, the other one
// leaves politely. No leg loses or repeats anything.
func TestPair(t *testing.T) {
	t.Parallel()
	s := try(t, 2, nil)
	b := launch(t, s.p, s.url, "INSTANCE_ID=b").ready()
	ends, x := s.call(1)
	lasts, y := s.call(2)
	s.p.change(func() { lasts.Secure = true })
	s.p.tell(lasts, y.User)
	s.w.told(t, lasts, y, prepare, started, paused)
	if code := s.q.end(syscall.SIGKILL); code == 0 {
		t.Error("killed, and yet it ended well")
	}
	s.hangUp(ends, x)
	s.p.change(func() { lasts.Secure = false })
	s.p.tell(lasts, y.User)
	// An answer of REST that was under way may pause it once more: in doubt it is paused.
	eventually(t, "the end of the pause", func() bool { return s.w.last(t, lasts, y).State == recording.Recording })
	again := launch(t, s.p, s.url).ready()
	if code := b.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	s.p.change(func() { y.end("peer") })
	s.p.tell(lasts, y.User)
	eventually(t, "the stop", func() bool { return s.w.last(t, lasts, y).State == recording.Stopped })
	told := s.w.log(lasts, y)
	if !slices.Equal(told[:4], []string{prepare, started, paused, resumed}) || told[len(told)-1] != cleared {
		t.Errorf("told %v", told)
	}
	s.w.told(t, lasts, y, told...)
	s.whole(1)
	if code := again.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	s.w.finish()
}
