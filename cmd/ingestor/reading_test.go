package main_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// reader is a command that goes on until it is ended.
type reader struct {
	*process
	out *natstest.Log
}

// lines are what it has shown so far.
func (r *reader) lines() []string {
	text := strings.TrimSuffix(r.out.String(), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// has waits until a line has all the words.
func (r *reader) has(words ...string) {
	r.t.Helper()
	eventually(r.t, "a line with "+strings.Join(words, ", "), func() bool {
		return slices.ContainsFunc(r.lines(), func(line string) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) })
		})
	})
}

// reading are the settings of somebody who only reads.
func reading(natsURL string, extra ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "TZ=UTC", "ADAPTER_NAME=ACME", "NATS_URL=" + natsURL}, extra...)
}

// follow starts a command that reads.
func follow(t *testing.T, env []string, args ...string) *reader {
	t.Helper()
	r := &reader{process: &process{t: t, log: &natstest.Log{}, done: make(chan struct{})}, out: &natstest.Log{}}
	r.cmd = exec.Command(binary, args...) //nolint:noctx // ended by signal, as an operator would
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = env, r.out, r.log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait() // the code is in ProcessState
		close(r.done)
	}()
	t.Cleanup(func() {
		r.end(syscall.SIGINT)
		if t.Failed() {
			t.Logf("%v shows\n%s%s", args, r.out.String(), r.log.String())
		}
	})
	return r
}

// interrupted ends it as a person does.
func (r *reader) interrupted() {
	r.t.Helper()
	if code := r.end(syscall.SIGINT); code != 0 || r.log.String() != "" {
		r.t.Errorf("interrupted: exit code %d, %q", code, r.log.String())
	}
}

// recorderRights are those that a recorder needs, and no others.
func recorderRights() *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			"$JS.API.STREAM.INFO.RECORDER_ACME", "$JS.API.CONSUMER.CREATE.RECORDER_ACME.*.recorder.v1.acme.>",
			"$JS.API.CONSUMER.MSG.NEXT.RECORDER_ACME.*",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}
}

