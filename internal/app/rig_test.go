package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// newOrg is an organization that people call for as long as the test lasts.
func newOrg(t *testing.T, o simulator.Options) *simulator.Org {
	t.Helper()
	org, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = org.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return org
}

// newSiteOn is a site whose broker is given.
func newSiteOn(t *testing.T, server *natstest.Server, url string, o simulator.Options) *site {
	t.Helper()
	return &site{t: t, org: newOrg(t, o), nats: server, js: natstest.JetStream(t, natstest.Connect(t, url))}
}

// busy are people enough for some dozens of short calls a second.
func busy() simulator.Options { return simulator.Options{Users: 60, Speed: 40} }

// logs are what an instance wrote, line by line.
type logs struct{ natstest.Log }

// lines returns those that have every one of the parts.
func (l *logs) lines(parts ...string) []string {
	var found []string
next:
	for line := range strings.SplitSeq(l.String(), "\n") {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue next
			}
		}
		found = append(found, line)
	}
	return found
}

// logged starts an instance whose log is kept, and shown when the test fails.
func (s *site) logged(name string, more ...string) (*instance, *logs) {
	s.t.Helper()
	l := &logs{}
	log := slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})).With("instance", name)
	a, err := app.New(app.Options{Settings: s.settingsFor(name, more...), Version: "v0.0.1", Logger: log, Registry: prometheus.NewRegistry()})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- a.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-result })
	s.t.Cleanup(func() {
		_ = stop()
		if s.t.Failed() {
			s.t.Logf("log of %s:\n%s", name, strings.Join(l.lines("level=", ""), "\n"))
		}
	})
	return &instance{App: a, stop: stop}, l
}

// role waits until an instance has a role.
func (i *instance) role(t *testing.T, want recording.InstanceRole) {
	t.Helper()
	natstest.Eventually(t, "the role is "+string(want), func() bool { return i.Report().Role == want })
}

// accompanied waits until an instance knows of another one that could lead.
func (i *instance) accompanied(t *testing.T) {
	t.Helper()
	natstest.Eventually(t, "the other instance is known to be ready", func() bool {
		peer := i.Status().Peer
		return peer != nil && peer.Ready
	})
}

// readiness is what the endpoint for readiness answers.
func (i *instance) readiness(t *testing.T) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+i.Addr()+"/readyz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b.String()
}

// proxyTo is a proxy in front of an address, and how it is named as a client proxy.
func proxyTo(t *testing.T, address string) *natstest.Proxy {
	t.Helper()
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		address = u.Host
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		t.Fatal(err)
	}
	p, err := natstest.NewProxy(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func clientProxy(p *natstest.Proxy) string {
	return "GENESYS_PROXY_URL=http://" + strings.TrimPrefix(p.URL(), "nats://")
}

// talk lets people call until the function that it returns is called, which then waits
// for the end of the calls.
func (s *site) talk(callsPerSecond float64) (end func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() {
		result <- s.org.Traffic(ctx, simulator.Traffic{CallsPerSecond: callsPerSecond, Drain: 2 * time.Second})
	}()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-result; err != nil && !errors.Is(err, context.Canceled) {
			s.t.Errorf("traffic: %v", err)
		}
	})
	s.t.Cleanup(end)
	return end
}

// answered waits until so many more legs have been answered than now.
func (s *site) answered(more int) {
	s.t.Helper()
	count := func() (n int) {
		truth := s.org.Truth()
		for i := range truth.Legs {
			if !truth.Legs[i].ConnectedAt.IsZero() {
				n++
			}
		}
		return n
	}
	before := count()
	natstest.Eventually(s.t, fmt.Sprintf("%d more calls are answered", more), func() bool { return count() >= before+more })
}

// tally is what the stream tells, leg by leg.
type tally struct {
	next          uint64
	history       recordingtest.History
	starts, stops map[string]int
	gaps          map[string]bool // open
	leaders       []string
	feed          []recording.FeedData
	reconciled    int
}

func newTally() *tally {
	return &tally{next: 1, starts: make(map[string]int), stops: make(map[string]int), gaps: make(map[string]bool)}
}

