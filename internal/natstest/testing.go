package natstest

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// New runs a server for the duration of the test. Each configure function may
// change the server's own options.
func New(tb testing.TB, configure ...func(*server.Options)) *Server {
	tb.Helper()
	s, err := Run(Options{Configure: func(o *server.Options) {
		for _, f := range configure {
			f(o)
		}
	}})
	if err != nil {
		tb.Fatalf("natstest: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("natstest: %v", err)
		}
	})
	return s
}

// NewCluster runs a cluster of size servers for the duration of the test.
func NewCluster(tb testing.TB, size int) *Cluster {
	tb.Helper()
	c, err := RunCluster(size)
	if err != nil {
		tb.Fatalf("natstest: %v", err)
	}
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Errorf("natstest: %v", err)
		}
	})
	return c
}

// NewFaultProxy runs a proxy in front of the server for the duration of the test.
func NewFaultProxy(tb testing.TB, s *Server) *Proxy {
	tb.Helper()
	p, err := NewProxy(s.Address())
	if err != nil {
		tb.Fatalf("natstest: %v", err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Errorf("natstest: close proxy: %v", err)
		}
	})
	return p
}

// Connect opens a plain client connection that keeps reconnecting, and closes
// it after the test.
func Connect(tb testing.TB, url string, opts ...nats.Option) *nats.Conn {
	tb.Helper()
	closed := make(chan struct{})
	base := []nats.Option{
		nats.MaxReconnects(-1),
		nats.ReconnectWait(20 * time.Millisecond),
		nats.ReconnectJitter(10*time.Millisecond, 10*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
	}
	nc, err := nats.Connect(url, append(base, opts...)...)
	if err != nil {
		tb.Fatalf("natstest: connect: %v", err)
	}
	tb.Cleanup(func() {
		nc.Close()
		<-closed
	})
	return nc
}

// JetStream is the JetStream client of the connection.
func JetStream(tb testing.TB, nc *nats.Conn) jetstream.JetStream {
	tb.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		tb.Fatalf("natstest: jetstream: %v", err)
	}
	return js
}

// Eventually waits until done reports true and fails the test after a minute,
// naming what it waited for.
func Eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("natstest: waited a minute in vain for: %s", what)
		}
	}
}
