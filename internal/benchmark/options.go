package benchmark

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// ErrOption marks errors of the command line.
var ErrOption = errors.New("bad option")

// Scenarios are what can be measured.
func Scenarios() []string {
	return []string{"default", "cluster", "sync", "standby", "recovery", "users", "open-legs", "flat"}
}

// Contestants are who can be measured.
func Contestants() []string { return []string{ingestor, "floor", "plain", "node"} }

const ingestor = "ingestor"

// Options say what is measured.
type Options struct {
	Scenario string
	Rounds   int
	Only     []string  // contestants; all when empty
	Frames   int       // as fast as possible
	Rates    []float64 // open loop, frames per second
	Duration time.Duration
	Warmup   time.Duration // of each open loop, not counted
	Length   time.Duration // of the scenario flat
	Agents   int
	Legs     int // of the scenarios open-legs and recovery; 0 is their own number
	Events   int // of the scenario recovery
	Profile  string
	// Command starts this program; its first argument then says as what.
	Command []string
	// Ingestor is the program that is measured. When empty, it is built from Root; where that
	// is not possible, or a profile is wanted, this program runs the same service.
	Ingestor string
	// Root is the directory of the repository: the bridge for Node lies there.
	Root string
	// Dir is where stores and logs are kept.
	Dir      string
	Progress io.Writer
}

func (o *Options) check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrOption}, args...)...))
	}
	if !slices.Contains(Scenarios(), o.Scenario) {
		bad("there is no scenario %q; allowed: %s", o.Scenario, strings.Join(Scenarios(), ", "))
	}
	for _, name := range o.Only {
		if !slices.Contains(Contestants(), name) {
			bad("there is no contestant %q; allowed: %s", name, strings.Join(Contestants(), ", "))
		}
	}
	if o.Rounds < 1 {
		bad("%d rounds: must be above 0", o.Rounds)
	}
	if o.Frames < 100 {
		bad("%d frames: must be at least 100", o.Frames)
	}
	if o.Agents < 1 || o.Agents > 8000 {
		bad("%d agents: must be from 1 to 8000", o.Agents)
	}
	for _, r := range o.Rates {
		if !(r >= 1 && r <= 1e6) {
			bad("rate %v: must be from 1 to 1000000", r)
		}
	}
	if o.Duration < 0 || o.Warmup < 0 || o.Length <= 0 {
		bad("durations must not be negative")
	}
	if o.Legs < 0 || o.Events < 1 {
		bad("legs and events must be above 0")
	}
	if len(o.Only) == 0 {
		o.Only = Contestants()
	}
	return errors.Join(errs...)
}
