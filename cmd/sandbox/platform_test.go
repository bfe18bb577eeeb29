package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestBadCommandLineOfThePlatform(t *testing.T) {
	for _, c := range []struct {
		args string
		says string
	}{
		{"-listn :1", "not defined: -listn"},
		{"now", `unexpected argument "now"`},
		{"-calls-per-second 0", "-calls-per-second 0: must be above 0"},
		{"-client-secret-file /does/not/exist", "-client-secret-file: open /does/not/exist"},
	} {
		t.Run(c.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(append([]string{platformCommand}, strings.Fields(c.args)...), &stdout, &stderr); status != exitUsage {
				t.Errorf("exit status %d, want %d", status, exitUsage)
			}
			if !strings.Contains(stderr.String(), c.says) || stdout.Len() > 0 {
				t.Errorf("stderr %q, want it to say %q; stdout %q", stderr.String(), c.says, stdout.String())
			}
		})
	}
}

// TestPlatformUnderAnotherAddress: behind a name of a container network the channels
// must lead to that name.
func TestPlatformUnderAnotherAddress(t *testing.T) {
	o, _, err := parsePlatform([]string{"-listen", "127.0.0.1:0", "-public-url", "http://platform:8090/"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	org, err := simulator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer org.Close()
	if got := org.URL(); got != "http://platform:8090" {
		t.Errorf("URL %q, want http://platform:8090", got)
	}
}
