package publish

import (
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// deniedLimit bounds the refused subjects that are remembered.
	deniedLimit = 256
	// logEvery is the shortest time between two equal warnings.
	logEvery = 10 * time.Second
)

// State follows a connection. Its zero value is not usable; make it with
// [NewState] and give it to one [Connect] only. Methods may be called from any
// goroutine.
type State struct {
	mu         sync.Mutex
	connected  bool
	server     string
	since      time.Time
	reconnects uint64
	lastError  string
	denied     map[string]struct{}
	logged     map[string]time.Time
}

// Status is what is known of a connection at one moment.
type Status struct {
	Connected  bool
	Server     string    // address without credentials; the last one when not connected
	Since      time.Time // of the last change of Connected
	Reconnects uint64    // since the start
	LastError  string    // why it is not connected, or the last asynchronous error
	Denied     []string  // subjects the server refused since the last connect, sorted
}

// NewState makes a state that says "not connected".
func NewState() *State {
	return &State{denied: map[string]struct{}{}, logged: map[string]time.Time{}, since: time.Now()}
}

// Status is a copy of the present state.
func (s *State) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Connected: s.connected, Server: s.server, Since: s.since, Reconnects: s.reconnects, LastError: s.lastError}
	for subject := range s.denied {
		st.Denied = append(st.Denied, subject)
	}
	slices.Sort(st.Denied)
	return st
}

// Connected reports whether the connection is up.
func (s *State) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected
}

// Denied reports whether the server refused to take messages on the subject
// since the last connect. The server does not answer such a message, so its
// sender only sees a timeout.
func (s *State) Denied(subject string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, denied := s.denied[subject]
	return denied
}

// handlers are the client's callbacks. The client calls them one at a time.
func (s *State) handlers(log *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.ConnectHandler(func(nc *nats.Conn) {
			s.up(nc, false)
			log.Info("connected to NATS", "server", nc.ConnectedUrlRedacted())
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			s.up(nc, true)
			log.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted())
		}),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			s.down(err)
			if nc.IsClosed() || err == nil {
				return // on purpose
			}
			log.Warn("lost the connection to NATS, trying again", "error", text(err))
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			s.fail(err)
			if s.mayLog("reconnect") {
				log.Warn("cannot connect to NATS, trying again", "error", text(err))
			}
		}),
		nats.ClosedHandler(func(nc *nats.Conn) {
			s.down(nc.LastError())
			log.Info("closed the connection to NATS")
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { s.asyncError(log, sub, err) }),
	}
}

// deniedPublish finds the subject in the server's words.
var deniedPublish = regexp.MustCompile(`(?i)permissions violation for publish to "([^"]+)"`)

// asyncError handles what the server reports outside any request. Refused
// permissions come only this way; the refused request itself times out.
func (s *State) asyncError(log *slog.Logger, sub *nats.Subscription, err error) {
	s.fail(err)
	kind := "error"
	if errors.Is(err, nats.ErrPermissionViolation) {
		kind = "permission"
		if m := deniedPublish.FindStringSubmatch(err.Error()); m != nil {
			s.mu.Lock()
			if len(s.denied) >= deniedLimit {
				clear(s.denied)
			}
			s.denied[m[1]] = struct{}{}
			s.mu.Unlock()
		}
	}
	if !s.mayLog(kind) {
		return
	}
	attrs := []any{"error", text(err)}
	if sub != nil {
		attrs = append(attrs, "subject", sub.Subject)
	}
	if kind == "permission" {
		log.Error("NATS refused a permission", attrs...)
		return
	}
	log.Warn("NATS reported an error", attrs...)
}

func (s *State) up(nc *nats.Conn, again bool) {
	server := nc.ConnectedUrlRedacted()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected, s.server, s.since, s.lastError = true, server, time.Now(), ""
	clear(s.denied) // the permissions may have been mended
	if again {
		s.reconnects++
	}
}

func (s *State) down(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connected {
		s.connected, s.since = false, time.Now()
	}
	if err != nil {
		s.lastError = err.Error()
	}
}

func (s *State) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastError = text(err)
}

// mayLog keeps warnings of one kind apart by logEvery.
func (s *State) mayLog(kind string) bool {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.logged[kind]; ok && now.Sub(last) < logEvery {
		return false
	}
	s.logged[kind] = now
	return true
}

// text is the error's text, or "" for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
