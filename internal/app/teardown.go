package app

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// teardown is what has to be taken down, last in first out.
type teardown struct{ steps []step }

type step struct {
	name string
	run  func(context.Context) error
}

func (t *teardown) add(name string, run func(context.Context) error) {
	t.steps = append(t.steps, step{name, run})
}

// run takes everything down, each step bounded, and says what went wrong.
func (t *teardown) run(log *slog.Logger) {
	for _, s := range slices.Backward(t.steps) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		begin := time.Now()
		if err := s.run(ctx); err != nil {
			log.Warn("taking down failed", "part", s.name, "error", err)
		}
		cancel()
		log.Debug("taken down", "part", s.name, "took", time.Since(begin).String())
	}
	t.steps = nil
}

// retry asks until there is an answer or ctx ends, and says so while it does.
func retry[T any](ctx context.Context, a *App, what string, f func(context.Context) (T, error)) (T, error) {
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
		v, err := f(bounded)
		cancel()
		if err == nil {
			a.startup(what, nil)
		}
		if err == nil || ctx.Err() != nil {
			return v, err
		}
		a.startup(what, err)
		a.log.Warn("not possible yet, trying again", "what", what, "error", err, "wait", wait.String())
		pause(ctx, wait)
	}
}
