package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/recorderbridge/genesys-ingestor/internal/app"
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
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})).With("instance", s.InstanceID)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a, err := app.New(app.Options{Settings: s, Version: "sandbox", Logger: log, Level: level, Registry: registry})
	if err != nil {
		log.Error("ingestor ends", "error", err)
		return exitUnclean
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process at the latest
		_, _ = io.Copy(io.Discard, leash)
		cancel()
	}()
	if err := a.Run(ctx); err != nil {
		log.Error("ingestor ends", "error", err)
		return exitUnclean
	}
	return exitClean
}
