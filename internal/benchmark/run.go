package benchmark

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/benchmark/load"
)

// nodeBridge is the contestant for Node, below the root of the repository.
const nodeBridge = "internal/benchmark/node/bridge.mjs"

// phase is one load within a trial and what it cost.
type phase struct {
	Rate      float64 `json:"rate,omitempty"` // 0: as fast as possible
	Frames    int     `json:"frames"`
	PerSecond float64 `json:"perSecond"`
	Latency   spread  `json:"latency"`
	// CPU seconds per 100,000 frames, of the contestant and of the NATS servers.
	CPU     float64 `json:"cpuPer100k"`
	NATSCPU float64 `json:"natsCpuPer100k"`

	done load.Done
}

// trial is one contestant in one round.
type trial struct {
	Contestant string  `json:"contestant"`
	Round      int     `json:"round"`
	Phases     []phase `json:"phases"`
	Ready      int64   `json:"readyBytes"` // resident before the load
	RSS        int64   `json:"rssBytes"`   // and after it
	Peak       int64   `json:"peakBytes"`
	tally
}

// Result is what was measured.
type Result struct {
	Scenario string   `json:"scenario"`
	Trials   []trial  `json:"trials,omitempty"`
	Figures  []Figure `json:"figures,omitempty"`
	Minutes  []minute `json:"minutes,omitempty"`
	Notes    []string `json:"notes,omitempty"`
	// Lost is what a scenario without trials found wrong.
	Lost tally `json:"lost"`
}

// Figure is one measured value of a scenario that has no contestants.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// Clean reports whether every contestant stored every frame once and in order.
func (r *Result) Clean() bool {
	return r.Lost.clean() && !slices.ContainsFunc(r.Trials, func(t trial) bool { return !t.clean() })
}

// Run measures.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	r := &Result{Scenario: o.Scenario}
	err := prepareIngestor(ctx, &o)
	if err != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("the ingestor runs within the sandbox's program: %v", err))
	}
	switch o.Scenario {
	case "default", "cluster", "sync":
		err = r.compare(ctx, &o)
	case "standby":
		err = r.standby(ctx, &o)
	case "recovery":
		err = r.recovery(ctx, &o)
	case "users":
		err = r.users(ctx, &o)
	case "open-legs":
		err = r.openLegs(ctx, &o)
	case "flat":
		err = r.flat(ctx, &o)
	}
	return r, err
}

// compare lets the contestants take turns.
func (r *Result) compare(ctx context.Context, o *Options) error {
	if slices.Contains(o.Only, "node") {
		if err := prepareNode(ctx, o); err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("node is left out: %v", err))
			o.Only = slices.DeleteFunc(slices.Clone(o.Only), func(name string) bool { return name == "node" })
		}
	}
	for round := range o.Rounds {
		for _, name := range o.Only {
			fmt.Fprintf(o.Progress, "round %d of %d: %s\n", round+1, o.Rounds, name)
			t, err := perform(ctx, o, name)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", name, round+1, err)
			}
			t.Round = round + 1
			r.Trials = append(r.Trials, *t)
		}
	}
	return nil
}

// prepareIngestor builds the program that is measured.
func prepareIngestor(ctx context.Context, o *Options) error {
	if o.Ingestor != "" || o.Profile != "" {
		return nil
	}
	program := filepath.Join(o.Dir, ingestor)
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/ingestor") //nolint:gosec // The directory is ours.
	build.Dir, build.Env = o.Root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %.200s", err, out)
	}
	o.Ingestor = program
	return nil
}

// prepareNode installs what the bridge for Node needs.
func prepareNode(ctx context.Context, o *Options) error {
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}
	bridge := filepath.Join(o.Root, nodeBridge)
	if _, err := os.Stat(bridge); err != nil {
		return err
	}
	dir := filepath.Dir(bridge)
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err == nil {
		return nil
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %.200s", err, out)
	}
	return nil
}

