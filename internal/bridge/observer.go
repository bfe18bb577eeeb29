package bridge

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Observer is told what the engine does, for metrics. Its methods must not block.
type Observer interface {
	// Stored: an event of ours is in the stream.
	Stored(Latency)
	// Reconciliation: a comparison with REST has ended.
	Reconciliation(conversations int, failed int, took time.Duration)
	// Gap: a gap was announced (opened) or closed.
	Gap(cause recording.GapCause, opened bool)
}

// Latency is how long an event took.
type Latency struct {
	Verb  recording.Verb
	Cause recording.Cause
	// SinceReceived is from the receipt of the notification to the acknowledgement,
	// SincePublished from the first attempt.
	SinceReceived, SincePublished time.Duration
	Confidence                    recording.Confidence
}

type nobody struct{}

func (nobody) Stored(Latency)                         {}
func (nobody) Reconciliation(int, int, time.Duration) {}
func (nobody) Gap(recording.GapCause, bool)           {}

// Health is what the platform connection says about itself, for heartbeats.
type Health struct {
	Channels    []recording.Channel
	TokenExpiry time.Time
	ClockOffset time.Duration
	Version     string
}

// fill completes a feed event.
func (h *Health) fill(d *recording.FeedData) {
	d.Channels, d.TokenExpiry, d.Version = h.Channels, recording.At(h.TokenExpiry), h.Version
	ms := h.ClockOffset.Milliseconds()
	d.ClockOffsetMillis = &ms
}
