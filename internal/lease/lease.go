package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Errors of [Lease.Hold]. They are also the cause of the function's context.
var (
	// ErrLost: the key is not ours any more, or with StrictDeadline may soon not be.
	ErrLost = errors.New("lease lost")
	// ErrResigned: [Lease.Resign] was called.
	ErrResigned = errors.New("lease resigned")
	// ErrBusy: Hold runs already.
	ErrBusy = errors.New("lease is already being held or campaigned for")
)

// MinTTL is the shortest TTL: the server's markers live for a second at least.
const MinTTL = time.Second

// DefaultTTL rides out everything but the hard death of the server that leads the
// bucket, after which a cluster needs 4 to 9 s to elect another one.
const DefaultTTL = 5 * time.Second

// Options say which lease, and how eager to be. Key, Instance and Store are
// required.
type Options struct {
	Store    Store
	Key      string
	Instance string // who we are; shown to the others
	// TTL of the bucket. Default 5 s, at least 1 s.
	TTL time.Duration
	// Delay holds each attempt to take a free lease back by this time, so that
	// another instance is preferred. Default 0.
	Delay time.Duration
	// Gate, when set, must report true for an attempt to be made: an instance
	// that is not ready does not campaign. It is asked up to ten times a second and
	// must not block.
	Gate func() bool
	// StrictDeadline ends the context when the lease becomes suspect; see the
	// package doc.
	StrictDeadline bool
	// OnSuspect, when set, is called when the held lease becomes suspect (true) and
	// when it is confirmed again or over (false). It must not block.
	OnSuspect func(suspect bool)
	// OnHolder, when set, is called when another holder becomes known. It must
	// not block.
	OnHolder func(Holder)
	// Logger. Default: nothing is logged.
	Logger *slog.Logger
}

// Term is one period of holding the lease.
type Term struct {
	// Number is the revision of the key at which the term began. Each later term,
	// by whomever, has a higher one.
	Number   uint64
	Instance string
	Since    time.Time // wall clock of the holder
}

// Holder is who holds the lease as far as known here.
type Holder struct {
	// Known is false until the key was seen, and while its value cannot be read.
	Known    bool
	Free     bool   // known, and nobody holds it
	Instance string // "" unless known and held
	Self     bool   // it is this Lease that holds it
	Suspect  bool   // it is ours, and not confirmed for too long
	Revision uint64 // of the key when seen last
	// Since is when the holder's term began, by its clock; of a free lease, when it
	// was first seen free, by ours.
	Since time.Time
	// Before is who held a free lease last, "" when that is not known.
	Before string
}

// Stats count since the start.
type Stats struct {
	Attempts  uint64 // to take the lease
	Terms     uint64 // taken
	Renewals  uint64 // confirmed
	Unknown   uint64 // renewals without a clear answer
	Suspected uint64 // times a held lease became suspect
	Lost      uint64 // terms that ended by a loss
}

// Lease is one instance's claim to a key. Methods may be called from several
// goroutines.
type Lease struct {
	options Options
	log     *slog.Logger

	mu     sync.Mutex
	busy   bool
	resign context.CancelCauseFunc // set while a term runs
	paused time.Time               // no attempt before: we resigned
	holder Holder
	stats  Stats
}

// New checks the options. It asks nothing of the server.
func New(o Options) (*Lease, error) {
	var errs []error
	if o.Store == nil {
		errs = append(errs, errors.New("store is required"))
	}
	if o.Key == "" {
		errs = append(errs, errors.New("key is required"))
	}
	if o.Instance == "" {
		errs = append(errs, errors.New("instance is required: the others see it"))
	}
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.TTL < MinTTL {
		errs = append(errs, fmt.Errorf("TTL %v is too short: at least %v, as long as the server's markers live", o.TTL, MinTTL))
	}
	if o.Delay < 0 {
		errs = append(errs, fmt.Errorf("delay %v is negative", o.Delay))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("new lease: %w", err)
	}
	if o.Gate == nil {
		o.Gate = func() bool { return true }
	}
	if o.OnSuspect == nil {
		o.OnSuspect = func(bool) {}
	}
	if o.OnHolder == nil {
		o.OnHolder = func(Holder) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Lease{options: o, log: o.Logger.With("lease", o.Key)}, nil
}

// Hold campaigns for the lease, runs fn while it is held, releases it and
// returns fn's error. fn's context ends when the lease is lost, when Resign is
// called or when ctx ends; fn must return then. While fn winds down the lease is
// still renewed, unless it is lost.
//
// The error is fn's, joined with [ErrLost] or [ErrResigned] when that ended the
// term. When ctx ends before the lease was won, fn is not run and the error is the
// cause of ctx. No failure of the server ends Hold. It may be called again, but
// not while it runs: [ErrBusy].
func (l *Lease) Hold(ctx context.Context, fn func(ctx context.Context, term Term) error) error {
	l.mu.Lock()
	if l.busy {
		l.mu.Unlock()
		return fmt.Errorf("hold lease %s: %w", l.options.Key, ErrBusy)
	}
	l.busy = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.busy = false
		l.mu.Unlock()
	}()
	return newHold(l).run(ctx, fn)
}

// Resign ends the present term, if there is one, and reports whether there was.
// Afterwards this instance lets the others go first: for a fifth of the TTL it does
// not campaign.
func (l *Lease) Resign() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.resign == nil {
		return false
	}
	l.resign(ErrResigned)
	return true
}

// Probe finds out whether this process may write the key, by a write that can never
// be carried out: it names a revision that no key has. nil says that the server
// looked at it. An error means that no answer came, which is how a server refuses a
// right, and how it looks when it is away.
func (l *Lease) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(l.options.TTL/5, time.Second))
	defer cancel()
	_, err := l.options.Store.Put(ctx, l.options.Key, []byte("probe"), noRevision)
	if _, refused := errors.AsType[*ConflictError](err); refused {
		return nil
	}
	if err == nil {
		return fmt.Errorf("probe lease %s: a write was stored that could not be", l.options.Key)
	}
	return fmt.Errorf("probe lease %s: %w", l.options.Key, err)
}

// noRevision is one that no key ever has.
const noRevision = 1 << 62

// Holder is who holds the lease, as far as known now. It is only kept up to date
// while Hold runs.
func (l *Lease) Holder() Holder {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holder
}

// Stats are the counters now.
func (l *Lease) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

func (l *Lease) count(f func(*Stats)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.stats)
}

// setHolder makes h known; who the holder is decides whether it is news.
func (l *Lease) setHolder(h Holder) {
	l.mu.Lock()
	old := l.holder
	switch {
	case h.Free && old.Free:
		h.Since, h.Before = old.Since, old.Before
	case h.Free:
		h.Since, h.Before = time.Now(), old.Instance
	}
	l.holder = h
	l.mu.Unlock()
	old.Revision, h.Revision = 0, 0
	if old != h {
		l.options.OnHolder(l.Holder())
	}
}
