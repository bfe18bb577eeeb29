package natstest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// clusterReadyWithin bounds the election of the meta leader: Raft waits up to
// nine seconds before it calls for one.
const clusterReadyWithin = 45 * time.Second

// Cluster is a set of servers that form one NATS cluster with JetStream.
type Cluster struct {
	// Servers are the members, in a fixed order.
	Servers []*Server
}

// RunCluster starts size servers as one cluster and returns once JetStream has
// a leader and knows all members. Three is the smallest size that survives the
// loss of a member. The store directories are temporary.
func RunCluster(size int) (*Cluster, error) {
	routes := make([]*url.URL, size)
	ports := make([]int, size)
	for i := range size {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		ports[i] = port
		routes[i] = &url.URL{Scheme: "nats", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	}
	c := &Cluster{}
	for i := range size {
		s, err := prepare(Options{
			Name: fmt.Sprintf("node-%d", i+1),
			Configure: func(o *server.Options) {
				o.Cluster = server.ClusterOpts{Name: "natstest", Host: "127.0.0.1", Port: ports[i], NoAdvertise: true}
				o.Routes = routes
			},
		})
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.Servers = append(c.Servers, s)
	}
	for _, s := range c.Servers {
		if err := s.Start(); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	if err := c.waitReady(size); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// waitReady polls until one member leads JetStream and counts all members.
func (c *Cluster) waitReady(size int) error {
	deadline := time.Now().Add(clusterReadyWithin)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		for _, s := range c.Servers {
			if srv := s.NATS(); srv != nil && srv.JetStreamIsLeader() && len(srv.JetStreamClusterPeers()) == size {
				return nil
			}
		}
		if time.Now().After(deadline) {
			break
		}
	}
	return fmt.Errorf("start cluster: no JetStream leader with %d members within %v", size, clusterReadyWithin)
}

// URL lists the addresses of all members, separated by commas.
func (c *Cluster) URL() string {
	urls := make([]string, len(c.Servers))
	for i, s := range c.Servers {
		urls[i] = s.URL()
	}
	return strings.Join(urls, ",")
}

// StreamLeader is the member that leads the stream, or nil while none does.
func (c *Cluster) StreamLeader(stream string) *Server {
	for _, s := range c.Servers {
		if srv := s.NATS(); srv != nil && srv.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return s
		}
	}
	return nil
}

// Close stops all members and removes their stores.
func (c *Cluster) Close() error {
	var errs []error
	for _, s := range c.Servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// freePort asks the system for a port nobody uses now.
func freePort() (int, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil || !ok {
		return 0, fmt.Errorf("find a free port: %v: %w", addr, err)
	}
	return addr.Port, nil
}
