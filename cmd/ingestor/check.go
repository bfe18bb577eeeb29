package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/nats-io/nats.go"

	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/check"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// checkAll tries everything that the service needs, and says what to fix. The exit
// status is 1 when a check failed and 2 when the settings cannot be used.
func checkAll(args, environ []string, stdout, stderr io.Writer) int {
	f := flags("check", "Tries for real whether the service would work with these settings, beside running\ninstances too, and says what to fix.", stderr)
	asJSON := f.Bool("json", false, "print one JSON document")
	if code, ok := parse(f, args, stderr); !ok {
		return code
	}
	s, err := settings.Load(environ)
	if err != nil {
		return wrongSettings(err, *asJSON, stdout, stderr)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	o := checkOptions(s)
	if !*asJSON {
		o.Show = func(r check.Result) { _ = r.WriteText(stdout) } // the summary fails too, and tells
	}
	report := check.Run(ctx, o)
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "ingestor: interrupted")
		return exitFailed
	}
	if *asJSON {
		err = report.WriteJSON(stdout)
	} else {
		err = report.WriteSummary(stdout)
	}
	if err != nil || !report.OK {
		return exitFailed
	}
	return exitOK
}

// checkOptions translates the settings for check.
func checkOptions(s settings.Settings) check.Options {
	silent := slog.New(slog.DiscardHandler)
	assets, keys := app.AssetsOf(s), app.KeysOf(s)
	return check.Options{
		Adapter: s.AdapterName, Instance: s.InstanceID, Version: currentVersion(), Account: app.AccountOf(s),
		Platform: app.PlatformOptions(s, silent),
		Dial:     func(ctx context.Context) (*nats.Conn, error) { return app.Dial(ctx, s, silent) },
		Stream:   assets.Stream, Lease: assets.Lease, State: assets.State, Provision: s.NATSProvision,
		LeaseKey: keys.Lease, StateKeys: []string{keys.Report, keys.Channels},
		CommandSubject: app.ServicePrefix(s.AdapterName, s.InstanceID), DiscoverySubject: "$SRV.PING." + app.ServiceName, Warnings: s.Warnings,
	}
}

// wrongSettings reports settings that cannot be used, in the form that was asked for.
func wrongSettings(err error, asJSON bool, stdout, stderr io.Writer) int {
	wrong, found := errors.AsType[*settings.Error](err)
	if !found {
		fmt.Fprintln(stderr, err)
		return exitSetting
	}
	problems := make([]string, len(wrong.Problems))
	for i, p := range wrong.Problems {
		problems[i] = p.String()
	}
	report := check.WrongSettings(currentVersion(), problems, wrong.Unused)
	if asJSON {
		_ = report.WriteJSON(stdout) // the status says it too
		return exitSetting
	}
	for _, r := range report.Results {
		_ = r.WriteText(stdout) // the status says it too
	}
	return exitSetting
}

// flags begins the options of a command.
func flags(command, what string, stderr io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "Usage: ingestor %s [options]\n\n%s\n\n", command, what)
		f.PrintDefaults()
	}
	return f
}

// parse reads the options of a command, which takes no other arguments. It returns
// false, and the exit status, when the command is not to be run.
func parse(f *flag.FlagSet, args []string, stderr io.Writer) (code int, ok bool) {
	help := f.Usage
	f.SetOutput(io.Discard) // one line says what is wrong, and not fifty
	f.Usage = func() {}
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(stderr)
		help()
		return exitOK, false
	case err != nil:
		fmt.Fprintf(stderr, "ingestor %s: %v; -h lists the options\n", f.Name(), err)
		return exitSetting, false
	case f.NArg() > 0:
		fmt.Fprintf(stderr, "ingestor %s: unexpected %q; -h lists the options\n", f.Name(), f.Arg(0))
		return exitSetting, false
	}
	return exitOK, true
}
