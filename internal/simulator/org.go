package simulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ErrClosed is returned by operations on an organization whose Run has ended.
var ErrClosed = errors.New("simulator closed")

// Org is one organization. Create it with [New], serve it with [Org.Run].
// All methods are safe for concurrent use.
type Org struct {
	opts     Options
	log      *slog.Logger
	listener net.Listener
	dice     *dice
	scripts  map[Story]script

	directory directory
	access    access
	channels  channels
	hub       hub
	faults    faults
	casting   casting
	calls     calls
	ledger    ledger
	delayer   delayer

	ctx    context.Context // ends with Run or Close
	cancel context.CancelFunc
	mu     sync.Mutex // guards closing against a late work.Add
	closed bool
	work   sync.WaitGroup
}

// New creates the organization and listens at once, so that [Org.URL] is valid
// and early requests wait for Run instead of being refused. Call Run or Close,
// or the listener leaks.
func New(options Options) (*Org, error) {
	opts, err := options.resolve()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", opts.Addr)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("simulator listen: %w", err)
	}
	o := &Org{
		opts: opts, log: opts.Logger, listener: listener, dice: newDice(opts.Seed),
		ctx: ctx, cancel: cancel, scripts: scripts(),
	}
	o.access.init()
	o.channels.init()
	o.hub.init()
	o.calls.init()
	o.delayer.init()
	o.casting.init(o.dice.fork())
	o.populate()
	o.AddClient(Client{ID: opts.ClientID, Secret: opts.ClientSecret, TokenLife: opts.TokenLife})
	return o, nil
}

// URL is where everything is served: the login host, the API and the control
// endpoints. Websockets are at the connectUri of a channel.
func (o *Org) URL() string {
	if o.opts.PublicURL != "" {
		return strings.TrimSuffix(o.opts.PublicURL, "/")
	}
	return "http://" + o.listener.Addr().String()
}

// Run serves until ctx ends, then cuts every connection and waits for all that
// it started. It returns nil unless the server failed. It can be called once.
func (o *Org) Run(ctx context.Context) error {
	defer o.Close()
	stop := context.AfterFunc(ctx, o.cancel)
	defer stop()
	server := &http.Server{
		Handler:           o.track(o.routes()),
		BaseContext:       func(net.Listener) context.Context { return o.ctx },
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(o.log.Handler(), slog.LevelDebug),
	}
	if !o.spawn(func() { o.delayer.run(o.ctx) }) || !o.spawn(o.sweep) {
		return ErrClosed
	}
	failed := make(chan error, 1)
	if !o.spawn(func() { failed <- server.Serve(o.listener) }) {
		return ErrClosed
	}
	o.log.Info("simulator serves", "url", o.URL(), "users", o.opts.Users)
	var err error
	select {
	case <-o.ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("simulator serve: %w", err)
	}
	o.cancel()
	if cerr := server.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) {
		err = errors.Join(err, fmt.Errorf("simulator close: %w", cerr))
	}
	return err
}

// Close ends the organization and waits for its goroutines. It is only needed
// when Run is never called, and harmless otherwise.
func (o *Org) Close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.cancel()
	// An error here says that the server has closed it already.
	_ = o.listener.Close()
	o.work.Wait()
}

// spawn runs fn in a goroutine that Run waits for, unless the organization is closed.
func (o *Org) spawn(fn func()) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.work.Go(fn)
	return true
}

// track makes Run wait for every request, also for those that became websockets.
func (o *Org) track(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		if o.closed {
			o.mu.Unlock()
			return
		}
		o.work.Add(1)
		o.mu.Unlock()
		defer o.work.Done()
		next.ServeHTTP(w, r)
	})
}

// sweep applies what happens by the mere passing of time: tokens and channels
// that expire, faults that end, conversations that are forgotten.
func (o *Org) sweep() {
	every := min(time.Second, o.opts.TokenLife/4+time.Millisecond, o.opts.ChannelLife/4+time.Millisecond)
	if o.opts.Retain > 0 {
		every = min(every, o.opts.Retain)
	}
	ticker := time.NewTicker(max(every, 5*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-o.ctx.Done():
			return
		case at := <-ticker.C:
			o.expireTokens(at)
			o.expireChannels(at)
			if o.opts.Retain > 0 {
				o.calls.forget(at.Add(-o.opts.Retain))
			}
		}
	}
}
