package publish_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// serveIn names the environment variable with the store directory of a server: the
// test binary runs that server instead of tests.
const serveIn = "PUBLISH_TEST_SERVE_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveIn); dir != "" {
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// serve runs a server, says its address on standard output and ends with standard
// input, so that it never outlives the benchmark that started it.
func serve(dir string) error {
	s, err := natstest.Run(natstest.Options{StoreDir: dir})
	if err != nil {
		return err
	}
	fmt.Println(s.URL())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return s.Close()
}

// serverProcess runs a server in a process of its own, so that what this process
// uses is the client's share alone, and returns its address.
func serverProcess(b *testing.B) string {
	b.Helper()
	cmd := exec.CommandContext(context.Background(), os.Args[0])
	cmd.Env = append(os.Environ(), serveIn+"="+b.TempDir())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("server process: %v", err)
		}
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("server process: %v", err)
	}
	return strings.TrimSpace(url)
}

// usage is what this process has used so far.
type usage struct {
	cpu      time.Duration
	switches int64 // times a thread went to sleep
}

func used(b *testing.B) usage {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return usage{time.Duration(r.Utime.Nano() + r.Stime.Nano()), r.Nvcsw}
}

// reportUse reports the cost of each of n messages since before.
func reportUse(b *testing.B, before usage, n int) {
	b.Helper()
	now := used(b)
	b.ReportMetric(float64((now.cpu-before.cpu).Nanoseconds())/float64(n), "cpu-ns/msg")
	b.ReportMetric(float64(now.switches-before.switches)/float64(n), "sleeps/msg")
}
