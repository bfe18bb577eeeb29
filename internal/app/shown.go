package app

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
)

// shownLegs bounds how many legs the status lists.
const shownLegs = 50

// Leg is a leg that is not stopped, as the stream tells it: ids and times.
type Leg struct {
	Conversation string          `json:"conversationId"`
	ID           string          `json:"legId"`
	User         string          `json:"userId,omitempty"`
	State        recording.State `json:"state"`
	// Since is when it came into the state, Began when it began to alert or to dial. A
	// state that is older than what was read back at the start began at Since or before.
	Since time.Time `json:"since"`
	Began time.Time `json:"began,omitzero"`
	// Reasons say why it is paused.
	Reasons []recording.PauseReason `json:"reasons,omitempty"`
}

// Gap is a stretch of time without observation, as the stream tells it.
type Gap struct {
	ID       string             `json:"id"`
	Instance string             `json:"instance"`
	Cause    recording.GapCause `json:"cause"`
	From     time.Time          `json:"from"`
	To       time.Time          `json:"to,omitzero"`
	Open     bool               `json:"open"`
	// All: everybody was concerned, else so many Users.
	All          bool `json:"all,omitempty"`
	Users        int  `json:"users,omitempty"`
	Recovered    int  `json:"recovered"`
	PossiblyLost int  `json:"possiblyLost"`
}

// Activity is how many call events the stream has taken lately.
type Activity struct {
	// StepSeconds is the length of one step, End the end of the last one.
	StepSeconds int       `json:"stepSeconds"`
	End         time.Time `json:"end"`
	// EventsPerSecond are the averages of the steps, the oldest first.
	EventsPerSecond []float64 `json:"eventsPerSecond"`
}

// show adds what the stream has told lately, whoever wrote it: both instances of a pair
// show the same, also right after a start.
func (s *Status) show(c *bridge.Core, now time.Time) {
	var legs []bridge.OpenLeg
	legs, s.OpenCount = c.Open(shownLegs)
	for _, l := range legs {
		s.Open = append(s.Open, Leg{
			Conversation: l.ID.Conversation, ID: l.ID.Leg, User: l.User, State: l.State, Since: l.Since, Began: l.Began, Reasons: l.Reasons,
		})
	}
	for _, g := range c.Gaps() {
		shown := Gap{
			ID: g.ID, Instance: g.Instance, Cause: g.Cause, From: g.From.Time, To: g.To.Time, Open: g.Open,
			Recovered: g.RecoveredCount, PossiblyLost: g.PossiblyLostCount,
		}
		if g.Scope != nil {
			shown.All, shown.Users = g.Scope.All, g.Scope.Users
		}
		s.Gaps = append(s.Gaps, shown)
	}
	s.Activity.StepSeconds = bridge.ActivityStep
	s.Activity.EventsPerSecond, s.Activity.End = c.Activity(now)
}
