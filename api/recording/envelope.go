package recording

import (
	"fmt"
	"strconv"
)

// Values that are the same in every [Envelope].
const (
	// SpecVersion is the version of CloudEvents.
	SpecVersion = "1.0"
	// ContentType is the value of the NATS header Content-Type of every event.
	ContentType = "application/cloudevents+json"
	// DataContentType is the media type of the data inside the envelope.
	DataContentType = "application/json"
)

// Envelope carries the attributes of CloudEvents 1.0.
type Envelope struct {
	// SpecVersion is the version of CloudEvents: [SpecVersion].
	SpecVersion string `json:"specversion"`
	// Type is [TypeCall], [TypeAgent] or [TypeFeed].
	Type string `json:"type"`
	// Source is /genesys/<region>/<adapter>, see [SourceOf].
	Source string `json:"source"`
	// Subject is <conversationId>/<legId> for calls, the user id for agents, "feed"
	// for the feed.
	Subject string `json:"subject"`
	// ID is unique in the stream and also the NATS header Nats-Msg-Id.
	ID string `json:"id"`
	// Time is when it happened at Genesys, see [Timing.Occurred].
	Time Time `json:"time"`
	// DataContentType is the media type of data: [DataContentType].
	DataContentType string `json:"datacontenttype"`
	// Sequence is the revision in data, zero-padded to 20 digits so that it compares
	// as text.
	Sequence string `json:"sequence"`
}

// CallEvent, AgentEvent and FeedEvent are the three events as they are on the
// wire.
type (
	// CallEvent is an event on a call subject.
	CallEvent struct {
		Envelope
		// Data is the complete desired state of the leg.
		Data CallData `json:"data"`
	}
	// AgentEvent is an event on an agent subject.
	AgentEvent struct {
		Envelope
		// Data is the complete state of the agent.
		Data AgentData `json:"data"`
	}
	// FeedEvent is an event on the feed subject.
	FeedEvent struct {
		Envelope
		// Data is what happened to the feed.
		Data FeedData `json:"data"`
	}
)

// SourceOf returns the source attribute of an adapter in a region, for example
// /genesys/mypurecloud.ie/acme.
func SourceOf(region, adapter string) string {
	return "/genesys/" + region + "/" + AdapterToken(adapter)
}

// SequenceOf returns n as the sequence attribute: 20 digits.
func SequenceOf(n uint64) string { return string(appendSequence(nil, n)) }

func appendSequence(b []byte, n uint64) []byte {
	d := [sequenceLen]byte{}
	for i := range d {
		d[len(d)-1-i] = '0' + byte(n%10)
		n /= 10
	}
	return append(b, d[:]...)
}

// sequenceLen is how many digits every number of 64 bits fits in.
const sequenceLen = 20

// SequenceNumber returns the number in the sequence attribute.
func (e Envelope) SequenceNumber() (uint64, error) {
	n, err := strconv.ParseUint(e.Sequence, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read sequence %.30q: %w", e.Sequence, err)
	}
	return n, nil
}
