// Command generate writes the reference of all settings to the file that is
// its argument, as Markdown. It runs behind "go generate ./internal/settings".
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the file to write, and got %d", len(args))
	}
	var text bytes.Buffer
	if err := settings.WriteMarkdown(&text); err != nil {
		return err
	}
	return os.WriteFile(args[0], text.Bytes(), 0o644)
}
