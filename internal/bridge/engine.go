package bridge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Publisher stores messages. Send must not block; the outcome comes to
// [Engine.Resolve] exactly once for each message that was accepted.
type Publisher interface {
	Send(Message) error
}

// Loader reads one stored event: the one with the sequence, or the subject's last
// when the sequence is 0. It retries until it is found or ctx ends.
type Loader interface {
	Load(ctx context.Context, l Load) (Entry, error)
}

// Platform answers questions over REST.
type Platform interface {
	// Open lists the conversations that the platform takes for open.
	Open(ctx context.Context) ([]Open, error)
	// Conversation reads one as it is now. [ErrGone] when the platform says that it
	// does not exist. urgent asks for a place before periodic reads.
	Conversation(ctx context.Context, id string, urgent bool) (*call.Snapshot, error)
}

// Open is a conversation that the platform takes for open.
type Open struct {
	ID string
	// ProtocolCallIDs are the SIP call ids of its participants, where known.
	ProtocolCallIDs map[string]string
}

// Errors of a [Platform].
var (
	// ErrGone: the platform itself says that there is no such conversation.
	ErrGone = errors.New("no such conversation")
	// ErrForbidden: the right to ask is missing. Asking again is no use.
	ErrForbidden = errors.New("not permitted")
)

// EngineOptions configure an [Engine].
type EngineOptions struct {
	Core      CoreOptions
	Publisher Publisher
	Loader    Loader
	Platform  Platform
	// Reconcile is how often the legs of which nothing was heard are read over REST.
	// Default 5 m.
	Reconcile time.Duration
	// Heartbeat is how often the leader writes a heartbeat. Default 10 s.
	Heartbeat time.Duration
	// Health completes the heartbeat: channels, token, clock. Optional.
	Health func() Health
	// Suspect is told of users whose notifications seem not to arrive although their
	// topic is subscribed: somebody else has published, or REST knows, what was never
	// observed here. It must not block. Optional.
	Suspect func(users []string)
	Logger  *slog.Logger
	// Observer is told what the engine does, for metrics. Optional.
	Observer Observer
}

// Engine is the loop around a [Core]. Its methods may be called from anywhere; they
// hand their argument to the one goroutine that owns the core.
type Engine struct {
	opts  EngineOptions
	log   *slog.Logger
	core  *Core
	gaps  gaps
	in    chan input
	loads chan Load
	// reconcile wakes the reconciler; its requests are coalesced.
	reconcile chan struct{}
	urgent    chan string
	// tail is the last stream sequence that the tail has delivered; waiting are
	// those who wait for a condition on the core.
	tail    uint64
	waiting []waiter
	done    chan struct{}
}

// input is one thing for the loop; exactly one field is set.
type input struct {
	snapshot *call.Snapshot
	entries  []Entry
	outcomes []Outcome
	do       func(now time.Time)
}

type waiter struct {
	ready func() bool
	done  chan struct{}
}

