package bridge

import (
	"fmt"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// decode decodes an event of an agent or the feed.
func decode[T any](e *Entry) (*T, error) {
	v, err := recording.Decode(e.Data)
	if err != nil {
		return nil, err
	}
	event, ok := v.(*T)
	if !ok {
		return nil, fmt.Errorf("%w: %T on %s", recording.ErrUnknownType, v, e.Subject)
	}
	return event, nil
}

// decodeCall decodes an event of a leg, once for the making of its lane and for what it says.
// What is as in the last event of the leg, which was read from parts, shares its memory; the
// parts become those of this one, none where they are not known.
func (c *Core) decodeCall(e *Entry, last *recording.CallData, parts *recording.Parts) (*recording.CallData, error) {
	if c.decoded != nil && c.decodedAt == e.Sequence {
		*parts = recording.Parts{}
		return c.decoded, nil
	}
	d := c.rooms.described()
	if err := c.reader.Read(d, e.Data, last, parts); err != nil {
		return nil, err
	}
	c.decoded, c.decodedAt = d, e.Sequence
	return d, nil
}
