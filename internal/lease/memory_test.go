package lease_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/lease"
)

// markerTTL is how long the server keeps an expiry marker.
const markerTTL = time.Second

// memory is one key of a bucket with the server's semantics: compare-and-set by
// revision, a TTL that starts anew with each write, a marker on expiry that
// vanishes later. It keeps the log of all writes.
type memory struct {
	t   *testing.T
	ttl time.Duration

	mu      sync.Mutex
	last    lease.Entry // Revision 0: there is none
	seq     uint64
	age     *time.Timer
	log     []write
	changed chan struct{} // closed and replaced at each write
}

// write is one entry of the log.
type write struct {
	lease.Entry
	by string // instance; "" for the server itself
	at time.Time
}

func newMemory(ttl time.Duration) *memory { return &memory{ttl: ttl, changed: make(chan struct{})} }

// put stores when the last revision is the expected one, or for 0 when the key has
// no value.
func (m *memory) put(by string, e lease.Entry, expect uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ok := m.last.Revision == expect
	if expect == 0 {
		ok = m.last.Revision == 0 || m.last.Deleted
	}
	if !ok {
		return 0, &lease.ConflictError{Revision: m.last.Revision}
	}
	return m.store(by, e), nil
}

// store is called with the lock held.
func (m *memory) store(by string, e lease.Entry) uint64 {
	m.seq++
	e.Revision = m.seq
	m.last = e
	m.log = append(m.log, write{Entry: e, by: by, at: time.Now()})
	if m.age != nil {
		m.age.Stop()
	}
	ttl := m.ttl
	if e.Deleted && by == "" {
		ttl = markerTTL
	}
	m.age = time.AfterFunc(ttl, func() { m.expire(e.Revision) })
	close(m.changed)
	m.changed = make(chan struct{})
	return m.seq
}

func (m *memory) expire(revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.Revision != revision {
		return
	}
	if m.last.Deleted {
		m.last = lease.Entry{} // markers go without a trace
		return
	}
	m.store("", lease.Entry{Deleted: true})
}

func (m *memory) get() (lease.Entry, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last, m.changed
}

func (m *memory) writes() []write {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]write(nil), m.log...)
}

// close stops the timer, so that a bubble can end.
func (m *memory) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.age != nil {
		m.age.Stop()
	}
}

// fault is what happens to the requests of one client.
type fault int

const (
	healthy   fault = iota
	lost            // requests do not arrive
	mute            // requests are carried out, answers do not arrive
	late            // requests are carried out after the client gave up
	unsettled       // refused without proof: another write is in flight
)

var errUnsettled = errors.New("another write is in flight")

// client is one instance's connection to the memory.
type client struct {
	*memory
	name string

	fmu   sync.Mutex
	fault fault
	ops   map[string]int
}

func (m *memory) client(name string) *client {
	return &client{memory: m, name: name, ops: map[string]int{}}
}

func (c *client) set(f fault) {
	c.fmu.Lock()
	c.fault = f
	c.fmu.Unlock()
	c.mu.Lock() // watchers look again
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *client) now() fault {
	c.fmu.Lock()
	defer c.fmu.Unlock()
	return c.fault
}

func (c *client) count(op string) int {
	c.fmu.Lock()
	defer c.fmu.Unlock()
	return c.ops[op]
}

// request carries out do as the fault of the moment wants it.
func (c *client) request(ctx context.Context, op string, do func() (uint64, error)) (uint64, error) {
	c.fmu.Lock()
	c.ops[op]++
	f := c.fault
	c.fmu.Unlock()
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	switch f {
	case healthy:
		return do()
	case unsettled:
		return 0, errUnsettled
	case mute:
		_, _ = do()
	case late:
		if deadline, ok := ctx.Deadline(); ok {
			time.AfterFunc(time.Until(deadline)+10*time.Millisecond, func() { _, _ = do() })
		}
	case lost:
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

func (c *client) Put(ctx context.Context, _ string, value []byte, last uint64) (uint64, error) {
	op := "update"
	if last == 0 {
		op = "create"
	}
	return c.request(ctx, op, func() (uint64, error) { return c.put(c.name, lease.Entry{Value: value}, last) })
}

func (c *client) Delete(ctx context.Context, _ string, last uint64) error {
	_, err := c.request(ctx, "delete", func() (uint64, error) { return c.put(c.name, lease.Entry{Deleted: true}, last) })
	return err
}

func (c *client) Get(ctx context.Context, _ string) (lease.Entry, error) {
	var e lease.Entry
	_, err := c.request(ctx, "get", func() (uint64, error) {
		e, _ = c.get()
		if e.Revision == 0 {
			e.Deleted = true
		}
		return 0, nil
	})
	return e, err
}

// Watch sees nothing while the connection is not healthy and catches up later.
func (c *client) Watch(ctx context.Context, _ string, deliver func(lease.Entry)) error {
	var seen uint64
	begun := false
	for {
		e, changed := c.get()
		switch f := c.now(); {
		case f != healthy && f != unsettled:
		case e.Revision > seen:
			seen, begun = e.Revision, true
			deliver(e)
		case !begun: // there is nothing
			begun = true
			deliver(lease.Entry{Deleted: true})
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// nonce of a written value.
func nonce(value []byte) string {
	var r struct {
		Nonce string `json:"nonce"`
	}
	if json.NewDecoder(bytes.NewReader(value)).Decode(&r) != nil {
		return ""
	}
	return r.Nonce
}
