package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Usage is what one instance takes of its host and of the platform, as its own metrics
// say. An instance that was killed begins anew with a small process, hence memory that
// grows shows only in runs without kills.
type Usage struct {
	Instance string `json:"instance"`
	// Requests to the platform, over all lives of the process, and how many of them
	// there were in a minute after the first look.
	Requests          int     `json:"requests"`
	RequestsPerMinute float64 `json:"requestsPerMinute"`
	// Memory is what is resident, in bytes.
	Memory Level `json:"memoryBytes"`
	// Goroutines of the process.
	Goroutines Level `json:"goroutines"`
}

// Level is a value that goes up and down, at the beginning, at its highest and at the
// end.
type Level struct {
	Begin int64 `json:"begin"`
	Most  int64 `json:"most"`
	End   int64 `json:"end"`
}

func (l *Level) take(value int64, first bool) {
	if first {
		l.Begin = value
	}
	l.Most, l.End = max(l.Most, value), value
}

// meter sums up the samples of one instance.
type meter struct {
	mu          sync.Mutex
	usage       Usage
	begin, last time.Time
	atFirst     int // requests when the first sample was taken
	counted     int // requests of the life of the process that the last sample is from
}

// sample is one look at an instance.
type sample struct {
	at                           time.Time
	requests, memory, goroutines int64
}

// take adds a sample. A counter that is lower than before is that of a new process.
func (m *meter) take(s sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first, requests := m.begin.IsZero(), int(s.requests)
	if requests < m.counted {
		m.counted = 0
	}
	m.usage.Requests += requests - m.counted
	m.counted, m.last = requests, s.at
	if first {
		m.begin, m.atFirst = s.at, requests
	}
	m.usage.Memory.take(s.memory, first)
	m.usage.Goroutines.take(s.goroutines, first)
}

func (m *meter) result() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.usage
	if took := m.last.Sub(m.begin); took > 0 {
		u.RequestsPerMinute = float64(u.Requests-m.atFirst) / took.Minutes()
	}
	return u
}

// sampleEvery is how often an instance is looked at: what it does between the last look
// and its being killed is not counted.
const sampleEvery = 2 * time.Second

// measure looks at a process until ctx ends. While it is away there is nothing to see.
func (p *process) measure(ctx context.Context) {
	for ctx.Err() == nil {
		if s, err := p.sample(ctx); err == nil {
			p.meter.take(s)
		}
		sleep(ctx, sampleEvery)
	}
}

// usage takes a last look and sums up.
func (p *process) usage(ctx context.Context) Usage {
	if s, err := p.sample(ctx); err == nil {
		p.meter.take(s)
	}
	u := p.meter.result()
	u.Instance = p.name
	return u
}

func (p *process) sample(ctx context.Context) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, sampleEvery)
	defer cancel()
	resp, err := p.get(ctx, "/metrics")
	if err != nil {
		return sample{}, err
	}
	s, err := readSample(resp.Body)
	s.at = time.Now()
	if resp.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("metrics of ingestor %s: %s", p.name, resp.Status))
	}
	return s, errors.Join(err, resp.Body.Close())
}

// errNoSample says that metrics lack something that is looked for.
var errNoSample = errors.New("metrics are incomplete")

// readSample finds the three values in metrics in the text format.
func readSample(metrics io.Reader) (sample, error) {
	var s sample
	wanted := map[string]*int64{
		"ingestor_rest_requests_total": &s.requests, "process_resident_memory_bytes": &s.memory, "go_goroutines": &s.goroutines,
	}
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		value, ok := wanted[name]
		if !ok {
			continue
		}
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return s, fmt.Errorf("metric %s: %w", name, err)
		}
		*value = int64(number)
		delete(wanted, name)
	}
	if err := lines.Err(); err != nil {
		return s, fmt.Errorf("read the metrics: %w", err)
	}
	if len(wanted) > 0 {
		return s, errNoSample
	}
	return s, nil
}

// String is one line for the verdict.
func (u *Usage) String() string {
	const megabyte = 1e6
	m, g := u.Memory, u.Goroutines
	return fmt.Sprintf("%d requests, %.0f a minute; memory %.0f MB, at most %.0f, at the end %.0f; goroutines %d, at most %d, at the end %d",
		u.Requests, u.RequestsPerMinute, float64(m.Begin)/megabyte, float64(m.Most)/megabyte, float64(m.End)/megabyte, g.Begin, g.Most, g.End)
}
