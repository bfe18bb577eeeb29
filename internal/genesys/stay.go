package genesys

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// stay keeps a connected slot going until its socket is lost: it subscribes changes,
// confirms the topics in time, and replaces socket or channel, new before old.
// The socket in use at the end is left in *present.
func (s *slot) stay(ctx context.Context, present **socket) error {
	t := s.p.opts.Timings
	confirmAt := s.confirmTime(*present)
	replaceAt := s.replaceTime()
	tries, again := 0, 0
	for {
		socket := *present
		due := earliest(confirmAt, replaceAt)
		if len(s.refused) == 0 {
			again = 0
		} else { // permissions may be granted any time
			due = earliest(due, s.verified.Add(backoff(again, t.BackoffMax, t.Discovery)))
		}
		timer := time.NewTimer(time.Until(due))
		var err error
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-socket.done:
			err = socket.reason
		case <-s.changed:
			err = s.update(socket)
		case message := <-s.signals:
			confirmAt, err = s.obey(ctx, message, present, confirmAt)
		case r := <-s.requests:
			failure := s.replace(ctx, r.cause, present)
			if r.done != nil {
				r.done <- failure
			}
			if replaceAt = s.replaceTime(); failure != nil {
				s.p.failed(s.log, "replace channel", failure)
				if r.cause != "" {
					replaceAt = time.Now().Add(backoff(0, t.BackoffMin, t.BackoffMax))
				}
			}
			confirmAt = s.confirmTime(*present)
		case <-timer.C:
			now := time.Now()
			switch {
			case !now.Before(replaceAt):
				// The token that created the channel is about to expire.
				if failure := s.replace(ctx, "", present); failure != nil {
					s.p.failed(s.log, "replace channel", failure)
					replaceAt = now.Add(backoff(tries, t.BackoffMin, t.BackoffMax))
					if tries++; now.After(s.ch.Bound) {
						s.lose(CauseTokenLost, s.ch.Bound)
					}
					break
				}
				tries = 0
				replaceAt, confirmAt = s.replaceTime(), s.confirmTime(*present)
			case !now.Before(confirmAt):
				err = s.confirm(socket)
				confirmAt = s.confirmTime(socket)
			default:
				again++
				err = s.update(socket)
			}
		}
		timer.Stop()
		if err != nil {
			return err
		}
	}
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// confirmTime is when the topics have to be confirmed next: half way to the end of
// the channel's life, which confirming extends.
func (s *slot) confirmTime(socket *socket) time.Time {
	s.mu.Lock()
	left := s.expires.Sub(s.p.client.now())
	s.mu.Unlock()
	wait := s.p.opts.Timings.Resubscribe
	if half := left / 2; half > 0 && half < wait {
		wait = half
	}
	return latest(time.Now(), socket.opened).Add(max(wait, time.Second))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// replaceTime is when the channel has to be replaced because its token expires. It is
// shortly after the token itself is due, so that the new channel gets a new token.
func (s *slot) replaceTime() time.Time {
	t := s.p.tokens.shown.Load()
	margin := s.p.opts.Timings.TokenMargin
	if t != nil {
		margin = min(margin, t.expires.Sub(t.since)/4)
	}
	return s.ch.Bound.Add(-margin + margin/10)
}

// obey acts upon a system message.
func (s *slot) obey(ctx context.Context, message signal, present **socket, confirmAt time.Time) (time.Time, error) {
	socket := *present
	t := s.p.opts.Timings
	switch message.topic {
	case SystemSocketClosing:
		s.log.Info("the platform closes this socket soon: opening another one")
		err := s.swap(ctx, present)
		for n := 0; err != nil && ctx.Err() == nil && socket.alive.Err() == nil; n++ {
			if errors.Is(err, errChannelGone) {
				err = s.replace(ctx, "", present)
				break
			}
			s.p.failed(s.log, "open another socket", err)
			//nolint:contextcheck // the old socket's context: the wait ends with it
			_ = sleep(socket.alive, backoff(n, t.BackoffMin, t.BackoffMax/4)) // the loop looks
			err = s.swap(ctx, present)
		}
		if err == nil {
			return s.confirmTime(*present), nil
		}
		s.p.failed(s.log, "open another socket", err)
		return time.Now().Add(backoff(0, t.BackoffMin, t.BackoffMax)), nil
	case SystemNoLongerSubscribed:
		s.log.Warn("the platform has ended subscriptions of this channel: subscribing again")
		s.lose(CauseChannelLost, time.Now())
		// Others may want the same: no race for it.
		const patience = 5
		if s.resubs++; s.resubs > patience {
			s.resubs = 0
			return confirmAt, fmt.Errorf("%w: its topics are taken away again and again", errChannelGone)
		}
		return time.Now().Add(backoff(s.resubs-1, t.BackoffMin, t.BackoffMax)), nil
	case SystemTokenRevoked:
		s.log.Warn("the platform has revoked the token: getting a new one and a new channel")
		s.lose(CauseTokenLost, time.Now())
		s.p.tokens.revoked(ctx, message.at)
		if err := s.replace(ctx, CauseTokenLost, present); err != nil {
			return confirmAt, fmt.Errorf("%w: token revoked: %w", errChannelGone, err)
		}
		return s.confirmTime(*present), nil
	}
	return confirmAt, nil
}

// swap opens a second socket on the same channel. The platform closes the first one.
func (s *slot) swap(ctx context.Context, present **socket) error {
	o := newOverlap()
	(*present).recording.Store(o)
	s.expect(*present, true)
	next, err := s.p.dial(ctx, s.ch)
	if err != nil {
		s.expect(*present, false)
		return err
	}
	s.takeOver(ctx, present, next, o, true)
	return s.confirm(next)
}

// replace moves the slot to a new channel. It is subscribed before its socket opens,
// so that the sockets overlap briefly.
func (s *slot) replace(ctx context.Context, cause Cause, present **socket) error {
	if cause != "" {
		from := time.Now()
		if e := (*present).event.Load(); cause == CauseStarved {
			from = latest(time.Unix(0, e), (*present).opened)
		}
		s.lose(cause, from)
	}
	// A channel on an old token would have to be replaced again at once.
	token, err := s.p.tokens.get(ctx)
	if err != nil {
		return err
	}
	if cause == "" && !time.Now().Before(token.due(s.p.opts.Timings.TokenMargin)) {
		return errors.New("the token could not be renewed")
	}
	ch, err := s.p.createChannel(ctx)
	if err != nil {
		return err
	}
	v := s.current()
	refused, err := s.put(ctx, ch, v)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	o := newOverlap()
	(*present).recording.Store(o)
	next, err := s.p.dial(ctx, ch)
	if err != nil {
		return err
	}
	s.use(ch)
	s.takeOver(ctx, present, next, o, cause != CauseTokenLost)
	s.confirmed(next, v, refused)
	s.p.counters.renewals.Add(1)
	return nil
}

// takeOver makes next the present socket: from now on the end of the old one is no
// loss. What a good old one still delivers comes first.
func (s *slot) takeOver(ctx context.Context, present **socket, next *socket, o *overlap, good bool) {
	old := *present
	s.mu.Lock()
	s.socket = next
	s.mu.Unlock()
	if good {
		old.drain(ctx, s.p.opts.Timings.Overlap)
	}
	old.close()
	*present = next
	s.adopt(next, o) //nolint:contextcheck // a socket has a context of its own
}
