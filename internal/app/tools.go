package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/publish"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// Dial connects to NATS for one command, within a few seconds.
func Dial(ctx context.Context, s settings.Settings, log *slog.Logger) (*nats.Conn, error) {
	o := connectOptions(s)
	o.Logger = log
	nc, err := publish.Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err = publish.WaitConnected(bounded, nc); err != nil {
		nc.Close()
		return nil, fmt.Errorf("NATS_URL: %w", err)
	}
	return nc, nil
}

// Provision creates what an adapter needs in JetStream, and says what differs.
func Provision(ctx context.Context, nc *nats.Conn, s settings.Settings) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	a := AssetsOf(s)
	return errors.Join(publish.Provision(ctx, js, a.Stream), publish.ProvisionBucket(ctx, js, a.Lease),
		publish.ProvisionBucket(ctx, js, a.State))
}
