package bridge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Publisher stores messages; the outcome comes to [Engine.Resolve] exactly once for each
// message that was accepted. Neither method may wait for a network.
type Publisher interface {
	// Send accepts a message. It is called under the lock of the engine.
	Send(Message) error
	// Flush is called soon after, without the lock.
	Flush()
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
	// does not exist.
	Conversation(ctx context.Context, id string, why Why) (*call.Snapshot, error)
}

// Why is the reason for a question: requests are scarce, and some matter more.
type Why int

// The reasons, the most important first.
const (
	WhyPause    Why = iota // what is known of a call in a secure pause contradicts itself
	WhyDoubt               // what is known contradicts itself
	WhyGap                 // something may have been missed
	WhyPeriodic            // no occasion
)

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
	// Health completes the events of the feed: channels, token, clock. It is asked every
	// second. Optional.
	Health func() Health
	// Suspect is told of a user whose notifications seem not to arrive although their
	// topic is subscribed: somebody else has published, or REST knows, what happened at
	// that moment and was never observed here. It must not block. Optional.
	Suspect func(user string, at time.Time)
	Logger  *slog.Logger
	// Observer is told what the engine does, for metrics. Optional.
	Observer Observer
}

// Engine is the shell around a [Core]: one lock that makes it safe for concurrent use,
// a clock, and the helpers that ask the stream and the platform.
//
// Its methods may be called from anywhere but from within its own callbacks. Whoever
// brings something also sends what follows from it, on its own goroutine, before the
// method returns: a notification costs no hand-over to another goroutine, which on a
// quiet machine takes longer than all of the work. Only what [Engine.Gather] takes may
// wait for more that has come already. Nothing that waits for a broker or for the platform
// is done under the lock.
type Engine struct {
	opts  EngineOptions
	log   *slog.Logger
	loads chan Load
	// reconcile wakes the reconciler; its requests are coalesced.
	reconcile chan struct{}
	// urgent are the questions about calls in a secure pause, doubtful those about others,
	// which must not stand in their way.
	urgent, doubtful chan string
	// asking are those in both, and those that are being read; mu protects it.
	asking map[string]bool
	// unfinished has room for the one list of what the finisher is to read next.
	unfinished chan []string
	// asked and answered count the comparisons that were asked for, and those of them
	// that are over.
	asked, answered atomic.Uint64
	done            chan struct{}

	mu     sync.Mutex
	core   *Core
	gaps   gaps
	health Health // as it was within the last second
	// gathered: what follows from a snapshot is not sent yet.
	gathered atomic.Bool
	// tail is the last stream sequence that the tail has delivered; waiting are
	// those who wait for a condition on the core.
	tail    uint64
	waiting []waiter
	stopped bool
	// mail is what was brought while somebody else had the lock.
	mail mailbox
	// alarm rings at the next tick. ticked is when the last one came, looked when one looked at what the
	// leader has not told, swept when what is old was forgotten.
	alarm                 *time.Timer
	next                  time.Time
	ticked, looked, swept time.Time
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
		opts: o, log: o.Logger, core: NewCore(o.Core), loads: make(chan Load, 1024),
		reconcile: make(chan struct{}, 1), urgent: make(chan string, 256), doubtful: make(chan string, 256), asking: make(map[string]bool), unfinished: make(chan []string, 1), done: make(chan struct{}),
		gaps: newGaps(o.Core.Instance), alarm: time.NewTimer(lookEvery),
	}
}

// Snapshot takes a snapshot, and keeps nothing of it but texts, and what its participants
// point to.
func (e *Engine) Snapshot(s *call.Snapshot) {
	e.Gather(s)
	e.Flush()
}

// Gather is [Engine.Snapshot] for who calls [Engine.Flush] soon, when no further snapshot has
// come. What follows is sent by whoever uses the engine next, at the latest by Flush, and so is
// what follows from acknowledgements that come meanwhile: to do the same thing several times in
// a row costs far less than to do everything in turn.
func (e *Engine) Gather(s *call.Snapshot) {
	if now, ok := e.enter(); ok {
		e.core.Observe(s, now)
		e.gathered.Store(true)
		e.mu.Unlock()
	}
}

// Flush sends what follows from the gathered snapshots.
func (e *Engine) Flush() {
	if e.gathered.Load() {
		e.Do(func(*Core, time.Time) {})
	}
}

// Entries takes stored events from the tail, in stream order. The slice may be used
// again, what its entries point to may not.
func (e *Engine) Entries(entries []Entry) {
	e.bring(func(m *mail) { m.entries = append(m.entries, entries...) })
}

// Recover says that the entries of a whole window come now, see [Core.Recover].
func (e *Engine) Recover() { e.Do(func(c *Core, _ time.Time) { c.Recover() }) }

// Recovered says that they have come. Before that nothing must be observed, and this
// instance must not lead.
func (e *Engine) Recovered() {
	e.Do(func(c *Core, now time.Time) {
		for _, err := range c.Recovered(now) {
			e.log.Warn("skip a stored event that cannot be read", "error", err)
		}
	})
}

func (e *Engine) store(entry *Entry, now time.Time) {
	if err := e.core.Stored(entry, now); err != nil {
		e.log.Warn("skip a stored event that cannot be read", "error", err)
	}
}

// Resolve takes outcomes of messages. The slice may be used again.
func (e *Engine) Resolve(outcomes []Outcome) {
	e.bring(func(m *mail) { m.outcomes = append(m.outcomes, outcomes...) })
}

