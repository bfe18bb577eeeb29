package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// The partitions. All of them hit the primary alone: the other instance observes and
// publishes. A connection that is cut is noticed at once; one that is frozen says
// nothing, and what was sent meanwhile arrives late.
const (
	NATSCut       IncidentKind = "nats_cut"
	NATSFrozen    IncidentKind = "nats_frozen"
	GenesysCut    IncidentKind = "genesys_cut"
	GenesysFrozen IncidentKind = "genesys_frozen"
)

// ofBroker tells whether an incident hits NATS and not one of the instances.
func (k IncidentKind) ofBroker() bool { return k == Outage || k == NodeKill }

// silences tells whether an incident takes the primary away without a word, so that
// the other instance has to find out.
func (k IncidentKind) silences() bool {
	switch k {
	case Kill, Pause, NATSCut, NATSFrozen, GenesysCut, GenesysFrozen:
		return true
	case Stop, Restart, Outage, NodeKill:
	}
	return false
}

// links are the ways of one instance to everybody else.
type links struct{ nats, genesys []*natstest.Proxy }

// link makes the ways of an instance and returns the settings that use them. It makes
// none that nobody will break.
func (s *session) link(life context.Context, instance string) ([]string, error) {
	env := s.environment()
	var l links
	if s.CutNATSEvery > 0 {
		urls := make([]string, len(s.broker.nodes))
		for i, n := range s.broker.nodes {
			p, err := proxyUntil(life, n.Address())
			if err != nil {
				return nil, err
			}
			l.nats, urls[i] = append(l.nats, p), p.URL()
		}
		env = append(env, "NATS_URL="+strings.Join(urls, ","))
	}
	if s.CutGenesysEvery > 0 {
		target, err := url.Parse(s.org.URL())
		if err != nil {
			return nil, fmt.Errorf("read the address of the organization: %w", err)
		}
		p, err := proxyUntil(life, target.Host)
		if err != nil {
			return nil, err
		}
		l.genesys = append(l.genesys, p)
		// The organization takes requests as they are sent to a client proxy, so that
		// REST and websocket both go this way, and it keeps its address for everybody.
		env = append(env, "GENESYS_PROXY_URL=http://"+strings.TrimPrefix(p.URL(), "nats://"))
	}
	if s.links == nil {
		s.links = make(map[string]links)
	}
	s.links[instance] = l
	return env, nil
}

// proxyUntil makes one that lives as long as the run.
func proxyUntil(life context.Context, target string) (*natstest.Proxy, error) {
	p, err := natstest.NewProxy(target)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(life, func() { _ = p.Close() })
	return p, nil
}

// environment is what every instance needs, with the settings that the options change.
func (s *session) environment() []string {
	return append(environment(s.broker.URL(), s.org.URL()),
		"LEASE_TTL="+s.LeaseTTL.String(), "NATS_REPLICAS="+strconv.Itoa(len(s.broker.nodes)))
}

// partitions begins those that are asked for.
func (s *session) partitions(life, calls context.Context, disturbances *sync.WaitGroup) {
	if s.CutNATSEvery > 0 {
		disturbances.Go(func() {
			s.sever(life, calls, s.CutNATSEvery, s.CutNATSFor, NATSCut, NATSFrozen, func(l links) []*natstest.Proxy { return l.nats })
		})
	}
	if s.CutGenesysEvery > 0 {
		disturbances.Go(func() {
			s.sever(life, calls, s.CutGenesysEvery, s.CutGenesysFor, GenesysCut, GenesysFrozen, func(l links) []*natstest.Proxy { return l.genesys })
		})
	}
}

// sever cuts and freezes the ways of the primary in turns until the calls end.
func (s *session) sever(life, calls context.Context, every, lasts time.Duration, cut, frozen IncidentKind, ways func(links) []*natstest.Proxy) {
	for silent := false; ; silent = !silent {
		sleep(calls, every)
		if calls.Err() != nil {
			return
		}
		kind := cut
		if silent {
			kind = frozen
		}
		s.disturbing.Lock()
		s.incident(life, kind, func(ctx context.Context, victim *process) error {
			for _, p := range ways(s.links[victim.name]) {
				breakLink(p, silent, true)
			}
			sleep(ctx, lasts)
			for _, p := range ways(s.links[victim.name]) {
				breakLink(p, silent, false)
			}
			return nil
		})
		s.disturbing.Unlock()
	}
}

// breakLink freezes or cuts (on) or makes whole again (off).
func breakLink(p *natstest.Proxy, silent, on bool) {
	if silent {
		p.Freeze(on)
		return
	}
	p.Refuse(on)
	if on {
		p.Cut()
	}
}

// checkNodes sets the defaults of what concerns nodes, partitions and the lease, and
// says what is wrong with it.
func (o *Options) checkNodes() error {
	orDefault(&o.LeaseTTL, leaseTTL)
	orDefault(&o.NATSNodes, 1)
	orDefault(&o.NodeDownFor, 5*time.Second)
	orDefault(&o.CutNATSFor, 6*time.Second)
	orDefault(&o.CutGenesysFor, 8*time.Second)
	var errs []error
	bad := func(wrong bool, text string) {
		if wrong {
			errs = append(errs, fmt.Errorf("%w: %s", ErrOption, text))
		}
	}
	bad(o.NATSNodes != 1 && o.NATSNodes != 3, fmt.Sprintf("%d NATS nodes: must be 1 or 3", o.NATSNodes))
	bad(o.NATSNodes > 1 && o.NATSPort != 0, "a NATS cluster has free ports: leave out the port, or the cluster")
	bad(o.NATSNodes < 3 && o.KillNodeEvery > 0, "a node can only be lost from a cluster of 3 NATS nodes")
	bad(o.LeaseTTL < time.Second, fmt.Sprintf("lease TTL %v: must be at least 1s", o.LeaseTTL))
	bad(o.CutGenesysFor > 30*time.Second, fmt.Sprintf("cut from Genesys for %v: must be at most 30s, or frames that were sent are lost with the connection", o.CutGenesysFor))
	bad((o.CutNATSEvery > 0 || o.CutGenesysEvery > 0) && o.Instances < 2, "only one of two instances can be cut off")
	return errors.Join(errs...)
}

// moreDurations are those that checkNodes has defaults for.
func (o *Options) moreDurations() map[string]time.Duration {
	return map[string]time.Duration{
		"kill node every": o.KillNodeEvery, "node down for": o.NodeDownFor, "cut NATS every": o.CutNATSEvery,
		"cut NATS for": o.CutNATSFor, "cut Genesys every": o.CutGenesysEvery, "cut Genesys for": o.CutGenesysFor,
	}
}

// awaitLead waits until somebody leads who began after a moment, and has had the time to
// tell what was waiting. To kill that one before is to kill both: what nobody but the
// two of them knew is gone, and nobody promises anything else.
func (s *session) awaitLead(ctx context.Context, since time.Time) {
	for begin := time.Now(); time.Since(begin) < recovers && ctx.Err() == nil; sleep(ctx, 20*time.Millisecond) {
		s.recorder.mu.Lock()
		led := s.recorder.ledSince
		s.recorder.mu.Unlock()
		if led.After(since) {
			sleep(ctx, settling)
			return
		}
	}
	s.problem("nobody leads %v after a %s", recovers, Kill)
}
