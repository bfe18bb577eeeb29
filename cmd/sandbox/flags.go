package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/sandbox"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// parse reads the command line. keep asks for the files to stay.
func parse(args []string, stderr io.Writer) (o sandbox.Options, keep bool, err error) {
	f := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	f.SetOutput(io.Discard) // errors are reported by the caller
	f.DurationVar(&o.Duration, "duration", 0, "how long people make calls; 0 is until interrupted")
	f.IntVar(&o.Agents, "agents", 20, "people in the organization")
	f.Float64Var(&o.CallsPerSecond, "calls-per-second", 1, "calls that begin per second, on average")
	f.Float64Var(&o.Speed, "speed", 4, "1 is human time; 4 makes a call of a minute one of 15 seconds")
	f.IntVar(&o.Instances, "instances", 2, "ingestors: 1, or 2 for a primary and a secondary")
	f.Uint64Var(&o.Seed, "seed", 1, "choice of calls, and of the moments of faults")
	f.BoolVar(&o.JSON, "json", false, "write lines of JSON and nothing else: addresses, events, verdict")
	f.BoolVar(&o.Quiet, "quiet", false, "no timeline, only the addresses and the verdict")
	f.BoolVar(&keep, "keep", false, "keep logs and NATS store also after a clean verdict")
	f.IntVar(&o.NATSPort, "nats-port", 0, "port of the NATS server; 0 is a free one")
	f.IntVar(&o.SimulatorPort, "simulator-port", 0, "port of the simulated organization; 0 is a free one")
	only := f.String("only", "", "`platform`: no ingestors; prints the settings for one that you start yourself")
	verbose := f.Bool("verbose", false, "logs of the ingestors on standard error instead of files")
	f.DurationVar(&o.KillEvery, "kill-primary-every", 0, "kill the primary this often, and start it again a second later")
	f.DurationVar(&o.PauseEvery, "pause-primary-every", 0, "freeze the primary this often")
	f.DurationVar(&o.PauseFor, "pause-for", 4*time.Second, "how long the primary is frozen; see -lease-ttl")
	f.DurationVar(&o.StopEvery, "stop-primary-every", 0, "end the primary gently this often, and start it again a second later")
	f.DurationVar(&o.RestartEvery, "restart-every", 0, "ask the primary this often to renew its session, as the daily restart does")
	f.DurationVar(&o.OutageEvery, "nats-outage-every", 0, "stop the NATS server this often")
	f.DurationVar(&o.OutageFor, "nats-outage-for", 3*time.Second, "how long the NATS server is away")
	f.IntVar(&o.NATSNodes, "nats-nodes", 1, "NATS servers: 1, or 3 for a cluster with three replicas")
	f.DurationVar(&o.KillNodeEvery, "kill-node-every", 0, "take away the node of the cluster that leads the stream this often")
	f.DurationVar(&o.NodeDownFor, "node-down-for", 5*time.Second, "how long the node is away")
	f.DurationVar(&o.CutNATSEvery, "cut-nats-every", 0, "cut the primary alone off from NATS this often, in turns noticeably and silently")
	f.DurationVar(&o.CutNATSFor, "cut-nats-for", 6*time.Second, "how long it is cut off from NATS")
	f.DurationVar(&o.CutGenesysEvery, "cut-genesys-every", 0, "cut the primary alone off from the platform this often, in turns noticeably and silently")
	f.DurationVar(&o.CutGenesysFor, "cut-genesys-for", 8*time.Second, "how long it is cut off from the platform")
	f.DurationVar(&o.LeaseTTL, "lease-ttl", 2*time.Second, "how long a dead primary keeps the lead")
	faults := f.String("faults", "", "`list` of faults of the platform, one at random at a time, or all: "+join(sandbox.Faults()))
	f.DurationVar(&o.FaultEvery, "fault-every", 10*time.Second, "how often a fault begins, on average")
	f.Usage = func() { usage(f, stderr) }
	if err := f.Parse(args); err != nil {
		return o, false, err
	}
	if f.NArg() > 0 {
		return o, false, fmt.Errorf("unexpected argument %q: there are only options, see -h", f.Arg(0))
	}
	if *only != "" && *only != "platform" {
		return o, false, fmt.Errorf("-only %q: the one thing that can run alone is platform", *only)
	}
	o.PlatformOnly = *only == "platform"
	if err := given(f); err != nil {
		return o, false, err
	}
	if *verbose {
		o.Log = stderr
	}
	o.Faults, err = faultList(*faults)
	return o, keep, err
}

// given refuses a zero where it would be taken for the default.
func given(f *flag.FlagSet) (err error) {
	f.Visit(func(x *flag.Flag) {
		switch x.Name {
		case "agents", "calls-per-second", "speed", "instances", "pause-for", "nats-outage-for", "fault-every",
			"nats-nodes", "node-down-for", "cut-nats-for", "cut-genesys-for", "lease-ttl":
			if value := x.Value.String(); err == nil && (value == "0" || value == "0s") {
				err = fmt.Errorf("-%s %s: must be above 0", x.Name, value)
			}
		}
	})
	return err
}

func faultList(list string) ([]simulator.FaultKind, error) {
	all := sandbox.Faults()
	switch list {
	case "":
		return nil, nil
	case "all":
		return all, nil
	}
	var chosen []simulator.FaultKind
	for name := range strings.SplitSeq(list, ",") {
		kind := simulator.FaultKind(strings.TrimSpace(name))
		if !slices.Contains(all, kind) {
			return nil, fmt.Errorf("-faults: there is no fault %q; allowed: all, or a list of %s", kind, join(all))
		}
		chosen = append(chosen, kind)
	}
	return chosen, nil
}

func join(kinds []simulator.FaultKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

func usage(f *flag.FlagSet, w io.Writer) {
	fmt.Fprint(w, `sandbox: the whole service on one machine, with a verdict at the end

It starts a NATS server, a simulated Genesys Cloud organization with live calls, and two
ingestors; prints what a recorder is told; and compares it with what really happened.

  go run ./cmd/sandbox                                       until interrupted
  go run ./cmd/sandbox -duration 1m -kill-primary-every 20s  with crashes
  go run ./cmd/sandbox -duration 2m -faults all              with a misbehaving platform
  go run ./cmd/sandbox platform -h                           only the organization
  go run ./cmd/sandbox conformance -h                        a trial of your own recorder

Options:

`)
	f.SetOutput(w)
	f.PrintDefaults()
	f.SetOutput(io.Discard)
}