// Do runs f while nobody else uses the core. It reports false when the engine has
// stopped. f must not call the engine.
func (e *Engine) Do(f func(c *Core, now time.Time)) bool {
	now, ok := e.enter()
	if ok {
		f(e.core, now)
		e.leave(now)
	}
	return ok
}

// Wait waits until the condition holds; it is asked after everything that happens.
func (e *Engine) Wait(ctx context.Context, ready func(c *Core, tail uint64) bool) error {
	w := waiter{ready: func() bool { return ctx.Err() != nil || ready(e.core, e.tail) }, done: make(chan struct{})}
	e.Do(func(*Core, time.Time) { e.waiting = append(e.waiting, w) })
	select {
	case <-w.done:
		return ctx.Err()
	case <-e.done:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

// HandOver tells what is pending, also the ends that only REST has told, and returns when it is
// stored: the next leader has nothing to repair then. The error is that of the context, when it ends
// before that, as it does soon after an outage of the broker: ends wait for who leads next then.
func (e *Engine) HandOver(ctx context.Context) error {
	e.Do(func(c *Core, _ time.Time) { c.conclude() })
	return e.Wait(ctx, func(c *Core, _ uint64) bool { return c.Idle() })
}

// enter takes the lock and says what time it is, which never runs backwards under it.
// It is false, and the lock free, when the engine has stopped. Whoever comes first after
// a freeze of the process sees that the last tick is long ago.
func (e *Engine) enter() (now time.Time, ok bool) {
	e.mu.Lock()
	return e.entered()
}

func (e *Engine) entered() (now time.Time, ok bool) {
	if e.stopped {
		e.mu.Unlock()
		return time.Time{}, false
	}
	now = time.Now()
	if frozen := now.Sub(e.ticked); !e.ticked.IsZero() && frozen > frozenAfter {
		e.core.Hush(e.ticked, now.Add(thaws(frozen)))
	}
	e.open(now)
	return now, true
}

// A process that did not run for frozenAfter has been frozen, or starved. It then finds
// seconds of notifications and of the stream at once, and says nothing for thawing or longer,
// until it knows both: the other instance has told most of it.
const (
	frozenAfter = time.Second
	thawing     = 300 * time.Millisecond
	longestThaw = 2 * time.Second
	thawShare   = 8 // of the time for which it was frozen
)

// thaws is for how long a process is silent that was frozen for so long.
func thaws(frozen time.Duration) time.Duration {
	return min(max(frozen/thawShare, thawing), longestThaw)
}

// leave sends what may be sent, tells those who wait, and frees the lock.
func (e *Engine) leave(now time.Time) {
	e.left(now)
	e.deliver() // what was brought meanwhile
}

func (e *Engine) left(now time.Time) {
	e.gathered.Store(false)
	sent := e.round(now)
	e.plan(now)
	missed := e.core.Missed()
	if e.gaps.blind() {
		missed = nil
	}
	e.mu.Unlock()
	if sent {
		e.opts.Publisher.Flush()
	}
	if e.opts.Suspect != nil {
		for user, at := range missed {
			e.opts.Suspect(user, at)
		}
	}
}

// Run does what time makes due, and what has to be asked. It returns when ctx ends,
// after its helpers have stopped; what is pending then is left to the stream and to
// whoever leads next.
func (e *Engine) Run(ctx context.Context) error {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer e.stop()
	for range 4 {
		helpers.Go(func() { e.load(ctx) })
	}
	helpers.Go(func() { e.reconciler(ctx) })
	helpers.Go(func() { e.finisher(ctx) })
	for range askers {
		helpers.Go(func() { e.asker(ctx, e.urgent, WhyPause) })
		helpers.Go(func() { e.asker(ctx, e.doubtful, WhyDoubt) })
	}

	var slow time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-e.alarm.C:
			second := now.Sub(slow) >= time.Second
			if second {
				slow = now
			}
			e.tick(second)
		}
	}
}

// feel asks how the platform connection is. It is asked outside of the lock, since it
// may call the engine under a lock of its own.
func (e *Engine) feel() {
	if e.opts.Health == nil {
		return
	}
	h := e.opts.Health()
	e.Do(func(*Core, time.Time) { e.health = h })
}

func (e *Engine) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	e.alarm.Stop() // nobody sets it again
	close(e.done)
}

// round sends what may be sent, reports whether there was any, and tells those who wait.
func (e *Engine) round(now time.Time) (sent bool) {
	for _, m := range e.core.Next(now) {
		m.Known, sent = e.tail, true
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
	if len(e.waiting) == 0 {
		return sent
	}
	kept := e.waiting[:0]
	for _, w := range e.waiting {
		if w.ready() {
			close(w.done)
			continue
		}
		kept = append(kept, w)
	}
	clear(e.waiting[len(kept):])
	e.waiting = kept
	return sent
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
			e.Do(func(_ *Core, now time.Time) { e.store(&entry, now) })
		}
	}
}

// Agent takes what became known about a user.
func (e *Engine) Agent(u AgentUpdate) {
	e.Do(func(c *Core, now time.Time) { c.Agent(&u, now) })
}

// Moved says that the stations of users changed: open legs of theirs tell it.
func (e *Engine) Moved(userIDs ...string) {
	if len(userIDs) > 0 {
		e.Do(func(c *Core, now time.Time) { c.Moved(userIDs, now) })
	}
}
