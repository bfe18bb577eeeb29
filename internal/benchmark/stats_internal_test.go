package benchmark

import (
	"strings"
	"testing"
	"time"
)

func TestCountFindsEveryFault(t *testing.T) {
	all := []arrival{
		{frame: 1, stored: 10, leg: "a"},
		{frame: 2, stored: 11, leg: "b"},
		{frame: 5, stored: 12, leg: "a"},
		{frame: 3, stored: 13, leg: "a"}, // behind a later one of its leg
		{frame: 4, stored: 14, leg: "b"}, // later than 5, but of another leg
		{frame: 2, stored: 15, leg: "b"}, // again
		{frame: 0, stored: 16, leg: "b"}, // no number
		{frame: 9, stored: 17, leg: "b"}, // never sent
	}
	got, stored := count(all, 7)
	if want := (tally{Missing: 2, Doubled: 1, Disordered: 1, Strange: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if stored[2] != 11 || stored[6] != 0 {
		t.Errorf("stored %v: want the first time of frame 2 and none of frame 6", stored)
	}
	if got, _ := count(all[:3], 2); got.clean() {
		t.Error("a frame that was never sent passes for clean")
	}
	if got, _ := count(all[:2], 2); !got.clean() {
		t.Errorf("%+v of a clean run", got)
	}
}

func TestFrameOf(t *testing.T) {
	for event, want := range map[string]int{
		`{"correlationId":"00000000-0000-4000-8000-000000000123","x":1}`: 123,
		`{"correlationId":"00000000-0000-4000-8000-123456789012"}`:       123456789012,
		`{"correlationId":"00000000-0000-4000-8000-00000000012x"}`:       0,
		`{"correlationId":"00000000-0000-4000-8000-0000`:                 0,
		`{"correlationId":"10000000-0000-4000-8000-000000000123"}`:       0,
		`{}`: 0,
	} {
		if got := frameOf([]byte(event)); got != want {
			t.Errorf("%s: frame %d, want %d", event, got, want)
		}
	}
}

func TestLatencyCountsFromWhenAFrameWasDue(t *testing.T) {
	ms := int64(time.Millisecond)
	begin := 1000 * ms
	// Ten frames a second apart by 100 ms; the fourth never came, the first two are warm-up.
	stored := []int64{begin + 90*ms, begin + 190*ms, begin + 201*ms, 0, begin + 430*ms}
	got := spreadOf(latencies(stored, begin, 10, 2))
	if want := (spread{P50: time.Millisecond, P99: 30 * time.Millisecond, P999: 30 * time.Millisecond}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSpreadTakesTheNearestRank(t *testing.T) {
	all := make([]time.Duration, 1000)
	for i := range all {
		all[len(all)-1-i] = time.Duration(i + 1)
	}
	if got, want := spreadOf(all), (spread{500, 990, 999}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := spreadOf(nil); got != (spread{}) {
		t.Errorf("got %v of nothing", got)
	}
}

func TestPerSecond(t *testing.T) {
	s := int64(time.Second)
	for _, c := range []struct {
		stored []int64
		want   float64
	}{
		{nil, 0},
		{[]int64{5}, 0},
		{[]int64{5, 5}, 0},
		{[]int64{3 * s, 0, s, 2 * s}, 1}, // three in two seconds, in any order
	} {
		if got := perSecond(c.stored); got != c.want {
			t.Errorf("%v: %v, want %v", c.stored, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		all  []float64
		want float64
	}{{nil, 0}, {[]float64{7}, 7}, {[]float64{9, 1, 5}, 5}, {[]float64{9, 1, 5, 3}, 4}} {
		if got := median(c.all); got != c.want {
			t.Errorf("%v: %v, want %v", c.all, got, c.want)
		}
	}
}

// result is one round of three contestants.
func result() *Result {
	of := func(name string, perSecond, cpu float64) trial {
		return trial{Contestant: name, Round: 1, RSS: 20e6, Phases: []phase{
			{PerSecond: perSecond, CPU: cpu},
			{Rate: 1000, CPU: cpu, Latency: spread{P99: time.Duration(cpu * 1e6)}},
		}}
	}
	return &Result{Scenario: "default", Trials: []trial{
		of("ingestor", 48_000, 1.5), of("floor", 60_000, 1.2), of("plain", 8_000, 12), of("node", 10_000, 10),
	}}
}

func TestTableComparesWithTheBestOfThePlainOnes(t *testing.T) {
	var out strings.Builder
	r := result()
	r.WriteTable(&out)
	lines := strings.Split(out.String(), "\n")
	for _, want := range []string{
		"median ingestor floor plain node to floor to plain",
		"throughput events/s 48000 60000 8000 10000 0.80 4.80",
		"full speed: CPU s/100k 1.50 1.20 12 10 1.25 0.15",
		"1000/s: p99 ms 1.50 1.20 12 10 1.25 0.15",
		"missing events 0 0 0 0",
	} {
		found := false
		for _, line := range lines {
			found = found || strings.Join(strings.Fields(line), " ") == want
		}
		if !found {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
	if width := len(lines[0]); len(lines[1]) != width {
		t.Errorf("columns are not aligned:\n%s", out.String())
	}
}

func TestTableSaysWhatWentWrong(t *testing.T) {
	r := result()
	r.Trials[2].Missing, r.Trials[2].Disordered = 3, 4
	var out strings.Builder
	r.WriteTable(&out)
	if want := "plain, round 1: 3 missing, 0 doubled, 4 out of order"; !strings.Contains(out.String(), want) || r.Clean() {
		t.Errorf("clean: %t; no %q in\n%s", r.Clean(), want, out.String())
	}
}

func TestGauge(t *testing.T) {
	const page = "# HELP go_goroutines x\ngo_goroutines_total 9\ngo_goroutines 70\n"
	if got := gauge(page, "go_goroutines"); got != 70 {
		t.Errorf("got %v", got)
	}
}
