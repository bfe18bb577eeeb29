package genesys

import (
	"context"
	"fmt"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Platform is one connection to an organization, as one OAuth client.
type Platform struct {
	opts Options
}

// New checks the options and prepares a connection. It does not talk to anybody.
func New(opts Options) (*Platform, error) {
	opts.setDefaults()
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("genesys options: %w", err)
	}
	return &Platform{opts: opts}, nil
}

// Run connects, discovers, subscribes and delivers to the sink until ctx ends. It
// returns ctx's error then. It must be called once.
func (p *Platform) Run(ctx context.Context, _ Sink) error { <-ctx.Done(); return ctx.Err() }

// Renew gets a new token and moves every channel to it, new before old, one after
// the other. It returns when all are moved or the first one failed; a failure leaves
// the old ones in place.
func (p *Platform) Renew(context.Context) error { return errNotRunning }

// Suspect replaces the channels of these users: somebody knows of events that never
// arrived. It returns at once; the replacement is reported to the sink as starved.
func (p *Platform) Suspect([]string) {}

// Status returns the present state.
func (p *Platform) Status() Status { return Status{} }

// Stats returns the counters.
func (p *Platform) Stats() Stats { return Stats{} }

// Priority orders REST calls when the rate limit runs short.
type Priority int

// The priorities, the most important first.
const (
	PriorityChannels  Priority = iota // token and channels; used inside
	PriorityLegs                      // reads of paused and open legs
	PriorityDiscovery                 // users, groups, queues
	PriorityPeriodic                  // comparison without an occasion
)

// OpenConversation is a voice conversation that the platform's analytics believe to
// be open. Analytics lag behind: ask [Platform.Conversation] for the truth.
type OpenConversation struct {
	ID      string
	Start   time.Time
	UserIDs []string
	// ProtocolCallIDs are SIP call ids by participant id, where known.
	ProtocolCallIDs map[string]string
}

// OpenConversations returns the open voice conversations that started since then;
// the zero time means three days ago, and the platform allows 31 days at most.
func (p *Platform) OpenConversations(context.Context, time.Time) ([]OpenConversation, error) {
	return nil, errNotRunning
}

// Conversation reads one conversation. The error is [ErrNotFound] only when the
// platform itself says that it knows no such conversation.
func (p *Platform) Conversation(context.Context, string, Priority) (call.Snapshot, error) {
	return call.Snapshot{}, errNotRunning
}
