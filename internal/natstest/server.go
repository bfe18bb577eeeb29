package natstest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// readyWithin bounds the start of one server on a busy machine.
const readyWithin = 20 * time.Second

// Options say how a server runs. The zero value is a server on a free loopback
// port with a temporary store.
type Options struct {
	// StoreDir is the directory of the JetStream store. Empty: a temporary
	// directory, removed by Close.
	StoreDir string
	// Host is the address to listen on. Default 127.0.0.1.
	Host string
	// Port is the client port. 0: a free one, kept over Stop and Start.
	Port int
	// Name is the server name. Default: chosen by the server.
	Name string
	// Configure, when set, changes the server's own options last, for example
	// to add users with permissions.
	Configure func(*server.Options)
}

// Server is one NATS server with JetStream in this process.
// Its methods may be called from several goroutines.
type Server struct {
	mu      sync.Mutex
	options *server.Options
	running *server.Server // nil while stopped
	url     string
	tempDir string
}

// Run starts a server and returns once clients can connect to it.
func Run(o Options) (*Server, error) {
	s, err := prepare(o)
	if err != nil {
		return nil, err
	}
	if err := s.Start(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare makes a server that is not started yet.
func prepare(o Options) (*Server, error) {
	s := &Server{}
	dir := o.StoreDir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "natstest-"); err != nil {
			return nil, fmt.Errorf("make store directory: %w", err)
		}
		s.tempDir = dir
	}
	host := o.Host
	if host == "" {
		host = "127.0.0.1"
	}
	port := o.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s.options = &server.Options{
		ServerName: o.Name,
		Host:       host,
		Port:       port,
		JetStream:  true,
		StoreDir:   dir,
		NoSigs:     true,
		NoLog:      true,
	}
	if o.Configure != nil {
		o.Configure(s.options)
	}
	return s, nil
}

// Start starts a stopped server on the port and store it had before.
// Starting a running server does nothing.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return nil
	}
	// The server edits its options, so each start gets its own copy.
	srv, err := server.NewServer(s.options.Clone())
	if err != nil {
		return fmt.Errorf("configure server: %w", err)
	}
	go srv.Start() // ends by Shutdown, which Stop waits for
	if !srv.ReadyForConnections(readyWithin) {
		srv.Shutdown()
		srv.WaitForShutdown()
		return fmt.Errorf("start server on %s: not ready within %v", net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port)), readyWithin)
	}
	if addr, ok := srv.Addr().(*net.TCPAddr); ok {
		s.options.Port = addr.Port
	}
	s.url = "nats://" + net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port))
	s.running = srv
	return nil
}

// Stop shuts the server down and waits until it is gone. The store stays.
// Stopping a stopped server does nothing.
func (s *Server) Stop() {
	s.mu.Lock()
	srv := s.running
	s.running = nil
	s.mu.Unlock()
	if srv == nil {
		return
	}
	srv.Shutdown()
	srv.WaitForShutdown()
}

// Close stops the server and removes its store if the store was temporary.
func (s *Server) Close() error {
	s.Stop()
	if s.tempDir == "" {
		return nil
	}
	if err := os.RemoveAll(s.tempDir); err != nil {
		return fmt.Errorf("remove store directory: %w", err)
	}
	return nil
}

// URL is the address clients connect to. It stays the same over Stop and Start.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Address is the host and port clients connect to, as a [Proxy] wants it.
func (s *Server) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port))
}

// NATS is the running server, for questions that only the server can answer.
// It is nil while the server is stopped.
func (s *Server) NATS() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}
