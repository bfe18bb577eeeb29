package natstest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Processes are NATS servers in processes of their own, which form one cluster with
// JetStream. They can be killed, which servers in the test's own process cannot.
type Processes struct {
	tb    testing.TB
	Nodes []*Process
}

// Process is one of them.
type Process struct {
	tb      testing.TB
	name    string
	url     string
	command []string
	cmd     *exec.Cmd
	done    chan struct{}
}

// NewProcesses builds the server from the module that the tests use, and runs a
// cluster of size processes for the duration of the test.
func NewProcesses(tb testing.TB, size int) *Processes {
	tb.Helper()
	dir := tb.TempDir()
	binary := filepath.Join(dir, "nats-server")
	build := exec.CommandContext(tb.Context(), "go", "build", "-o", binary, "github.com/nats-io/nats-server/v2")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("natstest: build the server: %v\n%s", err, out)
	}
	var routes []string
	ports := make([]int, 2*size)
	for i := range ports {
		port, err := freePort()
		if err != nil {
			tb.Fatalf("natstest: %v", err)
		}
		ports[i] = port
	}
	address := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	for _, port := range ports[size:] {
		routes = append(routes, "nats://"+address(port))
	}
	c := &Processes{tb: tb}
	for i := range size {
		name := fmt.Sprintf("node-%d", i+1)
		c.Nodes = append(c.Nodes, &Process{
			tb: tb, name: name, url: "nats://" + address(ports[i]),
			command: []string{
				binary, "--name", name, "--addr", "127.0.0.1", "--port", strconv.Itoa(ports[i]),
				"--jetstream", "--store_dir", filepath.Join(dir, name), "--log", filepath.Join(dir, name+".log"),
				"--cluster_name", "natstest", "--cluster", "nats://" + address(ports[size+i]), "--routes", strings.Join(routes, ","),
			},
		})
	}
	tb.Cleanup(func() {
		for _, n := range c.Nodes {
			n.Kill()
		}
	})
	for _, n := range c.Nodes {
		n.Start()
	}
	js := JetStream(tb, Connect(tb, c.URL(), nats.RetryOnFailedConnect(true)))
	Eventually(tb, "the cluster works", func() bool {
		// A leader alone is not enough: a stream on every node needs them all.
		ctx, cancel := context.WithTimeout(tb.Context(), time.Second)
		defer cancel()
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "ready", Subjects: []string{"ready"}, Replicas: size})
		return err == nil
	})
	if err := js.DeleteStream(tb.Context(), "ready"); err != nil {
		tb.Fatalf("natstest: %v", err)
	}
	return c
}

// URL lists the addresses of all nodes, separated by commas.
func (c *Processes) URL() string {
	urls := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		urls[i] = n.url
	}
	return strings.Join(urls, ",")
}

// StreamLeader is the node that leads the stream, as a node says that lives.
func (c *Processes) StreamLeader(js jetstream.JetStream, stream string) *Process {
	ctx, cancel := context.WithTimeout(c.tb.Context(), time.Second)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err != nil || s.CachedInfo().Cluster == nil {
		return nil
	}
	for _, n := range c.Nodes {
		if n.name == s.CachedInfo().Cluster.Leader {
			return n
		}
	}
	return nil
}

// Start starts the node, with the store and the addresses that it had before.
func (p *Process) Start() {
	p.tb.Helper()
	p.cmd = exec.CommandContext(context.Background(), p.command[0], p.command[1:]...) //nolint:gosec // the server built above
	p.done = make(chan struct{})
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	if err := p.cmd.Start(); err != nil {
		p.tb.Fatalf("natstest: start %s: %v", p.name, err)
	}
	go func(cmd *exec.Cmd, done chan struct{}) { // ends with the process, for which Kill waits
		_ = cmd.Wait()
		close(done)
	}(p.cmd, p.done)
}

// Kill ends the node at once, as a power failure of its host would; it answers nobody
// and says goodbye to nobody.
func (p *Process) Kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
	p.cmd = nil
}
