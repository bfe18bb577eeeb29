package logging

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Defaults of [LimitOptions].
const (
	DefaultFirst    = 10
	DefaultInterval = 10 * time.Second
)

// maxThings bounds the things that are told apart. Beyond it level and message alone
// do, which are as many as there are lines of code that log.
const maxThings = 512

// LimitOptions configure a [Limiter].
type LimitOptions struct {
	// First is how many lines of the same thing pass in an interval. Default 10.
	First int
	// Interval begins with the first line of a thing. Default 10 s.
	Interval time.Duration
}

// Limiter is a slog.Handler that keeps storms short.
type Limiter struct {
	next slog.Handler
	with string
	*limits
}

// limits are shared by a handler and those made from it.
type limits struct {
	options LimitOptions
	mu      sync.Mutex
	things  map[string]*thing
}

// thing is what is known of one kind of line in its present interval.
type thing struct {
	until  time.Time
	passed int
	// left is how many were left out; last and to are the latest of them and the handler
	// that would have had it.
	left  int
	last  slog.Record
	to    slog.Handler
	timer *time.Timer
}

// Limit returns a handler that hands on to next.
func Limit(next slog.Handler, o LimitOptions) *Limiter {
	if o.First <= 0 {
		o.First = DefaultFirst
	}
	if o.Interval <= 0 {
		o.Interval = DefaultInterval
	}
	return &Limiter{next: next, limits: &limits{options: o, things: make(map[string]*thing)}}
}

// Enabled implements slog.Handler.
func (l *Limiter) Enabled(ctx context.Context, level slog.Level) bool {
	return l.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (l *Limiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Limiter{next: l.next.WithAttrs(attrs), with: withAttrs(l.with, attrs), limits: l.limits}
}

// WithGroup implements slog.Handler.
func (l *Limiter) WithGroup(name string) slog.Handler {
	return &Limiter{next: l.next.WithGroup(name), with: l.with, limits: l.limits}
}

// Handle implements slog.Handler.
func (l *Limiter) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo && !l.pass(&r) { //nolint:contextcheck // what is told later outlives the call
		return nil
	}
	return l.next.Handle(ctx, r)
}

// pass counts a line and reports whether it may be written.
func (l *Limiter) pass(r *slog.Record) bool {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	key := keyOf(l.with, r)
	t := l.things[key]
	if t == nil && len(l.things) >= maxThings {
		if l.forget(now); len(l.things) >= maxThings {
			key = r.Level.String() + "|" + r.Message
			t = l.things[key]
		}
	}
	if t == nil || t.left == 0 && !now.Before(t.until) {
		t = &thing{until: now.Add(l.options.Interval)}
		l.things[key] = t
	}
	if t.left == 0 && t.passed < l.options.First {
		t.passed++
		return true
	}
	t.left++
	t.last, t.to = r.Clone(), l.next
	if t.timer == nil {
		t.timer = time.AfterFunc(t.until.Sub(now), func() { l.tell(key, t) })
	}
	return false
}

// forget drops the things whose interval is over. It is called with the lock.
func (l *limits) forget(now time.Time) {
	for key, t := range l.things {
		if t.left == 0 && !now.Before(t.until) {
			delete(l.things, key)
		}
	}
}

// tell ends the interval of a thing and says what was left out. A storm that goes on
// begins the next interval with what it has used up: one line in each from then on.
func (l *limits) tell(key string, t *thing) {
	l.mu.Lock()
	if t.left == 0 || l.things[key] != t {
		l.mu.Unlock()
		return // told by Flush
	}
	left, last, to := t.left, t.last, t.to
	l.things[key] = &thing{until: time.Now().Add(l.options.Interval), passed: l.options.First - 1}
	l.mu.Unlock()
	r := slog.NewRecord(time.Now(), last.Level, "left out lines that repeat", last.PC)
	r.AddAttrs(slog.String("message", last.Message), slog.Int("left_out", left), slog.String("interval", l.options.Interval.String()))
	last.Attrs(func(a slog.Attr) bool {
		if telling(a.Key) {
			r.AddAttrs(a)
		}
		return true
	})
	_ = to.Handle(context.Background(), r)
}

// Flush says what was left out and not told yet. Call it when the program ends.
func (l *limits) Flush() {
	type due struct {
		key string
		t   *thing
	}
	var all []due
	l.mu.Lock()
	for key, t := range l.things {
		if t.timer != nil {
			t.timer.Stop()
			all = append(all, due{key, t})
		}
	}
	l.mu.Unlock()
	for _, d := range all {
		l.tell(d.key, d.t)
	}
}
