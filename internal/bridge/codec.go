package bridge

import (
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

func decodeCall(data []byte) (*recording.CallEvent, error) {
	v, err := recording.Decode(data)
	if err != nil {
		return nil, err
	}
	e, ok := v.(*recording.CallEvent)
	if !ok {
		return nil, fmt.Errorf("%w: %T on a call subject", recording.ErrUnknownType, v)
	}
	return e, nil
}

func decodeFeed(data []byte) (*recording.FeedEvent, error) {
	v, err := recording.Decode(data)
	if err != nil {
		return nil, err
	}
	e, ok := v.(*recording.FeedEvent)
	if !ok {
		return nil, fmt.Errorf("%w: %T on the feed subject", recording.ErrUnknownType, v)
	}
	return e, nil
}

// encodeCall writes a call event. Its id is unique in the stream: two instances that
// write the same revision of a leg write different bytes.
func encodeCall(source string, d *recording.CallData) (id string, data []byte) {
	e := recording.CallEvent{Envelope: recording.Envelope{
		SpecVersion: recording.SpecVersion, Type: recording.TypeCall, Source: source,
		Subject: d.Conversation.ID + "/" + d.Leg.ID, Time: d.Timing.Occurred,
		DataContentType: recording.DataContentType, Sequence: recording.SequenceOf(d.Revision),
	}, Data: *d}
	e.ID = d.Leg.ID + "-" + strconv.FormatUint(d.Revision, 10) + "-" + digest(e.AppendJSON(nil))
	return e.ID, e.AppendJSON(nil)
}

func encodeFeed(source string, d *recording.FeedData, at recording.Time, revision uint64) (id string, data []byte) {
	e := recording.FeedEvent{Envelope: recording.Envelope{
		SpecVersion: recording.SpecVersion, Type: recording.TypeFeed, Source: source, Subject: "feed", Time: at,
		DataContentType: recording.DataContentType, Sequence: recording.SequenceOf(revision),
	}, Data: *d}
	e.ID = "feed-" + strconv.FormatUint(revision, 10) + "-" + digest(e.AppendJSON(nil))
	return e.ID, e.AppendJSON(nil)
}

func digest(b []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(b)) }
