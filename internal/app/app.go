package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/lease"
	"github.com/recorderbridge/genesys-ingestor/internal/logging"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
	"github.com/recorderbridge/genesys-ingestor/internal/restart"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// Options are what main knows and settings do not.
type Options struct {
	Settings settings.Settings
	// Version is shown in reports, metrics and heartbeats.
	Version string
	Logger  *slog.Logger
	// Level, when set, lets the log level be changed at run time.
	Level *slog.LevelVar
	// Registry collects the metrics. Required.
	Registry *prometheus.Registry
}

// App is one ingestor.
type App struct {
	opts Options
	set  settings.Settings
	log  *slog.Logger

	listener net.Listener
	metrics  *metrics
	recent   *logging.Recent
	names    *names
	peers    *peers
	natsUp   *publish.State
	haste    *publish.Haste
	schedule restart.Schedule
	account  string
	started  time.Time
	process  string // random

	nc       *nats.Conn
	js       jetstream.JetStream
	state    jetstream.KeyValue
	lanes    *publish.Lanes
	tail     *publish.Tail
	engine   *bridge.Engine
	platform *genesys.Platform
	lease    *lease.Lease

	// established: no other process of this INSTANCE_ID is there.
	established atomic.Bool
	// powerless: NATS refuses the right to take the lease.
	powerless atomic.Bool
	caughtUp  atomic.Bool
	opened    atomic.Bool // everything that needs NATS is there
	// readySince is when this instance began to observe everybody, in Unix nanoseconds,
	// 0 while it does not.
	readySince atomic.Int64
	// connect is closed when the platform may be connected: at once, or when told to with
	// STARTUP_TYPE=manual.
	connect     chan struct{}
	connectOnce sync.Once
	// leave is closed when this process is to hand over and end well.
	leave     chan struct{}
	done      chan struct{}
	leaveOnce sync.Once
	// renewals asks for a restart of the session now.
	renewals chan string
	// handing is until when this instance lets the other one lead, counted from started.
	handing atomic.Int64
	// tell makes the next report go out at once.
	tell chan struct{}
	// reported is when the last report was written, in Unix nanoseconds: the last time
	// that JetStream is known to have worked.
	reported atomic.Int64
	// leaseKey is the key of the lease in its bucket.
	leaseKey string

	mu           sync.Mutex
	role         recording.InstanceRole
	epoch        uint64
	primarySince time.Time
	renewed      time.Time
	nextRestart  restart.Plan
	lastError    string
}

// New opens the HTTP listener and wires what needs no network. Everything else
// happens in [App.Run].
func New(o Options) (*App, error) {
	s := o.Settings
	schedule, err := restart.New(s.RestartTime.Hour, s.RestartTime.Minute, s.RestartTimezone.Location())
	if err != nil {
		return nil, fmt.Errorf("restart schedule: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.HTTPAddr)
	if err != nil {
		return nil, fmt.Errorf("HTTP_ADDR: %w", err)
	}
	process := rand.Text()
	a := &App{
		opts: o, set: s, log: o.Logger, listener: listener, names: newNames(), peers: newPeers(s.InstanceID, process), process: process,
		natsUp: publish.NewState(), haste: publish.NewHaste(), schedule: schedule, account: account(s.ClientID, s.APIURL), started: time.Now(),
		connect: make(chan struct{}), leave: make(chan struct{}), done: make(chan struct{}), renewals: make(chan string, 1), tell: make(chan struct{}, 1), leaseKey: "leader",
		role: recording.Secondary, renewed: time.Now(),
	}
	a.recent = logging.Remember(o.Logger.Handler(), logLines)
	a.log = slog.New(a.recent)
	a.metrics = newMetrics(a, o.Registry)
	if s.StartupType != settings.StartupManual {
		a.Start()
	}
	return a, nil
}

// logLines is how many different warnings and errors the status page shows.
const logLines = 20

// Addr is the address of the HTTP listener.
func (a *App) Addr() string { return a.listener.Addr().String() }

// Start lets an instance with STARTUP_TYPE=manual connect. Further calls do nothing.
func (a *App) Start() { a.connectOnce.Do(func() { close(a.connect) }) }

// Stop makes [App.Run] hand over and return nil.
func (a *App) Stop() {
	a.leaveOnce.Do(func() {
		close(a.leave)
		a.reportNow()
	})
}

// Done is closed when [App.Run] has returned.
func (a *App) Done() <-chan struct{} { return a.done }

// Run runs the ingestor until ctx ends or [App.Stop] is called, and hands over before
// it returns nil. An error means that going on makes no sense.
func (a *App) Run(ctx context.Context) error {
	defer close(a.done)
	var last teardown
	defer last.run(a.log) //nolint:contextcheck // what is taken down outlives the context
	a.serve(&last)

	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	go func() { // the end of ctx is a request to hand over, not to drop everything
		select {
		case <-ctx.Done():
			a.Stop()
		case <-work.Done():
		}
	}()
	go func() {
		select {
		case <-a.leave:
			// Before anything is connected there is nothing to hand over.
			if !a.opened.Load() {
				cancel(errLeaving)
			}
		case <-work.Done():
		}
	}()
	if err := a.open(work, &last); err != nil {
		return quiet(err, a.leaving())
	}
	err := quiet(a.operate(work, cancel), a.leaving())
	if err == nil {
		a.farewell() //nolint:contextcheck // the context has ended: that is why
	}
	return err
}

var errLeaving = errors.New("leaving")

func (a *App) leaving() bool {
	select {
	case <-a.leave:
		return true
	default:
		return false
	}
}

// quiet drops the errors of an end that was asked for.
func quiet(err error, leaving bool) error {
	if leaving && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errLeaving)) {
		return nil
	}
	return err
}

