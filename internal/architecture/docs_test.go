package architecture_test

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The documents that are checked against the tree.
const (
	readme        = "README.md"
	architecture  = "internal/app/ARCHITECTURE.md"
	testMarker    = "<!-- ci:test -->"
	testCommand   = "go test ./..."
	maxReadme     = 250
	settingsTable = "deploy/settings.md"
	metricsTable  = "deploy/prometheus/METRICS.md"
	runbook       = "deploy/runbook.md"
)

func documents() []string {
	return []string{readme, architecture, "api/README.md", "api/CONFORMANCE.md", "CONTRIBUTING.md", "CHANGELOG.md", runbook, metricsTable, "deploy/README.md", "deploy/chart/README.md"}
}

// document reads one document.
func document(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// code returns what a document shows as code: the lines of its fenced blocks, and
// the spans between back-quotes outside of them.
func code(text string) (lines, spans []string) {
	span := regexp.MustCompile("`([^`\n]+)`")
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			inside = !inside
		case inside:
			lines = append(lines, line)
		default:
			for _, match := range span.FindAllStringSubmatch(line, -1) {
				spans = append(spans, match[1])
			}
		}
	}
	return lines, spans
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, name := range documents() {
		text := document(t, name)
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := name
			if target != "" {
				to = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(filepath.Join("../..", filepath.FromSlash(to))); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, match[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(document(t, to)), anchor) {
				t.Errorf("%s links to %s: %s has no such heading", name, match[1], to)
			}
		}
	}
}

// anchors returns the headings of a document as the forge names them in addresses.
func anchors(text string) []string {
	drop := regexp.MustCompile(`[^a-z0-9 _-]`)
	var all []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			heading := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			all = append(all, strings.ReplaceAll(drop.ReplaceAllString(heading, ""), " ", "-"))
		}
	}
	return all
}

// TestNamesInTheArchitectureExist looks up everything that the architecture page
// shows as code: files, Go names, settings, and any other word as text of the code.
func TestNamesInTheArchitectureExist(t *testing.T) {
	_, spans := code(document(t, architecture))
	if len(spans) < 50 {
		t.Fatalf("%s shows only %d names: the test reads it wrongly", architecture, len(spans))
	}
	declared := declarations(t)
	settings := settingNames(t)
	goName := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
	setting := regexp.MustCompile(`^[A-Z]+(_[A-Z]+)+(=[a-z]+)?$`)
	for _, name := range spans {
		switch {
		case strings.Contains(name, "/"):
			if _, err := os.Stat(filepath.Join("../..", filepath.FromSlash(name))); err != nil {
				t.Errorf("%s names the file %s, which does not exist", architecture, name)
			}
		case setting.MatchString(name):
			if variable, _, _ := strings.Cut(name, "="); !slices.Contains(settings, variable) {
				t.Errorf("%s names the setting %s, which does not exist", architecture, name)
			}
		case strings.Contains(name, ".") && goName.MatchString(name), strings.HasPrefix(name, "Test"), strings.HasPrefix(name, "Fuzz"):
			if !declared.names[name] {
				t.Errorf("%s names %s, which is not declared anywhere", architecture, name)
			}
		case !declared.names[name] && !declared.words[name]:
			t.Errorf("%s names %q, which is neither declared nor a word of the code", architecture, name)
		}
	}
}

// known is what the Go files of the repository declare, and the texts in them.
type known struct {
	names map[string]bool // Name, package.Name, Type.Member, package.Type.Member
	words map[string]bool // string literals
}

// declarations reads the Go files line by line: they are formatted, so the first
// column says what is declared.
func declarations(t *testing.T) known {
	t.Helper()
	k := known{names: map[string]bool{}, words: map[string]bool{}}
	text := regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	for name, content := range files(t) {
		if filepath.Ext(name) != ".go" || name == "internal/architecture/docs_test.go" {
			continue
		}
		for _, literal := range text.FindAllSubmatch(content, -1) {
			k.words[string(literal[1])] = true
		}
		k.read(string(content))
	}
	return k
}

func (k known) read(content string) {
	var (
		clause   = regexp.MustCompile(`(?m)^package (\w+)`)
		function = regexp.MustCompile(`^func (?:\((?:\w+ )?\*?(\w+)(?:\[[^\]]*\])?\) )?(\w+)`)
		single   = regexp.MustCompile(`^(?:const|var|type) (\w+)`)
		group    = regexp.MustCompile(`^(?:const|var) \($`)
		body     = regexp.MustCompile(`^type (\w+)(?:\[[^\]]*\])? (?:struct|interface) \{$`)
		member   = regexp.MustCompile(`^\t(\w+(?:, \w+)*)(?:[ (]|$)`)
	)
	in := strings.TrimSuffix(clause.FindStringSubmatch(content)[1], "_test")
	add := func(name string) { k.names[name], k.names[in+"."+name] = true, true }
	owner, inside := "", false // of the type or group that is open
	for line := range strings.Lines(content) {
		line = strings.TrimRight(line, "\n")
		switch {
		case inside && (line == "}" || line == ")"):
			owner, inside = "", false
		case inside:
			if match := member.FindStringSubmatch(line); match != nil {
				for name := range strings.SplitSeq(match[1], ", ") {
					add(owner + name)
				}
			}
		case group.MatchString(line):
			inside = true
		default:
			if match := body.FindStringSubmatch(line); match != nil {
				owner, inside = match[1]+".", true
			}
			if match := function.FindStringSubmatch(line); match != nil {
				add(strings.TrimPrefix(match[1]+"."+match[2], "."))
			} else if match := single.FindStringSubmatch(line); match != nil {
				add(match[1])
			}
		}
	}
}