// What a recorder sees, with a recorder's rights, beside a running instance.
func TestTailAndLegs(t *testing.T) {
	t.Parallel()
	org := newOrg(t, simulator.Options{})
	broker, _ := rights(t, "recorder", recorderRights())
	launch(t, nil, broker.URL(), via(org.URL(), "NATS_USER=admin", "NATS_PASSWORD=admin")...).ready()
	env := reading(broker.URL(), "NATS_USER=recorder", "NATS_PASSWORD=secret-recorder")
	users := org.Users()

	all, calls := follow(t, env, "tail", "--since", "1h"), follow(t, env, "tail", "--calls", "--since=1h")
	all.has("feed", "leader", "primary", "leads, epoch ")
	c := org.Call(simulator.Inbound{From: "tel:+15551234567"})
	first := c.Alert(users[0])
	first.Answer()
	all.has("start", "established", "recording", users[0].Name, c.ID(), first.ID()[:8], "customer ***567")
	all.has("agent", users[0].Name)

	byAgent := follow(t, env, "tail", "--open", "--agent", users[1].ID)
	byName := follow(t, env, "tail", "--open", "--agent", strings.ToUpper(users[1].Name), "--calls")
	byLeg := follow(t, env, "tail", "--open", "--leg", first.ID())
	byCall := follow(t, env, "tail", "--open", "--conversation", c.ID()[:8])
	byVerb := follow(t, env, "tail", "--verb", "pause,resume", "--since", "1h")
	feed := follow(t, env, "tail", "--feed", "--since", "1h")
	asJSON := follow(t, env, "tail", "--json", "--open")
	byLeg.has("recording", first.ID()[:8])
	byCall.has("recording", c.ID())
	asJSON.has(`"verb":"`, c.ID(), "tel:+15551234567")

	other := org.Call(simulator.Inbound{})
	second := other.Alert(users[1])
	second.Answer()
	second.Hold()
	byAgent.has("start", other.ID())
	byName.has("held", other.ID())
	c.SecurePause(true)
	byVerb.has("pause", "secure_paused", "paused", c.ID())
	byCall.has("pause", "paused by secure_pause")

	r := execute(t, env, "legs")
	if r.code != 0 || !strings.Contains(r.stdout, "2 open: 1 recording, 1 paused, 0 armed") || !strings.Contains(r.stdout, "led by a, epoch ") {
		t.Errorf("legs: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for line := range strings.Lines(r.stdout) {
		f := strings.Fields(line)
		switch {
		case strings.Contains(line, c.ID()) && !slices.Contains(f, "secure_pause"), strings.Contains(line, other.ID()) && !slices.Contains(f, "held"):
			t.Errorf("legs says %s", line)
		}
	}
	// The oldest state comes first.
	got := legsOf(t, env)
	if len(got.Legs) != 2 || got.Legs[1].LegID != first.ID() || got.Legs[1].State != recording.Paused || got.Legs[1].UserID != users[0].ID || len(got.Gaps) != 0 {
		t.Errorf("legs as JSON: %+v", got)
	}
	if got = legsOf(t, env, "--agent", users[1].ID); len(got.Legs) != 1 || got.Legs[0].LegID != second.ID() || !got.Legs[0].Held {
		t.Errorf("legs of one agent: %+v", got)
	}

	c.SecurePause(false)
	byVerb.has("resume", c.ID())
	c.CustomerHangsUp()
	other.CustomerHangsUp()
	byName.has("stop", other.ID())
	byLeg.has("stop", c.ID())
	eventually(t, "no open leg", func() bool { return len(legsOf(t, env).Legs) == 0 })

	feed.has("feed", "heartbeat", "open legs")
	chosen(t, byAgent, []string{"call", "agent"}, users[1].Name)
	chosen(t, byName, []string{"call"}, other.ID())
	chosen(t, byLeg, []string{"call"}, first.ID()[:8])
	chosen(t, byCall, []string{"call"}, c.ID())
	chosen(t, byVerb, []string{"call"}, "secure_")
	chosen(t, feed, []string{"feed"}, "")
	chosen(t, calls, []string{"call"}, "")
	for _, r := range []*reader{all, calls, byAgent, byName, byLeg, byCall, byVerb, feed, asJSON} {
		r.interrupted()
		if strings.Contains(r.out.String(), "5551234") != (r == asJSON) {
			t.Errorf("%v shows, or as JSON hides, a number", r.cmd.Args[1:])
		}
	}
	if strings.Contains(all.out.String(), "heartbeat") {
		t.Error("heartbeats are shown although nobody asked for the feed")
	}
}

// legs as JSON.
type legsDocument struct {
	Feed struct {
		Silent bool `json:"silent"`
	} `json:"feed"`
	Gaps []struct{ Cause string }
	Legs []struct {
		UserID, LegID string
		State         recording.State
		Held          bool
		Gaps          []string
	} `json:"legs"`
}

func legsOf(t *testing.T, env []string, args ...string) (d legsDocument) {
	t.Helper()
	r := execute(t, env, append([]string{"legs", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(r.stdout), &d); err != nil || r.code != 0 {
		t.Fatalf("legs --json: exit code %d, %v\n%s%s", r.code, err, r.stdout, r.stderr)
	}
	return d
}

// chosen demands that a tail has shown something, of these kinds only, always with a word.
func chosen(t *testing.T, r *reader, kinds []string, word string) {
	t.Helper()
	lines := r.lines()
	if len(lines) == 0 {
		t.Errorf("%v shows nothing", r.cmd.Args[1:])
	}
	for _, line := range lines {
		kind := "call"
		if f := strings.Fields(line); f[1] == "agent" || f[1] == "feed" {
			kind = f[1]
		}
		if !slices.Contains(kinds, kind) || !strings.Contains(line, word) {
			t.Errorf("%v shows %s", r.cmd.Args[1:], line)
		}
	}
}

// A tail outlives the server and shows each event once, in order.
func TestTailOverServerRestarts(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{Users: 1}), natstest.New(t)
	q := launch(t, nil, broker.URL(), via(org.URL(), "AGENT_EVENTS=false")...).ready()
	tail := follow(t, reading(broker.URL(), "LOG_LEVEL=error"), "tail", "--json", "--since", "1h")
	for range 3 {
		c := org.Call(simulator.Inbound{})
		c.Alert(org.Users()[0]).Answer()
		tail.has(`"verb":"start"`, c.ID())
		broker.Stop()
		c.CustomerHangsUp() // while NATS is away
		if err := broker.Start(); err != nil {
			t.Fatal(err)
		}
		tail.has(`"verb":"stop"`, c.ID())
	}
	q.end(syscall.SIGTERM)
	w := watch(t, broker.URL())
	eventually(t, "the last event", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return uint64(len(tail.lines())) == w.read && w.read > 0
	})
	last := map[string]string{}
	for _, line := range tail.lines() {
		var e recording.Envelope
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Sequence <= last[e.Type+e.Subject] {
			t.Errorf("%s follows %s of %s", e.Sequence, last[e.Type+e.Subject], e.Subject)
		}
		last[e.Type+e.Subject] = e.Sequence
	}
	tail.interrupted()
}

// Legs under an open gap say so.
func TestLegsUnderAGap(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{Users: 1}), natstest.New(t)
	launch(t, nil, broker.URL(), via(org.URL())...).ready()
	env := reading(broker.URL())
	c := org.Call(simulator.Inbound{})
	c.Alert(org.Users()[0]).Answer()
	eventually(t, "the leg", func() bool { return len(legsOf(t, env).Legs) == 1 })
	for _, fault := range []simulator.Fault{
		{Kind: simulator.FaultREST, Path: "/", Mode: simulator.ModeStatus, Status: 503}, {Kind: simulator.FaultCut},
	} {
		if _, err := org.Inject(fault); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the gap", func() bool { return len(legsOf(t, env).Gaps) > 0 })
	if got := legsOf(t, env); len(got.Legs) != 1 || len(got.Legs[0].Gaps) == 0 {
		t.Errorf("legs %+v", got)
	}
	if r := execute(t, env, "legs"); !strings.Contains(r.stdout, "gap open since") {
		t.Errorf("legs shows\n%s", r.stdout)
	}
	tail := follow(t, env, "tail", "--open")
	tail.has("feed", "gap_opened")
	tail.interrupted()
}

// Who closes the pipe has seen enough.
func TestTailIntoAClosedPipe(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{Users: 1}), natstest.New(t)
	launch(t, nil, broker.URL(), via(org.URL())...).ready()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{process: &process{t: t, log: &natstest.Log{}, done: make(chan struct{})}}
	r.cmd = exec.Command(binary, "tail", "--json", "--since", "1h") //nolint:noctx // it ends by itself
	r.cmd.Env, r.cmd.Stdout, r.cmd.Stderr = reading(broker.URL()), out, r.log
	if err = r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait() // the code is in ProcessState
		close(r.done)
	}()
	_ = out.Close() // the process has its own
	if line, err := bufio.NewReader(in).ReadString('\n'); err != nil || !strings.HasPrefix(line, "{") {
		t.Errorf("%q, %v", line, err)
	}
	if err = in.Close(); err != nil {
		t.Fatal(err)
	}
	select { // the next heartbeat
	case <-r.done:
	case <-time.After(patience):
		t.Error("it goes on writing")
		r.end(syscall.SIGKILL)
	}
	if code := r.cmd.ProcessState.ExitCode(); code != 0 || r.log.String() != "" {
		t.Errorf("exit code %d, %q", code, r.log.String())
	}
}

