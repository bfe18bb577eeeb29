package genesys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// slot carries a share of the users on one channel. Its goroutine (run) decides
// everything: connect, subscribe, replace. Other goroutines only ask it to.
type slot struct {
	p        *Platform
	index    int
	log      *slog.Logger
	changed  chan struct{} // the share changed, or refused topics are to be tried again
	signals  chan signal   // from the reader
	requests chan replacement
	accused  chan struct{} // a trial has begun
	doing    atomic.Pointer[string]
	trial    atomic.Pointer[trial]

	// Of the goroutine of run only:
	kind         string // of topic
	plain        bool   // without out of office in the agents' topics
	ch           *channel
	worked       bool // ch has carried topics
	refusals     int  // sockets refused in a row by a channel that exists
	refused      rejections
	subscribed   share
	verified     time.Time            // the channel was known to exist
	shortLived   int                  // sockets in a row that were lost soon after opening
	delays       int                  // failed changes of topics in a row
	resubs       int                  // confirmations asked for by the platform in a row
	unsubscribed time.Time            // the platform asked for one last
	condemned    time.Time            // the channel was last replaced as starved
	owed         Cause                // of a replacement that failed
	strikes      map[string]time.Time // users of whom something was missing on a lively channel

	reports sync.Mutex // held while open changes and the feed is told; taken before mu
	mu      sync.Mutex // never held while the sink is called
	share   share
	socket  *socket              // the present one
	open    bool                 // it is open and its topics are confirmed
	since   map[string]time.Time // users observed without a break since
	expires time.Time
	// rejected are users of whom a frame was rejected since rejectedAt.
	rejected   map[string]bool
	rejectedAt time.Time
}

// signal is a system message and when it came.
type signal struct {
	topic SystemTopic
	at    time.Time
}

// replacement asks for a new channel.
type replacement struct {
	cause Cause     // empty: by plan, nothing is missing
	from  time.Time // since when something is missing; zero: now
	done  chan error
}

func (p *Platform) newSlot(index int) *slot {
	return &slot{
		p: p, index: index, log: p.log.With("slot", index), kind: p.kind(), plain: p.stateless.Load(),
		accused: make(chan struct{}, 1), changed: make(chan struct{}, 1), signals: make(chan signal, 4), requests: make(chan replacement),
	}
}

// assign sets the share; run subscribes the difference.
func (s *slot) assign(v share) {
	s.mu.Lock()
	s.share = v
	s.mu.Unlock()
	s.poke()
}

// poke makes run compare its share with what is subscribed.
func (s *slot) poke() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *slot) current() share {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.share
}

// run connects for ever.
func (s *slot) run(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		began := time.Now()
		confirmed, err := s.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		n = tries(n, time.Since(began), confirmed, s.shortLived)
		s.p.failed(s.log, "connect channel", err)
		s.do("the pause before the next try to connect")
		if sleep(ctx, backoff(n, s.p.opts.Timings.BackoffMin, s.p.opts.Timings.BackoffMax)) != nil {
			return
		}
	}
}

// worked is how long a session must have lasted to count as one that worked.
const worked = 2 * time.Second

// tries is how many of n failed tries in a row still count when another session has ended: none after one
// that has worked. Where its topics were confirmed the platform is there again, so that only the short
// sessions in a row count.
func tries(n int, lasted time.Duration, confirmed bool, short int) int {
	switch {
	case lasted > worked:
		return 0
	case confirmed:
		return min(n, short)
	}
	return n
}

// serve connects once, and stays until the socket is lost. It reports whether the topics were
// confirmed before.
func (s *slot) serve(ctx context.Context) (confirmed bool, err error) {
	if s.ch == nil {
		if err := s.acquire(ctx); err != nil {
			s.lose(causeOf(err, CauseUnreachable), time.Now())
			return false, err
		}
	}
	s.do("opening a socket")
	socket, err := s.p.dial(ctx, s.ch)
	if err != nil {
		err = s.refusedSocket(ctx, err)
		s.lose(causeOf(err, CauseUnreachable), time.Now())
		s.drop(err)
		return false, err
	}
	s.refusals = 0
	s.adopt(socket, nil) //nolint:contextcheck // a socket has a context of its own
	s.do("subscribing the topics")
	if err = s.confirm(socket); err == nil {
		confirmed = true
		err = s.stay(ctx, &socket)
	}
	s.detach()
	socket.close()
	if ctx.Err() != nil {
		return confirmed, ctx.Err()
	}
	// A channel whose sockets never last is used by somebody else, or is broken.
	// That its topics could not be put says nothing about the channel.
	const shortest, patience = 5 * time.Second, 3
	switch {
	case time.Since(socket.opened) > shortest:
		s.shortLived = 0
		if confirmed {
			s.p.creations.good()
		}
	case confirmed:
		s.shortLived++
	}
	if s.shortLived >= patience {
		s.log.Warn("sockets of this channel do not last: taking another channel", "sockets", s.shortLived)
		err = fmt.Errorf("%w: %w", errChannelGone, err)
		s.shortLived, s.worked = 0, false
		s.p.leave(s.ch)
	}
	s.drop(err)
	return confirmed, err
}

