package check_test

import (
	"bufio"
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// instruction is one line of the Dockerfile, with those that continue it.
type instruction struct{ word, rest string }

// dockerfile lists the instructions of each stage by its name, and those before the
// first one under "".
func dockerfile(t *testing.T) map[string][]instruction {
	t.Helper()
	content, err := os.ReadFile(root + "/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages, stage := map[string][]instruction{}, ""
	for line := range strings.SplitSeq(strings.ReplaceAll(string(content), "\\\n", " "), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		if word == "FROM" {
			stage = rest[strings.LastIndex(rest, " ")+1:]
		}
		stages[stage] = append(stages[stage], instruction{word, strings.Join(strings.Fields(rest), " ")})
	}
	return stages
}

// find returns what follows a word, of all instructions of a stage that begin with it.
func find(stage []instruction, word string) (all []string) {
	for _, i := range stage {
		if i.word == word {
			all = append(all, i.rest)
		}
	}
	return all
}

// TestImage: nothing but the program, for a user without rights, with a health check
// that the program has, and labels.
func TestImage(t *testing.T) {
	stages := dockerfile(t)
	final := append(slices.Clone(stages["base"]), stages["ingestor"]...)
	for stage, from := range map[string]string{"base": "scratch AS base", "ingestor": "base AS ingestor", "sandbox": "base AS sandbox"} {
		if got := find(stages[stage], "FROM"); !slices.Equal(got, []string{from}) {
			t.Errorf("stage %s is from %q", stage, got)
		}
		if run := find(stages[stage], "RUN"); run != nil {
			t.Errorf("stage %s runs %q: it has no shell", stage, run)
		}
	}
	if user := find(final, "USER"); len(user) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user[0]) {
		t.Errorf("user %q: Kubernetes proves only of a number that it is not root", user)
	}
	if got := find(final, "ENTRYPOINT"); !slices.Equal(got, []string{`["/ingestor"]`}) {
		t.Errorf("entry point %q", got)
	}
	if got := find(final, "HEALTHCHECK"); len(got) != 1 || !strings.HasSuffix(got[0], `CMD ["/ingestor", "health"]`) {
		t.Errorf("health check %q", got)
	}
	labels := strings.Join(find(final, "LABEL"), " ")
	for _, name := range []string{"source", "licenses", "vendor", "version", "revision", "created", "title", "description"} {
		if !strings.Contains(labels, "org.opencontainers.image."+name+`="`) {
			t.Errorf("there is no label %s", name)
		}
	}
	module, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	wanted := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	version := regexp.MustCompile(`GO_VERSION=(\d+\.\d+)\.\d+`).FindStringSubmatch(strings.Join(find(stages[""], "ARG"), "\n"))
	if wanted == nil || version == nil || string(wanted[1]) != version[1] {
		t.Errorf("the image is built with Go %q, go.mod wants %q", version, wanted)
	}
}

// TestImageBuilds: what gets into the context of the build is enough, and gives one
// static file, the same wherever it is built.
func TestImageBuilds(t *testing.T) {
	var build string
	for _, run := range find(dockerfile(t)["build"], "RUN") {
		if _, command, found := strings.Cut(run, "go build "); found {
			build = command
		}
	}
	build = strings.NewReplacer("${VERSION}", "v1.2.3", "./cmd/...", "./cmd/ingestor").Replace(build)
	var sums [2][]byte
	for i := range sums {
		dir := filepath.Join(t.TempDir(), strings.Repeat("x", i+1))
		buildContext(t, dir)
		out := filepath.Join(t.TempDir(), "ingestor")
		shell := exec.CommandContext(t.Context(), "sh", "-ec", "go build "+strings.Replace(build, "-o /out/", "-o "+out, 1))
		shell.Dir, shell.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
		if said, err := shell.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		content, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = content
	}
	if !bytes.Equal(sums[0], sums[1]) {
		t.Error("two builds of one source differ")
	}
	file, err := elf.NewFile(bytes.NewReader(sums[0]))
	if err != nil {
		t.Fatal(err)
	}
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("it needs %q, %v: the image has no libraries", libraries, err)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it needs a loader: the image has none")
		}
	}
	if !bytes.Contains(sums[0], []byte("v1.2.3")) {
		t.Error("it does not know its version")
	}
	if info, err := buildinfo.Read(bytes.NewReader(sums[0])); err != nil || !slices.Contains(info.Settings, debug.BuildSetting{Key: "-pgo", Value: "default.pgo"}) {
		t.Errorf("the compiler did not know which calls are frequent: %v", err)
	}
	if size := len(sums[0]); size > 20<<20 {
		t.Errorf("the file has %d bytes", size)
	}
}

// buildContext copies what the stage "build" copies and .dockerignore lets through.
func buildContext(t *testing.T, to string) {
	t.Helper()
	ignore, err := os.Open(root + "/.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ignore.Close() }() // it is only read
	var allowed, denied []string
	for lines := bufio.NewScanner(ignore); lines.Scan(); {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "!"); ok {
			allowed = append(allowed, name)
		} else if name, ok := strings.CutPrefix(line, "**/"); ok {
			denied = append(denied, name)
		}
	}
	matches := func(name string) bool {
		return slices.ContainsFunc(denied, func(p string) bool { ok, _ := path.Match(p, path.Base(name)); return ok })
	}
	for _, copied := range find(dockerfile(t)["build"], "COPY") {
		words := strings.Fields(copied)
		for _, source := range words[:len(words)-1] {
			if !slices.Contains(allowed, source) {
				t.Errorf("the Dockerfile copies %s, which .dockerignore keeps out", source)
			}
			err := filepath.WalkDir(filepath.Join(root, source), func(name string, e fs.DirEntry, err error) error {
				switch {
				case err != nil:
					return err
				case matches(name) && e.IsDir():
					return filepath.SkipDir
				case matches(name) || !e.Type().IsRegular():
					return nil
				}
				rel, err := filepath.Rel(root, name)
				if err != nil {
					return err
				}
				content, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				if err := os.MkdirAll(filepath.Join(to, filepath.Dir(rel)), 0o700); err != nil {
					return err
				}
				return os.WriteFile(filepath.Join(to, rel), content, 0o600)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
