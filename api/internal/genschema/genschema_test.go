package genschema_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/api/internal/genschema"
	"github.com/recorderbridge/genesys-ingestor/api/schema"
)

const contract = "../../recording"

// TestSchemasAreUpToDate: what is in the repository is what the types say now.
func TestSchemasAreUpToDate(t *testing.T) {
	want, err := genschema.Generate(contract)
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(schema.Files, "*")
	if err != nil || len(names) != len(want) {
		t.Errorf("files %q, %v; want %d", names, err, len(want))
	}
	for name, b := range want {
		got, err := schema.Files.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(string(b), string(got)); diff != "" {
			t.Errorf("%s is out of date: run go generate ./api/... (-want +got):\n%s", name, diff)
		}
	}
}

// TestGenerateRefuses what would become a schema with something missing: the
// constants and comments are taken from a changed copy of the source, the types
// from the compiled package.
func TestGenerateRefuses(t *testing.T) {
	for _, c := range []struct{ name, file, old, replacement, says string }{
		{"constant not in its list", "words.go", "\tStop    Verb = ", "\tErase Verb = \"erase\"\n\tStop    Verb = ", `"erase" of Verb is missing in its list`},
		{"value without a constant", "words.go", "\tStop    Verb = \"stop\"", "\tStop    Verb = \"halt\"", `Verb has no constant for "stop"`},
		{"field without a comment", "call.go", "\t// Parked is on while the call is parked by this leg.\n", "", "Leg.Parked has no comment"},
		{"another package", "doc.go", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.says != "" {
				copySource(t, dir, c.file, c.old, c.replacement)
			}
			_, err := genschema.Generate(dir)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Generate = %v, want an error that says %q", err, c.says)
			}
		})
	}
}

func copySource(t *testing.T, dir, changed, old, replacement string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(contract, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if filepath.Base(file) == changed {
			if strings.Count(text, old) != 1 {
				t.Fatalf("%s has %q %d times", file, old, strings.Count(text, old))
			}
			text = strings.Replace(text, old, replacement, 1)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
