package architecture_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	// maxLines is far above what reads well, which is about 120.
	maxLines = 600
	// minDoc is the number of characters of a package documentation below which
	// it can hardly do more than repeat the name. A program may say less.
	minDoc, minProgramDoc = 150, 60
)

// files returns the text files of the repository, by their path within it.
func files(t *testing.T) map[string][]byte {
	t.Helper()
	root := os.DirFS("../..")
	extensions := []string{".go", ".md", ".mjs", ".json", ".yaml", ".yml", ".sh", ".tpl", ".conf"}
	found := map[string][]byte{}
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if name == ".git" || name == "node_modules" || name == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if slices.Contains(extensions, filepath.Ext(name)) || name == "Dockerfile" || path == ".ci/run" {
			found[path], err = fs.ReadFile(root, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []string{".ci/run", ".golangci.yml", "internal/architecture/text_test.go"} {
		if found[known] == nil {
			t.Fatalf("%s was not found: the tests look at the wrong place", known)
		}
	}
	return found
}

func TestEveryPackageIsDocumented(t *testing.T) {
	for _, one := range packages(t) {
		if len(one.GoFiles) == 0 {
			continue // tests only
		}
		least := minDoc
		if one.Name == "main" {
			least = minProgramDoc
		}
		if text := packageDoc(t, one); len(text) < least {
			t.Errorf("%s: the documentation of the package has %d characters: say what it promises, and to whom", one.ImportPath, len(text))
		}
	}
}

// packageDoc returns the comments above the package clauses of a package.
func packageDoc(t *testing.T, one listed) string {
	t.Helper()
	clause := regexp.MustCompile(`(?m)((?:^//.*\n)+)package `)
	var text strings.Builder
	for _, name := range one.GoFiles {
		content, err := os.ReadFile(filepath.Join(one.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if match := clause.FindSubmatch(content); match != nil {
			for line := range strings.Lines(string(match[1])) {
				text.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "//"), " "))
			}
		}
	}
	return text.String()
}

func TestNoFileIsTooLong(t *testing.T) {
	for path, content := range files(t) {
		if lines := bytes.Count(content, []byte("\n")); filepath.Ext(path) == ".go" && lines > maxLines {
			t.Errorf("%s has %d lines: find the two things that it does", path, lines)
		}
	}
}

func TestNothingIsLeftOpen(t *testing.T) {
	// In two parts, so that this file does not find itself.
	open := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)
	for path, content := range files(t) {
		for _, at := range open.FindAllIndex(content, -1) {
			line := 1 + bytes.Count(content[:at[0]], []byte("\n"))
			t.Errorf("%s:%d: %s: do it, or open an issue", path, line, content[at[0]:at[1]])
		}
	}
}
