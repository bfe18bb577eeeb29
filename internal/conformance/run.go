package conformance

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Recorder is a recorder under test. Its reports come by [Options.Reports] or NATS.
type Recorder interface {
	// Start starts it. died is called when it ends without [Recorder.Kill].
	Start(ctx context.Context, died func(error)) error
	// Kill ends it at once, without giving it time for anything, and waits for its end.
	Kill(ctx context.Context) error
}

// Policy is what a recorder does while a pause could go unnoticed.
type Policy string

// The policies.
const (
	PauseRecording Policy = "pause"  // fail closed: write nothing
	KeepRecording  Policy = "record" // losing sound is worse than recording a card number
)

// Options say what to run against.
type Options struct {
	// NATS is the address of a server with JetStream and without a stream of the
	// adapter [Adapter]. Required.
	NATS string
	// Recorder is the one under test. Required.
	Recorder Recorder
	// Reports has lines of reports, besides those on [ReportSubject]. Run reads it to
	// its end when it ends before Run does, and otherwise leaves off.
	Reports func(ctx context.Context, line func([]byte)) error
	// OnGap is the policy that the recorder is set to. Default [PauseRecording].
	OnGap Policy
	// Only and Skip choose scenes by name. Default is all.
	Only, Skip []string
	// Within is how long a reaction may take. Default 5 s.
	Within time.Duration
	// ReadyWithin is how long a start may take. Default 30 s.
	ReadyWithin time.Duration
	// Progress gets a line for each scene as it is played. Default none.
	Progress io.Writer
}

func (o Options) check() (Options, error) {
	if o.OnGap == "" {
		o.OnGap = PauseRecording
	}
	if o.Within == 0 {
		o.Within = 5 * time.Second
	}
	if o.ReadyWithin == 0 {
		o.ReadyWithin = 30 * time.Second
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	var problems []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf("%w: "+format, append([]any{ErrOption}, args...)...))
		}
	}
	bad(o.NATS == "", "no NATS server")
	bad(o.Recorder == nil, "no recorder")
	bad(o.OnGap != PauseRecording && o.OnGap != KeepRecording, "the policy %q: must be %s or %s", o.OnGap, PauseRecording, KeepRecording)
	bad(o.Within < 0 || o.ReadyWithin < 0, "a time limit is negative")
	var names []string
	for _, s := range scenes() {
		names = append(names, s.name)
	}
	for _, name := range slices.Concat(o.Only, o.Skip) {
		bad(!slices.Contains(names, name), "there is no scene %q; there are %s", name, strings.Join(names, ", "))
	}
	return o, errors.Join(problems...)
}

func (o *Options) chosen(s scene) bool {
	return (len(o.Only) == 0 || slices.Contains(o.Only, s.name)) && !slices.Contains(o.Skip, s.name)
}

// Run plays the scenes and returns what came of it. The error is about the run itself:
// with [ErrMute] the result holds what was found until then.
func Run(ctx context.Context, o Options) (result Result, err error) {
	if o, err = o.check(); err != nil {
		return Result{}, err
	}
	nc, err := nats.Connect(o.NATS, nats.Name("conformance"), nats.MaxReconnects(-1))
	if err != nil {
		return Result{}, fmt.Errorf("connect to the NATS server: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return Result{}, fmt.Errorf("open JetStream: %w", err)
	}
	if _, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: recording.StreamName(Adapter), Subjects: []string{recording.AllSubjects(Adapter)}, AllowDirect: true,
		Storage: jetstream.MemoryStorage, MaxAge: 24 * time.Hour, Duplicates: 2 * time.Minute,
	}); err != nil {
		return Result{}, fmt.Errorf("create the stream: %w", err)
	}
	life, cancel := context.WithCancel(ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	begin := time.Now()
	s := &stage{
		Options: o, ctx: ctx, js: js, ledger: newLedger(time.Now), run: runID(begin), epoch: 1, gaps: map[string]*recording.GapScope{},
	}
	line := func(b []byte) { s.line(b) }
	if _, err = nc.Subscribe(ReportSubject, func(m *nats.Msg) { line(m.Data) }); err != nil {
		return Result{}, fmt.Errorf("listen on %s: %w", ReportSubject, err)
	}
	if o.Reports != nil {
		parts.Go(func() {
			if err := o.Reports(life, line); err != nil {
				s.fail(err)
			}
		})
	}
	if err = nc.Flush(); err != nil {
		return Result{}, fmt.Errorf("reach the NATS server: %w", err)
	}
	parts.Go(func() { s.heartbeats(life) })
	s.perform()
	s.ledger.gone()
	err = s.Recorder.Kill(context.WithoutCancel(ctx))
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.result(begin), errors.Join(s.err, ctx.Err(), err)
}

// perform plays every scene that is chosen.
func (s *stage) perform() {
	s.event(recording.FeedStarted)
	s.leads("a", 1)
	s.up()
	s.restarts = 0
	for _, scene := range scenes() {
		if !s.chosen(scene) || s.broken() {
			continue
		}
		fmt.Fprintf(s.Progress, "  %-18s %s\n", scene.name, scene.about)
		s.ledger.begin(scene.name)
		s.restarts = 0
		scene.play(s)
	}
}

// line takes one line of the recorder. One that is no report is the recorder's mistake.
func (s *stage) line(b []byte) {
	r, err := ParseReport(b)
	if err != nil {
		s.ledger.refuse(err)
		return
	}
	s.ledger.report(r)
}

// runID makes the ids of this run differ from those of others.
func runID(at time.Time) string {
	h := fnv.New32a()
	fmt.Fprint(h, at.UnixNano())
	return fmt.Sprintf("%08x", h.Sum32())
}
