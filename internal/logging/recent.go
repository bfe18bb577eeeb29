package logging

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Line is a warning or an error, with how often it came.
type Line struct {
	// Time is that of the last repetition, First that of the first one.
	Time  time.Time `json:"time"`
	First time.Time `json:"first"`
	// Level is WARN or ERROR.
	Level   string `json:"level"`
	Message string `json:"message"`
	// Details are the attributes of the last repetition, as key=value.
	Details string `json:"details,omitempty"`
	Count   uint64 `json:"count"`
}

// Recent is a slog.Handler that remembers the last warnings and errors, also those that
// the level of the log keeps out of it.
type Recent struct {
	next    slog.Handler
	with    string // what the lines are about
	details string // the attributes of the logger
	*memory
}

// memory is shared by a handler and those made from it.
type memory struct {
	mask *regexp.Regexp
	size int

	mu               sync.Mutex
	lines            []remembered // the oldest first
	warnings, errors uint64
}

type remembered struct {
	key string
	Line
}

// Remember returns a handler that hands on to next and remembers so many different
// lines.
func Remember(next slog.Handler, size int) *Recent {
	return &Recent{next: next, memory: &memory{
		size: size,
		// Addresses of callers, and long numbers that are no part of an id.
		mask: regexp.MustCompile(`(?i)\b(?:tel|sips?):[^\s"',;]+|\+\d[\d ()-]{5,}\d|(?:^|[^\w.-])\d{7,}(?:[^\w.-]|$)`),
	}}
}

// Enabled implements slog.Handler.
func (h *Recent) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h *Recent) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.details)
	for _, a := range attrs {
		detail(&b, a)
	}
	return &Recent{next: h.next.WithAttrs(attrs), with: withAttrs(h.with, attrs), details: b.String(), memory: h.memory}
}

// WithGroup implements slog.Handler.
func (h *Recent) WithGroup(name string) slog.Handler {
	return &Recent{next: h.next.WithGroup(name), with: h.with, details: h.details, memory: h.memory}
}

// Handle implements slog.Handler.
func (h *Recent) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		h.remember(&r)
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

func (h *Recent) remember(r *slog.Record) {
	var b strings.Builder
	b.WriteString(h.details)
	r.Attrs(func(a slog.Attr) bool { detail(&b, a); return true })
	l := remembered{key: keyOf(h.with, r), Line: Line{
		Time: r.Time, First: r.Time, Level: r.Level.String(), Message: r.Message, Count: 1,
		Details: h.mask.ReplaceAllString(strings.TrimSpace(b.String()), "…"),
	}}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Level >= slog.LevelError {
		h.errors++
	} else {
		h.warnings++
	}
	if i := slices.IndexFunc(h.lines, func(x remembered) bool { return x.key == l.key }); i >= 0 {
		l.First, l.Count = h.lines[i].First, h.lines[i].Count+1
		h.lines = slices.Delete(h.lines, i, i+1)
	}
	if len(h.lines) >= h.size {
		h.lines = slices.Delete(h.lines, 0, 1)
	}
	h.lines = append(h.lines, l)
}

// maxDetail bounds one value in the details of a line.
const maxDetail = 300

func detail(b *strings.Builder, a slog.Attr) {
	text := a.Value.Resolve().String()
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	b.WriteByte(' ')
	b.WriteString(a.Key)
	b.WriteByte('=')
	b.WriteString(text)
}

// Lines returns what is remembered, the latest first.
func (m *memory) Lines() []Line {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Line, 0, len(m.lines))
	for i := range slices.Backward(m.lines) {
		all = append(all, m.lines[i].Line)
	}
	return all
}

// Counts returns how many warnings and errors there were.
func (m *memory) Counts() (warnings, errors uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.warnings, m.errors
}
