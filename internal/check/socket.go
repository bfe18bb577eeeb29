package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

const (
	// channelReserve is how many channels the check leaves to the instances: each of
	// the two may be about to need one more.
	channelReserve = 2
	// unremembered is how many channels may exist for the check to create one that it
	// cannot remember, or after the remembered one was lost before its time. Each such
	// check adds one for a day.
	unremembered = 4
	// channelKey is the key of the channel of the check. No instance has such a name.
	channelKey = "channels.=check"
)

var errNoRoom = errors.New("no room for a channel")

// websocket opens a real socket, if that cannot do harm.
func (c *checker) websocket(ctx context.Context) Result {
	if c.channels > c.limit-channelReserve {
		return skipped(fmt.Sprintf("%d of %d channels in use: none is taken from the instances", c.channels, c.limit))
	}
	store := c.store(ctx)
	most := c.limit - channelReserve - 1
	if store == nil {
		most = unremembered
	}
	room := func(lost bool) error {
		if c.channels > most || lost && c.channels > unremembered {
			return errNoRoom
		}
		return nil
	}
	memory := genesys.ChannelStore(nowhere{})
	if store != nil {
		memory = store
	}
	heard, err := c.probe.Listen(ctx, memory, c.users, room)
	switch {
	case errors.Is(err, errNoRoom) && c.channels <= c.limit-channelReserve-1:
		return skipped(fmt.Sprintf("%d of %d channels in use, and another one could not be used again by the next check", c.channels, c.limit))
	case errors.Is(err, errNoRoom):
		return skipped(fmt.Sprintf("%d of %d channels in use: none is taken from the instances", c.channels, c.limit))
	case errors.Is(err, errMemory):
		return skipped("a channel could not be remembered, and none is wasted: " + err.Error())
	case err != nil:
		why, fix := unreachable(err, heard.Host, "GENESYS_API_URL")
		if heard.Host == "" {
			return c.refused(err, Failed, "")
		}
		return failed(heard.Host+": "+why, fix+"; websockets must pass too")
	}
	return c.subscribed(heard)
}

// subscribed says which topics were refused.
func (c *checker) subscribed(heard genesys.Listened) Result {
	var lacking, permissions []string
	for topic, permission := range heard.Refused {
		lacking = append(lacking, topic)
		if permission != "" {
			permissions = append(permissions, permission)
		}
	}
	slices.Sort(lacking)
	slices.Sort(permissions)
	grantText := strings.Join(slices.Compact(permissions), ", ")
	if grantText == "" {
		grantText = permissionCalls
	}
	text := fmt.Sprintf("%s answers", heard.Host)
	switch {
	case heard.Unobserved == heard.Tried:
		return failed("the topics of calls are refused for all users", grant(grantText, ": without it nothing can be observed"))
	case heard.Unobserved > 0:
		return failed(fmt.Sprintf("the topics of calls are refused for %d of %d users", heard.Unobserved, heard.Tried),
			"give the role of the OAuth client the divisions of these users, or leave them out")
	case len(lacking) > 0:
		return warned(text+"; refused: "+strings.Join(lacking, ", "), grant(grantText, ", or do without"))
	}
	return passed("%s within %d ms; topics are permitted for %s", text, heard.Answer.Milliseconds()+1, plural(heard.Tried, "user"))
}

// errMemory marks a state bucket that does not take the channel.
var errMemory = errors.New("state bucket")

// store returns where the channel of the check is remembered, nil when there is no
// such place yet.
func (c *checker) store(ctx context.Context) genesys.ChannelStore {
	if !c.there["KV_"+c.State.Name] {
		return nil
	}
	kv, err := c.js.KeyValue(ctx, c.State.Name)
	if err != nil {
		return nil
	}
	return bucketStore{c, kv}
}

// bucketStore is a key of the state bucket.
type bucketStore struct {
	c  *checker
	kv jetstream.KeyValue
}

// Load implements genesys.ChannelStore.
func (s bucketStore) Load(ctx context.Context) (data []byte, err error) {
	err = s.c.permitted(ctx, func(ctx context.Context) error {
		e, err := s.kv.Get(ctx, channelKey)
		if err == nil {
			data = e.Value()
		}
		return err
	})
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMemory, err)
	}
	return data, nil
}

// Save implements genesys.ChannelStore.
func (s bucketStore) Save(ctx context.Context, data []byte) error {
	err := s.c.permitted(ctx, func(ctx context.Context) error {
		_, err := s.kv.Put(ctx, channelKey, data)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errMemory, err)
	}
	return nil
}

// nowhere remembers nothing.
type nowhere struct{}

// Load implements genesys.ChannelStore.
func (nowhere) Load(context.Context) ([]byte, error) { return nil, nil }

// Save implements genesys.ChannelStore.
func (nowhere) Save(context.Context, []byte) error { return nil }
