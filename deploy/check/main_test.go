package check_test

import (
	"log/slog"
	"os"
	"testing"
)

// TestMain keeps the libraries quiet: what matters is in what they return.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}
