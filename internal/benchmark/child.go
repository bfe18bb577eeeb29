package benchmark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/recorderbridge/genesys-ingestor/internal/benchmark/bridges"
	"github.com/recorderbridge/genesys-ingestor/internal/benchmark/load"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// Child runs this process as a part of a benchmark: floor, plain, source or nats. It
// ends with ctx, or with its input: the leash that [Run] holds.
func Child(ctx context.Context, part string, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if part == "source" {
		var o load.Options
		if err := json.Unmarshal([]byte(os.Getenv("BENCH_LOAD")), &o); err != nil {
			return fmt.Errorf("BENCH_LOAD: %w", err)
		}
		return load.Serve(ctx, o, in, out)
	}
	go func() { // ends with the process at the latest
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	e := bridges.Env{WS: os.Getenv("BENCH_WS"), NATS: os.Getenv("BENCH_NATS"), Subject: os.Getenv("BENCH_SUBJECT")}
	ready := func() { fmt.Fprintln(out, "ready") }
	var err error
	switch part {
	case "floor":
		err = bridges.Floor(ctx, e, ready)
	case "plain":
		err = bridges.Plain(ctx, e, ready)
	case "nats":
		err = serveNATS(ctx, out)
	default:
		return fmt.Errorf("there is no part %q of a benchmark", part)
	}
	if ctx.Err() != nil {
		return nil // it was told to end
	}
	return err
}

// node is how a NATS server of a benchmark runs: it is told in BENCH_NODE.
type node struct {
	Name    string   `json:"name"`
	Dir     string   `json:"dir"`
	Sync    bool     `json:"sync"`
	Cluster int      `json:"cluster,omitempty"` // its own port; 0: alone
	Routes  []string `json:"routes,omitempty"`
}

func serveNATS(ctx context.Context, out io.Writer) (err error) {
	var n node
	if err := json.Unmarshal([]byte(os.Getenv("BENCH_NODE")), &n); err != nil {
		return fmt.Errorf("BENCH_NODE: %w", err)
	}
	routes := make([]*url.URL, len(n.Routes))
	for i, r := range n.Routes {
		if routes[i], err = url.Parse(r); err != nil {
			return fmt.Errorf("BENCH_NODE: %w", err)
		}
	}
	s, err := natstest.Run(natstest.Options{StoreDir: n.Dir, Name: n.Name, Configure: func(o *server.Options) {
		o.SyncAlways = n.Sync
		if !n.Sync {
			o.SyncInterval = 2 * time.Minute // the server's own default
		}
		if n.Cluster > 0 {
			o.Cluster = server.ClusterOpts{Name: "bench", Host: "127.0.0.1", Port: n.Cluster, NoAdvertise: true}
			o.Routes = routes
		}
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	fmt.Fprintf(out, "{\"url\":%q}\n", s.URL())
	<-ctx.Done()
	return nil
}