// settingNames returns the variables of the generated reference.
func settingNames(t *testing.T) []string {
	t.Helper()
	var all []string
	row := regexp.MustCompile("(?m)^\\| (`[A-Z_]+`(?: or `[A-Z_]+`)?) \\|")
	for _, match := range row.FindAllStringSubmatch(document(t, settingsTable), -1) {
		for name := range strings.SplitSeq(match[1], " or ") {
			all = append(all, strings.Trim(name, "`"))
		}
	}
	if len(all) < 30 {
		t.Fatalf("%s has only %d settings: the test reads it wrongly", settingsTable, len(all))
	}
	return all
}

// TestSettingsInTheDocumentsExist finds words that look like settings and are none.
func TestSettingsInTheDocumentsExist(t *testing.T) {
	settings := settingNames(t)
	word := regexp.MustCompile(`\b(?:ADAPTER|AGENT|DATA|GENESYS|HTTP|INSTANCE|LEASE|LOG|NATS|RECONCILE|RECORD|REFRESH|RESTART|STARTUP)_[A-Z_]+\b`)
	for _, name := range documents() {
		for _, found := range word.FindAllString(document(t, name), -1) {
			if !slices.Contains(settings, found) {
				t.Errorf("%s names %s, which is no setting", name, found)
			}
		}
	}
}

// TestCommandsInTheReadmeExist compares the command lines that README shows with
// what the two programs say about themselves.
func TestCommandsInTheReadmeExist(t *testing.T) {
	ingestorHelp, sandboxHelp := help(t)
	commands := allMatches(ingestorHelp, `(?m)^  ([a-z-]+)   +\S`)
	flags := allMatches(sandboxHelp, `(?m)^  -([a-z-]+)`)
	if len(commands) < 5 || len(flags) < 10 {
		t.Fatalf("commands %q, flags %q: the test reads the help wrongly", commands, flags)
	}
	text := document(t, readme)
	lines, spans := code(text)
	for _, line := range append(lines, spans...) {
		line, _, _ = strings.Cut(line, "  #")
		words := strings.Fields(line)
		for i, w := range words {
			rest := words[i+1:]
			switch {
			case path.Base(w) == "sandbox" && strings.Contains(w, "/") || strings.HasPrefix(w, "--") && i == 0:
				checkFlags(t, line, append(rest, w), flags)
			case strings.HasSuffix(w, "/ingestor") && len(rest) > 0 && rest[0] != "-h":
				if !slices.Contains(commands, rest[0]) {
					t.Errorf("README shows %q: the ingestor has no command %s", line, rest[0])
				}
			}
		}
	}
	_, table, _ := strings.Cut(text, "| command |")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := append(allMatches(table, "(?m)^\\| `([a-z-]+)` \\|"), "help")
	slices.Sort(rows)
	slices.Sort(commands)
	if !slices.Equal(rows, commands) {
		t.Errorf("README has rows for the commands\n%q\nthe ingestor knows\n%q", rows, commands)
	}
}

func checkFlags(t *testing.T, line string, words, flags []string) {
	t.Helper()
	for _, w := range words {
		name, _, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
		if strings.HasPrefix(w, "-") && name != "h" && !slices.Contains(flags, name) {
			t.Errorf("README shows %q: the sandbox has no option %s", line, w)
		}
	}
}

func allMatches(text, pattern string) []string {
	var all []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

// help builds both programs and returns what -h prints.
func help(t *testing.T) (ingestor, sandbox string) {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, module+"/cmd/...")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	run := func(name string) string {
		output, err := exec.CommandContext(t.Context(), filepath.Join(dir, name), "-h").CombinedOutput()
		if err != nil {
			t.Fatalf("%s -h: %v\n%s", name, err, output)
		}
		return string(output)
	}
	return run("ingestor"), run("sandbox")
}

// TestAddressesAndMetricsInTheReadmeExist looks up what README says about HTTP.
func TestAddressesAndMetricsInTheReadmeExist(t *testing.T) {
	_, spans := code(document(t, readme))
	handler, metrics := document(t, "internal/app/http.go"), document(t, metricsTable)
	addresses := 0
	for _, span := range spans {
		method, address, ok := strings.Cut(span, " ")
		if ok && (method == "GET" || method == "PUT") {
			addresses++
			address, _, _ = strings.Cut(address, "?")
			if !strings.Contains(handler, `"`+method+" "+address+`"`) && !strings.Contains(handler, `"`+method+" "+address+`{$}"`) {
				t.Errorf("README names %s, which is not served", span)
			}
		}
		if strings.HasPrefix(span, "ingestor_") && !strings.Contains(metrics, "`"+span+"`") {
			t.Errorf("README names the metric %s, which does not exist", span)
		}
	}
	if addresses < 4 {
		t.Errorf("README names %d addresses", addresses)
	}
}

// TestReadmeHasTheTestCommand reads README as .ci/run does.
func TestReadmeHasTheTestCommand(t *testing.T) {
	text := document(t, readme)
	_, after, found := strings.Cut(text, testMarker+"\n")
	if !found || !strings.Contains(document(t, ".ci/run"), testMarker) {
		t.Fatalf("README and .ci/run must both have the marker %s", testMarker)
	}
	lines, _ := code(after)
	if len(lines) == 0 || lines[0] != testCommand || !strings.HasPrefix(after, "```") {
		t.Errorf("behind %s README must have a fenced block with %q", testMarker, testCommand)
	}
	if n := bytes.Count([]byte(text), []byte("\n")); n > maxReadme {
		t.Errorf("README has %d lines: a newcomer reads %d", n, maxReadme)
	}
}
