package genesys

import (
	"context"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Sink receives what the platform says. All methods are called from several
// goroutines at once and must not block: the reader of a socket waits for them.
type Sink interface {
	// Snapshot is one view of one conversation. It is the receiver's until the method
	// returns, and is then filled with another one; what its participants point to stays
	// as it is.
	Snapshot(*call.Snapshot)
	// Flush is called before a socket waits for the network: all frames that have come were
	// handed over. What follows from several snapshots may wait for it.
	Flush()
	// Agent is what became known about one user.
	Agent(AgentUpdate)
	// Directory replaces the directory: after discovery, and when it changed.
	Directory(*Directory)
	// Feed says that a scope can or cannot be observed.
	Feed(FeedStatus)
}

// ChannelStore remembers channels across restarts. What it keeps contains channel
// addresses, and whoever knows one can listen: treat it as a secret. Load returns
// nil without an error when nothing was saved.
type ChannelStore interface {
	Load(ctx context.Context) ([]byte, error)
	Save(ctx context.Context, data []byte) error
}

// Cause says why a scope cannot be observed.
type Cause string

// The causes of a [FeedStatus].
const (
	CauseStarted       Cause = "started"        // not subscribed yet
	CauseSocketLost    Cause = "socket_lost"    // the socket was closed or broke
	CauseSilent        Cause = "silent"         // no heartbeat and no answer to a ping
	CauseStarved       Cause = "starved"        // alive, but reported as delivering nothing
	CauseChannelLost   Cause = "channel_lost"   // the channel is gone or lost its topics
	CauseTokenLost     Cause = "token_lost"     // the token was revoked or expired
	CauseUnreachable   Cause = "unreachable"    // the platform cannot be reached
	CauseTopicRejected Cause = "topic_rejected" // the platform refuses the topic
	CauseOverload      Cause = "overload"       // more users than the channels can carry
	CauseFrameRejected Cause = "frame_rejected" // a frame could not be read
)

// FeedStatus says since when a scope is up or down. A scope that is reported down
// again keeps the earlier moment: the repetition only names the cause better.
type FeedStatus struct {
	Up    bool
	Cause Cause // of a down
	// From is the last moment at which the scope was surely observed (down), or the
	// first one at which it is observed again (up).
	From time.Time
	// Users are the ids concerned; nil means all users, known or not.
	Users []string
	// Complete is set on an up when no monitored user is down any more, but for those
	// whose topic is rejected.
	Complete bool
}

// AgentUpdate is the level of some aspects of one user: those whose Has field is set.
// The others are unknown here, which is not the same as empty.
type AgentUpdate struct {
	UserID        string
	Topic         string // empty for REST
	CorrelationID string
	Received      time.Time
	// Asked is when the question left, for an answer of REST; zero for a notification.
	Asked time.Time

	HasPresence bool
	Presence    Presence
	HasRouting  bool
	Routing     Routing
	// HasStation with an empty Station.ID means: no station.
	HasStation     bool
	Station        Station
	HasOutOfOffice bool
	OutOfOffice    bool
}

// Presence is what a user says about being there.
type Presence struct {
	ID     string // of the presence definition
	System string // lower case, underscores for spaces: available, busy, on_queue …
	Since  time.Time
}

// Routing is what the platform says about a user's availability for queue calls.
type Routing struct {
	Status string // lower case: off_queue, idle, interacting, not_responding, communicating
	Since  time.Time
}

// Station is the phone of a user.
type Station struct {
	ID   string
	Name string
	Type string // as the platform writes it: inin_webrtc_softphone …; known to the directory only
}

// User is one entry of the directory.
type User struct {
	ID         string
	Name       string
	DivisionID string
	Station    Station
	// Monitored is false for users that are known but outside the selection.
	Monitored bool
}

// Directory is what is known about users and queues. It is never changed after it
// was handed over.
type Directory struct {
	Generation uint64
	Users      map[string]User
	Queues     map[string]string // id to name
	Stations   map[string]Station
}
