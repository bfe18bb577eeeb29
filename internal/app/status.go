package app

import (
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/logging"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// Status is everything worth knowing about an instance at one moment. It holds no
// secrets, no numbers and no names of callers. Durations are seconds and say so.
type Status struct {
	Report
	// Now is the clock of the instance: ages are counted from it.
	Now         time.Time `json:"now"`
	Adapter     string    `json:"adapter"`
	Description string    `json:"description,omitempty"`
	Startup     string    `json:"startupType"`
	// Connecting reports whether the instance was told to connect.
	Connecting bool `json:"connecting"`
	// Peer is the other instance, if there is one.
	Peer *Report `json:"peer,omitempty"`

	NATSConnected bool   `json:"natsConnected"`
	NATSError     string `json:"natsError,omitempty"`
	LastSequence  uint64 `json:"lastSequence"`
	// TailLag is how many stored messages were not read when the server last said so.
	TailLag uint64                  `json:"tailLag"`
	Legs    map[recording.State]int `json:"legs,omitempty"`
	Pending int                     `json:"pending"`
	// PendingSince is when the oldest of what is pending was received.
	PendingSince time.Time `json:"pendingSince,omitzero"`
	GapsOpen     int       `json:"gapsOpen"`
	// Comparing reports whether a comparison with REST is under way or waits for its turn.
	Comparing bool `json:"comparing"`

	Users         int              `json:"users"`
	Observed      int              `json:"observed"`
	Channels      []Channel        `json:"channels,omitempty"`
	Budget        *Budget          `json:"channelBudget,omitempty"`
	Rejected      []RejectedTopics `json:"rejectedTopics,omitempty"`
	TokenExpires  time.Time        `json:"tokenExpires,omitzero"`
	ClockOffset   float64          `json:"clockOffsetSeconds"`
	RateAllowed   int              `json:"rateLimitAllowed"`
	RateRemaining int              `json:"rateLimitRemaining"`

	// Activity, OpenLegs and Gaps are read from the stream: both instances of a pair
	// show the same.
	Activity Activity `json:"activity"`
	// Open are the open legs, the paused first and then the oldest, a few dozen of
	// OpenCount.
	Open      []Leg `json:"open,omitempty"`
	OpenCount int   `json:"openCount"`
	Gaps      []Gap `json:"gaps,omitempty"`
	// Log are the last warnings and errors, the latest first.
	Log []logging.Line `json:"log,omitempty"`

	// Engine and Platform are counters since the start.
	Engine   map[string]uint64 `json:"engine,omitempty"`
	Platform map[string]uint64 `json:"platform,omitempty"`
}

// Channel is one notification channel.
type Channel struct {
	Open          bool      `json:"open"`
	Topics        int       `json:"topics"`
	Users         int       `json:"users"`
	LastHeartbeat time.Time `json:"lastHeartbeat,omitzero"`
	LastEvent     time.Time `json:"lastEvent,omitzero"`
	Expires       time.Time `json:"expires,omitzero"`
}

// Budget tells how the channels of the OAuth client are used, by everybody who uses the
// client.
type Budget struct {
	Limit int `json:"limit"`
	Total int `json:"total"`
	Own   int `json:"own"`
	Peer  int `json:"peer"`
	// Foreign are those of somebody else, Needed what a renewal here will create.
	Foreign int       `json:"foreign"`
	Needed  int       `json:"needed"`
	Counted time.Time `json:"counted"`
}

// RejectedTopics is a class of topics that the platform refuses.
type RejectedTopics struct {
	// Topic is a template, such as v2.users.{id}.conversations.calls.
	Topic string `json:"topic"`
	// Permission is the missing one, empty when the platform did not say.
	Permission string `json:"permission,omitempty"`
	Users      int    `json:"users"`
}

// vitals are the states and counters of all parts at one moment. Status and metrics
// are made from them.
type vitals struct {
	report       Report
	peer         *Report
	connecting   bool
	nats         publish.Status
	reported     time.Time
	opened       bool // what follows is known
	platform     genesys.Status
	frames       genesys.Stats
	core         bridge.Stats
	legs         map[recording.State]int
	sequence     uint64
	pending      int
	pendingSince time.Time
	pausedSince  time.Time
	gaps         int
	comparing    bool
	tail         publish.TailStats
	lanes        publish.LanesStats
}

func (a *App) vitals() vitals {
	v := vitals{report: a.Report(), nats: a.natsUp.Status(), opened: a.opened.Load(), connecting: a.connecting()}
	if other, ok := a.peers.other(time.Now()); ok {
		v.peer = &other
	}
	if n := a.reported.Load(); n != 0 {
		v.reported = time.Unix(0, n)
	}
	if !v.opened {
		return v
	}
	v.platform, v.frames, v.tail, v.lanes = a.platform.Status(), a.platform.Stats(), a.tail.Stats(), a.lanes.Stats()
	a.engine.Do(func(c *bridge.Core, _ time.Time) {
		v.sequence, v.core, v.legs = c.LastSequence(), c.Stats(), c.LegsByState()
		v.pending, v.pendingSince = c.Pending()
		v.pausedSince = c.PausedSince()
	})
	v.gaps, v.comparing = a.engine.GapsOpen(), a.engine.Comparing()
	return v
}

// Status returns the present state. It may be called at any time.
func (a *App) Status() Status {
	v, now := a.vitals(), time.Now()
	s := Status{
		Report: v.report, Now: now, Adapter: a.set.AdapterName, Description: a.set.AdapterDescription, Startup: string(a.set.StartupType),
		Connecting: v.connecting, Peer: v.peer, NATSConnected: v.nats.Connected, Log: a.recent.Lines(),
	}
	if !v.nats.Connected {
		s.NATSError = v.nats.LastError
	}
	if !v.opened {
		return s
	}
	s.LastSequence, s.TailLag, s.Legs = v.sequence, v.tail.Pending, v.legs
	s.Pending, s.PendingSince, s.GapsOpen, s.Comparing = v.pending, v.pendingSince, v.gaps, v.comparing
	s.Engine, s.Platform = counters(v.core), counters(v.frames)
	a.engine.Do(func(c *bridge.Core, _ time.Time) { s.show(c, now) })
	p := v.platform
	s.Users, s.Observed, s.TokenExpires = p.Users, p.Observed, p.TokenExpires
	s.ClockOffset = math.Round(p.ClockOffset.Seconds()*1000) / 1000
	s.RateAllowed, s.RateRemaining = p.RateAllowed, p.RateRemaining
	for _, c := range p.Channels {
		s.Channels = append(s.Channels, Channel{
			Open: c.Open, Topics: c.Topics, Users: c.Users, LastHeartbeat: c.LastHeartbeat, LastEvent: c.LastEvent, Expires: c.Expires,
		})
	}
	if b := p.Budget; !b.Counted.IsZero() {
		s.Budget = &Budget{Limit: b.Limit, Total: b.Total, Own: b.Own, Peer: b.Peer, Foreign: b.Foreign, Needed: b.Needed, Counted: b.Counted}
	}
	for _, r := range p.Rejected {
		s.Rejected = append(s.Rejected, RejectedTopics{Topic: r.Topic, Permission: r.Permission, Users: r.Users})
	}
	return s
}

// counters names the fields of a struct of counters as JSON does.
func counters(stats any) map[string]uint64 {
	v := reflect.ValueOf(stats)
	m := make(map[string]uint64, v.NumField())
	for i := range v.NumField() {
		if f := v.Field(i); f.CanUint() {
			name := v.Type().Field(i).Name
			m[strings.ToLower(name[:1])+name[1:]] = f.Uint()
		}
	}
	return m
}
