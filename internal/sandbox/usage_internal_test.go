package sandbox

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestUsageOutlivesAProcess: a counter that begins anew is that of the next life.
func TestUsageOutlivesAProcess(t *testing.T) {
	var m meter
	begin := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for i, requests := range []int64{10, 14, 3, 5} {
		m.take(sample{at: begin.Add(time.Duration(i) * time.Minute), requests: requests, memory: 100 - requests, goroutines: 20 + requests})
	}
	want := Usage{
		Requests: 19, RequestsPerMinute: 3, // 9 after the first look, in three minutes
		Memory: Level{Begin: 90, Most: 97, End: 95}, Goroutines: Level{Begin: 30, Most: 34, End: 25},
	}
	if got := m.result(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestUsageOfOneLookHasNoRate(t *testing.T) {
	var m meter
	m.take(sample{at: time.Now(), requests: 7})
	if got := m.result(); got.Requests != 7 || got.RequestsPerMinute != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestReadSample(t *testing.T) {
	const metrics = "# HELP go_goroutines Number.\ngo_goroutines 42\nprocess_resident_memory_bytes 2.5e+07\ningestor_rest_requests_total 12\n"
	s, err := readSample(strings.NewReader(metrics))
	if err != nil || s.goroutines != 42 || s.memory != 25_000_000 || s.requests != 12 {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := readSample(strings.NewReader(strings.Replace(metrics, "_total", "", 1))); !errors.Is(err, errNoSample) {
		t.Errorf("without the requests: %v", err)
	}
	if _, err := readSample(strings.NewReader(strings.Replace(metrics, "42", "many", 1))); err == nil {
		t.Error("a value that is not a number was taken")
	}
}
