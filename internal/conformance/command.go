package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Command is a recorder that is a program. Its lines on standard output that look like
// JSON are reports, see [Command.Reports].
type Command struct {
	args []string
	env  []string
	log  io.Writer

	mu      sync.Mutex
	running *exec.Cmd
	done    chan struct{}
	asked   bool
	lines   chan []byte
}

// NewCommand returns a recorder that is started as args. It gets the environment of this
// process and NATS_URL, ADAPTER_NAME, REPORT_SUBJECT and REPORT=json. What it writes
// besides reports goes to log.
func NewCommand(nats string, log io.Writer, args ...string) *Command {
	return &Command{
		args: args, log: log, lines: make(chan []byte),
		env: append(os.Environ(), Environment(nats)...),
	}
}

// Environment is what a recorder under test is told.
func Environment(nats string) []string {
	return []string{"NATS_URL=" + nats, "ADAPTER_NAME=" + Adapter, "REPORT_SUBJECT=" + ReportSubject, "REPORT=json"}
}

// Reports is for [Options.Reports].
func (c *Command) Reports(ctx context.Context, line func([]byte)) error {
	for {
		select {
		case b := <-c.lines:
			line(b)
		case <-ctx.Done():
			return nil
		}
	}
}

// Start implements [Recorder].
func (c *Command) Start(ctx context.Context, died func(error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.args[0], c.args[1:]...) //nolint:gosec // It is the user's own command.
	cmd.Env = c.env
	group(cmd)
	cmd.WaitDelay = time.Second // a child of the command may hold the output open
	out, in := io.Pipe()
	last := &tail{log: c.log}
	cmd.Stdout, cmd.Stderr = in, last
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", c.args[0], err)
	}
	done := make(chan struct{})
	c.running, c.done, c.asked = cmd, done, false
	read := make(chan error, 1)
	go func() { // ends with the output, which ends with the process
		read <- readLines(out, func(b []byte) {
			select {
			case c.lines <- bytes.Clone(b):
			case <-ctx.Done():
			}
		}, c.log)
	}()
	go func() { // ends with the process, which Kill ends
		defer close(done)
		err := cmd.Wait()
		err = errors.Join(err, in.Close(), <-read)
		c.mu.Lock()
		asked := c.asked
		c.mu.Unlock()
		if !asked {
			if err == nil {
				err = errors.New("exit status 0")
			}
			died(fmt.Errorf("%w: %s", err, last))
		}
	}()
	return nil
}

// Kill implements [Recorder].
func (c *Command) Kill(ctx context.Context) error {
	c.mu.Lock()
	cmd, done := c.running, c.done
	c.asked = true
	c.mu.Unlock()
	if cmd == nil {
		return nil
	}
	if err := killGroup(cmd); err != nil {
		return fmt.Errorf("kill %s: %w", c.args[0], err)
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", c.args[0], ctx.Err())
	}
}

// tail hands everything on and keeps the last line.
type tail struct {
	mu   sync.Mutex
	log  io.Writer
	last string
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(string(b)); text != "" {
		t.last = text[strings.LastIndexByte(text, '\n')+1:]
	}
	return t.log.Write(b)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last
}

// ByHand is a recorder that a person starts and ends.
type ByHand struct {
	// Tell is where the person reads what to do.
	Tell io.Writer
	// NATS is the address that the recorder connects to.
	NATS string

	started bool
}

// Start implements [Recorder].
func (h *ByHand) Start(context.Context, func(error)) error {
	if h.started {
		fmt.Fprint(h.Tell, "Kill your recorder now, the hard way, and start it again: the run goes on when it is ready.\n")
		return nil
	}
	h.started = true
	fmt.Fprintf(h.Tell, "Start your recorder now, with\n\n  %s\n\n", strings.Join(Environment(h.NATS), " "))
	return nil
}

// Kill implements [Recorder]. The person is asked at the next start.
func (*ByHand) Kill(context.Context) error { return nil }
