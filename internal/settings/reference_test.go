package settings_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

func TestReferenceIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, entry := range settings.Reference() {
		if seen[entry.Variable] {
			t.Errorf("%s is there twice", entry.Variable)
		}
		seen[entry.Variable] = true
		if !strings.HasSuffix(entry.Meaning, ".") || entry.Allowed == "" || strings.Contains(entry.Allowed, "from  to") || entry.Group == "" || entry.Type == "" {
			t.Errorf("%s is not described: %+v", entry.Variable, entry)
		}
		if strings.ContainsAny(entry.Meaning+entry.Allowed, "|<>`\n") && entry.Variable != "SHARD" {
			t.Errorf("%s: text would break the Markdown table: %+v", entry.Variable, entry)
		}
	}
	for variable, want := range map[string]settings.Entry{
		"GENESYS_CLIENT_SECRET": {Type: "secret", Required: true, Secret: true, File: true},
		"LEASE_TTL":             {Type: "duration", Default: "5s"},
		"DATA_SOURCE":           {Type: "text", Default: "ADAPTER_NAME", Derived: true},
		"GENESYS_MAX_CHANNELS":  {Type: "number", Default: "8"},
		"RECORD_PURPOSES":       {Type: "list", Default: "agent,user"},
		"NATS_PROVISION":        {Type: "boolean", Default: "true"},
	} {
		all := settings.Reference()
		got := all[slices.IndexFunc(all, func(e settings.Entry) bool { return e.Variable == variable })]
		got.Group, got.Variable, got.Allowed, got.Meaning = "", "", "", ""
		if got != want {
			t.Errorf("%s: entry %+v, want %+v", variable, got, want)
		}
	}
}

func TestDocumentIsUpToDate(t *testing.T) {
	want, err := os.ReadFile("../../deploy/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := settings.WriteMarkdown(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Error("deploy/settings.md differs from the settings: run go generate ./internal/settings")
	}
}

func TestHelpIsAligned(t *testing.T) {
	var help bytes.Buffer
	if err := settings.WriteHelp(&help); err != nil {
		t.Fatal(err)
	}
	column := strings.Index(help.String()[strings.Index(help.String(), "  ADAPTER_NAME"):], "[text, required]")
	group := true
	for line := range strings.Lines(help.String()) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case len(line) > 100:
			t.Errorf("line of %d characters: %q", len(line), line)
		case line == "":
			group = true
			continue
		case group && strings.HasPrefix(line, " "):
			t.Errorf("want the name of a group instead of %q", line)
		case !group && (line[column-1] != ' ' || line[column] == ' '):
			t.Errorf("text does not begin in column %d: %q", column, line)
		}
		group = false
	}
	for _, entry := range settings.Reference() {
		if !strings.Contains(help.String(), "\n  "+entry.Variable) {
			t.Errorf("%s is missing", entry.Variable)
		}
	}
}

func TestWriterErrorsAreReturned(t *testing.T) {
	if err := settings.WriteHelp(full{}); !errors.Is(err, errFull) {
		t.Errorf("WriteHelp returned %v", err)
	}
	if err := settings.WriteMarkdown(full{}); !errors.Is(err, errFull) {
		t.Errorf("WriteMarkdown returned %v", err)
	}
}

var errFull = errors.New("no space")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
