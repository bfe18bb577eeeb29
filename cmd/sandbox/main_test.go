package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recorderbridge/genesys-ingestor/internal/sandbox"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// TestMain lets the sandbox start this very program as an ingestor, or as a part of a
// benchmark, as it does with the real one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == ingestorProcess || len(os.Args) == 3 && os.Args[1] == benchProcess {
		main()
	}
	goleak.VerifyTestMain(m)
}

func TestBadCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		says string
	}{
		{"-dration 1m", "not defined: -dration"},
		{"-duration soon", `invalid value "soon" for flag -duration`},
		{"-duration -1s", "duration -1s: must not be negative"},
		{"run", `unexpected argument "run"`},
		{"-faults cut,rain", `there is no fault "rain"; allowed: all, or a list of cut, silence`},
		{"-faults cut,", `there is no fault ""`},
		{"-instances 3", "3 instances: must be 1 or 2"},
		{"-instances 0", "-instances 0: must be above 0"},
		{"-agents 1", "1 agents: must be from 2"},
		{"-calls-per-second 0", "-calls-per-second 0: must be above 0"},
		{"-calls-per-second -1", "-1 calls per second: must be above 0"},
		{"-speed 0", "-speed 0: must be above 0"},
		{"-fault-every 0s", "-fault-every 0s: must be above 0"},
		{"-nats-port 70000", "NATS port 70000: must be from 1 to 65535"},
		{"-only nats", `-only "nats": the one thing that can run alone is platform`},
		{"-only platform -kill-primary-every 5s", "without ingestors of its own"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(strings.Fields(c.args), &stdout, &stderr); status != exitUsage {
				t.Errorf("exit status %d, want %d", status, exitUsage)
			}
			if !strings.Contains(stderr.String(), c.says) || stdout.Len() > 0 {
				t.Errorf("stderr %q, want it to say %q; stdout %q", stderr.String(), c.says, stdout.String())
			}
		})
	}
}

// TestEveryProblemAtOnce: who gets two things wrong reads of both.
func TestEveryProblemAtOnce(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-agents", "1", "-instances", "5"}, &stdout, &stderr); status != exitUsage {
		t.Errorf("exit status %d", status)
	}
	if s := stderr.String(); !strings.Contains(s, "1 agents") || !strings.Contains(s, "5 instances") {
		t.Errorf("stderr %q", s)
	}
}

func TestHelpNamesEveryOption(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run([]string{"-h"}, &stdout, &stderr); status != exitClean {
		t.Errorf("exit status %d", status)
	}
	for _, want := range []string{
		"-duration", "-agents", "-calls-per-second", "-speed", "-instances", "-seed", "-json", "-quiet", "-keep", "-nats-port",
		"-simulator-port", "-only", "-kill-primary-every", "-pause-primary-every", "-pause-for", "-restart-every",
		"-stop-primary-every", "-nats-outage-every", "-nats-outage-for", "-faults", "-fault-every", "expire_tokens",
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("the help does not say %q", want)
		}
	}
}

func TestAllFaults(t *testing.T) {
	o, _, err := parse([]string{"-faults", "all"}, &bytes.Buffer{})
	if err != nil || len(o.Faults) != len(sandbox.Faults()) {
		t.Errorf("%d faults, %v", len(o.Faults), err)
	}
	o, _, err = parse([]string{"-faults", "cut, rest"}, &bytes.Buffer{})
	if err != nil || len(o.Faults) != 2 || o.Faults[1] != simulator.FaultREST {
		t.Errorf("faults %v, %v", o.Faults, err)
	}
}

// lines are the lines of JSON that the sandbox writes.
type lines struct {
	addresses int
	events    int
	incidents []sandbox.Incident
	verdict   *sandbox.Verdict
}

func readLines(t *testing.T, out []byte) lines {
	t.Helper()
	var l lines
	for line := range bytes.Lines(out) {
		var o struct {
			Addresses json.RawMessage
			Event     json.RawMessage
			Incident  *sandbox.Incident
			Verdict   *sandbox.Verdict
		}
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if o.Addresses != nil {
			l.addresses++
		}
		if o.Event != nil {
			l.events++
		}
		if o.Incident != nil {
			l.incidents = append(l.incidents, *o.Incident)
		}
		if o.Verdict != nil {
			l.verdict = o.Verdict
		}
	}
	return l
}

// TestThePrimaryIsKilled runs everything for a few seconds: two real processes, the
// one that leads is killed, and nothing is lost.
func TestThePrimaryIsKilled(t *testing.T) {
	var stdout, stderr bytes.Buffer
	status := run(strings.Fields("-duration 6s -speed 10 -calls-per-second 5 -agents 40 -kill-primary-every 3s -json"), &stdout, &stderr)
	l := readLines(t, stdout.Bytes())
	if l.verdict == nil {
		t.Fatalf("no verdict; stderr: %s", stderr.String())
	}
	if status != exitClean || !l.verdict.Clean {
		t.Errorf("exit status %d, %+v\n%s", status, l.verdict.Violations, stderr.String())
	}
	v := l.verdict
	if v.Rows[0].Name != "start" || v.Rows[0].Truth < 5 || v.Rows[0].Stored != v.Rows[0].Truth {
		t.Errorf("starts: %+v", v.Rows[0])
	}
	if l.addresses != 1 || l.events < v.Events {
		t.Errorf("%d lines of addresses, %d events of %d", l.addresses, l.events, v.Events)
	}
	if len(v.Usage) != 2 {
		t.Fatalf("usage of %d instances", len(v.Usage))
	}
	for _, u := range v.Usage {
		if u.Requests < 5 || u.Memory.Begin < 1e6 || u.Goroutines.End < 5 {
			t.Errorf("usage %+v", u)
		}
	}
	killed := false
	for _, term := range v.Terms {
		killed = killed || term.Cause == sandbox.Kill && time.Duration(term.After) < 10*time.Second
	}
	if !killed || len(l.incidents) == 0 {
		t.Errorf("nobody took over after the kill: %+v", v.Terms)
	}
}

// TestOnePlatformAlone runs no ingestor, and says how to start one.
func TestOnePlatformAlone(t *testing.T) {
	var stdout, stderr bytes.Buffer
	status := run(strings.Fields("-duration 500ms -speed 100 -only platform"), &stdout, &stderr)
	if status != exitClean {
		t.Errorf("exit status %d: %s", status, stderr.String())
	}
	for _, want := range []string{"GENESYS_API_URL=http://127.0.0.1:", "NATS_URL=nats://127.0.0.1:", "GENESYS_CLIENT_ID=", "GENESYS_CLIENT_SECRET=", "\nexport ADAPTER_NAME="} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("it does not say %s:\n%s", want, stdout.String())
		}
	}
}
