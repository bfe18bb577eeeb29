package bridge_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// Every run of the tests draws some thousand schedules of the model, unless the
// command line says how many.
const (
	schedules      = 2000
	shortSchedules = 300
)

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		n := schedules
		if testing.Short() {
			n = shortSchedules
		}
		if err := flag.Set("rapid.checks", fmt.Sprint(n)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
