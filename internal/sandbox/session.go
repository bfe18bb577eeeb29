package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// session is one run of the sandbox.
type session struct {
	Options
	broker    *broker
	links     map[string]links // by instance
	org       *simulator.Org
	nc        *nats.Conn
	js        jetstream.JetStream
	processes []*process
	recorder  *recorder
	show      *screen

	disturbing sync.Mutex // held during an incident
	mu         sync.Mutex
	incidents  []Incident
	problems   []string
}

// Run runs the sandbox until its duration is over or ctx ends, lets everything come
// to its end, and returns the verdict. An error says why there is none.
func Run(ctx context.Context, o Options) (verdict Verdict, err error) {
	if o, err = o.check(); err != nil {
		return Verdict{}, err
	}
	// Processes and connections live longer than the calls.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := &session{Options: o, show: newScreen(&o)}
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	if err = s.platform(life, &parts); err != nil {
		return Verdict{}, err
	}
	defer func() { err = errors.Join(err, s.broker.Close()) }()
	defer s.nc.Close()
	defer s.takeDown(life)
	if err = s.ingestors(life); err != nil {
		return Verdict{}, err
	}
	s.recorder = newRecorder(s.js, s.show.event)
	parts.Go(func() {
		if err := s.recorder.follow(life); err != nil {
			s.problem("%v", err)
		}
	})
	s.show.addresses(s)
	if err = s.awaitIngestors(ctx); err != nil {
		return Verdict{}, err
	}
	for _, p := range s.processes {
		parts.Go(func() { p.measure(life) })
	}
	if err = s.play(life, ctx); err != nil {
		return Verdict{}, err
	}
	return s.conclude(life)
}

// platform starts the NATS server and the organization.
func (s *session) platform(life context.Context, parts *sync.WaitGroup) error {
	var err error
	if s.org, err = simulator.New(simulator.Options{ //nolint:contextcheck // It lives from Run, which gets one.
		Addr: fmt.Sprintf("127.0.0.1:%d", s.SimulatorPort), Seed: s.Seed, Users: s.Agents, Speed: s.Speed,
		ClientID: clientID, ClientSecret: clientSecret, HeartbeatEvery: 2 * time.Second, CloseWarning: 5 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
	}); err != nil {
		return fmt.Errorf("start the simulated organization: %w", err)
	}
	if s.broker, err = newBroker(s.NATSNodes, s.path("nats"), s.NATSPort); err != nil {
		s.org.Close()
		return fmt.Errorf("start the NATS server: %w", err)
	}
	parts.Go(func() {
		if err := s.org.Run(life); err != nil {
			s.problem("simulated organization: %v", err)
		}
	})
	if s.nc, err = nats.Connect(s.broker.URL(), nats.Name("sandbox"), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond)); err != nil {
		return errors.Join(fmt.Errorf("connect to the NATS server: %w", err), s.broker.Close())
	}
	if s.js, err = jetstream.New(s.nc); err != nil {
		s.nc.Close()
		return errors.Join(fmt.Errorf("open JetStream: %w", err), s.broker.Close())
	}
	return nil
}

