package app

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// Status is everything worth knowing about an instance at one moment. It holds no
// secrets, no numbers and no names of callers.
type Status struct {
	Report
	Adapter     string `json:"adapter"`
	Description string `json:"description,omitempty"`
	Startup     string `json:"startupType"`
	// Started reports whether the instance was told to connect.
	Connecting bool `json:"connecting"`
	// Peer is the other instance, if there is one.
	Peer *Report `json:"peer,omitempty"`

	NATSConnected bool                    `json:"natsConnected"`
	NATSError     string                  `json:"natsError,omitempty"`
	LastSequence  uint64                  `json:"lastSequence"`
	Legs          map[recording.State]int `json:"legs,omitempty"`
	Pending       int                     `json:"pending"`
	GapsOpen      int                     `json:"gapsOpen"`

	Users         int                      `json:"users"`
	Observed      int                      `json:"observed"`
	Channels      []Channel                `json:"channels,omitempty"`
	Rejected      []genesys.RejectedTopics `json:"rejectedTopics,omitempty"`
	TokenExpires  time.Time                `json:"tokenExpires,omitzero"`
	ClockOffset   time.Duration            `json:"clockOffset"`
	RateRemaining int                      `json:"rateRemaining"`

	Core     bridge.Stats  `json:"engine"`
	Platform genesys.Stats `json:"platform"`
}

// Channel is one notification channel.
type Channel struct {
	Open          bool      `json:"open"`
	Topics        int       `json:"topics"`
	Users         int       `json:"users"`
	LastHeartbeat time.Time `json:"lastHeartbeat,omitzero"`
	LastEvent     time.Time `json:"lastEvent,omitzero"`
}

// Status returns the present state. It may be called at any time.
func (a *App) Status() Status {
	s := Status{
		Report: a.Report(), Adapter: a.set.AdapterName, Description: a.set.AdapterDescription, Startup: string(a.set.StartupType),
	}
	select {
	case <-a.connect:
		s.Connecting = true
	default:
	}
	if other, ok := a.peers.other(time.Now()); ok {
		s.Peer = &other
	}
	n := a.natsUp.Status()
	s.NATSConnected, s.NATSError = n.Connected, n.LastError
	if n.Connected {
		s.NATSError = ""
	}
	if !a.opened.Load() {
		return s
	}
	p := a.platform.Status()
	s.Users, s.Observed, s.Rejected, s.TokenExpires = p.Users, p.Observed, p.Rejected, p.TokenExpires
	s.ClockOffset, s.RateRemaining, s.Platform = p.ClockOffset, p.RateRemaining, a.platform.Stats()
	for _, c := range p.Channels {
		s.Channels = append(s.Channels, Channel{Open: c.Open, Topics: c.Topics, Users: c.Users, LastHeartbeat: c.LastHeartbeat, LastEvent: c.LastEvent})
	}
	a.engine.Do(func(c *bridge.Core, _ time.Time) {
		s.LastSequence, s.Core, s.Legs = c.LastSequence(), c.Stats(), c.LegsByState()
		s.Pending, _ = c.Pending()
	})
	s.GapsOpen = a.engine.GapsOpen()
	return s
}