// fed waits until what the feed has told about itself is as it should be. It reads the
// feed only: under traffic the calls are many, and [site.told] reads them.
func (s *site) fed(what string, ok func(feed []recording.FeedData) bool) []recording.FeedData {
	s.t.Helper()
	c := newTally()
	natstest.Eventually(s.t, what, func() bool { return c.readFeed(s.t, s.js) == nil && ok(c.feed) })
	return c.feed
}

func (c *tally) readFeed(t *testing.T, js jetstream.JetStream) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	stream, err := js.Stream(ctx, "RECORDER_ACME")
	if err != nil {
		return err
	}
	for {
		m, err := stream.GetMsg(ctx, c.next, jetstream.WithGetMsgSubject(recording.FeedSubject("acme")))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		c.take(t, m.Subject, m.Header, m.Data)
		c.next = m.Sequence + 1
	}
}

// span is a stretch of time in which nobody observed.
type span struct{ from, to time.Time }

// told waits until every leg that could be observed has one start and one stop and
// every gap is closed, and checks that ids and revisions have no hole and do not
// repeat. Of a leg that was answered within a span nothing need be known.
func (s *site) told(blind ...span) *tally {
	s.t.Helper()
	c := newTally()
	truth := s.org.Truth()
	var wrong []string
	deadline := time.Now().Add(40 * time.Second)
	for {
		err := c.read(s.t, s.js)
		if wrong = c.compare(&truth, blind); err == nil && len(wrong) == 0 {
			return c
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%d legs or gaps are not told as they were (%v):\n%s", len(wrong), err, strings.Join(wrong[:min(len(wrong), 10)], "\n"))
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-s.t.Context().Done():
		}
	}
}

func (c *tally) read(t *testing.T, js jetstream.JetStream) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	stream, err := js.Stream(ctx, "RECORDER_ACME")
	if err != nil {
		return err
	}
	for last := stream.CachedInfo().State.LastSeq; c.next <= last; c.next++ {
		m, err := stream.GetMsg(ctx, c.next)
		if err != nil {
			return err
		}
		c.take(t, m.Subject, m.Header, m.Data)
	}
	return nil
}

func (c *tally) take(t *testing.T, subject string, header nats.Header, data []byte) {
	t.Helper()
	if err := c.history.Add(subject, header, data); err != nil {
		t.Error(err)
	}
	event, err := recording.Decode(data)
	if err != nil {
		t.Error(err)
	}
	switch e := event.(type) {
	case *recording.CallEvent:
		if e.Data.Confidence == recording.Reconciled {
			c.reconciled++
		}
		switch e.Data.Verb {
		case recording.Start:
			c.starts[e.Data.Leg.ID]++
		case recording.Stop:
			c.stops[e.Data.Leg.ID]++
		default:
		}
	case *recording.FeedEvent:
		c.feed = append(c.feed, e.Data)
		switch e.Data.Event {
		case recording.FeedLeader:
			c.leaders = append(c.leaders, e.Data.Instance)
		case recording.FeedGapOpened:
			c.gaps[e.Data.ID] = true
		case recording.FeedGapClosed:
			delete(c.gaps, e.Data.ID)
		default:
		}
	}
}

func (c *tally) compare(truth *simulator.Truth, blind []span) (wrong []string) {
	for i := range truth.Legs {
		l := &truth.Legs[i]
		if l.ConnectedAt.IsZero() || !l.Voice || l.Role == "monitor" || l.Role == "coach" {
			continue
		}
		starts, stops := c.starts[l.LegID], c.stops[l.LegID]
		hidden := false
		for _, b := range blind {
			hidden = hidden || l.ConnectedAt.After(b.from) && l.ConnectedAt.Before(b.to)
		}
		if hidden && starts == 0 && stops == 0 || starts == 1 && stops == 1 {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("leg %s/%s of %s, %v to %v: %d starts, %d stops",
			l.ConversationID, l.LegID, l.Role, l.ConnectedAt, l.EndedAt, starts, stops))
	}
	for id := range c.gaps {
		wrong = append(wrong, "gap "+id+" is open")
	}
	return wrong
}
