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
	"strings"
	"syscall"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// platformCommand is the first argument that asks for the simulated organization
// alone, with live calls and without NATS server, ingestors or verdict: for a
// deployment to be tried against.
const platformCommand = "platform"

// platform runs the organization until it is told to end.
func platform(args []string, stdout, stderr io.Writer) int {
	o, calls, err := parsePlatform(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitClean
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox platform: %v\n", err)
		return exitUsage
	}
	org, err := simulator.New(o)
	if err != nil {
		fmt.Fprintf(stderr, "sandbox platform: %v\n", err)
		return exitUnclean
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- org.Run(ctx) }()
	fmt.Fprintf(stdout, "GENESYS_API_URL=%s\nGENESYS_LOGIN_URL=%s\nGENESYS_CLIENT_ID=%s\n", org.URL(), org.URL(), o.ClientID)
	err = org.Traffic(ctx, simulator.Traffic{CallsPerSecond: calls})
	if ctx.Err() != nil {
		err = nil // it was told to end
	}
	stop()
	if err = errors.Join(err, <-done); err != nil {
		fmt.Fprintf(stderr, "sandbox platform: %v\n", err)
		return exitUnclean
	}
	return exitClean
}

// parsePlatform reads the command line of the organization.
func parsePlatform(args []string, stderr io.Writer) (o simulator.Options, calls float64, err error) {
	f := flag.NewFlagSet("sandbox platform", flag.ContinueOnError)
	f.SetOutput(io.Discard) // errors are reported by the caller
	// Truth is of no use here, and must not grow for as long as the process lives.
	o = simulator.Options{HeartbeatEvery: 30 * time.Second, Retain: time.Minute, Logger: slog.New(slog.NewTextHandler(stderr, nil))}
	f.StringVar(&o.Addr, "listen", "127.0.0.1:8090", "`address` to listen on")
	f.StringVar(&o.PublicURL, "public-url", "", "`URL` under which ingestors reach it; default is the address")
	f.IntVar(&o.Users, "agents", 20, "people in the organization")
	f.Float64Var(&calls, "calls-per-second", 1, "calls that begin per second, on average")
	f.Float64Var(&o.Speed, "speed", 4, "1 is human time; 4 makes a call of a minute one of 15 seconds")
	f.Uint64Var(&o.Seed, "seed", 1, "choice of calls")
	f.StringVar(&o.ClientID, "client-id", "sandbox-client", "id of the OAuth client")
	secret := f.String("client-secret-file", "", "`file` with the secret of the OAuth client; default is the secret sandbox-secret")
	f.Usage = func() {
		fmt.Fprint(stderr, "sandbox platform: a simulated Genesys Cloud organization with live calls, and nothing else\n\nOptions:\n\n")
		f.SetOutput(stderr)
		f.PrintDefaults()
		f.SetOutput(io.Discard)
	}
	if err = f.Parse(args); err != nil {
		return o, 0, err
	}
	if f.NArg() > 0 {
		return o, 0, fmt.Errorf("unexpected argument %q: there are only options, see -h", f.Arg(0))
	}
	if !(calls > 0) {
		return o, 0, fmt.Errorf("-calls-per-second %v: must be above 0", calls)
	}
	o.ClientSecret = "sandbox-secret"
	if *secret != "" {
		content, err := os.ReadFile(*secret)
		if err != nil {
			return o, 0, fmt.Errorf("-client-secret-file: %w", err)
		}
		o.ClientSecret = strings.TrimSpace(string(content))
	}
	return o, calls, nil
}