// ingestors starts the processes. Whoever is ready first leads.
func (s *session) ingestors(life context.Context) error {
	for i := range s.Instances {
		name := string(rune('a' + i))
		address, err := freeAddress(life)
		if err != nil {
			return err
		}
		env, err := s.link(life, name)
		if err != nil {
			return err
		}
		log := s.Log
		if log == nil {
			file, err := os.Create(s.path("ingestor-" + name + ".log"))
			if err != nil {
				return fmt.Errorf("create a log file: %w", err)
			}
			context.AfterFunc(life, func() { _ = file.Close() })
			log = file
		}
		p := &process{
			name: name, command: s.Command, address: address, log: log, died: s.died,
			env: append(append(inherited(), env...),
				"INSTANCE_ID="+name, "HTTP_ADDR="+address, "LOG_FORMAT=text", "LOG_LEVEL=info"),
		}
		s.processes = append(s.processes, p)
		if err := p.start(life); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) awaitIngestors(ctx context.Context) error {
	for _, p := range s.processes {
		if !p.awaitReady(ctx, recovers) && ctx.Err() == nil {
			return fmt.Errorf("ingestor %s is not ready after %v; its log: %s", p.name, recovers, s.path("ingestor-"+p.name+".log"))
		}
	}
	for begin := time.Now(); len(s.processes) > 0 && s.recorder.leader() == "" && ctx.Err() == nil; sleep(ctx, 20*time.Millisecond) {
		if time.Since(begin) > recovers {
			return fmt.Errorf("no ingestor leads after %v", recovers)
		}
	}
	return nil
}

// play lets people talk, and disturbs, until the duration is over or the context of
// the calls ends.
func (s *session) play(life, calls context.Context) error {
	if s.Duration > 0 {
		var cancel context.CancelFunc
		calls, cancel = context.WithTimeout(calls, s.Duration)
		defer cancel()
	}
	var disturbances sync.WaitGroup
	defer disturbances.Wait()
	for _, d := range []struct {
		every time.Duration
		kind  IncidentKind
		do    func(context.Context, *process) error
	}{
		{s.KillEvery, Kill, s.kill},
		{s.PauseEvery, Pause, s.pause},
		{s.StopEvery, Stop, s.stop},
		{s.RestartEvery, Restart, s.restart},
		{s.OutageEvery, Outage, s.outage},
		{s.KillNodeEvery, NodeKill, s.killNode},
	} {
		if d.every > 0 {
			disturbances.Go(func() { s.disturb(life, calls, d.every, d.kind, d.do) })
		}
	}
	s.partitions(life, calls, &disturbances)
	if len(s.Options.Faults) > 0 {
		disturbances.Go(func() { s.plague(calls) })
	}
	return s.org.Traffic(calls, simulator.Traffic{
		CallsPerSecond: s.CallsPerSecond, Mix: mix(s.org),
		Drain: max(2*time.Second, time.Duration(float64(20*time.Second)/s.Speed)),
	})
}

// mix takes every story that there are people for, but for the long one, and those
// more often in which something happens that a recorder must get right.
func mix(org *simulator.Org) map[simulator.Story]int {
	weights := make(map[simulator.Story]int)
	for _, story := range org.Stories() {
		if org.People(story) <= len(org.Users()) {
			weights[story] = 1
		}
	}
	delete(weights, simulator.StoryLong)
	for _, story := range []simulator.Story{
		simulator.StorySecurePause, simulator.StoryPauseLeftOn, simulator.StoryHold, simulator.StoryMute,
		simulator.StoryPark, simulator.StoryConsult, simulator.StoryConference,
	} {
		weights[story] = 4
	}
	return weights
}

// How long the end may take: a call that nobody saw end is found by the periodic
// comparison, and one that the platform denies is asked about twice. Each open call
// costs a request, of which the platform grants five a second.
const (
	quietFor    = 1500 * time.Millisecond
	concludeIn  = 90 * time.Second
	perCallRate = 3 * time.Second
)

// conclude ends the faults, waits until everything has come to its end, and judges.
func (s *session) conclude(life context.Context) (Verdict, error) {
	if _, err := s.org.Inject(simulator.Fault{Kind: simulator.FaultClear}); err != nil {
		return Verdict{}, fmt.Errorf("end the faults: %w", err)
	}
	s.show.concluding()
	ctx, cancel := context.WithTimeout(life, concludeIn+time.Duration(s.CallsPerSecond*float64(perCallRate)))
	defer cancel()
	var v Verdict
	for late := false; ; {
		for !late && !s.recorder.settled(quietFor) {
			sleep(ctx, 100*time.Millisecond)
			late = ctx.Err() != nil
		}
		var err error
		if v, err = s.judge(life); err != nil {
			return v, err
		}
		if late || s.PlatformOnly || !v.mayHeal() {
			break
		}
		sleep(ctx, 2*time.Second)
		late = ctx.Err() != nil
	}
	for _, p := range s.processes {
		v.Usage = append(v.Usage, p.usage(life))
	}
	s.takeDown(life)
	v.addProblems(s.said())
	if !s.PlatformOnly || v.Events > 0 {
		s.show.verdict(&v)
	}
	return v, nil
}

func (s *session) judge(ctx context.Context) (Verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	stored, err := readAll(ctx, s.js)
	if err != nil {
		return Verdict{}, err
	}
	s.mu.Lock()
	incidents := append([]Incident(nil), s.incidents...)
	s.mu.Unlock()
	e := Evidence{
		Adapter: Adapter, Truth: s.org.Truth(), Stored: stored, Incidents: incidents,
		LeaseTTL: s.LeaseTTL, Reach: 2*reconcileInterval + 5*time.Second,
	}
	return Judge(&e), e.save(s.path("evidence.json"))
}

// takeDown ends the ingestors gently. A second call does nothing.
func (s *session) takeDown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, p := range s.processes {
		if err := p.end(ctx, false); err != nil && !errors.Is(err, errNotRunning) {
			s.problem("%v", err)
		}
	}
}

func (s *session) died(name string, err error) {
	s.problem("ingestor %s ended by itself: %v; its log: %s", name, err, s.path("ingestor-"+name+".log"))
}

func (s *session) problem(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

func (s *session) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.problems...)
}
