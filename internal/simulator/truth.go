package simulator

import (
	"maps"
	"slices"
	"time"
)

// ToggleKind is a property of a leg or a conversation that is on or off.
type ToggleKind string

// The kinds of toggles.
const (
	ToggleHeld        ToggleKind = "held"
	ToggleMuted       ToggleKind = "muted"
	ToggleSecurePause ToggleKind = "secure_pause" // of the conversation
	ToggleParked      ToggleKind = "parked"
	ToggleMonitoring  ToggleKind = "monitoring"
	ToggleCoaching    ToggleKind = "coaching"
	ToggleBarging     ToggleKind = "barging"
)

// Toggle is one change of such a property. The end of a leg ends everything that
// is on without a toggle of its own.
type Toggle struct {
	Kind    ToggleKind `json:"kind"`
	On      bool       `json:"on"`
	At      time.Time  `json:"at"`
	Version int        `json:"version"`
	// Seen: some client was sent a snapshot in which this was so.
	Seen bool `json:"seen"`
}

// Truth is everything that happened, as a copy. It is consistent per conversation.
type Truth struct {
	At            time.Time           `json:"at"`
	Conversations []ConversationTruth `json:"conversations"`
	// Legs of every person, of all conversations, in the order of the conversations.
	Legs []LegTruth `json:"legs"`
	// Sockets that are closed.
	Sockets []SocketTruth `json:"sockets,omitempty"`
	// Losses counts the frames that were not delivered to a subscribed channel, by cause.
	Losses map[LossCause]int `json:"losses,omitempty"`
	// LostFrames are the newest of these, at most maxLosses.
	LostFrames []Loss `json:"lostFrames,omitempty"`
	// Faults that were injected.
	Faults []FaultRecord `json:"faults,omitempty"`
}

// ConversationTruth is one conversation.
type ConversationTruth struct {
	ID           string     `json:"id"`
	Kind         string     `json:"kind"`
	Direction    string     `json:"direction"`
	QueueID      string     `json:"queueId,omitempty"`
	StartedAt    time.Time  `json:"startedAt"`
	EndedAt      time.Time  `json:"endedAt,omitzero"`
	Versions     int        `json:"versions"`
	SecurePauses []Toggle   `json:"securePauses,omitempty"`
	Legs         []LegTruth `json:"legs"`
	// Sightings tell which versions went out to which channel on which topic.
	Sightings []Sighting `json:"sightings,omitempty"`
}

// Sighting is the list of versions that were written to the socket of a channel.
// What was written shortly before the socket was cut may not have arrived.
type Sighting struct {
	Channel  string `json:"channel"`
	Client   string `json:"client"`
	Topic    string `json:"topic"`
	Versions []int  `json:"versions"`
	// At is when each of them was written, in Unix milliseconds.
	At []int64 `json:"at,omitempty"`
}

