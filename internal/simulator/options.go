package simulator

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Options describe the organization. The zero value is usable: every field has
// the default that is given with it.
type Options struct {
	// Addr to listen on. Default 127.0.0.1:0.
	Addr string
	// PublicURL is under which clients reach Addr, such as http://platform:8090:
	// what [Org.URL] returns, and where channels lead. Default: Addr itself.
	PublicURL string
	// Seed of every random choice: ids, timing, casting. Default 1.
	Seed uint64
	// Users, Queues and Groups of the organization. Default 20, 4 and 2.
	Users, Queues, Groups int

	// ClientID and ClientSecret of the first OAuth client, which has every
	// permission in every division. See [Org.AddClient] for more clients.
	// Default "sim-client" and "sim-secret".
	ClientID, ClientSecret string
	// TokenLife of tokens of the first client. Default 24h.
	TokenLife time.Duration

	// HeartbeatEvery is the pause between heartbeats. Default 30s.
	HeartbeatEvery time.Duration
	// ChannelLife is how long a channel lives after its last subscription. Default 24h.
	ChannelLife time.Duration
	// MaxChannels per OAuth client. Default 20.
	MaxChannels int
	// MaxTopics per channel. Default 1000.
	MaxTopics int
	// CloseWarning is the time between the announcement of a maintenance and the
	// closing of the socket. Default 1m.
	CloseWarning time.Duration
	// QueueFrames is how many frames a reader may be behind before its socket is
	// closed. Default 8192.
	QueueFrames int

	// RateLimit of REST calls per token and minute. Default 300, negative for none.
	RateLimit int
	// Latency of every REST answer. Default 0.
	Latency time.Duration
	// DeliveryDelay is the longest time from a change to its frame; the order
	// within a topic is kept. Default 0.
	DeliveryDelay time.Duration
	// AnalyticsLag is how far the analytics store is behind. Default 0.
	AnalyticsLag time.Duration

	// Domain is shown in addresses and errors only. Default "example.invalid".
	Domain string
	// Speed divides the pauses of stories: 1 is human time. Default 1.
	Speed float64
	// Retain is how long a conversation is remembered after its end. Zero, the
	// default, remembers all of them. Forgotten ones are also gone from the truth.
	Retain time.Duration

	// RejectFlatTopic makes every conversations.calls topic of users Rejected.
	RejectFlatTopic bool
	// Shape2022 sends the older flat frames: ani instead of address, no securePause.
	// A secure pause cannot be seen in them, although the truth knows it.
	Shape2022 bool
	// GenesysRecording makes the recording flags follow the organization's own
	// recorder instead of staying false and none.
	GenesysRecording bool
	// StaleFlags leaves held, muted and securePause set on a leg that ended with them.
	StaleFlags bool
	// RebindOnSubscribe binds a channel to the token of its last subscription only.
	// By default it dies with any token that it was created or subscribed with.
	RebindOnSubscribe bool
	// UnknownTopics are templates, such as v2.users.{id}.outofoffice, that this
	// organization does not have.
	UnknownTopics []string
	// DottedSuffixes accepts combined topics with a dot after the question mark.
	DottedSuffixes bool
	// EvictionStarves keeps the socket of an evicted channel open, with heartbeats
	// and without events, instead of closing it.
	EvictionStarves bool

	// Logger for what the simulator does. Default: discard.
	Logger *slog.Logger
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// resolve returns the options with defaults, or every mistake at once.
func (o Options) resolve() (Options, error) {
	orDefault(&o.Addr, "127.0.0.1:0")
	orDefault(&o.Seed, 1)
	orDefault(&o.Users, 20)
	orDefault(&o.Queues, 4)
	orDefault(&o.Groups, 2)
	orDefault(&o.ClientID, "sim-client")
	orDefault(&o.ClientSecret, "sim-secret")
	orDefault(&o.TokenLife, 24*time.Hour)
	orDefault(&o.HeartbeatEvery, 30*time.Second)
	orDefault(&o.ChannelLife, 24*time.Hour)
	orDefault(&o.MaxChannels, 20)
	orDefault(&o.MaxTopics, 1000)
	orDefault(&o.CloseWarning, time.Minute)
	orDefault(&o.QueueFrames, 8192)
	orDefault(&o.RateLimit, 300)
	orDefault(&o.Domain, "example.invalid")
	orDefault(&o.Speed, 1)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	var errs []error
	positive := func(name string, value int) {
		if value < 1 {
			errs = append(errs, fmt.Errorf("%s %d: must be at least 1", name, value))
		}
	}
	positive("Users", o.Users)
	positive("Queues", o.Queues)
	positive("Groups", o.Groups)
	positive("MaxChannels", o.MaxChannels)
	positive("MaxTopics", o.MaxTopics)
	positive("QueueFrames", o.QueueFrames)
	duration := func(name string, value, least time.Duration) {
		if value < least {
			errs = append(errs, fmt.Errorf("%s %s: must be at least %s", name, value, least))
		}
	}
	duration("TokenLife", o.TokenLife, time.Millisecond)
	duration("HeartbeatEvery", o.HeartbeatEvery, time.Millisecond)
	duration("ChannelLife", o.ChannelLife, time.Millisecond)
	duration("CloseWarning", o.CloseWarning, 0)
	duration("Latency", o.Latency, 0)
	duration("DeliveryDelay", o.DeliveryDelay, 0)
	duration("AnalyticsLag", o.AnalyticsLag, 0)
	duration("Retain", o.Retain, 0)
	if !(o.Speed > 0) {
		errs = append(errs, fmt.Errorf("speed %v: must be above 0, it divides pauses", o.Speed))
	}
	if err := errors.Join(errs...); err != nil {
		return Options{}, fmt.Errorf("simulator options: %w", err)
	}
	return o, nil
}
