package benchmark

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/benchmark/load"
)

func (r *Result) figure(name string, value float64, unit string) {
	r.Figures = append(r.Figures, Figure{name, value, unit})
}

// standby measures what the second instance of a pair costs: both get every frame, one
// publishes.
func (r *Result) standby(ctx context.Context, o *Options) (err error) {
	s, err := newStage(ctx, o, "standby", load.Options{Agents: o.Agents})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	leader, err := s.ingestor(ctx, "a")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leader.end()) }()
	second, err := s.ingestor(ctx, "b")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, second.end()) }()
	t := &trial{Contestant: ingestor}
	orders := []load.Order{{Frames: max(o.Frames/10, 1)}, {Frames: o.Frames}}
	for _, rate := range o.Rates {
		orders = append(orders, load.Order{Frames: int(rate * (o.Warmup + o.Duration).Seconds()), Rate: rate})
	}
	var costs []float64
	for i, order := range orders {
		before := second.cpu()
		stop := o.profile(second, i == 1)
		p, err := s.drive(ctx, leader, order)
		if err = errors.Join(err, stop()); err != nil {
			return err
		}
		t.Phases = append(t.Phases, p)
		costs = append(costs, (second.cpu()-before).Seconds()*100_000/float64(order.Frames))
	}
	if err := s.judge(ctx, t); err != nil {
		return err
	}
	r.Lost = t.tally
	for i, p := range t.Phases {
		at := "full speed"
		if p.Rate > 0 {
			at = fmt.Sprintf("%g/s", p.Rate)
		} else {
			r.figure("throughput", p.PerSecond, "events/s")
		}
		r.figure(at+": CPU of the leader", p.CPU, "s/100k")
		r.figure(at+": CPU of the standby", costs[i+1], "s/100k")
		if p.CPU > 0 {
			r.figure(at+": standby to leader", costs[i+1]/p.CPU, "")
		}
		if p.Rate > 0 {
			r.figure(at+": p99", millis(p.Latency.P99), "ms")
		}
	}
	for name, p := range map[string]*process{"leader": leader, "standby": second} {
		now, _ := p.memory()
		r.figure("resident memory of the "+name, float64(now)/1e6, "MB")
	}
	return nil
}

