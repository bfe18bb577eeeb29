package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// handler answers HTTP: metrics, health, the status page and the log level.
func (a *App) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.opts.Registry, promhttp.HandlerOpts{Registry: a.opts.Registry}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "alive\n") })
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, _ *http.Request) { a.statusJSON(w) })
	mux.HandleFunc("PUT /loglevel", a.logLevel)
	page := pageHandler()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept"), "application/json") {
			a.statusJSON(w)
			return
		}
		page(w, r)
	})
	return mux
}

// readyz is 200 while this instance observes everybody and reaches NATS.
func (a *App) readyz(w http.ResponseWriter, _ *http.Request) {
	r, nats := a.Report(), a.natsUp.Status() // not all of the status: probes come often
	switch {
	case r.Ready:
		text(w, http.StatusOK, "ready\n")
	case !a.connecting():
		text(w, http.StatusServiceUnavailable, "not ready: not started (STARTUP_TYPE=manual)\n")
	case !nats.Connected:
		text(w, http.StatusServiceUnavailable, "not ready: NATS: "+first(nats.LastError, "not connected")+"\n")
	default:
		text(w, http.StatusServiceUnavailable, "not ready: "+first(r.Error, "not everybody is observed yet")+"\n")
	}
}

func (a *App) statusJSON(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(a.Status()); err != nil {
		a.log.Debug("status", "error", err)
	}
}

// logLevel changes the level of the log until the next start: PUT /loglevel?level=debug.
func (a *App) logLevel(w http.ResponseWriter, r *http.Request) {
	var l slog.Level
	if a.opts.Level == nil || l.UnmarshalText([]byte(r.URL.Query().Get("level"))) != nil {
		text(w, http.StatusBadRequest, "level must be debug, info, warn or error\n")
		return
	}
	a.opts.Level.Set(l)
	a.log.Warn("log level changed", "level", l.String())
	text(w, http.StatusOK, l.String()+"\n")
}

func text(w http.ResponseWriter, status int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(s))
}
