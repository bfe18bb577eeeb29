package check_test

import (
	"log/slog"
	"os"
	"testing"
)

// TestMain keeps the libraries quiet: they tell of every symbolic link.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}
