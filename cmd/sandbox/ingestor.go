package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recorderbridge/genesys-ingestor/internal/app"
	"github.com/recorderbridge/genesys-ingestor/internal/logging"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// ingestor runs one ingestor in this process, as the command of that name does. It
// ends with a signal, or when the leash does: the sandbox holds the other end, and
// nothing outlives it.
func ingestor(environ []string, leash io.Reader, stderr io.Writer) int {
	s, err := settings.Load(environ)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	level := new(slog.LevelVar)
	level.Set(s.LogLevel)
	limited := logging.Limit(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}), logging.LimitOptions{})
	defer limited.Flush()
	log := slog.New(limited).With("instance", s.InstanceID)
	a, err := app.New(app.Options{Settings: s, Version: "sandbox", Logger: log, Level: level, Registry: prometheus.NewRegistry()})
	if err != nil {
		log.Error("ingestor ends", "error", err)
		return exitUnclean
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process at the latest
		hold(leash, os.Getenv("BENCH_PROFILE"), log)
		cancel()
	}()
	if err := a.Run(ctx); err != nil {
		log.Error("ingestor ends", "error", err)
		return exitUnclean
	}
	return exitClean
}

// hold returns when the leash ends. With a directory for profiles, each line on the
// leash begins or ends a recording of where the time goes, and its end also shows who
// holds memory.
func hold(leash io.Reader, profiles string, log *slog.Logger) {
	var file *os.File
	complain := func(err error) {
		if err != nil {
			log.Error("profile", "error", err)
		}
	}
	end := func() {
		pprof.StopCPUProfile()
		complain(file.Close())
		file = nil
		heap, err := os.Create(filepath.Join(profiles, "heap.pprof"))
		if err == nil {
			err = errors.Join(pprof.WriteHeapProfile(heap), heap.Close())
		}
		complain(err)
	}
	for lines := bufio.NewScanner(leash); lines.Scan(); {
		switch {
		case profiles == "":
		case file != nil:
			end()
		default:
			var err error
			if file, err = os.Create(filepath.Join(profiles, "cpu.pprof")); err == nil {
				err = pprof.StartCPUProfile(file)
			}
			complain(err)
		}
	}
	if file != nil {
		end()
	}
}