// What cannot work is said at once.
func TestTailRefuses(t *testing.T) {
	t.Parallel()
	broker := natstest.New(t)
	env := reading(broker.URL())
	for _, c := range []struct {
		env  []string
		args string
		code int
		says string
	}{
		{env, "tail", 1, "ADAPTER_NAME"},
		{env, "legs", 1, "no such stream"},
		{[]string{"NATS_URL=" + broker.URL()}, "tail", 2, "ADAPTER_NAME: is required"},
		{env, "tail --verb start,dance", 2, `"dance"`},
		{env, "tail --since yesterday", 2, "10m"},
		{env, "tail --open --since 10m", 2, "together"},
		{env, "tail --since -5m", 2, "10m"},
		{env, "tail --since 2999-01-01T00:00:00Z", 2, "in the future"},
		{env, "tail --conversation 8f1c/4b2e", 2, `"8f1c/4b2e" is not an id`},
		{env, "tail --leg * --since 1h", 2, `leg "*" is not an id`},
		{env, "tail --feed --verb start", 2, "verbs are those of calls"},
		{env, "tail --agents --leg 8f1c", 2, "legs are those of calls"},
		{env, "tail --feed --agent 8f1c", 2, "the feed is of no agent"},
		{env, "legs --conversation tel:+1555", 2, "is not an id"},
		{env, "legs acme", 2, `"acme"`},
		{env, "tail -h", 0, "-conversation"},
		{env, "tail --until 5m", 2, "ingestor tail: flag provided but not defined: -until; -h lists the options\n"},
		{env, "legs --agent", 2, "-agent; -h lists the options\n"},
		{reading("nats://127.0.0.1:1"), "legs", 1, "refused"},
	} {
		r := execute(t, c.env, strings.Fields(c.args)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.says) || r.stdout != "" {
			t.Errorf("%s: exit code %d, want %d with %q\n%s%s", c.args, r.code, c.code, c.says, r.stdout, r.stderr)
		}
	}
	limited := recorderRights()
	limited.Publish.Allow = limited.Publish.Allow[:1]
	broker, _ = rights(t, "recorder", limited)
	if r := execute(t, environment(nil, broker.URL(), ":0", "NATS_USER=admin", "NATS_PASSWORD=admin"), "provision"); r.code != 0 {
		t.Fatal(r.stderr)
	}
	for _, args := range [][]string{{"legs"}, {"tail"}, {"tail", "--open"}} {
		r := execute(t, reading(broker.URL(), "NATS_USER=recorder", "NATS_PASSWORD=secret-recorder"), args...)
		if r.code != 1 || !strings.Contains(r.stderr, "$JS.API.CONSUMER.CREATE.RECORDER_ACME") {
			t.Errorf("%v without the right: exit code %d\n%s", args, r.code, r.stderr)
		}
	}
}