// open connects to NATS and makes everything that needs it.
func (a *App) open(ctx context.Context, last *teardown) error {
	s := a.set
	nc, err := publish.Connect(ctx, a.connection())
	if err != nil {
		return fmt.Errorf("connect to NATS: %w", err)
	}
	last.add("nats", func(context.Context) error { nc.Close(); return nil })
	a.nc = nc
	if err = a.awaitNATS(ctx); err != nil {
		return err
	}
	if a.js, err = jetstream.New(nc); err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	if err = a.provision(ctx); err != nil {
		return err
	}
	if a.state, err = retry(ctx, a, "open the state bucket", func(ctx context.Context) (jetstream.KeyValue, error) {
		return a.js.KeyValue(ctx, stateBucket(s))
	}); err != nil {
		return err
	}
	if err = a.assemble(ctx); err != nil {
		return err
	}
	last.add("lanes", a.lanes.Close)
	a.opened.Store(true)
	return nil
}

// awaitNATS waits until the first server is reached, and says why it is not.
func (a *App) awaitNATS(ctx context.Context) error {
	for {
		bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := publish.WaitConnected(bounded, a.nc)
		cancel()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		a.log.Warn("NATS cannot be reached, trying again", "servers", a.set.NATSURLs, "error", err)
	}
}

// assemble makes the parts between the platform and the stream.
func (a *App) assemble(ctx context.Context) error {
	s := a.set
	stream := publish.StreamName(s.AdapterName)
	var err error
	var room []bridge.Outcome // one call at a time
	if a.lanes, err = publish.NewLanes(a.js, publish.LanesOptions{Stream: stream, Logger: a.log, Denied: a.natsUp.Denied},
		func(r []publish.Result) {
			room = outcomes(room[:0], r)
			a.engine.Resolve(room)
			a.tail.Acknowledged(r)
		}); err != nil {
		return fmt.Errorf("open lanes: %w", err)
	}
	events := publish.NewReader(a.js, stream)
	if a.platform, err = genesys.New(a.genesysOptions()); err != nil {
		return err
	}
	a.engine = bridge.NewEngine(a.engineOptions(events))
	since, err := a.window(ctx, events)
	if err != nil {
		return err
	}
	if a.tail, err = publish.NewTail(a.js, publish.TailOptions{
		Stream: stream, Subject: recording.AllSubjects(s.AdapterName), Since: since, Haste: a.haste, Logger: a.log,
		CaughtUp: func() {
			a.engine.Recovered()
			a.caughtUp.Store(true)
		},
	}); err != nil {
		return fmt.Errorf("open the tail: %w", err)
	}
	a.lanes.Trust(a.tail)
	store, err := retry(ctx, a, "open the lease bucket", func(ctx context.Context) (lease.Store, error) {
		return lease.NewStore(ctx, a.js, leaseBucket(s))
	})
	if err != nil {
		return err
	}
	a.lease, err = lease.New(lease.Options{
		Store: store, Key: a.leaseKey, Instance: s.InstanceID, TTL: s.LeaseTTL, Gate: a.mayLead, Logger: a.log,
	})
	return err
}