// LegTruth is one leg of a person of the organization.
type LegTruth struct {
	ConversationID string    `json:"conversationId"`
	LegID          string    `json:"legId"`
	UserID         string    `json:"userId"`
	Purpose        string    `json:"purpose"` // agent or user
	Role           string    `json:"role"`    // agent, user, monitor, coach, barge or consult_target
	Direction      string    `json:"direction"`
	Voice          bool      `json:"voice"` // false while it is a callback only
	AlertedAt      time.Time `json:"alertedAt"`
	ConnectedAt    time.Time `json:"connectedAt,omitzero"`
	EndedAt        time.Time `json:"endedAt,omitzero"`
	DisconnectType string    `json:"disconnectType,omitempty"`
	Conferenced    bool      `json:"conferenced,omitempty"`
	// Toggles in the order in which they happened, those of the conversation's
	// secure pause included as far as they fall into the connected time of the leg.
	// A leg that connects during a pause begins with its toggle.
	Toggles    []Toggle          `json:"toggles,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Wrapup     string            `json:"wrapup,omitempty"`
	// SeenConnected and SeenEnded: some client was sent, on a topic of this very
	// user, a snapshot that shows the leg as having connected, or as over.
	SeenConnected bool `json:"seenConnected"`
	SeenEnded     bool `json:"seenEnded"`
	// AlertVersion, ConnectVersion and EndVersion are the versions of the conversation
	// in which the leg alerted, connected and ended; 0 when it did not.
	AlertVersion   int `json:"alertVersion,omitempty"`
	ConnectVersion int `json:"connectVersion,omitempty"`
	EndVersion     int `json:"endVersion,omitempty"`
}

// Open tells whether the leg is connected and not over.
func (l LegTruth) Open() bool { return !l.ConnectedAt.IsZero() && l.EndedAt.IsZero() }

// Truth returns what happened so far.
func (o *Org) Truth() Truth {
	t := Truth{At: now()}
	for _, call := range o.calls.all() {
		conv := call.truth()
		t.Conversations = append(t.Conversations, conv)
		t.Legs = append(t.Legs, conv.Legs...)
	}
	o.ledger.fill(&t)
	t.Faults = o.faults.records()
	return t
}

// Open returns the legs that are connected now.
func (o *Org) Open() []LegTruth {
	var open []LegTruth
	for _, call := range o.calls.all() {
		if call.Ended() {
			continue
		}
		for _, leg := range call.truth().Legs {
			if leg.Open() {
				open = append(open, leg)
			}
		}
	}
	return open
}

// Truth of this conversation.
func (c *Call) Truth() ConversationTruth { return c.truth() }

// Truth of this leg. It is the zero value for everybody who is no person.
func (l *Leg) Truth() LegTruth {
	for _, leg := range l.call.truth().Legs {
		if leg.LegID == l.id {
			return leg
		}
	}
	return LegTruth{}
}

func (c *Call) truth() ConversationTruth {
	sightings := c.sightings()
	c.mu.Lock()
	defer c.mu.Unlock()
	conv := ConversationTruth{
		ID: c.id, Kind: c.kind, Direction: c.direction, QueueID: c.queue.ID, StartedAt: c.started,
		EndedAt: c.ended, Versions: c.version, Sightings: sightings,
		SecurePauses: markSeen(slices.Clone(c.pauses), sightings),
	}
	for _, leg := range c.legs {
		if leg.member != nil {
			conv.Legs = append(conv.Legs, leg.truth(conv))
		}
	}
	return conv
}

func (c *Call) sightings() []Sighting {
	c.seenMu.Lock()
	defer c.seenMu.Unlock()
	list := make([]Sighting, 0, len(c.seen))
	for _, s := range c.seen {
		copied := *s
		copied.Versions, copied.At = slices.Clone(s.Versions), slices.Clone(s.At)
		list = append(list, copied)
	}
	return list
}

// seen tells whether any version from first up to but not including past went out.
func seen(sightings []Sighting, first, past int) bool {
	return slices.ContainsFunc(sightings, func(s Sighting) bool {
		return slices.ContainsFunc(s.Versions, func(v int) bool { return v >= first && v < past })
	})
}

const forever = int(^uint(0) >> 1)

// markSeen sets Seen: the versions of a toggle end where the next of its kind begins.
func markSeen(toggles []Toggle, sightings []Sighting) []Toggle {
	for i := range toggles {
		past := forever
		for _, later := range toggles[i+1:] {
			if later.Kind == toggles[i].Kind {
				past = later.Version
				break
			}
		}
		toggles[i].Seen = seen(sightings, toggles[i].Version, past)
	}
	return toggles
}

func (l *Leg) truth(conv ConversationTruth) LegTruth {
	own := slices.DeleteFunc(slices.Clone(conv.Sightings), func(s Sighting) bool {
		return s.Topic != l.member.topics.flat && s.Topic != l.member.topics.nested
	})
	t := LegTruth{
		ConversationID: conv.ID, LegID: l.id, UserID: l.member.fixed.ID, Purpose: l.purpose, Role: l.role(),
		Direction: l.direction, Voice: l.hasCall, AlertedAt: l.start, ConnectedAt: l.connected, EndedAt: l.end,
		DisconnectType: l.disconnectType, Conferenced: l.conferenced,
		Toggles: append(slices.Clone(l.toggles), l.pausesOf(conv.SecurePauses)...),
	}
	slices.SortStableFunc(t.Toggles, func(a, b Toggle) int { return a.Version - b.Version })
	markSeen(t.Toggles, own)
	t.Attributes = maps.Clone(l.attributes)
	if l.wrapup != nil {
		t.Wrapup = l.wrapup.Code
	}
	t.SeenConnected = !l.connected.IsZero() && seen(own, l.connectV, forever)
	t.AlertVersion, t.ConnectVersion, t.EndVersion = l.alertV, l.connectV, l.endV
	t.SeenEnded = !l.end.IsZero() && seen(own, l.endV, forever)
	return t
}

// pausesOf returns the toggles of the secure pause that concern this leg.
func (l *Leg) pausesOf(pauses []Toggle) []Toggle {
	if l.connected.IsZero() {
		return nil
	}
	var mine []Toggle
	for _, toggle := range pauses {
		switch {
		case !l.end.IsZero() && toggle.Version >= l.endV:
		case toggle.Version > l.connectV:
			mine = append(mine, toggle)
		case toggle.On:
			toggle.At, toggle.Version = l.connected, l.connectV
			mine = []Toggle{toggle}
		default:
			mine = nil
		}
	}
	return mine
}

func (l *Leg) role() string {
	switch {
	case l.barges != "":
		return "barge"
	case l.coaches != "":
		return "coach"
	case l.monitors != "":
		return "monitor"
	case l.consultTarget:
		return "consult_target"
	}
	return l.purpose
}
