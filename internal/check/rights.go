package check

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// denials collects what the server refuses. It says so apart from the request, which
// merely gets no answer.
type denials struct {
	mu   sync.Mutex
	list []string // as "publish x" and "subscribe x"
	news chan struct{}
}

func newDenials() *denials { return &denials{news: make(chan struct{}, 1)} }

// follow takes the place of the connection's error handler.
func (d *denials) follow(nc *nats.Conn) {
	words := regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]+)"`)
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		m := words.FindStringSubmatch(err.Error())
		if m == nil {
			return
		}
		what := "publish"
		if strings.EqualFold(m[1], "subscription") {
			what = "subscribe"
		}
		d.mu.Lock()
		d.list = append(d.list, what+" "+m[2])
		d.mu.Unlock()
		select {
		case d.news <- struct{}{}:
		default:
		}
	})
}

// take returns what was refused since the last call.
func (d *denials) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.list
	d.list = nil
	return list
}

// deniedError says what the server has refused.
type deniedError struct{ rights []string }

func (e *deniedError) Error() string { return "NATS refuses " + strings.Join(e.rights, ", ") }

// subjects are the refused subjects alone.
func (e *deniedError) subjects() []string {
	var list []string
	for _, r := range e.rights {
		_, subject, _ := strings.Cut(r, " ")
		list = append(list, subject)
	}
	return list
}

// wanted is what to grant; names made up for one use are replaced by a wildcard.
func (e *deniedError) wanted() string {
	random := regexp.MustCompile(`\.(tail_[A-Z0-9]+|[A-Za-z0-9]{22,26})(\.|$)`)
	return random.ReplaceAllString(strings.Join(e.rights, ", "), ".*$2")
}

func (e *deniedError) subscribe() bool {
	for _, r := range e.rights {
		if strings.HasPrefix(r, "subscribe ") {
			return true
		}
	}
	return false
}

// permitted asks NATS something, and returns a *deniedError as soon as the server
// refuses any part of it.
func (c *checker) permitted(ctx context.Context, ask func(context.Context) error) error {
	c.denials.take()
	select {
	case <-c.denials.news:
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- ask(ctx) }()
	var err error
	select {
	case err = <-done:
	case <-c.denials.news:
		cancel() // the answer never comes
		err = <-done
	}
	if list := c.denials.take(); len(list) > 0 {
		return &deniedError{list}
	}
	return err
}

// settle waits until the server has seen everything and its refusals have come.
func (c *checker) settle(ctx context.Context) error {
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return err
	}
	// A refusal comes before the answer to a flush, and is handed over on its own.
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
	}
	return nil
}

// read finds out whether the instance may read what it has to: the stream as its tail
// does, single messages, and the buckets.
func (c *checker) read(ctx context.Context) Result {
	type way struct {
		stream, what string
		ask          func(context.Context) error
	}
	var refused []string
	tried := 0
	for _, w := range []way{
		{c.Stream.Name, "last event", c.readLast},
		{c.Stream.Name, "stream", c.readTail},
		{"KV_" + c.Lease.Name, "lease", func(ctx context.Context) error { return c.readBucket(ctx, c.Lease.Name, c.LeaseKey) }},
		{"KV_" + c.State.Name, "state", func(ctx context.Context) error { return c.readBucket(ctx, c.State.Name, c.StateKeys[0]) }},
	} {
		if !c.there[w.stream] {
			continue
		}
		tried++
		err := c.permitted(ctx, w.ask)
		if d, ok := errors.AsType[*deniedError](err); ok {
			refused = append(refused, d.wanted())
		} else if err != nil {
			return failed(w.what+" cannot be read: "+reason(err), "look at the NATS server: it is connected, and does not answer this")
		}
	}
	switch {
	case len(refused) > 0:
		return failed("NATS refuses what reading needs", "grant the user "+strings.Join(refused, ", "))
	case tried == 0:
		return skipped("needs the stream or a bucket")
	}
	return passed("the stream and the buckets can be read and followed")
}

func (c *checker) readLast(ctx context.Context) error {
	e, _, err := publish.NewReader(c.js, c.Stream.Name).Last(ctx, strings.TrimSuffix(c.Stream.Subjects[0], ">")+"feed")
	c.last = e.Sequence
	return err
}

// readTail follows the stream from the last event on, until that one has come.
func (c *checker) readTail(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	caughtUp := false
	o := publish.TailOptions{Stream: c.Stream.Name, Subject: c.Stream.Subjects[0], CaughtUp: func() { caughtUp = true }}
	o.After = max(c.last, 1) - 1
	if c.last == 0 {
		// Nothing is there to be delivered: being heard is all that can be tried.
		o.CaughtUp = func() { caughtUp = true; _ = c.settle(ctx); cancel() } // a lost connection shows elsewhere
	}
	tail, err := publish.NewTail(c.js, o)
	if err != nil {
		return err
	}
	if err = tail.Run(ctx, func([]publish.Entry) { caughtUp = true; cancel() }); err != nil {
		return err
	}
	if !caughtUp {
		return errors.New("nothing was delivered")
	}
	return nil
}

// readBucket reads a key and follows it until its present value, or that there is
// none, has come.
func (c *checker) readBucket(ctx context.Context, bucket, key string) error {
	kv, err := c.js.KeyValue(ctx, bucket)
	if err != nil {
		return err
	}
	if _, err = kv.Get(ctx, key); err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("get: %w", err)
	}
	w, err := kv.Watch(ctx, key)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer func() { _ = w.Stop() }() // the server forgets it by itself
	select {
	case <-w.Updates():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commands finds out whether the instance may listen for commands of operators.
func (c *checker) commands(ctx context.Context) Result {
	err := c.permitted(ctx, func(ctx context.Context) error {
		// On a subject that no command has, and on one that all instances share: a
		// running instance hears and answers what it always does.
		for _, subject := range []string{c.CommandSubject + ".check", c.DiscoverySubject} {
			sub, err := c.nc.SubscribeSync(subject)
			if err != nil {
				return err
			}
			defer func() { _ = sub.Unsubscribe() }() // the connection ends soon anyway
		}
		return c.settle(ctx)
	})
	if d, ok := errors.AsType[*deniedError](err); ok {
		return warned(d.Error(), "grant the user subscribe on "+c.CommandSubject+".> and $SRV.>, or do without status, stop, restart and step-down over NATS")
	}
	if err != nil {
		return failed(reason(err), "check again")
	}
	return passed("commands over NATS can be received")
}
