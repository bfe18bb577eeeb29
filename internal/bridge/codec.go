package bridge

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

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

// encodeCall writes a call event into room, or into more. Its id is unique in the stream: two instances that
// write the same revision of a leg write different bytes.
func encodeCall(source string, d *recording.CallData, room []byte) (id string, data []byte) {
	e := recording.CallEvent{Envelope: recording.Envelope{
		SpecVersion: recording.SpecVersion, Type: recording.TypeCall, Source: source,
		Subject: d.Conversation.ID + "/" + d.Leg.ID, Time: d.Timing.Occurred,
		DataContentType: recording.DataContentType, Sequence: recording.SequenceOf(d.Revision),
	}, Data: *d}
	e.ID = d.Leg.ID + "-" + strconv.FormatUint(d.Revision, 10) + noDigest
	return seal(e.ID, e.AppendJSON(room))
}

func encodeFeed(source string, d *recording.FeedData, at recording.Time, revision uint64) (id string, data []byte) {
	e := recording.FeedEvent{Envelope: recording.Envelope{
		SpecVersion: recording.SpecVersion, Type: recording.TypeFeed, Source: source, Subject: "feed", Time: at,
		DataContentType: recording.DataContentType, Sequence: recording.SequenceOf(revision),
	}, Data: *d}
	e.ID = "feed-" + strconv.FormatUint(revision, 10) + noDigest
	return seal(e.ID, e.AppendJSON(make([]byte, 0, usualEvent)))
}

const (
	// noDigest is the end of an id whose event is not written yet.
	noDigest = "-00000000"
	// usualEvent is the capacity that most events find enough, in bytes.
	usualEvent = 2048
)

// seal puts the checksum of an event into its id, in the event and in the id that it
// returns: an event is written once.
func seal(id string, data []byte) (string, []byte) {
	at := bytes.Index(data, []byte(`"id":"`))
	at += bytes.Index(data[at:], []byte(noDigest+`"`)) + 1
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE(data))
	digest := hex.AppendEncode(data[at:at], sum[:])
	return id[:len(id)-len(digest)] + string(digest), data
}
