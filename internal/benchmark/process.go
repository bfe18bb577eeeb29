package benchmark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience is how long a process may take to get ready.
const patience = 60 * time.Second

// process is one child. Its standard input is its leash: it ends with it.
type process struct {
	name  string
	cmd   *exec.Cmd
	leash io.WriteCloser
	out   *os.File // its standard output, read by this process
	read  *json.Decoder
	log   *os.File
	done  chan struct{}
	err   error // of its end; read after done
	// interrupt: it knows nothing of the leash, and ends with a signal.
	interrupt bool
}

// start starts a child whose standard error goes to a file in dir.
func start(ctx context.Context, dir, name string, env []string, command ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("create a log: %w", err)
	}
	p := &process{name: name, log: log, done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // It is this very program, or node.
	p.cmd.Env, p.cmd.Stderr = append(inherited(), env...), log
	out, in, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	p.out, p.cmd.Stdout = out, in
	p.read = json.NewDecoder(out)
	p.leash, err = p.cmd.StdinPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	err = errors.Join(err, in.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), out.Close(), log.Close())
	}
	go func() { // ends with the process, for which end waits
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// inherited is what a child needs of this process' environment.
func inherited() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "GOMAXPROCS", "GOCOVERDIR", "GORACE"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// end lets go of the leash and waits; it kills whoever does not care.
func (p *process) end() error {
	if p == nil {
		return nil
	}
	_ = p.leash.Close() // its end may be closed already
	if p.interrupt {
		_ = p.cmd.Process.Signal(os.Interrupt)
	}
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = p.out.Close()
	_ = p.log.Close()
	var exit *exec.ExitError
	if errors.As(p.err, &exit) && !exit.Exited() {
		return fmt.Errorf("%s did not end by itself: %w; its log: %s", p.name, p.err, p.log.Name())
	}
	return nil
}

// line reads one line of JSON that the process writes.
func (p *process) line(v any, within time.Duration) error {
	if err := p.out.SetReadDeadline(time.Now().Add(within)); err != nil {
		return fmt.Errorf("read from %s: %w", p.name, err)
	}
	if err := p.read.Decode(v); err != nil {
		return fmt.Errorf("read from %s: %w; its log: %s", p.name, err, p.log.Name())
	}
	return nil
}

// awaitReady waits for the line "ready".
func (p *process) awaitReady() error {
	if err := p.out.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("read from %s: %w", p.name, err)
	}
	b := make([]byte, 64)
	for text := ""; !strings.Contains(text, "ready\n"); {
		n, err := p.out.Read(b)
		if err != nil {
			return fmt.Errorf("wait for %s: %w; its log: %s", p.name, err, p.log.Name())
		}
		text += string(b[:n])
	}
	return nil
}

// ticks per second in /proc: the kernel reports in this unit on every platform that
// this is likely to run on.
const ticks = 100

// cpu is the processor time that the process has used.
func (p *process) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	// The name of the program may contain anything; the numbers come after it.
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * time.Second / ticks
}

// memory is the resident memory now and at its peak, in bytes.
func (p *process) memory() (now, peak int64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "VmRSS:":
			now = n << 10
		case "VmHWM:":
			peak = n << 10
		}
	}
	return now, peak
}
