package genesys

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// trial is the time in which a channel that is said to deliver nothing can show the
// opposite. Late frames are no lost frames, and a quiet user is no deaf channel.
type trial struct {
	socket *socket
	due    time.Time
	from   time.Time   // the earliest moment of which something is missing
	lively atomic.Bool // the channel has delivered something, of anybody

	mu     sync.Mutex
	silent map[string]bool // users of whom nothing was heard since
}

// heard notes a frame of the channel; spoke is set when it told of a conversation.
func (t *trial) heard(user string, spoke bool) {
	t.lively.Store(true)
	if spoke {
		t.mu.Lock()
		delete(t.silent, user)
		t.mu.Unlock()
	}
}

// unknownAge is how old something is that is reported as missing without a moment, and clockError is how far clocks may differ after correction.
const (
	unknownAge = 5 * time.Second
	clockError = 2 * time.Second
)

// Missed says that something which happened to this user, at that moment by the
// platform's clock, never arrived as a notification although others know of it. It
// returns at once. What happened before the user was observed is passed over. A
// channel that then delivers nothing at all within [Timings.Grace] is replaced and
// reported as starved; one that delivers to others only after its subscriptions were
// found in order and something is missing again. It is not replaced twice within
// [Timings.Suspect].
func (p *Platform) Missed(user string, at time.Time) {
	p.accuse(user, at.Add(-time.Duration(p.client.offset.Load())))
}

// Suspect is [Platform.Missed] for users of whom something is missing that happened at
// an unknown moment of the present observation.
func (p *Platform) Suspect(users []string) {
	for _, u := range users {
		p.accuse(u, time.Time{})
	}
}

func (p *Platform) accuse(user string, at time.Time) {
	p.mu.Lock()
	running := p.running != nil
	p.mu.Unlock()
	if !running {
		return
	}
	for _, s := range p.allSlots() {
		s.accuse(user, at)
	}
}

// accuse begins a trial, or adds to the one that is on.
func (s *slot) accuse(user string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	since, observed := s.since[user]
	if at.IsZero() {
		at = latest(since, time.Now().Add(-unknownAge))
	} else if at.Before(since.Add(clockError)) {
		return
	}
	if !observed || !s.open {
		return
	}
	t := s.trial.Load()
	if t == nil || t.socket != s.socket {
		t = &trial{
			socket: s.socket, due: time.Now().Add(s.p.opts.Timings.Grace), from: at, silent: make(map[string]bool),
		}
		s.trial.Store(t)
		select {
		case s.accused <- struct{}{}:
		default:
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.silent[user] = true
	if at.Before(t.from) {
		t.from = at
	}
}

// trialTime is when the trial that is on ends, far away without one.
func (s *slot) trialTime() time.Time {
	if t := s.trial.Load(); t != nil {
		return t.due
	}
	return time.Now().Add(time.Hour)
}

// judge ends a trial.
func (s *slot) judge(ctx context.Context, present **socket) error {
	t := s.trial.Swap(nil)
	if t == nil {
		return nil
	}
	t.mu.Lock()
	silent := slices.Sorted(maps.Keys(t.silent))
	t.mu.Unlock()
	if len(silent) == 0 || t.socket != *present {
		s.p.counters.acquitted.Add(1)
		return nil
	}
	timings, now := s.p.opts.Timings, time.Now()
	if now.Sub(s.condemned) < timings.Suspect && !s.condemned.IsZero() {
		return nil
	}
	from := latest(unixNano(t.socket.event.Load()), t.socket.opened)
	if t.lively.Load() {
		again := false
		for _, u := range silent {
			last, was := s.strikes[u]
			again = again || was && now.Sub(last) < timings.Suspect
		}
		if s.strikes == nil || len(s.strikes) > topicsPerChannel {
			s.strikes = make(map[string]time.Time)
		}
		for _, u := range silent {
			s.strikes[u] = now
		}
		if !again {
			s.log.Info("notifications are said to be missing, but the channel delivers: checking its topics", "users", len(silent))
			s.p.counters.acquitted.Add(1)
			return s.verify(*present)
		}
		from = t.from
	}
	s.log.Warn("events of this channel do not arrive: replacing it", "users", len(silent))
	s.condemned, s.strikes = now, nil
	if err := s.replace(ctx, replacement{cause: CauseStarved, from: from}, present); err != nil {
		s.p.failed(s.log, "replace channel", err)
	}
	return nil
}
