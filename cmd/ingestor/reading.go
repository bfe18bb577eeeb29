package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
	"github.com/recorderbridge/genesys-ingestor/internal/watch"
)

// readOptions are those of all commands that read the stream.
type readOptions struct {
	filter     watch.Filter
	json       *bool
	inbox, api *string
}

func addReadOptions(f *flag.FlagSet, what string) *readOptions {
	o := &readOptions{
		json:  f.Bool("json", false, what),
		inbox: f.String("inbox", "", "`prefix` of the reply subjects, where the NATS user has an own one (default: that of the service, else _INBOX)"),
		api:   f.String("api-prefix", "", "`prefix` of the JetStream API, where it is imported from another account, such as JS.rec.API"),
	}
	f.StringVar(&o.filter.Agent, "agent", "", "only this agent: the user `id`, or a part of the name")
	f.StringVar(&o.filter.Conversation, "conversation", "", "only this conversation: the `id` or its beginning")
	f.StringVar(&o.filter.Leg, "leg", "", "only this leg: the `id` or its beginning")
	return o
}

// tail shows events as they are stored.
func tail(args, environ []string, stdout, stderr io.Writer) int {
	f := flags("tail", "Shows what a recorder sees, one line per event, until interrupted: when it happened\n(local time), verb, cause, state, revision, agent, conversation, leg. Needs ADAPTER_NAME\nand the settings of NATS, and the rights of a recorder.", stderr)
	o := addReadOptions(f, "print each event as it is stored, with numbers and heartbeats")
	verbs := f.String("verb", "", "only these `verbs`: prepare, start, pause, resume, update, stop; separated by commas")
	f.BoolVar(&o.filter.Calls, "calls", false, "events of calls")
	f.BoolVar(&o.filter.Agents, "agents", false, "events of agents")
	f.BoolVar(&o.filter.Feed, "feed", false, "events of the feed, with heartbeats")
	since := f.String("since", "", "begin at this `time`: 10m ago, or RFC 3339 such as 2026-11-22T08:15:00Z (default: now)")
	open := f.Bool("open", false, "begin with the last event of each open leg")
	if code, ok := parse(f, args, stderr); !ok {
		return code
	}
	t := watch.TailOptions{JSON: *o.json, Out: stdout}
	var err error
	if o.filter.Verbs, err = watch.ParseVerbs(*verbs); err != nil {
		fmt.Fprintf(stderr, "ingestor tail: -verb: %v\n", err)
		return exitSetting
	}
	switch {
	case *open && *since != "":
		fmt.Fprintln(stderr, "ingestor tail: -open and -since cannot be used together: open legs begin where they do")
		return exitSetting
	case *open:
		t.From = watch.FromOpen
	case *since != "":
		t.From = watch.FromTime
		if t.Ago, t.At, err = ago(*since); err != nil {
			fmt.Fprintf(stderr, "ingestor tail: -since: %v\n", err)
			return exitSetting
		}
	}
	if err := o.filter.Check(); err != nil {
		fmt.Fprintf(stderr, "ingestor tail: %v\n", err)
		return exitSetting
	}
	t.Filter = o.filter
	return o.read(environ, stderr, func(ctx context.Context, s watch.Source) error {
		t.Source = s
		return watch.Tail(ctx, t)
	})
}

// legs shows what should be recorded now.
func legs(args, environ []string, stdout, stderr io.Writer) int {
	f := flags("legs", "Shows the legs that should be recorded now, open gaps, and how old this knowledge is.\nIt reads what a recorder reads at its start. Needs ADAPTER_NAME and the settings of\nNATS, and the rights of a recorder.", stderr)
	o := addReadOptions(f, "print one JSON document")
	if code, ok := parse(f, args, stderr); !ok {
		return code
	}
	if err := o.filter.Check(); err != nil {
		fmt.Fprintf(stderr, "ingestor legs: %v\n", err)
		return exitSetting
	}
	return o.read(environ, stderr, func(ctx context.Context, s watch.Source) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		snapshot, err := watch.Legs(ctx, s, o.filter)
		if err != nil {
			return err
		}
		if *o.json {
			return snapshot.WriteJSON(stdout)
		}
		return snapshot.WriteText(stdout)
	})
}

// ago reads a time or how long ago it was.
func ago(text string) (time.Duration, time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d, time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		if time.Until(t) > time.Minute { // clocks differ
			return 0, time.Time{}, fmt.Errorf("%q is in the future", text)
		}
		return 0, t, nil
	}
	return 0, time.Time{}, fmt.Errorf("%q must be a duration such as 10m, or a time such as 2026-11-22T08:15:00Z", text)
}

// read runs a command that reads the stream.
func (o *readOptions) read(environ []string, stderr io.Writer, run func(context.Context, watch.Source) error) int {
	s, err := settings.LoadReading(environ)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitSetting
	}
	// Whoever closes the pipe has seen enough: the write fails, and that is the end.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	const nothing = slog.Level(100)
	level := new(slog.LevelVar)
	level.Set(nothing) // until it is known which reply subjects the user may have
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	nc, err := o.dial(ctx, s, log)
	if err == nil {
		defer nc.Close()
		level.Set(max(s.LogLevel, slog.LevelWarn))
		var js jetstream.JetStream
		if js, err = o.jetStream(nc); err == nil {
			err = run(ctx, watch.Source{JS: js, Adapter: s.AdapterName, Logger: log})
		}
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, syscall.EPIPE) {
		fmt.Fprintf(stderr, "ingestor: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func (o *readOptions) jetStream(nc *nats.Conn) (jetstream.JetStream, error) {
	if *o.api != "" {
		return jetstream.NewWithAPIPrefix(nc, *o.api)
	}
	return jetstream.New(nc)
}

// dial connects with reply subjects that the user may have. The rights of a recorder
// are not those of the service: what it may subscribe to is found out.
func (o *readOptions) dial(ctx context.Context, s settings.Settings, log *slog.Logger) (*nats.Conn, error) {
	for _, prefix := range []string{*o.inbox, cmp.Or(*o.inbox, nats.InboxPrefix[:len(nats.InboxPrefix)-1])} {
		nc, err := app.DialAs(ctx, s, prefix, log)
		if err != nil {
			return nil, err
		}
		sub, err := nc.SubscribeSync(nc.NewInbox())
		if err == nil {
			err = nc.FlushTimeout(5 * time.Second) // a refusal comes before the answer
		}
		if err == nil {
			err = nc.LastError()
		}
		if err == nil {
			return nc, sub.Unsubscribe()
		}
		nc.Close()
		if !errors.Is(err, nats.ErrPermissionViolation) {
			return nil, fmt.Errorf("connect to NATS: %w", err)
		}
	}
	return nil, errors.New("NATS refuses the reply subjects: name those that the user may subscribe to with -inbox")
}
