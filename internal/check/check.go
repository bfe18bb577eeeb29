package check

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// Status is the outcome of one check.
type Status string

// The outcomes.
const (
	Passed  Status = "ok"
	Warned  Status = "warning" // works, with less than it could
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is what one check found.
type Result struct {
	// Name is the check, in snake_case. It does not change between versions.
	Name   string `json:"name"`
	Status Status `json:"status"`
	// Detail is what was found, or what was missing to find it out.
	Detail string `json:"detail"`
	// Fix is what to do about it.
	Fix string `json:"fix,omitempty"`
	// Millis is how long it took.
	Millis int64 `json:"durationMillis"`
}

// Options say what to check. All fields are required but those with a default.
type Options struct {
	Adapter, Instance, Version string
	// Account is the fingerprint of OAuth client and region that an instance with
	// these settings reports.
	Account string

	// Platform is whom to ask, as whom, about whom. Its logger is replaced.
	Platform genesys.Options

	// Dial opens a connection to NATS within a few seconds.
	Dial func(context.Context) (*nats.Conn, error)
	// What must be there in JetStream, and whether the service creates it at its start.
	Stream       publish.StreamOptions
	Lease, State publish.BucketOptions
	Provision    bool
	// LeaseKey and StateKeys are what the instance writes in its buckets.
	LeaseKey  string
	StateKeys []string
	// CommandSubject begins the subjects on which the instance takes commands.
	CommandSubject string
	// DiscoverySubject is one on which the tools of NATS look for instances.
	DiscoverySubject string

	// Warnings are about settings that are not used.
	Warnings []string

	// Show, when set, gets each result as soon as it is known.
	Show func(Result)
	// Listen is how long to wait for reports of the other instance. Default 2.5 s: each
	// reports every second.
	Listen time.Duration
}

// step is one check. It runs when all those that it needs have not failed.
type step struct {
	name  string
	needs []string
	run   func(context.Context) Result
}

// checker carries what one step found out to the next.
type checker struct {
	Options
	begun   time.Time
	results map[string]Status
	notes   *notes

	probe    *genesys.Probe
	reached  []genesys.Reached
	users    []string
	channels int
	limit    int

	nc      *nats.Conn
	js      jetstream.JetStream
	denials *denials
	there   map[string]bool // names of the stream and buckets that exist as they must
	last    uint64          // sequence of the stream
}

// Run makes all checks, one after the other.
func Run(ctx context.Context, o Options) Report {
	if o.Listen <= 0 {
		o.Listen = 2500 * time.Millisecond
	}
	c := &checker{
		Options: o, begun: time.Now(), results: map[string]Status{}, notes: &notes{}, denials: newDenials(), there: map[string]bool{},
	}
	report := Report{Adapter: o.Adapter, Instance: o.Instance, Version: o.Version, At: c.begun.UTC().Truncate(time.Millisecond)}
	o.Platform.Logger = slog.New(c.notes)
	probe, err := genesys.NewProbe(o.Platform)
	if err != nil {
		report.add(o.Show, failed(err.Error(), "correct the setting").named("settings"))
		return report
	}
	c.probe = probe
	defer probe.Close()
	defer func() {
		if c.nc != nil {
			c.nc.Close()
		}
	}()
	for _, s := range c.steps() {
		report.add(o.Show, c.do(ctx, s))
	}
	return report
}

func (c *checker) steps() []step {
	list := []step{
		{"settings", nil, c.settings},
		{"login_host", nil, func(ctx context.Context) Result { return c.reach(ctx, c.Platform.LoginURL, "GENESYS_LOGIN_URL") }},
		{"api_host", nil, func(ctx context.Context) Result { return c.reach(ctx, c.Platform.APIURL, "GENESYS_API_URL") }},
		{"clock", nil, c.clock},
		{"token", []string{"login_host"}, c.token},
		{"topics", []string{"api_host", "token"}, c.topics},
		{"users", []string{"api_host", "token"}, c.findUsers},
		{"conversations", []string{"api_host", "token"}, c.conversations},
		{"analytics", []string{"api_host", "token"}, c.analytics},
		{"queues", []string{"api_host", "token"}, c.queues},
	}
	if c.Platform.AgentEvents {
		list = append(list, step{"presence", []string{"api_host", "token"}, c.presence})
	}
	return append(list,
		step{"stations", []string{"api_host", "token"}, c.stations},
		step{"channels", []string{"api_host", "token"}, c.countChannels},
		step{"nats", nil, c.connect},
		step{"stream", []string{"nats"}, c.stream},
		step{"lease_bucket", []string{"nats"}, func(ctx context.Context) Result { return c.bucket(ctx, c.Lease) }},
		step{"state_bucket", []string{"nats"}, func(ctx context.Context) Result { return c.bucket(ctx, c.State) }},
		step{"publish", []string{"nats"}, c.publish},
		step{"read", []string{"nats"}, c.read},
		step{"commands", []string{"nats"}, c.commands},
		// It comes this late because its channel is remembered in the state bucket.
		step{"websocket", []string{"users", "channels"}, c.websocket},
		step{"other_instance", []string{"state_bucket"}, c.otherInstance},
	)
}

// do runs one step, or says what it needs.
func (c *checker) do(ctx context.Context, s step) Result {
	var missing []string
	for _, need := range s.needs {
		if st := c.results[need]; st != Passed && st != Warned {
			missing = append(missing, plain(need))
		}
	}
	begin := time.Now()
	var r Result
	if len(missing) > 0 {
		r = skipped("needs " + strings.Join(missing, " and "))
	} else {
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		r = s.run(limited)
		cancel()
	}
	r.Name, r.Millis = s.name, time.Since(begin).Milliseconds()
	c.results[s.name] = r.Status
	return r
}

func (c *checker) settings(context.Context) Result {
	text := fmt.Sprintf("adapter %s, instance %s", c.Adapter, c.Instance)
	if len(c.Warnings) > 0 {
		return warned(text, strings.Join(c.Warnings, "; "))
	}
	return passed("%s", text)
}

func passed(format string, args ...any) Result {
	return Result{Status: Passed, Detail: fmt.Sprintf(format, args...)}
}

func skipped(detail string) Result { return Result{Status: Skipped, Detail: detail} }

func failed(detail, fix string) Result { return Result{Status: Failed, Detail: detail, Fix: fix} }

func warned(detail, fix string) Result { return Result{Status: Warned, Detail: detail, Fix: fix} }

func (r Result) named(name string) Result {
	r.Name = name
	return r
}

// plain is the name of a check for people.
func plain(name string) string { return strings.ReplaceAll(name, "_", " ") }

// reason is the last part of an error that has several: the others say where it was.
func reason(err error) string {
	if err == nil {
		return ""
	}
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](err); ok && len(joined.Unwrap()) > 0 {
		var texts []string
		for _, e := range joined.Unwrap() {
			if e != nil && !errors.Is(e, context.DeadlineExceeded) {
				texts = append(texts, e.Error())
			}
		}
		if len(texts) > 0 {
			return strings.Join(texts, "; ")
		}
	}
	return err.Error()
}
