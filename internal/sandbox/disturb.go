package sandbox

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/recorderbridge/genesys-ingestor/internal/app"
)

// IncidentKind is what was done to a part.
type IncidentKind string

// The incidents.
const (
	Kill    IncidentKind = "kill"        // the primary was killed
	Pause   IncidentKind = "pause"       // the primary was frozen for a while
	Stop    IncidentKind = "stop"        // the primary was asked to end
	Restart IncidentKind = "restart"     // the primary was asked to renew its session
	Outage  IncidentKind = "nats_outage" // the NATS server was away
)

// Incident is something that was done to a part, and when it was whole again.
type Incident struct {
	Kind     IncidentKind `json:"kind"`
	Instance string       `json:"instance,omitempty"`
	At       time.Time    `json:"at"`
	Until    time.Time    `json:"until,omitzero"`
}

// recovers is how long an ingestor may take to be ready again.
const recovers = 30 * time.Second

// disturb does something to the primary, or to NATS, every so often until the calls end.
// Two incidents never overlap: with one instance down, the other must be there.
func (s *session) disturb(life, calls context.Context, every time.Duration, kind IncidentKind, do func(context.Context, *process) error) {
	for {
		sleep(calls, every)
		s.disturbing.Lock()
		if calls.Err() == nil {
			s.incident(life, kind, do) // to its end, also when the calls end meanwhile
		}
		s.disturbing.Unlock()
		if calls.Err() != nil {
			return
		}
	}
}

func (s *session) incident(ctx context.Context, kind IncidentKind, do func(context.Context, *process) error) {
	var victim *process
	i := Incident{Kind: kind}
	if !kind.ofBroker() {
		if victim = s.primary(); victim == nil {
			return
		}
		i.Instance = victim.name
	}
	i.At = time.Now()
	s.show.incident(i)
	if err := do(ctx, victim); err != nil {
		s.problem("%s: %v", kind, err)
	}
	for _, p := range s.processes {
		if !p.awaitReady(ctx, recovers) {
			s.problem("ingestor %s was not ready %v after a %s", p.name, recovers, kind)
		}
	}
	if kind == Kill {
		s.awaitLead(ctx, i.At)
	}
	i.Until = time.Now()
	s.mu.Lock()
	s.incidents = append(s.incidents, i)
	s.mu.Unlock()
}

// primary is the process that leads, as the stream says.
func (s *session) primary() *process {
	name := s.recorder.leader()
	for _, p := range s.processes {
		if p.name == name {
			return p
		}
	}
	return nil
}

// absence is the time between the end of a process and its next start.
const absence = time.Second

func (s *session) kill(ctx context.Context, p *process) error {
	return s.replace(ctx, p, true)
}

func (s *session) stop(ctx context.Context, p *process) error {
	return s.replace(ctx, p, false)
}

func (s *session) replace(ctx context.Context, p *process, kill bool) error {
	bounded, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := p.end(bounded, kill); err != nil {
		return err
	}
	sleep(ctx, absence)
	return p.start(ctx)
}

func (s *session) pause(ctx context.Context, p *process) error {
	if err := p.freeze(true); err != nil {
		return err
	}
	sleep(ctx, s.PauseFor)
	return p.freeze(false)
}

// restart asks the primary for a renewal of its session, as an operator would do it,
// and waits until the stream says that it is done.
func (s *session) restart(ctx context.Context, p *process) error {
	before := s.recorder.restarts(p.name)
	ctx, cancel := context.WithTimeout(ctx, recovers)
	defer cancel()
	subject := app.ServicePrefix(Adapter, p.name) + ".restart"
	if _, err := s.nc.RequestMsgWithContext(ctx, nats.NewMsg(subject)); err != nil {
		return fmt.Errorf("ask %s: %w", p.name, err)
	}
	for s.recorder.restarts(p.name) == before {
		if ctx.Err() != nil {
			return fmt.Errorf("ingestor %s did not say that it has restarted: %w", p.name, ctx.Err())
		}
		sleep(ctx, 50*time.Millisecond)
	}
	return nil
}

func (s *session) outage(ctx context.Context, _ *process) error {
	s.broker.Stop()
	sleep(ctx, s.OutageFor)
	return s.broker.Start()
}
