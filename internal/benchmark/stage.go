package benchmark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/benchmark/load"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// adapter is the name under which all contestants publish.
const adapter = "bench"

// stage is what one contestant performs on: fresh servers and a fresh source.
type stage struct {
	o        *Options
	dir      string
	nodes    []*process
	nats     string // URLs of the nodes
	source   *process
	where    load.Where
	nc       *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
	replicas int
}

func newStage(ctx context.Context, o *Options, name string, what load.Options) (_ *stage, err error) {
	s := &stage{o: o, replicas: 1}
	if s.dir, err = os.MkdirTemp(o.Dir, name+"-"); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err = s.serve(ctx); err != nil {
		return nil, err
	}
	if s.nc, err = nats.Connect(s.nats, nats.Name("benchmark")); err != nil {
		return nil, fmt.Errorf("connect to the NATS server: %w", err)
	}
	if s.js, err = jetstream.New(s.nc, jetstream.WithDefaultTimeout(20*time.Second)); err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	if err = s.provision(ctx); err != nil {
		return nil, err
	}
	b, err := json.Marshal(what)
	if err != nil {
		return nil, fmt.Errorf("describe the load: %w", err)
	}
	if s.source, err = start(ctx, s.dir, "source", []string{"BENCH_LOAD=" + string(b)}, s.part("source")...); err != nil {
		return nil, err
	}
	err = s.source.line(&s.where, patience)
	return s, err
}

func (s *stage) part(name string) []string {
	return append(append([]string(nil), s.o.Command...), "bench-process", name)
}

// serve starts the NATS servers.
func (s *stage) serve(ctx context.Context) error {
	count := 1
	if s.o.Scenario == "cluster" {
		count, s.replicas = 3, 3
	}
	all := make([]node, count)
	var routes []string
	for i := range all {
		all[i] = node{Name: fmt.Sprint("n", i+1), Dir: filepath.Join(s.dir, fmt.Sprint("store-", i+1)), Sync: s.o.Scenario == "sync"}
		if count > 1 {
			address, err := freeAddress(ctx)
			if err != nil {
				return err
			}
			_, port, _ := net.SplitHostPort(address)
			_, _ = fmt.Sscan(port, &all[i].Cluster)
			routes = append(routes, "nats://"+address)
		}
	}
	var urls []string
	for i := range all {
		all[i].Routes = routes
		b, err := json.Marshal(all[i])
		if err != nil {
			return fmt.Errorf("describe a node: %w", err)
		}
		p, err := start(ctx, s.dir, "nats-"+all[i].Name, []string{"BENCH_NODE=" + string(b)}, s.part("nats")...)
		if err != nil {
			return err
		}
		s.nodes = append(s.nodes, p)
	}
	for _, p := range s.nodes {
		var told struct{ URL string }
		if err := p.line(&told, patience); err != nil {
			return err
		}
		urls = append(urls, told.URL)
	}
	s.nats = strings.Join(urls, ",")
	return nil
}

// provision makes the stream as the ingestor would. A cluster needs a while for its
// first leader.
func (s *stage) provision(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		try, end := context.WithTimeout(ctx, 3*time.Second) // nobody answers before there is a leader
		err := publish.Provision(try, s.js, publish.StreamOptions{
			Name: publish.StreamName(adapter), Subjects: []string{recording.AllSubjects(adapter)}, Replicas: s.replicas,
		})
		end()
		if err == nil {
			break
		}
		if s.replicas == 1 || !wait(ctx, 200*time.Millisecond) {
			return err
		}
	}
	var err error
	if s.stream, err = s.js.Stream(ctx, publish.StreamName(adapter)); err != nil {
		return fmt.Errorf("find the stream: %w", err)
	}
	return nil
}

// order lets the source send frames and waits until it has.
func (s *stage) order(o load.Order, within time.Duration) (d load.Done, err error) {
	if err = json.NewEncoder(s.source.leash).Encode(o); err != nil {
		return d, fmt.Errorf("order frames: %w", err)
	}
	if err = s.source.line(&d, within); err != nil {
		return d, err
	}
	if d.Error != "" {
		return d, fmt.Errorf("send frames: %s", d.Error)
	}
	if d.Unheard > 0 {
		return d, fmt.Errorf("send frames: nobody was subscribed to %d of %d", d.Unheard, d.Frames)
	}
	return d, nil
}

// natsCPU is what the servers have used together.
func (s *stage) natsCPU() (sum time.Duration) {
	for _, p := range s.nodes {
		sum += p.cpu()
	}
	return sum
}

func (s *stage) close() error {
	var errs []error
	errs = append(errs, s.source.end())
	if s.nc != nil {
		s.nc.Close()
	}
	for _, p := range s.nodes {
		errs = append(errs, p.end())
	}
	for i := range s.nodes { // logs stay, stores are big
		_ = os.RemoveAll(filepath.Join(s.dir, fmt.Sprint("store-", i+1)))
	}
	return errors.Join(errs...)
}

// contestant starts one, and returns when it is ready.
func (s *stage) contestant(ctx context.Context, name string) (*process, error) {
	if name == ingestor {
		return s.ingestor(ctx, "a")
	}
	command := s.part(name)
	if name == "node" {
		command = []string{"node", filepath.Join(s.o.Root, nodeBridge)}
	}
	p, err := start(ctx, s.dir, name, []string{
		"BENCH_WS=" + s.where.All, "BENCH_NATS=" + s.nats, "BENCH_SUBJECT=recorder.v1." + adapter + ".",
	}, command...)
	if err != nil {
		return nil, err
	}
	if err := p.awaitReady(); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

// ingestor starts one with everything on.
func (s *stage) ingestor(ctx context.Context, instance string) (*process, error) {
	p, address, err := s.launch(ctx, instance)
	if err != nil {
		return nil, err
	}
	if err := awaitReadyz(ctx, p, address); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

// launch starts an ingestor and returns its HTTP address.
func (s *stage) launch(ctx context.Context, instance string) (*process, string, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, "", err
	}
	env := []string{
		"ADAPTER_NAME=" + adapter, "INSTANCE_ID=" + instance, "HTTP_ADDR=" + address,
		"GENESYS_CLIENT_ID=bench", "GENESYS_CLIENT_SECRET=bench", "GENESYS_REGION_HOST=mypurecloud.ie",
		"GENESYS_API_URL=" + s.where.API, "GENESYS_LOGIN_URL=" + s.where.API,
		"NATS_URL=" + s.nats, fmt.Sprint("NATS_REPLICAS=", s.replicas), "LOG_FORMAT=text", "BENCH_PROFILE=" + s.o.Profile,
	}
	command := append(append([]string(nil), s.o.Command...), "ingestor-process")
	if s.o.Ingestor != "" {
		command = []string{s.o.Ingestor}
	}
	p, err := start(ctx, s.dir, "ingestor-"+instance, env, command...)
	if err == nil {
		p.interrupt = s.o.Ingestor != ""
	}
	return p, address, err
}

// awaitReadyz polls an ingestor until it is ready.
func awaitReadyz(ctx context.Context, p *process, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*patience)
	defer cancel()
	for {
		if status, _ := get(ctx, "http://"+address+"/readyz"); status == http.StatusOK {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %w; its log: %s", p.name, p.err, p.log.Name())
		default:
		}
		if !wait(ctx, 50*time.Millisecond) { // the question costs the ingestor something, too
			return fmt.Errorf("%s is not ready; its log: %s", p.name, p.log.Name())
		}
	}
}

// wait waits a while; false when ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// freeAddress finds a loopback address that nobody uses now.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
