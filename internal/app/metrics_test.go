package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// The metrics keep the conventions, and what an alert needs is there.
func TestMetrics(t *testing.T) {
	s := newSite(t, simulator.Options{})
	one := s.start("one").ready(t).leads(t)
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	leg.Answer()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")
	page := get(t, "http://"+one.Addr()+"/metrics")
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
		"ingestor_receipt_to_stored_seconds_count", "ingestor_users_observed 6",
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