// perform measures one contestant once.
func perform(ctx context.Context, o *Options, name string) (t *trial, err error) {
	s, err := newStage(ctx, o, name, load.Options{Agents: o.Agents})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p, err := s.contestant(ctx, name)
	if err != nil {
		return nil, err
	}
	t = &trial{Contestant: name}
	t.Ready, _ = p.memory()
	err = s.phases(ctx, p, t)
	t.RSS, t.Peak = p.memory()
	if err = errors.Join(err, p.end()); err != nil {
		return nil, err
	}
	return t, s.judge(ctx, t)
}

// calm is how long a contestant rests after the warm-up: what belongs to its start is over then.
const calm = 3 * time.Second

// phases drives a contestant: a warm-up, as fast as possible, then at each rate.
func (s *stage) phases(ctx context.Context, p *process, t *trial) error {
	o := s.o
	orders := []load.Order{{Frames: max(o.Frames/10, 1)}, {Frames: o.Frames}}
	for _, rate := range o.Rates {
		orders = append(orders, load.Order{Frames: int(rate * (o.Warmup + o.Duration).Seconds()), Rate: rate})
	}
	for i, order := range orders {
		if order.Frames == 0 {
			continue
		}
		stop := o.profile(p, t.Contestant == ingestor && i == 1)
		ph, err := s.drive(ctx, p, order)
		if err = errors.Join(err, stop()); err != nil {
			return err
		}
		if i == 0 && !wait(ctx, calm) {
			return ctx.Err()
		}
		t.Phases = append(t.Phases, ph)
	}
	return nil
}

// drive sends one load and waits until it is stored.
func (s *stage) drive(ctx context.Context, p *process, order load.Order) (phase, error) {
	cpu, natsCPU := p.cpu(), s.natsCPU()
	within := 10 * time.Minute
	if order.Rate > 0 {
		within += time.Duration(float64(order.Frames) / order.Rate * float64(time.Second))
	}
	done, err := s.order(order, within)
	if err != nil {
		return phase{}, err
	}
	if err := s.settle(ctx, uint64(done.First-1+done.Frames)); err != nil {
		return phase{}, err
	}
	per := 100_000 / float64(order.Frames)
	return phase{
		Rate: order.Rate, Frames: order.Frames, done: done,
		CPU: (p.cpu() - cpu).Seconds() * per, NATSCPU: (s.natsCPU() - natsCPU).Seconds() * per,
	}, nil
}

// settle waits until as many events of calls are stored, or nothing is added any more.
func (s *stage) settle(ctx context.Context, want uint64) error {
	const lull = 5 * time.Second
	last, since := uint64(0), time.Now()
	for {
		info, err := s.stream.Info(ctx)
		if err != nil {
			return fmt.Errorf("ask for the stream: %w", err)
		}
		if n := info.State.Msgs; n != last {
			last, since = n, time.Now()
		}
		// The whole is asked for often, as that costs the server nothing. It has other
		// events, too: whether those of calls are all there is asked when it may be so.
		if last >= want {
			if n, err := s.calls(ctx); err != nil || n >= want {
				return err
			}
		}
		if time.Since(since) > lull {
			return nil // what is missing is found and told later
		}
		if !wait(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// judge reads what was stored and fills in what it says.
func (s *stage) judge(ctx context.Context, t *trial) error {
	all, err := s.readBack(ctx)
	if err != nil {
		return err
	}
	last := 0
	for _, p := range t.Phases {
		last = max(last, p.done.First+p.Frames-1)
	}
	var stored []int64
	t.tally, stored = count(all, last)
	for i := range t.Phases {
		p := &t.Phases[i]
		mine := stored[p.done.First : p.done.First+p.Frames]
		p.PerSecond = perSecond(mine)
		if p.Rate > 0 {
			p.Latency = spreadOf(latencies(mine, p.done.Begin, p.Rate, int(p.Rate*s.o.Warmup.Seconds())))
		}
	}
	t.Phases = t.Phases[1:] // the warm-up
	return nil
}
