package genesys

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"
)

// Topic kinds for [Options.Topic].
const (
	TopicCalls         = "calls"         // v2.users.{id}.conversations.calls
	TopicConversations = "conversations" // v2.users.{id}.conversations
)

// topicsPerChannel is the platform's limit.
const topicsPerChannel = 1000

// Options say whom to connect to, as whom, and whom to monitor.
type Options struct {
	ClientID     string // required
	ClientSecret string // required
	APIURL       string // required, such as https://api.mypurecloud.ie
	LoginURL     string // required, such as https://login.mypurecloud.ie
	// Domain is the base domain of the region. Channels must live in it or on the host
	// of APIURL; a loopback APIURL allows any loopback address.
	Domain        string
	AllowInsecure bool   // plain http and ws to hosts that are not loopback
	ProxyURL      string // for REST and websockets; empty: from the environment

	// Topic is the preferred kind, default [TopicCalls]. When the platform refuses it
	// for all users the other one is tried.
	Topic       string
	AgentEvents bool
	// Attributes are the participant attributes to decode; nil means all.
	Attributes []string

	// Users are monitored when they are named, or in a named group or queue; all active
	// users when nothing is named. Of these only the ones in the named divisions, if
	// any, and of these the ones of the shard.
	UserIDs, GroupIDs, DivisionIDs, QueueIDs []string
	// ShardIndex counts from 0. ShardCount 0 means 1.
	ShardIndex, ShardCount int

	MaxChannels int // default 8, at most 20
	Store       ChannelStore
	Logger      *slog.Logger // default: discards
	Timings     Timings
	MaxFrame    int64 // bytes, default 16 MiB; longer frames are skipped and reported
	MaxBody     int64 // bytes of a REST answer, default 64 MiB
}

// Timings have defaults that suit the platform; tests shorten them.
type Timings struct {
	Heartbeat  time.Duration // silence before a ping, default 35 s
	PingWait   time.Duration // silence after the ping, default 10 s
	Dial       time.Duration // limit for opening a socket, default 15 s
	Request    time.Duration // limit for one try of a REST call, default 30 s
	BackoffMin time.Duration // first pause between tries, default 250 ms
	BackoffMax time.Duration // longest pause between tries, default 30 s
	// RefusedMin and RefusedMax bound the pauses after the token endpoint has refused
	// for good, and between channels that come to nothing, once a few quick tries are
	// used up; defaults 30 s and 5 min.
	RefusedMin, RefusedMax time.Duration
	Overlap                time.Duration // how long an old socket is read beside the new one, default 1 s
	Discovery              time.Duration // between discoveries, default 5 min
	Resubscribe            time.Duration // longest time between confirmations of the topics, default 12 h
	// Creation is the pause between new channels once the first ones, twice as many as
	// allowed and a few, are used up; default 20 s. The platform has been seen to starve
	// clients that create too many.
	Creation time.Duration
	Suspect  time.Duration // least time between two replacements of a suspected channel, default 10 min
	Grace    time.Duration // in which a suspected channel can show that it delivers, default 3 s
	Notice   time.Duration // after which a renewal says what it waits for, default 5 s
	// TokenMargin is the rest of a token's life in which it is renewed, default 10 min;
	// a quarter of the life for short-lived ones.
	TokenMargin time.Duration
	Retries     int // further tries of one REST call, default 3
}

func (o *Options) setDefaults() {
	def(&o.Topic, TopicCalls)
	def(&o.ShardCount, 1)
	def(&o.MaxChannels, 8)
	def(&o.MaxFrame, 16<<20)
	def(&o.MaxBody, 64<<20)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	t := &o.Timings
	def(&t.Heartbeat, 35*time.Second)
	def(&t.PingWait, 10*time.Second)
	def(&t.Dial, 15*time.Second)
	def(&t.Request, 30*time.Second)
	def(&t.BackoffMin, 250*time.Millisecond)
	def(&t.BackoffMax, 30*time.Second)
	def(&t.RefusedMin, 30*time.Second)
	def(&t.RefusedMax, 5*time.Minute)
	def(&t.Overlap, time.Second)
	def(&t.Discovery, 5*time.Minute)
	def(&t.Resubscribe, 12*time.Hour)
	def(&t.Creation, 20*time.Second)
	def(&t.Suspect, 10*time.Minute)
	def(&t.Grace, 3*time.Second)
	def(&t.Notice, 5*time.Second)
	def(&t.TokenMargin, 10*time.Minute)
	def(&t.Retries, 3)
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// validate reports everything that is wrong at once.
func (o *Options) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.ClientID == "" {
		bad("client id is missing")
	}
	if o.ClientSecret == "" {
		bad("client secret is missing")
	}
	for _, u := range []struct{ name, value string }{{"API URL", o.APIURL}, {"login URL", o.LoginURL}} {
		if err := checkURL(u.value, o.AllowInsecure); err != nil {
			bad("%s %q: %w", u.name, u.value, err)
		}
	}
	if o.ProxyURL != "" {
		// The value may hold a password: it is not repeated.
		if u, err := url.Parse(o.ProxyURL); err != nil || u.Host == "" {
			bad("proxy URL is not an address such as http://proxy:3128")
		}
	}
	if o.Topic != TopicCalls && o.Topic != TopicConversations {
		bad("topic %q: must be %s or %s", o.Topic, TopicCalls, TopicConversations)
	}
	if o.ShardCount < 1 || o.ShardIndex < 0 || o.ShardIndex >= o.ShardCount {
		bad("shard %d of %d: the index must be from 0 to the count less one", o.ShardIndex, o.ShardCount)
	}
	if o.MaxChannels < 1 || o.MaxChannels > 20 {
		bad("%d channels: must be from 1 to 20, the platform's limit for one OAuth client", o.MaxChannels)
	}
	return errors.Join(errs...)
}

func checkURL(value string, insecure bool) error {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "":
		return errors.New("must be an address such as https://api.mypurecloud.ie")
	case u.User != nil:
		return errors.New("must not hold a user or password")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (insecure || isLoopback(u.Hostname())):
		return nil
	case u.Scheme == "http":
		return errors.New("plain http is allowed to loopback addresses only")
	}
	return errors.New("scheme must be https")
}

// isLoopback reports whether a host is this machine, without asking a name server.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
