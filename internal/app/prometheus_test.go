//go:build prometheus

package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// watcher is a real Prometheus that scrapes instances and evaluates the alerts, with
// shorter times and lower limits than those for an operator.
type watcher struct {
	t       *testing.T
	address string
}

// impatient turns the rules into those that a test has time for: what must last does so
// for a second, and what must be long or many need only be some.
func impatient(t *testing.T) string {
	t.Helper()
	rules := regexp.MustCompile(`(?m)^( +for: ).*$`).ReplaceAllString(contents(t, alertsFile), "${1}1s")
	for _, limit := range [][2]string{
		{"oldest_pause_age_seconds > 3600", "oldest_pause_age_seconds > 2"},
		{"oldest_pending_age_seconds > 30", "oldest_pending_age_seconds > 3"},
		{"jetstream_answer_age_seconds > 15", "jetstream_answer_age_seconds > 3"},
		{"ingestor_channels_lost_total[1h]) > 3", "ingestor_channels_lost_total[1h]) > 0"},
		{"ingestor_promotions_total[1h])) > 6", "ingestor_promotions_total[1h])) > 1"},
		{`ingestor_gaps_total{cause!="started"}[1h])) > 6`, `ingestor_gaps_total{cause!="started"}[1h])) > 0`},
		{"ingestor_rest_rate_limited_total[10m]) > 10", "ingestor_rest_rate_limited_total[10m]) > 0"},
		{"ingestor_token_errors_total[5m]) > 1", "ingestor_token_errors_total[5m]) > 0"},
		{"ingestor_reconciliation_unread_total[30m]) > 20", "ingestor_reconciliation_unread_total[30m]) > 0"},
		{"ingestor_reconciliation_last_timestamp_seconds > 3600", "ingestor_reconciliation_last_timestamp_seconds > 15"},
	} {
		if !strings.Contains(rules, limit[0]) {
			t.Fatalf("the rules have no %q", limit[0])
		}
		rules = strings.ReplaceAll(rules, limit[0], limit[1])
	}
	return rules
}

// watch starts a Prometheus for the instances.
func watch(t *testing.T, instances ...*instance) *watcher {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{t: t, address: listener.Addr().String()}
	_ = listener.Close()
	dir := t.TempDir()
	var targets []string
	for _, i := range instances {
		targets = append(targets, i.Addr())
	}
	for name, text := range map[string]string{"alerts.yaml": impatient(t), "prometheus.yaml": fmt.Sprintf(`
global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: genesys-ingestor
    static_configs: [{targets: [%s]}]
`, strings.Join(targets, ", "))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, "prometheus", "--config.file", filepath.Join(dir, "prometheus.yaml"), "--log.level=error",
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", w.address, "--enable-feature=native-histograms")
	command.Stderr = os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatalf("start prometheus (Debian: apt-get install prometheus): %v", err)
	}
	t.Cleanup(func() { cancel(); _ = command.Wait(); http.DefaultClient.CloseIdleConnections() })
	natstest.Eventually(t, "prometheus has scraped", func() bool {
		return len(instances) == 0 && w.ask("query?query=vector(1)", nil) || w.value("count(count_over_time(up[1m]) > 8)") == float64(len(instances))
	})
	return w
}

// ask reads an answer of the API, and reports whether there was one.
func (w *watcher) ask(path string, data any) bool {
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.address+"/api/v1/"+path, http.NoBody)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	body := struct{ Data any }{data}
	return answer.StatusCode == http.StatusOK && json.NewDecoder(answer.Body).Decode(&body) == nil
}

// value is the result of a query with one sample, or -1.
func (w *watcher) value(query string) float64 {
	var data struct{ Result []struct{ Value [2]any } }
	var v float64
	if !w.ask("query?query="+url.QueryEscape(query), &data) || len(data.Result) != 1 {
		return -1
	}
	if _, err := fmt.Sscan(fmt.Sprint(data.Result[0].Value[1]), &v); err != nil {
		return -1
	}
	return v
}

// draws asks every query of the dashboard as Grafana would. Prometheus understands each,
// and each has something to show: a panel that is empty while all is well tells nobody
// whether it is broken.
func (w *watcher) draws(t *testing.T) {
	t.Helper()
	variables := strings.NewReplacer("$job", ".+", "$__rate_interval", "1m")
	panels, _ := dashboard(t)
	queries := 0
	for _, p := range panels {
		for _, target := range p.Targets {
			var data struct{ Result []any }
			queries++
			switch answered := w.ask("query?query="+url.QueryEscape(variables.Replace(target.Expr)), &data); {
			case !answered:
				t.Errorf("panel %s: Prometheus refuses %s", p.Title, target.Expr)
			case len(data.Result) == 0 && !strings.HasSuffix(target.Expr, "> 0"): // that one shows what is wrong
				t.Errorf("panel %s shows nothing: %s", p.Title, target.Expr)
			}
		}
	}
	if queries < 50 {
		t.Errorf("only %d queries: the dashboard is read wrongly", queries)
	}
}

// firing are the alerts that fire now.
func (w *watcher) firing() (names []string) {
	var data struct {
		Alerts []struct {
			Labels map[string]string
			State  string
		}
	}
	w.ask("alerts", &data)
	for _, a := range data.Alerts {
		if name := a.Labels["alertname"]; a.State == "firing" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// fires waits until all of these have fired.
func (w *watcher) fires(names ...string) {
	w.t.Helper()
	seen := make(map[string]bool)
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("seen firing: %v", seen)
		}
	})
	natstest.Eventually(w.t, fmt.Sprintf("all of %v fire", names), func() bool {
		for _, name := range w.firing() {
			seen[name] = true
		}
		return !slices.ContainsFunc(names, func(n string) bool { return !seen[n] })
	})
	w.t.Logf("seen firing: %v", names)
}
