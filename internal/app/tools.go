package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/publish"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// Dial connects to NATS for one command, within a few seconds.
func Dial(ctx context.Context, s settings.Settings, log *slog.Logger) (*nats.Conn, error) {
	return DialAs(ctx, s, "", log)
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
