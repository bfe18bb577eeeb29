package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/benchmark"
)

// benchCommand is the first argument that asks for a benchmark, benchProcess that of
// the processes which it starts.
const (
	benchCommand = "bench"
	benchProcess = "bench-process"
)

// bench measures the ingestor beside plain bridges.
func bench(args []string, stdout, stderr io.Writer) int {
	o, asJSON, err := parseBench(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitClean
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox bench: %v\n", err)
		return exitUsage
	}
	fail := func(err error) int {
		fmt.Fprintf(stderr, "sandbox bench: %v\n", err)
		if errors.Is(err, benchmark.ErrOption) {
			return exitUsage
		}
		return exitUnclean
	}
	executable, err := os.Executable()
	if err != nil {
		return fail(fmt.Errorf("find this program: %w", err))
	}
	if o.Profile != "" {
		if o.Profile, err = filepath.Abs(o.Profile); err == nil {
			err = os.MkdirAll(o.Profile, 0o750)
		}
		if err != nil {
			return fail(fmt.Errorf("make a directory for profiles: %w", err))
		}
	}
	if o.Dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return fail(fmt.Errorf("make a directory: %w", err))
	}
	o.Command, o.Root, o.Progress = []string{executable}, root(), stderr
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result, err := benchmark.Run(ctx, o)
	if errors.Is(err, benchmark.ErrOption) {
		_ = os.RemoveAll(o.Dir)
		return fail(err)
	}
	if err != nil {
		fmt.Fprintf(stderr, "logs are kept in %s\n", o.Dir)
		return fail(err)
	}
	if asJSON {
		err = result.WriteJSON(stdout)
	} else {
		result.WriteTable(stdout)
	}
	if err != nil {
		return fail(err)
	}
	if !result.Clean() {
		fmt.Fprintf(stderr, "events are missing, doubled or out of order; logs are kept in %s\n", o.Dir)
		return exitUnclean
	}
	_ = os.RemoveAll(o.Dir)
	return exitClean
}

// root is the nearest directory upwards that holds a module: the bridge for Node lies
// below it.
func root() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	return "."
}

// child is a part of a benchmark in a process of its own.
func child(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "sandbox bench-process: the benchmark starts this, nobody else")
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := benchmark.Child(ctx, args[0], stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "sandbox bench-process %s: %v\n", args[0], err)
		return exitUnclean
	}
	return exitClean
}

// parseBench reads the command line.
func parseBench(args []string, stderr io.Writer) (o benchmark.Options, asJSON bool, err error) {
	f := flag.NewFlagSet("sandbox bench", flag.ContinueOnError)
	f.SetOutput(io.Discard) // errors are reported by the caller
	f.StringVar(&o.Scenario, "scenario", "default", "what is measured: `one` of "+strings.Join(benchmark.Scenarios(), ", "))
	f.IntVar(&o.Rounds, "rounds", 3, "how often the contestants take turns")
	only := f.String("only", "", "`list` of contestants; default is "+strings.Join(benchmark.Contestants(), ","))
	f.IntVar(&o.Frames, "frames", 60_000, "frames that are sent as fast as possible")
	rates := f.String("rates", "1000,5000", "`list` of frames per second, each sent at its time whatever comes of it")
	seconds := f.Float64("seconds", 6, "how long each rate is measured, in `seconds`")
	warmup := f.Float64("warmup", 2, "how long each rate is kept before that, in `seconds`")
	f.IntVar(&o.Agents, "agents", 500, "people who are on the phone, each on one call after the other")
	f.IntVar(&o.Legs, "legs", 0, "open legs in the scenarios open-legs and recovery; 0 is 100000 and 20000")
	f.IntVar(&o.Events, "events", 300_000, "events in the stream in the scenario recovery")
	f.DurationVar(&o.Length, "duration", 10*time.Minute, "how long the scenario flat lasts")
	f.StringVar(&o.Profile, "profile", "", "`directory` for a CPU profile of the ingestor at full speed")
	f.StringVar(&o.Ingestor, "ingestor", "", "`program` that is measured; by default ./cmd/ingestor is built")
	f.BoolVar(&asJSON, "json", false, "write all that was measured as JSON")
	f.Usage = func() {
		fmt.Fprint(stderr, "sandbox bench: how fast is the ingestor, beside plain bridges on the same machine?\ninternal/benchmark/README.md says how to read the table.\n\nOptions:\n\n")
		f.SetOutput(stderr)
		f.PrintDefaults()
		f.SetOutput(io.Discard)
	}
	if err = f.Parse(args); err != nil {
		return o, false, err
	}
	if f.NArg() > 0 {
		return o, false, fmt.Errorf("unexpected argument %q: there are only options, see -h", f.Arg(0))
	}
	o.Only = words(*only)
	for _, word := range words(*rates) {
		rate, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return o, false, fmt.Errorf("-rates: %q is not a number", word)
		}
		o.Rates = append(o.Rates, rate)
	}
	o.Duration = time.Duration(*seconds * float64(time.Second))
	o.Warmup = time.Duration(*warmup * float64(time.Second))
	return o, asJSON, nil
}
