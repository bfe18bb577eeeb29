package api_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// TestGuidesShowTestedFiles: every block of the guides stands in a file that is
// tested or compiled, which the comment before the block names.
func TestGuidesShowTestedFiles(t *testing.T) {
	guide := read(t, "README.md") + "\n" + read(t, "CONFORMANCE.md")
	block := regexp.MustCompile("(?ms)^(?:<!-- from (\\S+) -->\n)?```[a-z]*\n(.*?)^```$")
	blocks := block.FindAllStringSubmatch(guide, -1)
	if fences := strings.Count(guide, "```"); len(blocks) < 5 || fences != 2*len(blocks) {
		t.Fatalf("%d blocks in %d fences", len(blocks), fences)
	}
	for _, b := range blocks {
		from, text := b[1], b[2]
		if from == "" {
			t.Errorf("no file is named for the block\n%s", text)
			continue
		}
		if !strings.Contains(flat(read(t, from)), flat(text)) {
			t.Errorf("this is not in %s:\n%s", from, text)
		}
	}
}

// flat drops indentation and comment marks.
func flat(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		l = strings.TrimSpace(l)
		lines[i] = strings.TrimSpace(strings.TrimPrefix(l, "//"))
	}
	return strings.Join(lines, "\n")
}

// TestReadmeNamesEveryWord of the vocabulary that a recorder meets, and every file
// that it links to exists.
func TestReadmeNamesEveryWord(t *testing.T) {
	guide := read(t, "README.md")
	var words []string
	words = appendAll(words, recording.Verbs())
	words = appendAll(words, recording.States())
	words = appendAll(words, recording.Causes())
	words = appendAll(words, recording.AgentStates())
	words = appendAll(words, recording.FeedKinds())
	for _, w := range words {
		if !strings.Contains(guide, "`"+w+"`") {
			t.Errorf("the guide does not name %s", w)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(guide+read(t, "CONFORMANCE.md"), -1) {
		if _, err := os.Stat(m[1]); err != nil && !strings.HasPrefix(m[1], "https://") {
			t.Error(err)
		}
	}
}

func appendAll[T ~string](to []string, words []T) []string {
	for _, w := range words {
		to = append(to, string(w))
	}
	return to
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
