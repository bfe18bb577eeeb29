package architecture_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A command that a document shows is run somewhere, or it will not work one day.

// run says where a shown command is run: in which file, by which text. A command for
// which no machine of a test has what it needs says why instead.
type run struct{ command, file, text, why string }

func runs() []run {
	const workflow = ".github/workflows/ci.yml"
	return []run{
		{command: `go build \./\.\.\.`, file: ".ci/run", text: "go build ./..."},
		{command: `go test \./\.\.\.`, file: ".ci/run", text: testMarker},
		{command: `go run \./cmd/sandbox conformance -- node api/examples/recorder-js/recorder\.mjs`, file: ".ci/run", text: "conformance -- node api/examples/recorder-js/recorder.mjs"},
		{command: `go run \./cmd/sandbox.*`, file: ".ci/run", text: `"$scratch/sandbox"`},
		{command: `go build -o \. \./cmd/ingestor`, file: "cmd/ingestor/main_test.go", text: `"go", "build", "-o", binary, "."`},
		{command: `go doc \./internal/bridge`, why: "nothing but Go, and shows what is there"},
		{command: `go generate \./.*`, file: ".ci/run", text: "go generate ./..."},
		{command: `node \.ci/asyncapi/page\.mjs .*`, file: ".ci/run", text: "node .ci/asyncapi/page.mjs"},
		{command: `bash \.ci/run(?: alerts)?`, file: workflow, text: "bash .ci/run"},
		{command: `go run \./api/examples/recorder-go`, file: "api/examples/recorder_test.go", text: `"recorder-go"`},
		{command: `go test \./api/examples -run Transcript .*`, file: ".ci/run", text: "-run Transcript"},
		{command: `go run \./deploy/nats/keys .*`, file: "deploy/nats/rig_test.go", text: `s.build("./keys", "keys")`},
		{command: `sed -i .*`, file: "deploy/nats/service_test.go", text: "^sed -i"},
		{command: `nats --server .*`, file: "deploy/nats/rig_test.go", text: "nats stream add --config"},
		{command: `nats (?:stream|server) report.*`, why: "the NATS command line, and shows what is there"},
		{command: `docker (?:build|run|compose) .*`, why: "a Docker daemon"},
		{command: `kubectl .*`, why: "a cluster of Kubernetes"},
		{command: `helm (?:install .*|upgrade)`, why: "a cluster of Kubernetes"},
	}
}

func TestShownCommandsAreRun(t *testing.T) {
	all := files(t)
	program := regexp.MustCompile(`^(?:\w+=\S+ )*((?:go|bash|docker|nats|sed|promtool|node|python3|npm|helm|kubectl|curl) .*)$`)
	seen := 0
	for _, name := range []string{readme, "api/README.md", "api/CONFORMANCE.md", "CONTRIBUTING.md", runbook, "deploy/README.md", "deploy/chart/README.md"} {
		lines, spans := code(document(t, name))
		for _, line := range append(lines, spans...) {
			line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "$ "), "  #")
			match := program.FindStringSubmatch(strings.TrimSpace(line))
			if match == nil {
				continue
			}
			seen++
			i := slices.IndexFunc(runs(), func(r run) bool { return regexp.MustCompile("^" + r.command + "$").MatchString(match[1]) })
			if i < 0 {
				t.Errorf("%s shows %q, and nothing says where it is run", name, match[1])
				continue
			}
			if r := runs()[i]; r.why == "" && !strings.Contains(string(all[r.file]), r.text) {
				t.Errorf("%s shows %q: %s has no %s any more", name, match[1], r.file, r.text)
			}
		}
	}
	if seen < 8 {
		t.Errorf("only %d commands found: the test reads the documents wrongly", seen)
	}
}

// TestNamedCommandsOfTheIngestorAreRun finds "ingestor restart" and its like within the
// text: the command exists and the tests of the program run it.
func TestNamedCommandsOfTheIngestorAreRun(t *testing.T) {
	var tests strings.Builder
	for name, content := range files(t) {
		if ok, _ := filepath.Match("cmd/ingestor/*_test.go", name); ok {
			tests.Write(content)
		}
	}
	seen := 0
	for _, name := range []string{readme, runbook} {
		_, spans := code(document(t, name))
		for _, span := range spans {
			command, ok := strings.CutPrefix(span, "ingestor ")
			if !ok {
				continue
			}
			seen++
			if command, _, _ = strings.Cut(command, " "); !strings.Contains(tests.String(), `"`+command+`"`) {
				t.Errorf("%s names %q, which no test of the program runs", name, span)
			}
		}
	}
	for _, row := range allMatches(document(t, readme), "(?m)^\\| `([a-z-]+)` \\| ") {
		if !strings.Contains(tests.String(), `"`+row+`"`) {
			t.Errorf("README has a row for the command %s, which no test of the program runs", row)
		}
	}
	if seen < 3 {
		t.Errorf("only %d names found: the test reads the documents wrongly", seen)
	}
}

// TestStepsInTheDocumentsExist finds ".ci/run lint race" and its like.
func TestStepsInTheDocumentsExist(t *testing.T) {
	list := regexp.MustCompile(`(?m)^steps=\((.*)\)$`).FindStringSubmatch(document(t, ".ci/run"))
	if list == nil {
		t.Fatal(".ci/run has no list of steps")
	}
	steps := append(strings.Fields(list[1]), "--list")
	for _, name := range []string{readme, "CONTRIBUTING.md"} {
		lines, spans := code(document(t, name))
		for _, text := range append(lines, spans...) {
			_, rest, found := strings.Cut(text, ".ci/run ")
			rest, _, _ = strings.Cut(rest, "#")
			for step := range strings.FieldsSeq(rest) {
				if found && !slices.Contains(steps, step) {
					t.Errorf("%s shows %q: .ci/run has no step %s", name, text, step)
				}
			}
		}
	}
}
