package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// NodeKill is the end of one NATS server of three, the one that leads the stream.
const NodeKill IncidentKind = "node_kill"

// broker is NATS as a whole: one server, or a cluster.
type broker struct{ nodes []*natstest.Server }

// newBroker starts one server on a port with its store in dir, or a cluster of
// several on free ports with temporary stores.
func newBroker(nodes int, dir string, port int) (*broker, error) {
	if nodes > 1 {
		c, err := natstest.RunCluster(nodes)
		if err != nil {
			return nil, err
		}
		return &broker{c.Servers}, nil
	}
	s, err := natstest.Run(natstest.Options{StoreDir: dir, Port: port})
	if err != nil {
		return nil, err
	}
	return &broker{[]*natstest.Server{s}}, nil
}

// URL lists the addresses of all nodes, separated by commas.
func (b *broker) URL() string {
	urls := make([]string, len(b.nodes))
	for i, n := range b.nodes {
		urls[i] = n.URL()
	}
	return strings.Join(urls, ",")
}

// Stop stops every node; the stores stay.
func (b *broker) Stop() {
	for _, n := range b.nodes {
		n.Stop()
	}
}

// Start starts every node that is stopped.
func (b *broker) Start() error {
	var errs []error
	for _, n := range b.nodes {
		errs = append(errs, n.Start())
	}
	return errors.Join(errs...)
}

// Close stops every node and removes the stores that are temporary.
func (b *broker) Close() error {
	var errs []error
	for _, n := range b.nodes {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}

// leads tells whether a node is the one that stores what is published.
func leads(n *natstest.Server) bool {
	srv := n.NATS()
	return srv != nil && srv.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, recording.StreamName(Adapter))
}

// current tells whether a node has caught up with everything of the adapter.
func current(n *natstest.Server) bool {
	srv, stream := n.NATS(), recording.StreamName(Adapter)
	return srv != nil && !slices.ContainsFunc([]string{stream, "KV_" + stream + "_LEASE", "KV_" + stream + "_STATE"}, func(name string) bool {
		return !srv.JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, name)
	})
}

// killNode shuts the node down that leads the stream, and with it every connection it
// has. A server that shuts down gives its leadership away, so that the stream is there
// again within a second; one whose host dies leaves the others an election of 4 to 9 s.
// It is back before this returns, so that never two of three are missing.
func (s *session) killNode(ctx context.Context, _ *process) error {
	i := max(slices.IndexFunc(s.broker.nodes, leads), 0)
	node := s.broker.nodes[i]
	node.Stop()
	sleep(ctx, s.NodeDownFor)
	if err := node.Start(); err != nil {
		return err
	}
	for begin := time.Now(); !current(node); sleep(ctx, 50*time.Millisecond) {
		if time.Since(begin) > recovers {
			return fmt.Errorf("node %d has not caught up after %v", i+1, recovers)
		}
	}
	return nil
}
