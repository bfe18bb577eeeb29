package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestBenchBadCommandLine(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"-only ingestor,rust", `there is no contestant "rust"; allowed: ingestor, floor, plain, node`},
		{"-scenario rain", `there is no scenario "rain"; allowed: default, cluster`},
		{"-rounds 0", "0 rounds: must be above 0"},
		{"-frames 7", "7 frames: must be at least 100"},
		{"-agents 9000", "9000 agents: must be from 1 to 8000"},
		{"-rates 1000,fast", `-rates: "fast" is not a number`},
		{"-rates 0", "rate 0: must be from 1"},
		{"-rates NaN", "rate NaN: must be from 1"},
		{"-seconds -1", "must not be negative"},
		{"-legs -1", "legs and events must be above 0"},
		{"-seconds soon", `invalid value "soon"`},
		{"now", `unexpected argument "now"`},
	} {
		t.Run(c.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(append([]string{benchCommand}, strings.Fields(c.args)...), &stdout, &stderr); status != exitUsage {
				t.Errorf("exit status %d, want %d", status, exitUsage)
			}
			if !strings.Contains(stderr.String(), c.says) || stdout.Len() > 0 {
				t.Errorf("stderr %q, want it to say %q; stdout %q", stderr.String(), c.says, stdout.String())
			}
		})
	}
}

// TestBench: every contestant stores every frame once and in order, and the table has
// figures of each. How fast is not judged here.
func TestBench(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := "bench -rounds 1 -only ingestor,floor,plain -frames 300 -rates 300 -seconds 0.5 -warmup 0.5 -agents 20 -json"
	if status := run(strings.Fields(args), &stdout, &stderr); status != exitClean {
		t.Fatalf("exit status %d\n%s\n%s", status, &stdout, &stderr)
	}
	var got struct {
		Trials []struct {
			Contestant                 string
			Missing, Doubled, RSSBytes int
			Disordered, Strange, Round int
			Phases                     []struct{ PerSecond float64 }
		}
		Medians []struct{ Name string }
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Trials) != 3 || len(got.Medians) == 0 {
		t.Fatalf("%d trials, %d medians", len(got.Trials), len(got.Medians))
	}
	for _, trial := range got.Trials {
		if trial.Missing+trial.Doubled+trial.Disordered+trial.Strange > 0 {
			t.Errorf("%s: %+v", trial.Contestant, trial)
		}
		if len(trial.Phases) != 2 || trial.Phases[0].PerSecond <= 0 || trial.Phases[1].PerSecond <= 0 {
			t.Errorf("%s: no throughput in %+v", trial.Contestant, trial.Phases)
		}
	}
}

// TestBenchOfAPair: the standby's part of the cost is told, and the pair stores each
// frame once.
func TestBenchOfAPair(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run(strings.Fields("bench -scenario standby -frames 300 -rates 200 -seconds 0.5 -warmup 0 -agents 20"), &stdout, &stderr); status != exitClean {
		t.Fatalf("exit status %d\n%s\n%s", status, &stdout, &stderr)
	}
	for _, want := range []string{"CPU of the leader", "CPU of the standby", "200/s: p99"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in\n%s", want, &stdout)
		}
	}
}
