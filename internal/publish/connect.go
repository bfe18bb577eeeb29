package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// ErrSettings marks a connection that cannot work with the settings given: a
// file that cannot be read, a bad seed, a bad address. Trying again is useless.
var ErrSettings = errors.New("unusable NATS settings")

// Timings of the connection. A frozen server is noticed after two to three ping
// intervals; the client library's own default would take four minutes.
const (
	defaultPingInterval = 2 * time.Second
	maxPingsOut         = 2
	dialTimeout         = 2 * time.Second
	reconnectWait       = 100 * time.Millisecond
	reconnectJitter     = 150 * time.Millisecond
)

// ConnectOptions say where the servers are and who we are. At most one of
// CredsFile, NKeySeedFile, User and Token may be set.
type ConnectOptions struct {
	// Servers are the addresses, separated by commas, for example
	// "nats://a:4222,nats://b:4222". Required.
	Servers string
	// Name is shown in the server's connection list. Required. The private reply
	// subjects are _INBOX_<Name>.>, with anything but letters, digits, - and _
	// replaced by _; the user needs the right to subscribe to them.
	Name string
	// InboxName replaces Name in the reply subjects. Default: Name.
	InboxName string
	// InboxPrefix, when set, is the whole prefix of the reply subjects, for users whose
	// rights were not made for this program: "_INBOX" is what other clients use.
	InboxPrefix string

	CredsFile    string // user JWT and seed, as the NATS tools write them
	NKeySeedFile string // user nkey seed
	User         string // with Password
	Password     string // secret
	Token        string // secret

	TLSCAFile   string // PEM; default: the system's roots
	TLSCertFile string // PEM; with TLSKeyFile
	TLSKeyFile  string // PEM

	// PingInterval between questions whether the server is alive. Default 2 s; a
	// dead connection is given up after two to three of them.
	PingInterval time.Duration
	// Haste, when set and on, has each answer read as it comes. Otherwise answers that come
	// one after the other gather for some milliseconds.
	Haste *Haste
	// State, when set, follows the connection.
	State *State
	// Logger receives changes of the connection and refused permissions.
	// Default: nothing is logged.
	Logger *slog.Logger
}

// Connect opens a connection that lives until it is closed: it reconnects for
// ever and never buffers messages while it is away.
//
// A server that cannot be reached or that refuses the credentials is not an
// error of Connect: the connection keeps trying, State and log say so, and
// [WaitConnected] waits for it. An error means [ErrSettings], or that ctx ended.
// No error, log line or state contains a secret.
func Connect(ctx context.Context, o ConnectOptions) (*nats.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	servers, err := parseServers(o.Servers)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w: %w", ErrSettings, err)
	}
	if o.Name == "" {
		return nil, fmt.Errorf("connect to NATS: %w: the connection has no name", ErrSettings)
	}
	identity, err := identityOptions(o)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w: %w", ErrSettings, err)
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	state := o.State
	if state == nil {
		state = NewState()
	}
	haste := o.Haste
	if haste == nil {
		haste = NewHaste()
	}
	ping := o.PingInterval
	if ping <= 0 {
		ping = defaultPingInterval
	}
	inbox := o.InboxName
	if inbox == "" {
		inbox = o.Name
	}
	inbox = "_INBOX_" + token(inbox)
	if o.InboxPrefix != "" {
		inbox = o.InboxPrefix
	}
	opts := slices.Concat([]nats.Option{
		nats.Name(o.Name),
		nats.CustomInboxPrefix(inbox),
		nats.MaxReconnects(-1),
		nats.RetryOnFailedConnect(true),
		nats.IgnoreAuthErrorAbort(), // a revoked and renewed credential must heal
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		// A message buffered while away would be sent after its result was
		// already reported as unknown.
		nats.ReconnectBufSize(-1),
		nats.Timeout(dialTimeout),
		nats.SetCustomDialer(&gatheringDialer{Dialer: net.Dialer{Timeout: dialTimeout}, haste: haste}),
		nats.PingInterval(ping),
		nats.MaxPingsOutstanding(maxPingsOut),
		// The library holds its lock while it writes. Without a short limit a
		// frozen peer would also keep the pings from noticing it.
		nats.FlusherTimeout(maxPingsOut * ping),
		nats.ReconnectOnFlusherError(),
	}, state.handlers(log), identity)
	nc, err := nats.Connect(servers, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w: %w", ErrSettings, err)
	}
	return nc, nil
}

// WaitConnected waits until nc is connected. When ctx ends first, the error
// tells why the last attempt failed.
func WaitConnected(ctx context.Context, nc *nats.Conn) error {
	status := nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer nc.RemoveStatusListener(status)
	for {
		switch nc.Status() {
		case nats.CONNECTED:
			return nil
		case nats.CLOSED:
			return fmt.Errorf("wait for NATS: %w", nats.ErrConnectionClosed)
		default:
		}
		select {
		case <-status:
		case <-ctx.Done():
			return fmt.Errorf("wait for NATS: %w", errors.Join(ctx.Err(), nc.LastError()))
		}
	}
}

// parseServers checks each address and names the bad ones without passwords.
func parseServers(list string) (string, error) {
	var servers []string
	var errs []error
	for s := range strings.SplitSeq(list, ",") {
		s = strings.TrimSpace(s)
		if s == "" {
			continue
		}
		if !strings.Contains(s, "://") {
			s = "nats://" + s
		}
		u, err := url.Parse(s)
		switch {
		case err != nil:
			// The text of a *url.Error repeats the address, password included.
			if bad, ok := errors.AsType[*url.Error](err); ok {
				err = bad.Err
			}
			errs = append(errs, fmt.Errorf("server address %d: %w", len(servers)+len(errs)+1, err))
		case !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
			errs = append(errs, fmt.Errorf("server address %s: scheme %q, allowed are nats, tls, ws, wss", u.Redacted(), u.Scheme))
		case u.Hostname() == "":
			errs = append(errs, fmt.Errorf("server address %s: no host", u.Redacted()))
		default:
			servers = append(servers, s)
		}
	}
	if len(servers)+len(errs) == 0 {
		errs = append(errs, errors.New("no server address"))
	}
	return strings.Join(servers, ","), errors.Join(errs...)
}

// token replaces what may not stand in one token of a subject.
func token(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		default:
			return '_'
		}
	}, s)
}
