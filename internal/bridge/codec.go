package bridge

import (
	"fmt"

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

// usualEvent is the capacity that most events find enough, in bytes.
const usualEvent = 2048