// recovery measures how long an ingestor needs that finds many open legs in a long
// stream. The stream is written by an ingestor that is then gone.
func (r *Result) recovery(ctx context.Context, o *Options) (err error) {
	legs := o.Legs
	if legs == 0 {
		legs = 20_000
	}
	s, err := newStage(ctx, o, "recovery", load.Options{Agents: o.Agents, Desks: legs, Endless: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	first, err := s.ingestor(ctx, "a")
	if err != nil {
		return err
	}
	_, err = s.drive(ctx, first, load.Order{Frames: max(o.Events, 2*legs)})
	if err = errors.Join(err, first.end()); err != nil {
		return err
	}
	var times, costs []float64
	for range o.Rounds {
		begin := time.Now()
		p, address, err := s.launch(ctx, "b")
		if err != nil {
			return err
		}
		o.profile(p, true) // until it ends
		if err = errors.Join(err, awaitReadyz(ctx, p, address)); err != nil {
			return errors.Join(err, p.end())
		}
		times, costs = append(times, time.Since(begin).Seconds()), append(costs, p.cpu().Seconds())
		if now, _ := p.memory(); now > 0 {
			r.figure("resident memory", float64(now)/1e6, "MB")
		}
		if err := p.end(); err != nil {
			return err
		}
	}
	r.figure("events in the stream", float64(max(o.Events, 2*legs)), "events")
	r.figure("open legs", float64(legs), "legs")
	r.figure("start to ready, median", median(times), "s")
	r.figure("CPU until then, median", median(costs), "s")
	return nil
}

// users measures starts with more and more people.
func (r *Result) users(ctx context.Context, o *Options) error {
	for _, n := range []int{100, 1500, 8000} {
		if err := r.startWith(ctx, o, n); err != nil {
			return fmt.Errorf("%d users: %w", n, err)
		}
	}
	return nil
}

func (r *Result) startWith(ctx context.Context, o *Options, users int) (err error) {
	s, err := newStage(ctx, o, "users", load.Options{Agents: users})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	begin := time.Now()
	p, err := s.ingestor(ctx, "a")
	if err != nil {
		return err
	}
	took, cost := time.Since(begin), p.cpu()
	asked, err := s.order(load.Order{}, patience)
	now, _ := p.memory()
	at := fmt.Sprintf("%d users: ", users)
	r.figure(at+"start to ready", took.Seconds(), "s")
	r.figure(at+"REST requests until then", float64(asked.Requests), "requests")
	r.figure(at+"CPU until then", cost.Seconds(), "s")
	r.figure(at+"resident memory", float64(now)/1e6, "MB")
	if err == nil { // everybody is really heard
		_, err = s.drive(ctx, p, load.Order{Frames: 2 * users})
	}
	return errors.Join(err, p.end())
}

// openLegs measures what legs cost that stay open.
func (r *Result) openLegs(ctx context.Context, o *Options) (err error) {
	legs := o.Legs
	if legs == 0 {
		legs = 100_000
	}
	s, err := newStage(ctx, o, "open-legs", load.Options{Agents: o.Agents, Desks: legs, Endless: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p, err := s.ingestor(ctx, "a")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	empty, _ := p.memory()
	t := &trial{Contestant: ingestor}
	for i, order := range []load.Order{{Frames: 2 * legs}, {Frames: int(1000 * (o.Warmup + o.Duration).Seconds()), Rate: 1000}} {
		stop := o.profile(p, i == 1)
		ph, err := s.drive(ctx, p, order)
		if err = errors.Join(err, stop()); err != nil {
			return err
		}
		t.Phases = append(t.Phases, ph)
	}
	full, peak := p.memory()
	r.figure("open legs", float64(legs), "legs")
	r.figure("resident memory without legs", float64(empty)/1e6, "MB")
	r.figure("resident memory with them", float64(full)/1e6, "MB")
	r.figure("resident memory, peak", float64(peak)/1e6, "MB")
	r.figure("resident memory per leg", float64(full-empty)/float64(legs), "bytes")
	if err := s.judge(ctx, t); err != nil {
		return err
	}
	r.Lost = t.tally
	for _, ph := range t.Phases {
		r.figure(fmt.Sprintf("%g/s: p99", ph.Rate), millis(ph.Latency.P99), "ms")
		r.figure(fmt.Sprintf("%g/s: CPU", ph.Rate), ph.CPU, "s/100k")
	}
	return nil
}

// minute is what the ingestor was like during one minute of constant load.
type minute struct {
	RSS        int64   `json:"rssBytes"`
	Goroutines float64 `json:"goroutines"`
	CPU        float64 `json:"cpuPer100k"`
	Latency    spread  `json:"latency"`
}

// flatRate is the constant load, in frames per second.
const flatRate = 500

// flat keeps a constant load for long: nothing may drift.
func (r *Result) flat(ctx context.Context, o *Options) (err error) {
	s, err := newStage(ctx, o, "flat", load.Options{Agents: o.Agents})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p, address, err := s.launch(ctx, "a")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := awaitReadyz(ctx, p, address); err != nil {
		return err
	}
	t := &trial{Contestant: ingestor}
	part := min(time.Minute, o.Length)
	for range max(1, int(o.Length/part)) {
		ph, err := s.drive(ctx, p, load.Order{Frames: int(flatRate * part.Seconds()), Rate: flatRate})
		if err != nil {
			return err
		}
		now, _ := p.memory()
		_, metrics := get(ctx, "http://"+address+"/metrics")
		t.Phases = append(t.Phases, ph)
		r.Minutes = append(r.Minutes, minute{RSS: now, Goroutines: gauge(metrics, "go_goroutines"), CPU: ph.CPU})
		fmt.Fprintf(o.Progress, "minute %d: %d MB, %g goroutines\n", len(r.Minutes), now/1e6, r.Minutes[len(r.Minutes)-1].Goroutines)
	}
	// Nothing is left out of what was measured: the first phase counts, too.
	t.Phases = append([]phase{{done: load.Done{First: 1}}}, t.Phases...)
	if err := s.judge(ctx, t); err != nil {
		return err
	}
	r.Lost = t.tally
	for i := range r.Minutes {
		r.Minutes[i].Latency = t.Phases[i].Latency
	}
	return nil
}

// gauge finds a value without labels in the text format of Prometheus.
func gauge(page, name string) float64 {
	for line := range strings.Lines(page) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			v, _ := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return v
		}
	}
	return 0
}
