package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"time"
)

// process is one ingestor, which may be started many times, one at a time.
type process struct {
	name    string
	command []string
	env     []string
	address string // of its HTTP endpoint
	log     io.Writer
	// died is told about an end that nobody asked for.
	died  func(name string, err error)
	meter meter

	mu       sync.Mutex
	running  *exec.Cmd
	leash    io.Closer     // standard input: its end is the end of the process
	done     chan struct{} // closed when running has ended
	expected bool          // the end of running was asked for
}

// freeAddress finds a loopback address that nobody uses. It is taken up a little
// later by a process, and again after each restart.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// start starts the process. It does nothing while one runs.
func (p *process) start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, p.command[0], p.command[1:]...) //nolint:gosec // It is this very program.
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.log, p.log
	detach(cmd)
	leash, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("start ingestor %s: %w", p.name, err)
	}
	done := make(chan struct{})
	p.running, p.leash, p.done, p.expected = cmd, leash, done, false
	go func() { // ends with the process, which whoever started it ends
		err := cmd.Wait()
		p.mu.Lock()
		asked := p.expected
		p.running = nil
		p.mu.Unlock()
		if !asked && ctx.Err() == nil {
			p.died(p.name, err)
		}
		close(done)
	}()
	return nil
}

var errNotRunning = errors.New("not running")

// end asks the process to end, or kills it, and waits for its end.
func (p *process) end(ctx context.Context, kill bool) error {
	p.mu.Lock()
	cmd, done := p.running, p.done
	p.expected = true
	p.mu.Unlock()
	if cmd == nil {
		return fmt.Errorf("end ingestor %s: %w", p.name, errNotRunning)
	}
	var err error
	if kill {
		err = cmd.Process.Kill()
	} else {
		err = terminate(cmd.Process)
	}
	if err != nil {
		return fmt.Errorf("end ingestor %s: %w", p.name, err)
	}
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of ingestor %s: %w", p.name, ctx.Err())
	}
	if code := cmd.ProcessState.ExitCode(); !kill && code != 0 {
		return fmt.Errorf("ingestor %s was asked to end and ended with status %d", p.name, code)
	}
	return nil
}

// freeze stops the process where it stands, or lets it go on.
func (p *process) freeze(on bool) error {
	p.mu.Lock()
	cmd := p.running
	p.mu.Unlock()
	if cmd == nil {
		return fmt.Errorf("freeze ingestor %s: %w", p.name, errNotRunning)
	}
	return freeze(cmd.Process, on)
}

// get asks the process for something by HTTP.
func (p *process) get(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask ingestor %s for %s: %w", p.name, path, err)
	}
	r.Close = true // no connection outlives the question
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask ingestor %s for %s: %w", p.name, path, err)
	}
	return resp, nil
}

// ready asks the process whether it observes and can publish.
func (p *process) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	resp, err := p.get(ctx, "/readyz")
	if err != nil {
		return false
	}
	return errors.Join(resp.Body.Close()) == nil && resp.StatusCode == http.StatusOK
}

// awaitReady waits until the process is ready, or ctx ends, or for as long as limit.
func (p *process) awaitReady(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for ctx.Err() == nil {
		if p.ready(ctx) {
			return true
		}
		sleep(ctx, 100*time.Millisecond)
	}
	return false
}
