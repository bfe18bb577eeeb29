package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// What is odd about running instances.
func TestJudge(t *testing.T) {
	t.Parallel()
	c := &checker{Options: Options{Instance: "a", Version: "v1", Account: "ours"}}
	good := instance{Instance: "b", Role: "primary", Version: "v1", Account: "ours", Ready: true, Started: time.Now()}
	other := func(change func(*instance)) map[string]instance {
		i := good
		change(&i)
		return map[string]instance{i.Instance: i}
	}
	for name, c2 := range map[string]struct {
		seen   map[string]instance
		twins  []string
		status Status
		says   string
	}{
		"nobody":          {nil, nil, Skipped, "no instance"},
		"as it should be": {other(func(*instance) {}), nil, Passed, "b is primary, ready, version v1"},
		"alone":           {other(func(i *instance) { i.Instance = "a" }), nil, Passed, "no other one"},
		"not ready":       {other(func(i *instance) { i.Ready = false }), nil, Warned, "/readyz"},
		"another version": {other(func(i *instance) { i.Version = "v2" }), nil, Warned, "another version"},
		"another account": {other(func(i *instance) { i.Account = "theirs" }), nil, Failed, "another OAuth client"},
		"twins":           {other(func(*instance) {}), []string{"b", "b"}, Failed, "two running processes have INSTANCE_ID=b"},
	} {
		r := c.judge(c2.seen, c2.twins)
		if r.Status != c2.status || !strings.Contains(r.Detail+r.Fix, c2.says) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Rights are named as they have to be granted: names made up for one use are wildcards.
func TestDeniedRights(t *testing.T) {
	t.Parallel()
	e := &deniedError{[]string{
		"publish $JS.API.CONSUMER.CREATE.RECORDER_ACME.tail_ABCDEFGHIJKLMNOPQRSTUVWXYZ.recorder.v1.acme.>",
		"subscribe _INBOX_ingestor.2Z1xXxXxXxXxXxXxXxXxXx.*",
	}}
	const want = "publish $JS.API.CONSUMER.CREATE.RECORDER_ACME.*.recorder.v1.acme.>, subscribe _INBOX_ingestor.*.*"
	if got := e.wanted(); got != want {
		t.Errorf("wanted %s, want %s", got, want)
	}
	if !e.subscribe() || e.subjects()[1] != "_INBOX_ingestor.2Z1xXxXxXxXxXxXxXxXxXx.*" {
		t.Errorf("%v", e.subjects())
	}
}

// The cause counts, not that somebody waited for it.
func TestReason(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused")
	err := fmt.Errorf("NATS_URL: %w", fmt.Errorf("%w: %w", cause, fmt.Errorf("wait: %w", context.DeadlineExceeded)))
	if got := reason(err); got != "connection refused" {
		t.Errorf("reason %q", got)
	}
	if got := reason(cause); got != "connection refused" {
		t.Errorf("reason %q", got)
	}
}

// A server that wants a certificate of its clients may hang up after the handshake, and
// its alert get lost: the advice is the same, whichever of the two is seen first.
func TestServerHangsUpAfterTheHandshake(t *testing.T) {
	t.Parallel()
	issued := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer issued.Close()
	for name, linger := range map[string]int{"closed": -1, "reset": 0} {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = fmt.Fprint(conn, `INFO {"server_id":"s","max_payload":1048576,"tls_required":true}`+"\r\n")
			secured := tls.Server(conn, issued.TLS)
			if err := secured.HandshakeContext(t.Context()); err != nil {
				t.Error(err)
			}
			if c, ok := conn.(*net.TCPConn); ok {
				_ = c.SetLinger(linger)
			}
		}()
		trust, ok := issued.Client().Transport.(*http.Transport)
		if !ok {
			t.Fatalf("the client's transport is a %T", issued.Client().Transport)
		}
		_, err = nats.Connect("tls://"+listener.Addr().String(), nats.Secure(trust.TLSClientConfig))
		if err == nil {
			t.Fatalf("%s: the server took a client without a certificate", name)
		}
		// Of an attempt before the last one the text is left.
		for _, err := range []error{err, fmt.Errorf("%w: %w", errors.New(err.Error()), context.DeadlineExceeded)} {
			if _, fix := noBroker(err); !strings.Contains(fix, "NATS_TLS_CERT_FILE") {
				t.Errorf("%s: %v -> %s", name, err, fix)
			}
		}
	}
}
