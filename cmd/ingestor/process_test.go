package main_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// patience is how long anything may take on a busy machine.
const patience = 30 * time.Second

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// process is one running ingestor.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  *natstest.Log
	addr string
	done chan struct{}
}

// environment is what an operator sets; the later of two wins.
func environment(p *platform, natsURL, addr string, extra ...string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "TZ=UTC", "ADAPTER_NAME=Acme", "INSTANCE_ID=a",
		"GENESYS_CLIENT_ID=" + clientID, "GENESYS_CLIENT_SECRET=" + clientSecret, "GENESYS_REGION_HOST=mypurecloud.ie",
		"NATS_URL=" + natsURL, "HTTP_ADDR=" + addr, "LOG_LEVEL=debug", "LEASE_TTL=1s",
		"RESTART_TIME=" + time.Now().UTC().Add(-2*time.Hour).Format("15:04"),
	}
	if p != nil {
		env = append(env, "GENESYS_API_URL="+p.srv.URL, "GENESYS_LOGIN_URL="+p.srv.URL)
	}
	return append(env, extra...)
}

// launch starts the service; it ends with the test, and what it has shown is searched
// for what must not be seen.
func launch(t *testing.T, p *platform, natsURL string, extra ...string) *process {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	q := &process{t: t, log: &natstest.Log{}, addr: l.Addr().String(), done: make(chan struct{})}
	if err := l.Close(); err != nil { // the address is free again
		t.Fatal(err)
	}
	q.cmd = exec.Command(binary) //nolint:noctx // ended by signal, as an operator would
	q.cmd.Env = environment(p, natsURL, q.addr, extra...)
	q.cmd.Stdout, q.cmd.Stderr = q.log, q.log
	if err := q.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = q.cmd.Wait() // the code is in ProcessState
		close(q.done)
	}()
	t.Cleanup(func() {
		q.searched()
		q.end(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("log of the process:\n%s", q.log.String())
		}
	})
	return q
}

// end sends a signal and returns the exit code.
func (q *process) end(s syscall.Signal) int {
	q.t.Helper()
	_ = q.cmd.Process.Signal(s) // it may have ended by itself
	select {
	case <-q.done:
	case <-time.After(patience):
		q.t.Errorf("still there %v after %v", patience, s)
		_ = q.cmd.Process.Kill()
		<-q.done
	}
	return q.cmd.ProcessState.ExitCode()
}

// get asks the admin endpoint; status 0 when there is no answer.
func (q *process) get(path string) (status int, body string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+q.addr+path, http.NoBody)
	if err != nil {
		return 0, err.Error()
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }() // it is read to its end
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

func (q *process) isReady() bool {
	status, _ := q.get("/readyz")
	return status == http.StatusOK
}

func (q *process) ready() *process {
	q.t.Helper()
	eventually(q.t, "readiness", q.isReady)
	return q
}

// notReady waits until the service says that it is not ready, for a reason.
func (q *process) notReady(reason string) {
	q.t.Helper()
	eventually(q.t, "not ready: "+reason, func() bool {
		status, body := q.get("/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, reason)
	})
}

// searched looks for secrets and personal data where they must not be.
func (q *process) searched() {
	q.t.Helper()
	_, metrics := q.get("/metrics")
	_, page := q.get("/")
	for where, text := range map[string]string{"log": q.log.String(), "metrics": metrics, "status page": page} {
		for _, word := range []string{clientSecret, tokenPrefix, "streaming-3-", "+1555", callerName, agentName, wrapupNotes} {
			if i := strings.Index(text, word); i >= 0 {
				q.t.Errorf("the %s shows %q: …%s…", where, word, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}

// result is what a command that ends by itself leaves.
type result struct {
	code           int
	stdout, stderr string
}

// execute runs one command to its end.
func execute(t *testing.T, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}