// refusedSocket asks REST about a channel whose socket was refused: as long as it
// exists there, it is tried again rather than replaced.
func (s *slot) refusedSocket(ctx context.Context, err error) error {
	const patience = 10
	if !errors.Is(err, errChannelGone) || s.p.checkChannel(ctx, s.ch.ID) != nil {
		return err
	}
	if s.refusals++; s.refusals >= patience {
		s.refusals = 0
		s.p.leave(s.ch)
		return err
	}
	return errRefusedSocket
}

// errRefusedSocket is returned while the platform contradicts itself.
var errRefusedSocket = errors.New("open socket: refused, although the channel exists")

// drop forgets a channel that is gone.
func (s *slot) drop(err error) {
	if errors.Is(err, errChannelGone) && s.ch != nil {
		s.p.counters.lost.Add(1)
		if !s.worked {
			s.p.wasted(false)
		}
		s.ch = nil
		s.p.remember(s.index, nil)
	}
}

// acquire takes a remembered channel that still exists, or creates one.
func (s *slot) acquire(ctx context.Context) error {
	s.do("a channel")
	margin := s.p.opts.Timings.TokenMargin
	if t := s.p.tokens.shown.Load(); t != nil {
		margin = min(margin, t.expires.Sub(t.since)/4)
	}
	ch, err := s.spare(ctx, margin)
	if ch == nil && err == nil {
		ch, err = s.p.createChannel(ctx)
	}
	if err != nil {
		return err
	}
	s.use(ch, false)
	return nil
}

// spare returns a remembered channel that still exists and may live for that long, nil
// when there is none.
func (s *slot) spare(ctx context.Context, least time.Duration) (*channel, error) {
	for ch := s.p.recall(least); ch != nil; ch = s.p.recall(least) {
		err := s.p.checkChannel(ctx, ch.ID)
		if err == nil {
			s.p.counters.reused.Add(1)
			if now := time.Now(); !now.Before(ch.Bound) {
				v := *ch
				v.Bound, v.Rebinds = ch.Rebound, true
				ch = &v
			}
			return ch, nil
		}
		if !errors.Is(err, errChannelGone) {
			s.p.giveBack(ch)
			return nil, fmt.Errorf("check channel: %w", err)
		}
	}
	return nil, nil
}

func (s *slot) use(ch *channel, worked bool) {
	s.ch, s.worked = ch, worked
	s.mu.Lock()
	s.expires = ch.Expires
	s.mu.Unlock()
	s.p.remember(s.index, ch)
}

// adopt makes a socket the present one and starts reading it.
func (s *slot) adopt(socket *socket, replay *overlap) {
	s.mu.Lock()
	s.socket = socket
	s.mu.Unlock()
	if replay != nil {
		replay.began = time.Now()
		_ = socket.ping(socket.alive) // the reader will notice a broken socket
	}
	socket.replay = replay
	r := &reader{slot: s, socket: socket, decoder: newSocketDecoder(s.p.opts.Attributes)}
	socket.begin(s.p, r.handle, r.long, func() { s.ended(socket) })
}

// ended reports the loss of the present socket at once, also while run is busy.
func (s *slot) ended(socket *socket) {
	s.reports.Lock()
	defer s.reports.Unlock()
	s.mu.Lock()
	socket.gone = true
	present := s.socket == socket && !socket.expected
	was := s.open
	if present {
		s.open = false
	}
	users := s.share.users
	s.mu.Unlock()
	if !present {
		return
	}
	s.p.counters.disconnects.Add(1)
	if was {
		cause := CauseSocketLost
		if errors.Is(socket.reason, errSilent) {
			cause = CauseSilent
		}
		s.p.feed.lose(cause, socket.lastFrame(), users)
	}
}

// expect says that the end of a socket is no loss for now: opening a second one on
// the same channel ends the first. When that failed the loss is reported late.
func (s *slot) expect(socket *socket, end bool) {
	s.mu.Lock()
	socket.expected = end
	late := socket.gone && !end
	s.mu.Unlock()
	if late {
		s.ended(socket)
	}
}

// detach lets go of the present socket, whose end is then no loss.
func (s *slot) detach() {
	s.mu.Lock()
	s.socket, s.open = nil, false
	s.mu.Unlock()
}

// lose reports the users of the slot down, with a cause that says more than an earlier
// one.
func (s *slot) lose(cause Cause, from time.Time) {
	s.reports.Lock()
	defer s.reports.Unlock()
	s.mu.Lock()
	s.open = false
	users := s.share.users
	s.mu.Unlock()
	s.p.feed.lose(cause, from, users)
}

func (s *slot) shape() shape { return shape{s.kind, s.plain} }

// causeOf names the cause behind an error.
func causeOf(err error, otherwise Cause) Cause {
	var noToken *tokenError
	switch {
	case errors.As(err, &noToken):
		return CauseTokenLost
	case errors.Is(err, errChannelGone):
		return CauseChannelLost
	}
	return otherwise
}