// window is where to begin reading the stream so that every open leg is seen: each
// has an event within twice the refresh interval before the last feed event, however
// long ago that was.
func (a *App) window(ctx context.Context, events *publish.Reader) (time.Time, error) {
	e, err := retry(ctx, a, "read the last feed event", func(ctx context.Context) (publish.Entry, error) {
		e, _, err := events.Last(ctx, recording.FeedSubject(a.set.AdapterName))
		return e, err
	})
	if err != nil || e.Sequence == 0 {
		return time.Time{}, err
	}
	interval := a.set.RefreshInterval
	if v, err := recording.Decode(e.Data); err == nil {
		if f, ok := v.(*recording.FeedEvent); ok {
			interval = max(interval, time.Duration(f.Data.RefreshInterval)*time.Second)
		}
	}
	return e.Time.Add(-2*interval - time.Minute), nil
}

// operate runs the parts until one says that going on makes no sense, or until this
// instance leaves.
func (a *App) operate(ctx context.Context, cancel context.CancelCauseFunc) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel(nil)
	run := func(name string, f func(context.Context) error) {
		parts.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	known := a.wasHere(ctx)
	run("engine", a.engine.Run)
	run("tail", a.follow)
	run("broker", func(ctx context.Context) error { a.awaitReturns(ctx); return nil })
	run("reports", a.report)
	a.peers.complains = a.listen
	run("peers", func(ctx context.Context) error { a.peers.watch(ctx, a.state, a.log); return nil })
	run("rights", a.rights)
	run("memory", a.trim)
	if err := a.checkAccount(ctx); err != nil {
		return err
	}
	if known {
		if err := a.admit(ctx); err != nil {
			return err
		}
	}
	a.established.Store(true)
	run("twins", a.meet)
	service, err := a.service()
	if err != nil {
		a.log.Warn("commands over NATS are not available", "error", err)
	} else {
		defer func() { _ = service.Stop() }()
	}
	run("platform", a.observe)
	run("restarts", a.restarts)
	if err := a.lead(ctx); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// follow reads the stream. A stream that was made anew has no history: everything
// open is told again, and it is said that history is gone.
func (a *App) follow(ctx context.Context) error {
	a.engine.Recover()
	return a.tail.Run(ctx, func(entries []publish.Entry) {
		out := make([]bridge.Entry, len(entries))
		for i := range entries {
			out[i] = entry(&entries[i])
		}
		a.engine.Entries(out)
	})
}

// awaitReturns says whenever the connection to NATS is back.
func (a *App) awaitReturns(ctx context.Context) {
	connected := a.nc.StatusChanged(nats.CONNECTED)
	defer a.nc.RemoveStatusListener(connected)
	for {
		select {
		case <-ctx.Done():
			return
		case <-connected:
			a.engine.Do(func(c *bridge.Core, now time.Time) { c.Returned(now) })
		}
	}
}

// observe connects to the platform once that is wanted and the stream is read. Meanwhile it
// finds out whom there is to observe.
func (a *App) observe(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-a.connect:
	}
	a.setRenewed(time.Now())
	a.platform.Prepare(ctx)
	for !a.caughtUp.Load() && ctx.Err() == nil {
		pause(ctx, 10*time.Millisecond)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return a.platform.Run(ctx, &sink{app: a, engine: a.engine, names: a.names, agents: a.set.AgentEvents})
}

// serve answers HTTP until teardown.
func (a *App) serve(last *teardown) {
	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(a.listener)
	}()
	last.add("http", func(ctx context.Context) error {
		defer func() { <-done }()
		if err := server.Shutdown(ctx); err != nil {
			return server.Close()
		}
		return nil
	})
}
