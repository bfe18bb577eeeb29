// Command ingestor turns Genesys Cloud call notifications into recorder control
// events on NATS. It is configured by environment variables; -h prints them all.
//
// Without an argument it runs until it is told to stop. A first SIGTERM or interrupt
// hands the lead over and ends well, a second one ends at once.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // the container image has no time zones

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/logging"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// version is set by the linker in releases.
var version = ""

func main() { os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitSetting = 2 // a setting or the command line is wrong
)

func run(args, environ []string, stdout, stderr io.Writer) int {
	command := "run"
	if len(args) > 0 {
		command = args[0]
	}
	switch command {
	case "-h", "--help", "help":
		usage(stdout)
		return exitOK
	case "version", "--version":
		fmt.Fprintln(stdout, currentVersion())
		return exitOK
	}
	if own, found := withOptions()[command]; found {
		return own(args[1:], environ, stdout, stderr)
	}
	if !known(command) || len(args) > 1 {
		fmt.Fprintf(stderr, "ingestor: %q is not a command; allowed: %s\n", strings.Join(args, " "), strings.Join(commands(), ", "))
		return exitSetting
	}
	s, err := settings.Load(environ)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitSetting
	}
	level := new(slog.LevelVar)
	level.Set(s.LogLevel)
	log, flush := logger(s, level, stderr)
	defer flush()
	for _, w := range s.Warnings {
		log.Warn("setting", "warning", w)
	}
	if s.StartupType == settings.StartupDisabled && command == "run" {
		log.Info("STARTUP_TYPE is disabled: nothing to do")
		return exitOK
	}
	ctx, stop := signals(log)
	defer stop()
	switch command {
	case "run":
		err = serve(ctx, s, log, level)
	case "health":
		err = health(ctx, s.HTTPAddr)
	case "provision":
		err = provision(ctx, s, log, stdout)
	default:
		err = control(ctx, s, command, log, stdout)
	}
	if err != nil {
		log.Error("ingestor ends", "error", err)
		return exitFailed
	}
	return exitOK
}

func commands() []string {
	return []string{"run", "status", "start", "stop", "restart", "step-down", "provision", "check", "tail", "legs", "health", "version", "help"}
}

// withOptions are the commands that have options of their own.
func withOptions() map[string]func(args, environ []string, stdout, stderr io.Writer) int {
	return map[string]func(args, environ []string, stdout, stderr io.Writer) int{"check": checkAll, "tail": tail, "legs": legs}
}

func known(command string) bool { return slices.Contains(commands(), command) }

// serve runs the service.
func serve(ctx context.Context, s settings.Settings, log *slog.Logger, level *slog.LevelVar) error {
	a, err := app.New( //nolint:contextcheck // it waits for nothing
		app.Options{Settings: s, Version: currentVersion(), Logger: log, Level: level, Registry: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	log.Info("starting", "version", currentVersion(), "http", a.Addr())
	err = a.Run(ctx)
	log.Info("stopped")
	return err
}

// signals returns a context that ends with the first signal; the second one ends the
// process at once.
func signals(log *slog.Logger) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGTERM, os.Interrupt)
	go func() {
		select {
		case s := <-c:
			log.Info("signal received, handing over; a second one ends at once", "signal", s.String())
			cancel()
		case <-ctx.Done():
			return
		}
		<-c
		os.Exit(exitFailed)
	}()
	return ctx, cancel
}

// logger returns the log, which keeps storms of one line short, and what tells at the
// end how many were left out.
func logger(s settings.Settings, level slog.Leveler, w io.Writer) (log *slog.Logger, flush func()) {
	o := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if s.LogFormat == settings.LogText {
		h = slog.NewTextHandler(w, o)
	}
	limited := logging.Limit(h, logging.LimitOptions{})
	return slog.New(limited).With("adapter", s.AdapterName, "instance", s.InstanceID), limited.Flush
}

func usage(w io.Writer) {
	fmt.Fprintf(w, `ingestor %s: Genesys Cloud call notifications to recorder control events on NATS

Usage: ingestor [command]

  run         run the service (default)
  status      what every running instance of the adapter is doing, as JSON
  start       let an instance with STARTUP_TYPE=manual connect
  stop        make the instance hand over and end
  restart     renew token and channels of the instance now, without losing calls
  step-down   let the other instance take the lead
  provision   create the stream and the buckets, or say what differs
  check       try everything that the service needs, and say what to fix
  tail        what a recorder sees, as it is stored
  legs        what should be recorded now
  health      ask the instance on HTTP_ADDR whether it is alive (for containers)
  version     print the version
  help        print this

start, stop, restart and step-down go to the instance named by INSTANCE_ID.
check, tail and legs have options: ingestor tail -h. tail and legs need ADAPTER_NAME
and the settings of NATS only.
Settings are environment variables:

`, currentVersion())
	if err := settings.WriteHelp(w); err != nil {
		fmt.Fprintln(w, err)
	}
}

func currentVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

var errNobody = errors.New("no instance of the adapter answered")
