package recording

// FeedData is the data of a feed event: evidence about the feed itself. It lies in
// the same stream as the calls, so that whoever keeps the stream keeps the proof.
type FeedData struct {
	// Event is what happened.
	Event FeedKind `json:"event"`
	// Revision counts the feed events of the adapter, those of both instances
	// together: 1, 2, 3 … without a hole. A missing number is a missing message.
	Revision uint64 `json:"revision"`
	// Instance is who speaks.
	Instance string `json:"instance"`
	// Role is what the instance is at this moment.
	Role InstanceRole `json:"role"`
	// Epoch is the term that the instance knew when it wrote the event. On
	// [FeedLeader] that is the term before, because the new term is the stream
	// sequence which that very message gets. It is absent while nobody has led.
	Epoch uint64 `json:"epoch,omitempty"`
	// LastStreamSequence is the last stream sequence that the instance had read.
	LastStreamSequence uint64 `json:"lastStreamSequence,omitempty"`
	// OpenLegs is how many legs are neither stopped nor unknown to the instance.
	OpenLegs int `json:"openLegs"`
	// RefreshInterval, in seconds, is how often an open leg is written again when
	// nothing happens. Whoever reads the last two intervals of the stream has at
	// least one event of every open leg, hence its complete state.
	RefreshInterval int `json:"refreshInterval,omitempty"`
	// Channels are the notification channels that the instance reads.
	Channels []Channel `json:"channels,omitempty"`
	// TokenExpiry is when the OAuth token of the instance dies.
	TokenExpiry Time `json:"tokenExpiry,omitzero"`
	// ClockOffsetMillis is Genesys' clock minus ours, in milliseconds.
	ClockOffsetMillis *int64 `json:"clockOffsetMillis,omitempty"`
	// Version is that of the ingestor.
	Version string `json:"version,omitempty"`
	// Reason is a short text for people, for restarting, degraded, stopping.
	Reason string `json:"reason,omitempty"`
	// The fields of a gap are present on gap_opened and gap_closed only.
	Gap
}

// FeedKind is what happened to the feed.
type FeedKind string

// The feed events.
const (
	FeedStarted    FeedKind = "started"    // an instance began to observe
	FeedHeartbeat  FeedKind = "heartbeat"  // every 10 seconds, also when nothing happens
	FeedLeader     FeedKind = "leader"     // an instance took the lead; its stream sequence is the new epoch
	FeedGapOpened  FeedKind = "gap_opened" // something could not be observed, from From on
	FeedGapClosed  FeedKind = "gap_closed" // it can be again, and what was missed has been looked up
	FeedRestarting FeedKind = "restarting" // a scheduled restart begins
	FeedRestarted  FeedKind = "restarted"  // and is done
	FeedDegraded   FeedKind = "degraded"   // observing, with less than full redundancy or rights
	FeedRecovered  FeedKind = "recovered"  // no longer degraded
	FeedStopping   FeedKind = "stopping"   // an instance leaves on purpose
)

// FeedKinds lists every [FeedKind].
func FeedKinds() []FeedKind {
	return []FeedKind{
		FeedStarted, FeedHeartbeat, FeedLeader, FeedGapOpened, FeedGapClosed, FeedRestarting, FeedRestarted,
		FeedDegraded, FeedRecovered, FeedStopping,
	}
}

// InstanceRole is what an instance is now.
type InstanceRole string

// The instance roles.
const (
	Primary   InstanceRole = "primary"   // holds the lease and publishes
	Secondary InstanceRole = "secondary" // observes and is ready to take over
)

// InstanceRoles lists every [InstanceRole].
func InstanceRoles() []InstanceRole { return []InstanceRole{Primary, Secondary} }

// Channel is the health of one notification channel. Its id is a credential and
// is not shown.
type Channel struct {
	// Topics is how many topics the channel carries.
	Topics int `json:"topics"`
	// LastHeartbeat is when it was last heard of; absent before the first time.
	LastHeartbeat Time `json:"lastHeartbeat,omitzero"`
}

// Gap is a stretch of time in which the ingestor could not observe.
type Gap struct {
	// ID joins gap_opened and gap_closed.
	ID string `json:"id,omitempty"`
	// From is the last moment known to be observed.
	From Time `json:"from,omitzero"`
	// To is the first moment observed again; on gap_closed only.
	To Time `json:"to,omitzero"`
	// Cause is why it could not observe.
	Cause GapCause `json:"cause,omitempty"`
	// Scope is what could not be observed.
	Scope *GapScope `json:"scope,omitempty"`
	// Recovered are the legs that were written again, as [Reconciled], because of
	// what was learned: at most [MaxGapLegs], each as the subject of its call
	// events, <conversationId>/<legId>.
	Recovered []string `json:"recovered,omitempty"`
	// RecoveredCount is how many there are, also beyond those named.
	RecoveredCount int `json:"recoveredCount,omitempty"`
	// PossiblyLost are the legs that could not be asked about, named like Recovered.
	PossiblyLost []string `json:"possiblyLost,omitempty"`
	// PossiblyLostCount is how many there are, also beyond those named.
	PossiblyLostCount int `json:"possiblyLostCount,omitempty"`
}

// Limits that keep a feed event small whatever happened.
const (
	// MaxGapLegs is how many legs a gap names in each of its lists.
	MaxGapLegs = 1000
	// MaxGapUsers is how many users a gap's scope names.
	MaxGapUsers = 100
)

// GapCause is why the ingestor could not observe.
type GapCause string

// The gap causes.
const (
	GapStarted       GapCause = "started"        // nobody observed before this instance came
	GapSocketLost    GapCause = "socket_lost"    // a websocket broke
	GapSilent        GapCause = "silent"         // a websocket stayed open and delivered nothing
	GapStarved       GapCause = "starved"        // a channel lives and heartbeats but delivers no events
	GapChannelLost   GapCause = "channel_lost"   // evicted, expired or taken over
	GapTokenLost     GapCause = "token_lost"     // revoked or expired early
	GapUnreachable   GapCause = "unreachable"    // Genesys could not be reached
	GapTopicRejected GapCause = "topic_rejected" // no permission for some users
	GapOverload      GapCause = "overload"       // frames were dropped on purpose to stay within memory
	GapFrameRejected GapCause = "frame_rejected" // a frame could not be read
	GapStreamLost    GapCause = "stream_lost"    // the stream was recreated: its history is gone
)

// GapCauses lists every [GapCause].
func GapCauses() []GapCause {
	return []GapCause{
		GapStarted, GapSocketLost, GapSilent, GapStarved, GapChannelLost, GapTokenLost, GapUnreachable,
		GapTopicRejected, GapOverload, GapFrameRejected, GapStreamLost,
	}
}

// GapScope is what could not be observed.
type GapScope struct {
	// All is present and true when every monitored user is concerned.
	All bool `json:"all,omitempty"`
	// Users is how many users are concerned.
	Users int `json:"users,omitempty"`
	// UserIDs names them, at most [MaxGapUsers]; absent when All is true.
	UserIDs []string `json:"userIds,omitempty"`
}
