package genesys

import "time"

// Status is the state of the connection at one moment. It holds no secrets.
type Status struct {
	// Ready is set when every monitored user whose topic is permitted is observed.
	Ready bool
	// TokenExpires is zero without a token.
	TokenExpires time.Time
	TokenSince   time.Time
	// ClockOffset is what has to be added to the local clock to get the platform's.
	// It is as coarse as the Date header: a second.
	ClockOffset time.Duration
	Channels    []ChannelStatus
	Users       int // monitored
	Observed    int // of these, up
	// Rejected counts the topics the platform refuses, by missing permission.
	Rejected []RejectedTopics
	// Allowed and Remaining are the rate limit of the platform's present window.
	RateAllowed, RateRemaining int
	RateReset                  time.Time
	// LastError is the latest failure; it stays after recovery, with its time.
	LastError     string
	LastErrorTime time.Time
}

// ChannelStatus is one slot.
type ChannelStatus struct {
	Slot          int
	Open          bool // socket open and topics confirmed
	Topics        int
	Users         int
	Opened        time.Time
	LastHeartbeat time.Time
	LastEvent     time.Time
	Expires       time.Time
}

// RejectedTopics is a class of refused topics.
type RejectedTopics struct {
	Permission string // empty when the platform did not say
	Topic      string // template, such as v2.users.{id}.conversations.calls
	Users      int
}

// Stats are counters since the start of the process.
type Stats struct {
	FramesConversation uint64 // delivered as snapshots
	FramesAgent        uint64
	FramesControl      uint64 // heartbeats, pongs, replies, system messages
	FramesRepeated     uint64 // seen on both sides of an overlap, handed over once
	FramesMalformed    uint64 // not JSON, or without what is needed
	FramesOversized    uint64
	FramesUnknown      uint64 // topics nobody asked for
	BytesRead          uint64

	Connects        uint64 // sockets opened
	Disconnects     uint64 // sockets lost, not those given up on purpose
	SilentSockets   uint64
	ChannelsCreated uint64
	ChannelsReused  uint64
	ChannelsLost    uint64
	Renewals        uint64 // channels replaced new before old
	TokensIssued    uint64
	TokenErrors     uint64

	Requests       uint64
	RequestErrors  uint64
	RequestRetries uint64
	RateLimited    uint64 // answers with status 429
	RateWaits      uint64 // calls that waited at the gate
	Discoveries    uint64
}
