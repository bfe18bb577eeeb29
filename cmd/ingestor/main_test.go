// The tests of this package know the program from outside only: the binary, its
// environment, its exit codes, what stands in the stream, and a platform of their
// own making.
//
// # The promise
//
// The platform here (mock_test.go, channels_test.go, frames_test.go) is written from
// the public API documentation and from captured notifications alone, and shares no
// code with the simulator. It sends the shapes of 2026 and of 2022 and the nested
// one, and answers REST as well or as badly as a test asks for. What passes here does
// not pass because two sides made the same mistake.
//
// Every process is a real one, against a real NATS server. Every stored message is
// held against the contract by recordingtest. When a process ends, its log, its
// metrics and its status page are searched for secrets, numbers and names.
package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ingestor")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary directory
	binary = filepath.Join(dir, "ingestor")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
