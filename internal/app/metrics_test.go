package app_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

//go:generate go test -run ^TestMetricsReference$ -update .
//go:generate cp ../../deploy/prometheus/alerts.yaml ../../deploy/chart/files/alerts.yaml
//go:generate cp ../../deploy/grafana/ingestor.json ../../deploy/chart/files/dashboard.json

var update = flag.Bool("update", false, "write the reference of the metrics instead of comparing it")

// The metrics keep the conventions, and what an alert needs is there.
func TestMetrics(t *testing.T) {
	s := newSite(t, simulator.Options{})
	one := s.start("one").ready(t).leads(t).calm(t)
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	leg.Answer()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")
	var page string
	natstest.Eventually(t, "the gap of the start is counted", func() bool {
		page = get(t, "http://"+one.Addr()+"/metrics")
		return strings.Contains(page, `ingestor_gaps_total{cause="started"} 1`)
	})
	problems, err := promlint.New(strings.NewReader(page)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, want := range []string{
		`ingestor_events_stored_total{cause="established",confidence="observed",verb="start"} 1`, "ingestor_leading 1", "ingestor_ready 1",
		`ingestor_legs{state="recording"} 1`, "ingestor_gaps_open 0", "ingestor_next_restart_timestamp_seconds", "ingestor_token_expiry_timestamp_seconds",
		`ingestor_receipt_to_stored_seconds_count{verb="start"} 1`, "ingestor_users_observed 6", "ingestor_promotions_total 1",
		"ingestor_tail_caught_up 1", `ingestor_info{adapter="Acme",instance_id="one",version="v0.0.1"} 1`,
		`ingestor_session_restarts_total{reason="daily"} 0`, "ingestor_build_info{", "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(page, leg.ID()) || strings.Contains(page, "tel:") {
		t.Error("a label identifies a call")
	}
	if status := get(t, "http://"+one.Addr()+"/"); !strings.Contains(status, "Next restart") || strings.Contains(status, "tel:") {
		t.Errorf("status page: %s", status)
	}
}

// The histograms are native ones for whoever can read them, and ordinary ones for
// everybody else.
func TestNativeHistograms(t *testing.T) {
	found := 0
	for _, f := range exported(t) {
		if f.kind != "histogram" || !strings.HasPrefix(f.name, "ingestor_") {
			continue
		}
		if found++; !f.native || f.buckets < 10 {
			t.Errorf("%s: native %t, %d ordinary buckets", f.name, f.native, f.buckets)
		}
	}
	if found < 3 {
		t.Errorf("%d histograms", found)
	}
}

// family is one metric with the labels of its series.
type family struct {
	name, kind, help string
	labels           []string
	values           map[string][]string // by label
	native           bool
	buckets          int
}

// exported is all that an instance exports before anything has happened.
func exported(t *testing.T) []family {
	t.Helper()
	set, err := settings.Load([]string{
		"ADAPTER_NAME=acme", "INSTANCE_ID=a", "GENESYS_CLIENT_ID=client", "GENESYS_CLIENT_SECRET=secret",
		"GENESYS_REGION_HOST=mypurecloud.ie", "NATS_URL=nats://127.0.0.1:1", "HTTP_ADDR=127.0.0.1:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	a, err := app.New(app.Options{Settings: set, Version: "v0.0.1", Logger: slog.New(slog.DiscardHandler), Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Run(over); err != nil {
		t.Fatal(err)
	}
	families := make([]family, 0, len(gathered))
	for _, g := range gathered {
		f := family{name: g.GetName(), kind: strings.ToLower(g.GetType().String()), help: g.GetHelp(), values: make(map[string][]string)}
		for _, m := range g.GetMetric() {
			if h := m.GetHistogram(); h != nil {
				f.native, f.buckets = h.Schema != nil, len(h.GetBucket())
			}
			for _, l := range m.GetLabel() {
				if !slices.Contains(f.labels, l.GetName()) {
					f.labels = append(f.labels, l.GetName())
				}
				if !slices.Contains(f.values[l.GetName()], l.GetValue()) {
					f.values[l.GetName()] = append(f.values[l.GetName()], l.GetValue())
				}
			}
		}
		families = append(families, f)
	}
	return families
}

// The reference names every metric of the ingestor, with its labels and their values.
func TestMetricsReference(t *testing.T) {
	const file = "../../deploy/prometheus/METRICS.md"
	got := reference(exported(t))
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("deploy/prometheus/METRICS.md differs from the metrics: run go generate ./internal/app")
	}
}

func reference(families []family) []byte {
	var b bytes.Buffer
	b.WriteString(`# Metrics

<!-- Generated by "go generate ./internal/app" from what an instance exports. Do not edit. -->

What ` + "`GET /metrics`" + ` exports, besides the metrics of the Go runtime (` + "`go_*`" + `) and of the process (` + "`process_*`" + `). No label
identifies a call, a caller or an agent. Both instances of a pair export all of them; ` + "`ingestor_info`" + ` says which adapter and
instance a target is, for joins: ` + "`ingestor_ready * on (job, instance) group_left (adapter, instance_id) ingestor_info`" + `.
Histograms are native ones where Prometheus asks for them, and have ordinary buckets too. Counters begin with 0 at each start.

| metric | type | labels | meaning |
|---|---|---|---|
`)
	for _, f := range families {
		if strings.HasPrefix(f.name, "ingestor_") {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, f.kind, f.described(), f.help)
		}
	}
	return b.Bytes()
}

// described lists the labels, with their values where these are always the same.
func (f *family) described() string {
	var all []string
	for _, label := range f.labels {
		text := "`" + label + "`"
		switch {
		case strings.HasSuffix(f.name, "_info"):
		case f.name == "ingestor_events_stored_total" && label == "cause":
			text += ": a cause of call events"
		default:
			text += ": `" + strings.Join(slices.Sorted(slices.Values(f.values[label])), "`, `") + "`"
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", url, resp.StatusCode, err)
	}
	http.DefaultClient.CloseIdleConnections()
	return string(body)
}
