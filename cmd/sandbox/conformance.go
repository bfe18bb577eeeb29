package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/recorderbridge/genesys-ingestor/internal/conformance"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// conformanceCommand is the first argument that asks for a trial of a recorder.
const conformanceCommand = "conformance"

// trial is what the command line of a trial says.
type trial struct {
	conformance.Options
	natsPort      int
	reports       string
	command       []string
	json, verbose bool
	list          bool
}

// conform tries a recorder and prints what it should have recorded, and pass or fail.
func conform(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	t, err := parseConformance(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitClean
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox conformance: %v\n", err)
		return exitUsage
	}
	if t.list {
		for _, s := range conformance.Scenes() {
			fmt.Fprintf(stdout, "%-18s %s\n", s[0], s[1])
		}
		return exitClean
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	status, err := t.run(ctx, stdin, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "sandbox conformance: %v\n", err)
	}
	if errors.Is(err, conformance.ErrOption) {
		return exitUsage
	}
	return status
}

func (t *trial) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) (status int, err error) {
	server, err := natstest.Run(natstest.Options{Port: t.natsPort})
	if err != nil {
		return exitUnclean, fmt.Errorf("start the NATS server: %w", err)
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	log, progress := io.Discard, stdout
	if t.verbose {
		log = stderr
	}
	if t.json {
		progress = stderr
	}
	t.NATS, t.Progress = server.URL(), progress
	if len(t.command) > 0 {
		c := conformance.NewCommand(t.NATS, log, t.command...)
		t.Recorder, t.Reports = c, c.Reports
	} else {
		t.Recorder = &conformance.ByHand{Tell: stderr, NATS: t.NATS}
		t.ReadyWithin = conformance.PatienceByHand
	}
	if t.reports != "" {
		t.Reports = both(t.Reports, conformance.ReadFile(t.reports, stdin))
	}
	fmt.Fprintf(progress, "NATS %s, stream and subjects of the adapter %s\n", t.NATS, conformance.Adapter)
	result, err := conformance.Run(ctx, t.Options)
	if err != nil && !errors.Is(err, conformance.ErrMute) {
		return exitUnclean, err
	}
	if t.json {
		err = errors.Join(err, result.WriteJSON(stdout))
	} else {
		fmt.Fprint(stdout, "\nWhat should have been recorded, by revision:\n\n")
		result.WriteTable(stdout)
		fmt.Fprintln(stdout)
		result.WriteVerdict(stdout)
	}
	if err == nil && result.Conforms {
		return exitClean, nil
	}
	return exitUnclean, err
}

// parseConformance reads the command line.
func parseConformance(args []string, stderr io.Writer) (t trial, err error) {
	f := flag.NewFlagSet("sandbox conformance", flag.ContinueOnError)
	f.SetOutput(io.Discard) // errors are reported by the caller
	onGap := f.String("on-gap", string(conformance.PauseRecording), "`policy` that the recorder is set to for gaps and silence: pause or record")
	only := f.String("only", "", "`list` of scenes to play; default is all")
	skip := f.String("skip", "", "`list` of scenes to leave out; silence takes half a minute")
	f.BoolVar(&t.list, "list", false, "list the scenes and do nothing else")
	f.StringVar(&t.reports, "reports", "", "`file` to which the recorder appends its reports, - for standard input; default is the output of the command")
	f.IntVar(&t.natsPort, "nats-port", 0, "port of the NATS server; 0 is a free one")
	f.DurationVar(&t.Within, "within", 0, "how long a reaction may take; 0 is 5s")
	f.BoolVar(&t.json, "json", false, "write lines of JSON: one for each leg, then the verdict")
	f.BoolVar(&t.verbose, "verbose", false, "show what the command writes besides reports")
	f.Usage = func() {
		fmt.Fprintf(stderr, `sandbox conformance: does a recorder do what it is told?

It starts a NATS server, plays every story and fault into a stream, and compares what the
recorder reports with what it should do. api/CONFORMANCE.md says how to report.

  go run ./cmd/sandbox conformance -- COMMAND [ARGUMENT ...]   starts, kills and restarts your recorder
  go run ./cmd/sandbox conformance                             you do, when it asks; reports on %s

Options:

`, conformance.ReportSubject)
		f.SetOutput(stderr)
		f.PrintDefaults()
		f.SetOutput(io.Discard)
	}
	if err = f.Parse(args); err != nil {
		return t, err
	}
	t.command, t.OnGap, t.Only, t.Skip = f.Args(), conformance.Policy(*onGap), words(*only), words(*skip)
	return t, nil
}

// source hands over lines of reports until its context ends.
type source = func(ctx context.Context, line func([]byte)) error

// both reads two sources, of which the first may be nil.
func both(a, b source) source {
	if a == nil {
		return b
	}
	return func(ctx context.Context, line func([]byte)) error {
		done := make(chan error, 1)
		go func() { done <- a(ctx, line) }()
		return errors.Join(b(ctx, line), <-done)
	}
}

// words splits a list at commas.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
