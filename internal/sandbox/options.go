package sandbox

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// Adapter is the name of the sandbox's adapter; its stream is RECORDER_SANDBOX.
const Adapter = "sandbox"

// What the ingestors are told, short enough for a run of a minute.
const (
	leaseTTL          = 2 * time.Second
	refreshInterval   = 30 * time.Second
	reconcileInterval = 15 * time.Second
)

// Options say what to run and what to disturb. A duration of zero for anything that
// ends in Every means never.
type Options struct {
	// Duration of the traffic. Zero: until the context ends.
	Duration time.Duration
	// Agents of the organization, and calls that begin per second. Default 20 and 1.
	Agents         int
	CallsPerSecond float64
	// Speed divides the pauses of the calls. Default 4.
	Speed float64
	// Instances of the ingestor: 1 or 2. Default 2.
	Instances int
	// PlatformOnly starts no ingestor: the caller runs one. Instances is ignored.
	PlatformOnly bool
	// Seed of the calls and of the moments of faults. Default 1.
	Seed uint64
	// NATSPort and SimulatorPort; zero is a free one.
	NATSPort, SimulatorPort int

	// KillEvery kills the primary and starts it again after a second.
	KillEvery time.Duration
	// PauseEvery freezes the primary for PauseFor, default 4 s.
	PauseEvery, PauseFor time.Duration
	// StopEvery asks the primary to end, and starts it again.
	StopEvery time.Duration
	// RestartEvery asks the primary for a restart of its session.
	RestartEvery time.Duration
	// OutageEvery stops the NATS server for OutageFor, default 3 s.
	OutageEvery, OutageFor time.Duration
	// NATSNodes is 1, the default, or 3 for a cluster.
	NATSNodes int
	// KillNodeEvery takes the node of a cluster away that leads the stream, for
	// NodeDownFor, default 5 s.
	KillNodeEvery, NodeDownFor time.Duration
	// CutNATSEvery cuts the primary off from NATS for CutNATSFor, default 6 s, and
	// CutGenesysEvery from the platform for CutGenesysFor, default 8 s.
	CutNATSEvery, CutNATSFor       time.Duration
	CutGenesysEvery, CutGenesysFor time.Duration
	// LeaseTTL of the ingestors. Default 2 s.
	LeaseTTL time.Duration
	// Faults of the platform, one of them at random every FaultEvery, default 10 s.
	Faults     []simulator.FaultKind
	FaultEvery time.Duration

	// Dir is where logs and the store of the NATS server go. It must exist; the
	// caller removes it.
	Dir string
	// Command starts an ingestor process that takes its settings from the
	// environment and ends when its standard input does. Required unless
	// PlatformOnly.
	Command []string
	// Out gets the timeline and the verdict. Required.
	Out io.Writer
	// JSON writes lines of JSON instead of text. Quiet leaves out the timeline. Color
	// is for terminals.
	JSON, Quiet, Color bool
	// Log gets the logs of the ingestors as they come. Default: a file for each in Dir.
	Log io.Writer
}

// ErrOption is wrapped by every error about options that make no sense.
var ErrOption = errors.New("bad option")

// check sets the defaults and says everything that is wrong.
func (o Options) check() (Options, error) {
	orDefault(&o.Agents, 20)
	orDefault(&o.CallsPerSecond, 1)
	orDefault(&o.Speed, 4)
	orDefault(&o.Instances, 2)
	orDefault(&o.Seed, 1)
	orDefault(&o.PauseFor, 4*time.Second)
	orDefault(&o.OutageFor, 3*time.Second)
	orDefault(&o.FaultEvery, 10*time.Second)
	if o.PlatformOnly {
		o.Instances = 0
	}
	problems := []error{o.checkNodes()}
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrOption}, args...)...))
		}
	}
	bad(o.Agents < 2 || o.Agents > 10_000, "%d agents: must be from 2, because some calls take two people, to 10000", o.Agents)
	bad(!(o.CallsPerSecond > 0) || o.CallsPerSecond > 1000, "%v calls per second: must be above 0, at most 1000", o.CallsPerSecond)
	bad(!(o.Speed > 0) || o.Speed > 1000, "speed %v: must be above 0, at most 1000", o.Speed)
	bad(o.Instances > 2 || o.Instances < 0, "%d instances: must be 1 or 2", o.Instances)
	for name, port := range map[string]int{"NATS": o.NATSPort, "simulator": o.SimulatorPort} {
		bad(port < 0 || port > 65535, "%s port %d: must be from 1 to 65535, or 0 for a free one", name, port)
	}
	for name, d := range o.durations() {
		bad(d < 0, "%s %v: must not be negative", name, d)
	}
	bad(o.PlatformOnly && o.disturbsProcesses(), "without ingestors of its own the sandbox cannot kill, pause, stop or restart one")
	bad(!o.PlatformOnly && len(o.Command) == 0, "no command for the ingestor")
	bad(o.Out == nil, "no output")
	for _, kind := range o.Faults {
		bad(!slices.Contains(Faults(), kind), "fault %q: must be one of %s", kind, join(Faults()))
	}
	return o, errors.Join(problems...)
}

func (o *Options) durations() map[string]time.Duration {
	all := o.moreDurations()
	maps.Copy(all, map[string]time.Duration{
		"duration": o.Duration, "kill every": o.KillEvery, "pause every": o.PauseEvery, "pause for": o.PauseFor,
		"stop every": o.StopEvery, "restart every": o.RestartEvery, "outage every": o.OutageEvery,
		"outage for": o.OutageFor, "fault every": o.FaultEvery,
	})
	return all
}

func (o *Options) disturbsProcesses() bool {
	return o.KillEvery > 0 || o.PauseEvery > 0 || o.StopEvery > 0 || o.RestartEvery > 0
}

// environment is what an ingestor needs to work against the sandbox.
func environment(natsURL, platformURL string) []string {
	return []string{
		"ADAPTER_NAME=" + Adapter,
		"GENESYS_CLIENT_ID=" + clientID,
		"GENESYS_CLIENT_SECRET=" + clientSecret,
		"GENESYS_REGION_HOST=mypurecloud.ie",
		"GENESYS_API_URL=" + platformURL,
		"GENESYS_LOGIN_URL=" + platformURL,
		"NATS_URL=" + natsURL,
		"REFRESH_INTERVAL=" + refreshInterval.String(),
		"RECONCILE_INTERVAL=" + reconcileInterval.String(),
	}
}

// The OAuth client of the simulated organization.
const (
	clientID     = "sandbox-client"
	clientSecret = "sandbox-secret"
)

// inherited are the variables of this process that the ingestors get as well. Nothing
// else: a setting that is meant for another ingestor must not reach them.
func inherited() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TEMP", "SYSTEMROOT", "TZ", "GOCOVERDIR", "GORACE", "GOMAXPROCS"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

func (o *Options) path(name string) string { return filepath.Join(o.Dir, name) }

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func join[T ~string](words []T) string {
	text := make([]string, len(words))
	for i, w := range words {
		text[i] = string(w)
	}
	return strings.Join(text, ", ")
}
