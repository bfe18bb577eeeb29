package genesys

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
		s.do("the slot")
		due := earliest(earliest(confirmAt, replaceAt), s.trialTime())
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
			confirmAt, err = s.putOff(socket, confirmAt, err)
		case <-s.accused: // the time of the trial counts from now on
		case message := <-s.signals:
			confirmAt, err = s.obey(ctx, message, present, confirmAt)
		case r := <-s.requests:
			failure := s.replace(ctx, r, present)
			r.done <- failure
			if replaceAt = s.replaceTime(); failure != nil {
				s.p.failed(s.log, "replace channel", failure)
				if s.owed != "" {
					replaceAt = time.Now().Add(backoff(0, t.BackoffMin, t.BackoffMax))
				}
			}
			confirmAt = s.confirmTime(*present)
		case <-timer.C:
			now := time.Now()
			switch {
			case !now.Before(s.trialTime()):
				err = s.judge(ctx, present)
				replaceAt, confirmAt = s.replaceTime(), s.confirmTime(*present)
				if s.owed != "" {
					replaceAt = now.Add(backoff(0, t.BackoffMin, t.BackoffMax))
				}
			case !now.Before(replaceAt):
				// The token that created the channel is about to expire.
				if failure := s.replace(ctx, replacement{}, present); failure != nil {
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
				confirmAt, err = s.putOff(socket, s.confirmTime(socket), err)
			default:
				again++
				err = s.update(socket)
				confirmAt, err = s.putOff(socket, confirmAt, err)
			}
		}
		timer.Stop()
		if err != nil {
			return err
		}
	}
}

// putOff keeps a good socket when its topics could not be changed: those it has go on.
// It returns when to confirm them all.
func (s *slot) putOff(socket *socket, confirmAt time.Time, err error) (time.Time, error) {
	if err == nil {
		s.delays = 0
		return confirmAt, nil
	}
	if errors.Is(err, errChannelGone) || socket.alive.Err() != nil {
		return confirmAt, err
	}
	s.p.failed(s.log, "change topics", err)
	t := s.p.opts.Timings
	s.delays++
	return time.Now().Add(backoff(s.delays-1, t.BackoffMin, t.BackoffMax)), nil
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
				err = s.replace(ctx, replacement{}, present)
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
		const patience, calm = 5, 10 * time.Minute
		if message.at.Sub(s.unsubscribed) > calm {
			s.resubs = 0
		}
		s.unsubscribed = message.at
		if s.resubs++; s.resubs > patience {
			s.resubs = 0
			return confirmAt, fmt.Errorf("%w: its topics are taken away again and again", errChannelGone)
		}
		return time.Now().Add(backoff(s.resubs-1, t.BackoffMin, t.BackoffMax)), nil
	case SystemTokenRevoked:
		s.log.Warn("the platform has revoked the token: getting a new one and a new channel")
		s.lose(CauseTokenLost, time.Now())
		s.p.tokens.revoked(ctx, message.at)
		if err := s.replace(ctx, replacement{cause: CauseTokenLost}, present); err != nil {
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

// replace moves the slot to another channel: one that is remembered, else a new one. It
// is subscribed before its socket opens, so that the sockets overlap briefly.
func (s *slot) replace(ctx context.Context, r replacement, present **socket) error {
	if r.cause == "" {
		r.cause = s.owed // it was put off by a failure
	} else {
		s.owed = r.cause
		from := r.from
		if from.IsZero() {
			from = time.Now()
		}
		s.lose(r.cause, from)
	}
	s.do("a token")
	// A channel on an old token would have to be replaced again at once.
	token, err := s.p.tokens.get(ctx)
	if err != nil {
		return err
	}
	if r.cause == "" && !time.Now().Before(token.due(s.p.opts.Timings.TokenMargin)) {
		return errors.New("the token could not be renewed")
	}
	s.do("another channel")
	ch, err := s.spare(ctx, time.Until(token.expires)/2)
	if ch == nil && err == nil {
		ch, err = s.p.createChannel(ctx)
	}
	if err != nil {
		return err
	}
	s.do("subscribing the topics")
	v := s.current()
	refused, err := s.put(ctx, ch, v)
	if err != nil {
		s.unused(ch, err)
		return fmt.Errorf("subscribe: %w", err)
	}
	ch = ch.with(s.p.tokens.shown.Load())
	s.do("opening another socket")
	o := newOverlap()
	(*present).recording.Store(o)
	next, err := s.p.dial(ctx, ch)
	if err != nil {
		s.unused(ch, err)
		return err
	}
	s.do("the last events of the old socket")
	old := s.ch
	s.use(ch, true)
	s.takeOver(ctx, present, next, o, s.isGood(*present, r.cause))
	s.confirmed(next, v, refused)
	s.p.counters.renewals.Add(1)
	if r.cause == "" {
		s.keep(ctx, old, v)
	} else if r.cause == CauseStarved {
		s.p.leave(old)
	}
	return nil
}

// unused puts a channel away that could not be taken into use. One that does not exist
// any more came to nothing.
func (s *slot) unused(ch *channel, err error) {
	if errors.Is(err, errChannelGone) {
		s.p.wasted(false)
		return
	}
	s.p.giveBack(ch)
}

// keep remembers a channel that was replaced by plan, so that the next renewals
// alternate between two rather than create ever new ones. Its topics are put with the
// new token: perhaps that keeps it alive.
func (s *slot) keep(ctx context.Context, old *channel, v share) {
	const patience = 5 * time.Second
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	topics := v.topics(s.shape())
	_, err := s.p.subscribe(limited, http.MethodPut, old.ID, topics[:min(1, len(topics))])
	switch {
	case errors.Is(err, errChannelGone):
		return
	case err == nil:
		old = old.with(s.p.tokens.shown.Load())
		old.Expires = s.p.client.now().Add(channelLife)
	}
	s.p.giveBack(old)
}

// isGood reports whether a socket that is replaced for a cause may still deliver something. One
// that has been mute may not even answer, and meanwhile its successor would not be read.
func (s *slot) isGood(old *socket, cause Cause) bool {
	switch cause {
	case CauseTokenLost:
		return false
	case CauseStarved:
		return time.Since(unixNano(old.event.Load())) < s.p.opts.Timings.Overlap
	default:
		return true
	}
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
