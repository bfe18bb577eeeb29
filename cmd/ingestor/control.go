package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// control sends a command to the instance named by INSTANCE_ID, or asks every
// instance for its status.
func control(ctx context.Context, s settings.Settings, command string, log *slog.Logger, stdout io.Writer) error {
	nc, err := app.Dial(ctx, s, log)
	if err != nil {
		return err
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ctx, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	logs := nc.ErrorHandler()
	nc.SetErrorHandler(func(nc *nats.Conn, sub *nats.Subscription, err error) {
		logs(nc, sub, err)
		if errors.Is(err, nats.ErrPermissionViolation) {
			refuse(err) // which looks like silence otherwise
		}
	})
	if command == "status" {
		return statuses(ctx, nc, s, stdout)
	}
	m, err := nc.RequestWithContext(ctx, app.ServicePrefix(s.AdapterName, s.InstanceID)+"."+command, nil)
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: instance %q of adapter %q does not answer; INSTANCE_ID names the instance", command, s.InstanceID, s.AdapterName)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", command, cmp.Or(context.Cause(ctx), err))
	}
	if text := m.Header.Get(micro.ErrorHeader); text != "" {
		return fmt.Errorf("%s: %s", command, text)
	}
	_, err = fmt.Fprintf(stdout, "%s\n", m.Data)
	return err
}

// statuses asks all instances of the adapter that the service framework finds.
func statuses(ctx context.Context, nc *nats.Conn, s settings.Settings, stdout io.Writer) error {
	subject, err := micro.ControlSubject(micro.InfoVerb, app.ServiceName, "")
	if err != nil {
		return err
	}
	inbox := nc.NewRespInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err = nc.PublishRequest(subject, inbox, nil); err != nil {
		return err
	}
	var all []json.RawMessage
	for {
		m, err := sub.NextMsg(500 * time.Millisecond)
		if err != nil {
			break
		}
		var info micro.Info
		if json.Unmarshal(m.Data, &info) != nil || info.Metadata["adapter"] != s.AdapterName {
			continue
		}
		r, err := nc.RequestWithContext(ctx, app.ServicePrefix(s.AdapterName, info.Metadata["instance"])+".status", nil)
		if err == nil {
			all = append(all, r.Data)
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("status of adapter %q: %w", s.AdapterName, cmp.Or(context.Cause(ctx), errNobody))
	}
	out, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n", out)
	return err
}

// provision creates the stream and the buckets.
func provision(ctx context.Context, s settings.Settings, log *slog.Logger, stdout io.Writer) error {
	nc, err := app.Dial(ctx, s, log)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err = app.Provision(ctx, nc, s); err != nil {
		return err
	}
	a := app.AssetsOf(s)
	_, err = fmt.Fprintf(stdout, "stream %s and buckets %s, %s are there\n", a.Stream.Name, a.Lease.Name, a.State.Name)
	return err
}

// health asks the instance on this machine whether it is alive.
func health(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/livez", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("health: HTTP status %d", resp.StatusCode)
	}
	return nil
}
