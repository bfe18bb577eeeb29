package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/conformance"
)

// exampleRecorder builds the minimal recorder in Go.
func exampleRecorder(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "recorder-go")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, "../../api/examples/recorder-go").CombinedOutput(); err != nil {
		t.Fatalf("build the recorder: %v\n%s", err, out)
	}
	return name
}

// TestConformance tries the example as the guide shows it, as text and as JSON.
func TestConformance(t *testing.T) {
	recorder := exampleRecorder(t)
	var stdout, stderr bytes.Buffer
	if status := run([]string{"conformance", "-skip", "silence", "--", recorder}, &stdout, &stderr); status != exitClean {
		t.Fatalf("exit status %d\n%s\n%s", status, &stdout, &stderr)
	}
	for _, want := range []string{"recorder-go conforms", "answer ", "r2-r3", "wrapupCode=solved", "ok   replay"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the output does not say %q:\n%s", want, &stdout)
		}
	}

	stdout.Reset()
	if status := run([]string{"conformance", "-json", "-only", "answer,secure_pause", "--", recorder}, &stdout, &stderr); status != exitClean {
		t.Fatalf("exit status %d\n%s\n%s", status, &stdout, &stderr)
	}
	var last struct {
		Leg     *conformance.LegResult
		Verdict *conformance.Result
	}
	legs := 0
	for line := range strings.Lines(stdout.String()) {
		last.Leg = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if last.Leg != nil {
			if legs++; last.Leg.Scene == "secure_pause" && (len(last.Leg.Record) != 3 || len(last.Leg.Pauses) != 2) {
				t.Errorf("recorded %v, paused %v", last.Leg.Record, last.Leg.Pauses)
			}
		}
	}
	if legs != 2 || last.Verdict == nil || !last.Verdict.Conforms {
		t.Errorf("%d legs, verdict %v", legs, last.Verdict)
	}
}

// TestConformanceByFile: the recorder appends to a file, and somebody else starts it.
func TestConformanceByFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reports.jsonl")
	command := []string{"sh", "-c", exampleRecorder(t) + " >>" + file}
	var stdout, stderr bytes.Buffer
	args := append([]string{"conformance", "-only", "answer,restart", "-reports", file, "--"}, command...)
	if status := run(args, &stdout, &stderr); status != exitClean {
		t.Errorf("exit status %d\n%s\n%s", status, &stdout, &stderr)
	}
}

// TestConformanceFails: a program that is no recorder, and one that ignores its legs.
func TestConformanceFails(t *testing.T) {
	for _, c := range []struct{ script, says string }{
		{"echo cannot start >&2; exit 3", "cannot start"},
		{`echo '{"ready":"idle"}'; exec sleep 600`, "no report says so within"},
		{`echo '{"ready":"odd"}'; echo '{"subjekt":"x"}'; exec sleep 600`, "it needs either ready or subject"},
	} {
		var stdout, stderr bytes.Buffer
		args := []string{"conformance", "-only", "answer", "-within", "50ms", "--", "sh", "-c", c.script}
		status := run(args, &stdout, &stderr)
		if all := stdout.String() + stderr.String(); status != exitUnclean || !strings.Contains(all, c.says) {
			t.Errorf("%s: exit status %d, want it to say %q:\n%s", c.script, status, c.says, all)
		}
	}
}

func TestConformanceCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"-h", exitClean, "conformance -- COMMAND"},
		{"-list", exitClean, "pause_overtakes"},
		{"-on-gap hope", exitUsage, `the policy "hope": must be pause or record`},
		{"-only answr", exitUsage, `there is no scene "answr"; there are answer`},
		{"-nonsense", exitUsage, "not defined: -nonsense"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(append([]string{"conformance"}, strings.Fields(c.args)...), &stdout, &stderr)
		if all := stdout.String() + stderr.String(); status != c.code || !strings.Contains(all, c.says) {
			t.Errorf("%s: exit status %d, want %d; want it to say %q:\n%s", c.args, status, c.code, c.says, all)
		}
	}
}

// TestConformanceGuide: the guide has every scene, every requirement and every option.
func TestConformanceGuide(t *testing.T) {
	b, err := os.ReadFile("../../api/CONFORMANCE.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(b)
	for _, s := range conformance.Scenes() {
		if row := "| `" + s[0] + "` | " + s[1] + " |"; !strings.Contains(guide, row) {
			t.Errorf("the guide has no row\n%s", row)
		}
	}
	for _, r := range conformance.Requirements() {
		if row := "| `" + string(r.ID) + "` | " + r.Asks + " |"; !strings.Contains(guide, row) {
			t.Errorf("the guide has no row\n%s", row)
		}
	}
	var stdout, help bytes.Buffer
	run([]string{"conformance", "-h"}, &stdout, &help)
	for line := range strings.Lines(help.String()) {
		if name, ok := strings.CutPrefix(line, "  -"); ok && !strings.Contains(guide, "`-"+strings.Fields(name)[0]) {
			t.Errorf("the guide does not explain -%s", strings.Fields(name)[0])
		}
	}
}
