// Command sandbox runs the whole service on one machine with nothing installed: a
// NATS server, a simulated Genesys Cloud organization with live calls, a primary and
// a secondary ingestor as processes of their own, and a recorder that prints what it
// is told. At the end it compares the events that are stored with what really
// happened. -h prints the options.
//
// It exits with 0 when the verdict is clean, with 1 when it is not, and with 2 when
// the command line is wrong. A first interrupt ends the calls and gives the verdict,
// a second one ends at once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/recorderbridge/genesys-ingestor/internal/sandbox"
)

// Exit codes.
const (
	exitClean   = 0
	exitUnclean = 1
	exitUsage   = 2
)

// ingestorProcess is the first argument of the processes that the sandbox starts.
const ingestorProcess = "ingestor-process"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == ingestorProcess {
		return ingestor(os.Environ(), os.Stdin, stderr)
	}
	if len(args) > 0 && args[0] == platformCommand {
		return platform(args[1:], stdout, stderr)
	}
	if len(args) > 0 && args[0] == conformanceCommand {
		return conform(args[1:], os.Stdin, stdout, stderr)
	}
	if len(args) > 0 && args[0] == benchCommand {
		return bench(args[1:], stdout, stderr)
	}
	if len(args) > 0 && args[0] == benchProcess {
		return child(args[1:], os.Stdin, stdout, stderr)
	}
	o, keep, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitClean
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox: %v\n", err)
		return exitUsage
	}
	o.Out, o.Color = stdout, colorful(stdout)
	if o.Dir, err = os.MkdirTemp("", "sandbox-"); err != nil {
		fmt.Fprintf(stderr, "sandbox: make a directory: %v\n", err)
		return exitUnclean
	}
	executable, err := os.Executable()
	if err != nil {
		fmt.Fprintf(stderr, "sandbox: find this program: %v\n", err)
		return exitUnclean
	}
	o.Command = []string{executable, ingestorProcess}
	ctx, cancel := interrupts(stderr)
	defer cancel()
	verdict, err := sandbox.Run(ctx, o)
	clean := err == nil && (verdict.Clean || o.PlatformOnly)
	if err != nil {
		fmt.Fprintf(stderr, "sandbox: %v\n", err)
	}
	if errors.Is(err, sandbox.ErrOption) {
		_ = os.RemoveAll(o.Dir)
		return exitUsage
	}
	if clean && !keep {
		_ = os.RemoveAll(o.Dir)
	} else {
		fmt.Fprintf(stderr, "logs and the store of the NATS server are kept in %s\n", o.Dir)
	}
	if clean {
		return exitClean
	}
	return exitUnclean
}

// interrupts returns a context that ends with the first signal. The second one ends
// the program at once; its processes end with it.
func interrupts(stderr io.Writer) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-c:
			fmt.Fprintln(stderr, "interrupted: ending the calls, then the verdict; a second interrupt ends at once")
			cancel()
		case <-ctx.Done():
			signal.Stop(c)
			return
		}
		<-c
		os.Exit(exitUnclean)
	}()
	return ctx, cancel
}

// colorful tells whether the output is a terminal that may be colored.
func colorful(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
