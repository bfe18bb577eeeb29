package architecture_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// listed is what "go list" tells about a package.
type listed struct {
	ImportPath string
	Imports    []string
	Dir        string
	GoFiles    []string
	Name       string
}

// packages returns all packages of the module.
func packages(t *testing.T) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Dir,GoFiles,Name", module+"/...")
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var one listed
		if err := decoder.Decode(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if len(all) < 5 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

// below tells whether a path is another one, or below it.
func below(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}

// ruleFor returns the rule of a path within the module, and whether one exists.
func ruleFor(path string) (found rule, exists bool) {
	for _, one := range matrix() {
		if below(path, one.path) && len(one.path) >= len(found.path) {
			found, exists = one, true
		}
	}
	return found, exists
}

// forbidden says why a package under a rule must not import another one, or
// returns nothing.
func forbidden(r rule, imported string) string {
	standard := !strings.Contains(strings.SplitN(imported, "/", 2)[0], ".")
	if standard {
		if slices.Contains(r.never, imported) {
			return r.reason
		}
		return ""
	}
	for _, parent := range append(r.may, module+"/"+r.path) {
		if below(imported, parent) {
			return ""
		}
	}
	return r.reason
}

func TestImportsPointInward(t *testing.T) {
	for _, one := range packages(t) {
		path := strings.TrimPrefix(one.ImportPath, module+"/")
		if slices.ContainsFunc(free(), func(parent string) bool { return below(path, parent) }) {
			continue
		}
		r, exists := ruleFor(path)
		if !exists {
			t.Errorf("%s is missing from the import matrix: decide what it may import", path)
			continue
		}
		for _, imported := range one.Imports {
			if reason := forbidden(r, imported); reason != "" {
				t.Errorf("%s imports %s, and must not: %s", path, imported, reason)
			}
		}
	}
}

func TestMatrixForbids(t *testing.T) {
	for _, test := range []struct {
		path, imported string
		forbidden      bool
	}{
		{"internal/call", "time", false},
		{"internal/call", "net/http", true},
		{"internal/call", "net/netip", false},
		{"internal/call", module + "/api/recording", false},
		{"internal/call", module + "/internal/control", true},
		{"internal/control", module + "/internal/call", false},
		{"internal/genesys", module + "/internal/publish", true},
		{"internal/genesys", "golang.org/x/oauth2/clientcredentials", false},
		{"internal/publish", nats + "/jetstream", false},
		{"internal/publish", module + "/internal/genesys", true},
		{"internal/publish", "github.com/nats-io/nats-server/v2/server", true},
		{"internal/simulator", module + "/internal/genesys", true},
		{"internal/app", module + "/internal/simulator", true},
		{"internal/settings/generate", module + "/internal/settings", false},
		{"api/recording", "github.com/google/go-cmp/cmp", true},
		{"api/recordingtest", module + "/api/recording", false},
	} {
		r, exists := ruleFor(test.path)
		if !exists {
			t.Fatalf("%s has no rule", test.path)
		}
		if got := forbidden(r, test.imported) != ""; got != test.forbidden {
			t.Errorf("%s imports %s: forbidden %t, want %t", test.path, test.imported, got, test.forbidden)
		}
	}
}

// TestLinterHasTheSameMatrix compares the matrix with the depguard lists, which
// show a finding in the editor. Both are written by hand, because each gives its
// own reasons.
func TestLinterHasTheSameMatrix(t *testing.T) {
	lists := depguard(t)
	for _, r := range matrix() {
		if r.name == "" {
			continue
		}
		list, exists := lists[r.name]
		if !exists {
			t.Errorf(".golangci.yml has no depguard list %q", r.name)
			continue
		}
		own := module + "/" + r.path
		want := slices.Concat([]string{"$gostd"}, r.may)
		if !slices.ContainsFunc(r.may, func(parent string) bool { return below(own, parent) }) {
			want = append(want, own)
		}
		compare(t, r.name+" allow", list["allow"], want)
		never := slices.Clone(r.never)
		for i := range never {
			never[i] += "$"
		}
		compare(t, r.name+" deny", list["deny"], never)
	}
}

func compare(t *testing.T, name string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf(".golangci.yml, %s:\n%q\nthe matrix says\n%q", name, got, want)
	}
}

// depguard reads the lists of .golangci.yml: name, then "allow" or "deny", to
// packages. It relies on the indentation of that file.
func depguard(t *testing.T) map[string]map[string][]string {
	t.Helper()
	content, err := os.ReadFile("../../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, found := strings.Cut(string(content), "\n    depguard:\n      rules:\n")
	if !found {
		t.Fatal(".golangci.yml has no depguard rules")
	}
	lists := map[string]map[string][]string{}
	name, key := "", ""
	for line := range strings.Lines(rules) {
		line = strings.TrimRight(line, "\n")
		text := strings.TrimLeft(line, " ")
		switch indent := len(line) - len(text); {
		case text == "" || strings.HasPrefix(text, "#"):
		case indent < 8:
			return lists
		case indent == 8:
			name = strings.TrimSuffix(text, ":")
			lists[name] = map[string][]string{}
		case indent == 10:
			key = strings.TrimSuffix(text, ":")
		case strings.HasPrefix(text, "- "):
			value := strings.TrimPrefix(strings.TrimPrefix(text, "- "), "pkg: ")
			lists[name][key] = append(lists[name][key], value)
		}
	}
	return lists
}
