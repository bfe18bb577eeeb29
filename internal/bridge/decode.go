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
// What is as in the last event of the leg shares its memory.
func (c *Core) decodeCall(e *Entry, last *recording.CallData) (*recording.CallData, error) {
	if c.decoded != nil && c.decodedAt == e.Sequence {
		return c.decoded, nil
	}
	d := c.rooms.described()
	if err := d.DecodeEvent(e.Data, last); err != nil {
		return nil, err
	}
	c.decoded, c.decodedAt = d, e.Sequence
	return d, nil
}
