package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// DialAs is [Dial] with another prefix of the reply subjects, for users whose rights
// were made for a recorder. An empty one means the prefix of the service.
func DialAs(ctx context.Context, s settings.Settings, inboxPrefix string, log *slog.Logger) (*nats.Conn, error) {
	o := connectOptions(s)
	state := publish.NewState()
	o.InboxPrefix, o.Logger, o.State = inboxPrefix, log, state
	nc, err := publish.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err = publish.WaitConnected(bounded, nc); err != nil {
		nc.Close()
		if why := state.Status().LastError; why != "" {
			err = fmt.Errorf("%w: %w", errors.New(why), err)
		}
		return nil, fmt.Errorf("NATS_URL: %w", err)
	}
	return nc, nil
}

// PlatformOptions translates the settings for genesys, without what only a running
// service has: its memory of channels.
func PlatformOptions(s settings.Settings, log *slog.Logger) genesys.Options {
	o := (&App{set: s, log: log}).genesysOptions()
	o.Store = nil
	return o
}

// AccountOf identifies OAuth client and region without naming them, as [Report] does.
func AccountOf(s settings.Settings) string { return account(s.ClientID, s.APIURL) }

// Keys are those that an instance writes in its buckets.
type Keys struct {
	Lease            string // in the lease bucket
	Report, Channels string // in the state bucket
}

// KeysOf returns the keys of an instance.
func KeysOf(s settings.Settings) Keys {
	return Keys{Lease: "leader", Report: key(s.InstanceID), Channels: "channels." + recording.Token(s.InstanceID)}
}