// NewEngine returns an engine that follows. Run it.
func NewEngine(o EngineOptions) *Engine {
	if o.Reconcile <= 0 {
		o.Reconcile = 5 * time.Minute
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	return &Engine{
		opts: o, log: o.Logger, core: NewCore(o.Core), in: make(chan input, 4096), loads: make(chan Load, 1024),
		reconcile: make(chan struct{}, 1), urgent: make(chan string, 256), done: make(chan struct{}),
		gaps: newGaps(o.Core.Instance),
	}
}

// Snapshot hands a snapshot to the engine, which owns it from now on. It waits only
// when the engine is behind by thousands of inputs; the engine never waits for the
// broker.
func (e *Engine) Snapshot(s *call.Snapshot) { e.put(input{snapshot: s}) }

// Entries hands stored events from the tail to the engine, in stream order. The
// slice may be used again, what its entries point to may not.
func (e *Engine) Entries(entries []Entry) {
	e.put(input{entries: append([]Entry(nil), entries...)})
}

// Resolve hands outcomes of messages to the engine. The slice may be used again.
func (e *Engine) Resolve(outcomes []Outcome) {
	e.put(input{outcomes: append([]Outcome(nil), outcomes...)})
}

func (e *Engine) put(i input) {
	select {
	case e.in <- i:
	case <-e.done:
	}
}

// Do runs f on the goroutine that owns the core and waits for it. It reports false
// when the engine has stopped.
func (e *Engine) Do(f func(c *Core, now time.Time)) bool {
	done := make(chan struct{})
	e.put(input{do: func(now time.Time) { f(e.core, now); close(done) }})
	select {
	case <-done:
		return true
	case <-e.done:
		return false
	}
}

// Wait waits until the condition holds; it is asked on the engine's goroutine after
// every round.
func (e *Engine) Wait(ctx context.Context, ready func(c *Core, tail uint64) bool) error {
	w := waiter{ready: func() bool { return ctx.Err() != nil || ready(e.core, e.tail) }, done: make(chan struct{})}
	e.put(input{do: func(time.Time) { e.waiting = append(e.waiting, w) }})
	select {
	case <-w.done:
		return ctx.Err()
	case <-e.done:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run is the loop. It returns when ctx ends, after its helpers have stopped; what is
// pending then is left to the stream and to whoever leads next.
func (e *Engine) Run(ctx context.Context) error {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer close(e.done)
	for range 4 {
		helpers.Go(func() { e.load(ctx) })
	}
	helpers.Go(func() { e.reconciler(ctx) })
	helpers.Go(func() { e.asker(ctx) })

	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var slow time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case i := <-e.in:
			now := time.Now()
			e.take(i, now)
			// Take along what has come meanwhile: one round of sending for all.
			for range min(len(e.in), 256) {
				e.take(<-e.in, now)
			}
		case now := <-ticker.C:
			if now.Sub(slow) >= time.Second {
				slow = now
				e.core.Tick(now)
				e.beat(now)
			}
			for _, id := range e.core.Asks(now) {
				select {
				case e.urgent <- id:
				default: // it is asked again
				}
			}
		}
		e.round(time.Now())
	}
}

func (e *Engine) take(i input, now time.Time) {
	switch {
	case i.snapshot != nil:
		e.core.Observe(i.snapshot, now)
	case i.entries != nil:
		for k := range i.entries {
			if err := e.core.Stored(&i.entries[k], now); err != nil {
				e.log.Warn("skip a stored event that cannot be read", "error", err)
			}
			e.tail = max(e.tail, i.entries[k].Sequence)
		}
	case i.outcomes != nil:
		for _, o := range i.outcomes {
			e.core.Resolve(o, now)
		}
	case i.do != nil:
		i.do(now)
	}
}

// round sends what may be sent and tells those who wait.
func (e *Engine) round(now time.Time) {
	for _, m := range e.core.Next(now) {
		if err := e.opts.Publisher.Send(m); err != nil {
			e.core.Resolve(Outcome{Token: m.Token, Subject: m.Subject, Verdict: Unsure}, now)
		}
	}
	for _, l := range e.core.Loads() {
		select {
		case e.loads <- l:
		default: // the message is sent again, and conflicts again
		}
	}
	for _, l := range e.core.Latencies() {
		e.opts.Observer.Stored(l)
	}
	if users := e.core.Missed(); len(users) > 0 && e.opts.Suspect != nil && !e.gaps.blind() {
		e.opts.Suspect(users)
	}
	kept := e.waiting[:0]
	for _, w := range e.waiting {
		if w.ready() {
			close(w.done)
			continue
		}
		kept = append(kept, w)
	}
	e.waiting = kept
}

// load reads stored events that stand in the way of ours.
func (e *Engine) load(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case l := <-e.loads:
			bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
			entry, err := e.opts.Loader.Load(bounded, l)
			cancel()
			if err != nil {
				continue // the message is sent again, and conflicts again
			}
			e.put(input{do: func(now time.Time) {
				if err := e.core.Stored(&entry, now); err != nil {
					e.log.Warn("skip a stored event that cannot be read", "error", err)
				}
			}})
		}
	}
}

// Agent takes what became known about a user.
func (e *Engine) Agent(u AgentUpdate) {
	e.put(input{do: func(now time.Time) { e.core.Agent(&u, now) }})
}

// Moved says that the station of a user changed: open legs of that user tell it.
func (e *Engine) Moved(userID string) {
	e.put(input{do: func(now time.Time) { e.core.Moved(userID, now) }})
}
