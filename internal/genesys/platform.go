package genesys

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Platform is one connection to an organization, as one OAuth client.
type Platform struct {
	opts      Options
	log       *slog.Logger
	tokens    *tokens
	client    *client
	dialer    *http.Client // opens sockets
	creations *creations
	counters  counters

	flatRefused, nestedUseless learned
	stateless                  atomic.Bool // out of office is not among the topics
	// Set by Run before any goroutine starts:
	sink Sink
	feed *feed
	// prepared brings what Run begins with, nil if that failed; itself nil when nothing was
	// prepared.
	prepared <-chan *roster

	wait      sync.WaitGroup // all goroutines of Run
	dirty     chan struct{}  // channels are to be saved
	uncounted chan struct{}  // and to be counted
	stale     chan struct{}  // users' states are to be read again
	looking   sync.Mutex     // held while channels are counted before one is created
	unsaved   atomic.Bool    // the store has refused the latest list of channels
	monitored atomic.Pointer[map[string]bool]

	mu         sync.Mutex
	running    context.Context // of Run; nil before and after
	slots      []*slot
	topic      string           // kind that works
	channels   map[int]*channel // in use, by slot
	remembered []*channel       // not in use: of an earlier run, or replaced by plan
	left       []*channel       // exist, but are of no use
	born       []birth          // lately
	budget     ChannelBudget
	directory  *Directory
	stations   stationBook
	rejected   map[int]map[RejectedTopics]int
	lastError  string
	lastTime   time.Time
	loggedTime time.Time
}

// New checks the options and prepares a connection. It does not talk to anybody.
func New(opts Options) (*Platform, error) {
	opts.setDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("genesys options: %w", err)
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: opts.Timings.Dial,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     time.Minute,
		ForceAttemptHTTP2:   true,
	}
	if opts.ProxyURL != "" {
		proxy, err := url.Parse(opts.ProxyURL)
		if err != nil {
			return nil, errors.New("genesys options: proxy URL cannot be read")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	// Websockets need HTTP/1.1, and a redirect would take the channel's address along.
	sockets := transport.Clone()
	sockets.ForceAttemptHTTP2 = false
	sockets.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	t := newTokens(&opts, transport)
	p := &Platform{
		opts:      opts,
		log:       opts.Logger,
		tokens:    t,
		client:    newClient(&opts, transport, t),
		dialer:    &http.Client{Transport: sockets, CheckRedirect: sameHost},
		creations: newCreations(&opts),
		dirty:     make(chan struct{}, 1),
		uncounted: make(chan struct{}, 1),
		stale:     make(chan struct{}, 1),
		topic:     opts.Topic,
		channels:  make(map[int]*channel),
		rejected:  make(map[int]map[RejectedTopics]int),
	}
	sockets.DialContext = p.dialBuffered
	return p, nil
}

// Run connects, discovers, subscribes and delivers to the sink until ctx ends. It
// returns ctx's error then. It must be called once, with the same ctx as [Platform.Prepare].
func (p *Platform) Run(ctx context.Context, sink Sink) error {
	p.mu.Lock()
	if p.sink != nil {
		p.mu.Unlock()
		return errors.New("genesys: Run was called before")
	}
	ctx, cancel := context.WithCancel(ctx)
	p.sink, p.feed, p.running = sink, newFeed(sink), ctx
	p.mu.Unlock()
	p.feed.started()
	p.manage(ctx)
	cancel()
	p.mu.Lock()
	p.running = nil
	p.mu.Unlock()
	p.wait.Wait()
	p.Close()
	return ctx.Err()
}

// Close lets go of idle connections. Only a platform that was used without Run needs
// it.
func (p *Platform) Close() {
	p.client.http.CloseIdleConnections()
	p.dialer.CloseIdleConnections()
}

// Renew gets a new token and moves every channel to it, new before old, one after
// the other. It returns when all are moved or the first one failed; a failure leaves
// the rest on the old token. A channel that is down is waited for: bound ctx. What it
// waits for is logged when it takes longer than [Timings.Notice].
func (p *Platform) Renew(ctx context.Context) error {
	p.mu.Lock()
	running, slots := p.running, slices.Clone(p.slots)
	p.mu.Unlock()
	if running == nil {
		return errNotRunning
	}
	var present atomic.Pointer[slot]
	defer p.notice(func() string {
		if s := present.Load(); s != nil {
			return fmt.Sprintf("channel %d: %s", s.index, s.obstacle())
		}
		return "a token"
	})()
	if _, err := p.tokens.renew(ctx); err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	for _, s := range slots {
		present.Store(s)
		r := replacement{done: make(chan error, 1)}
		var err error
		select {
		case s.requests <- r:
			select {
			case err = <-r.done:
			case <-ctx.Done():
				err = ctx.Err()
			case <-running.Done():
				err = errNotRunning
			}
		case <-ctx.Done():
			err = ctx.Err()
		case <-running.Done():
			err = errNotRunning
		}
		if err != nil {
			return fmt.Errorf("renew: move channel %d: %w", s.index, err)
		}
	}
	return nil
}

// failed notes the error of an operation, and logs it unless it is repeated all the
// time.
func (p *Platform) failed(log *slog.Logger, operation string, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	now := time.Now()
	p.mu.Lock()
	text := operation + ": " + err.Error()
	repeated := text == p.lastError && now.Sub(p.loggedTime) < time.Minute
	p.lastError, p.lastTime = text, now
	if !repeated {
		p.loggedTime = now
	}
	p.mu.Unlock()
	var noToken *tokenError
	if repeated || errors.As(err, &noToken) { // the latter is logged where it arises
		log.Debug("operation failed", "operation", operation, "error", err)
		return
	}
	log.Warn("operation failed", "operation", operation, "error", err)
}

// kind returns the topic that works, as far as known.
func (p *Platform) kind() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.topic
}

func (p *Platform) prefer(kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.topic = kind
}

func (p *Platform) isMonitored(user string) bool {
	m := p.monitored.Load()
	return m != nil && (*m)[user]
}

func (p *Platform) monitoredUsers() []string {
	var users []string
	if m := p.monitored.Load(); m != nil {
		for u := range *m {
			users = append(users, u)
		}
	}
	return users
}
