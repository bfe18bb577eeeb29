package app

import (
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/restart"
)

// namespace begins the name of every metric.
const namespace = "ingestor"

// metrics are what is counted as it happens; what is a state, or a counter of another
// part, is read when scraped, see [reading]. Everything that is counted by a label with
// known values is there from the start, so that a rate sees the first one too.
type metrics struct {
	events          *prometheus.CounterVec
	latency         *prometheus.HistogramVec
	publish         prometheus.Histogram
	promotions      prometheus.Counter
	restarts        *prometheus.CounterVec
	restartFailures prometheus.Counter
	gaps            *prometheus.CounterVec
	gapsClosed      *prometheus.CounterVec
	reconciliation  prometheus.Histogram
	reconciled      prometheus.Gauge
	unread          prometheus.Counter
}

func newMetrics(a *App, r prometheus.Registerer) *metrics {
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{
			Namespace: namespace, Name: name, Help: help,
			Buckets:                     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}
	}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}
	}
	m := &metrics{
		events:          prometheus.NewCounterVec(counter("events_stored_total", "Call events of this instance that the stream has acknowledged."), []string{"verb", "cause", "confidence"}),
		latency:         prometheus.NewHistogramVec(histogram("receipt_to_stored_seconds", "From the receipt of a notification to the acknowledgement of its event. Under traffic acknowledgements are read together, up to 5 ms late."), []string{"verb"}),
		publish:         prometheus.NewHistogram(histogram("publish_seconds", "From the first attempt to the acknowledgement of an event. Under traffic acknowledgements are read together, up to 5 ms late.")),
		promotions:      prometheus.NewCounter(counter("promotions_total", "Times this instance took the lead.")),
		restarts:        prometheus.NewCounterVec(counter("session_restarts_total", "Completed restarts of the session."), []string{"reason"}),
		restartFailures: prometheus.NewCounter(counter("session_restart_failures_total", "Restarts of the session that failed; the old session went on.")),
		gaps:            prometheus.NewCounterVec(counter("gaps_total", "Gaps that this instance announced in the stream."), []string{"cause"}),
		gapsClosed:      prometheus.NewCounterVec(counter("gaps_closed_total", "Announced gaps that are over."), []string{"cause"}),
		reconciliation:  prometheus.NewHistogram(histogram("reconciliation_seconds", "Duration of the comparisons with REST.")),
		reconciled: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "reconciliation_last_timestamp_seconds", Help: "When a comparison with REST last ended, 0 before the first.",
		}),
		unread: prometheus.NewCounter(counter("reconciliation_unread_total", "Conversations that a comparison could not read.")),
	}
	for _, verb := range recording.Verbs() {
		m.latency.WithLabelValues(string(verb))
	}
	for verb, cause := range map[recording.Verb]recording.Cause{
		recording.Prepare: recording.Delivered, recording.Start: recording.Established, recording.Pause: recording.SecurePaused,
		recording.Resume: recording.SecureResumed, recording.Update: recording.Refreshed, recording.Stop: recording.Cleared,
	} {
		for _, confidence := range recording.Confidences() {
			m.events.WithLabelValues(string(verb), string(cause), string(confidence))
		}
	}
	for _, cause := range recording.GapCauses() {
		m.gaps.WithLabelValues(string(cause))
		m.gapsClosed.WithLabelValues(string(cause))
	}
	for _, reason := range []restart.Reason{restart.Daily, restart.DailySecond, restart.TokenExpiry, requested} {
		m.restarts.WithLabelValues(string(reason))
	}
	r.MustRegister(m.events, m.latency, m.publish, m.promotions, m.restarts, m.restartFailures, m.gaps, m.gapsClosed,
		m.reconciliation, m.reconciled, m.unread, build(a.opts.Version), &reading{app: a},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// requested is the reason of a restart that a person asked for.
const requested = "requested"

// build is the metric that says what was built.
func build(version string) prometheus.Collector {
	labels := prometheus.Labels{"version": version, "goversion": "unknown", "revision": "unknown"}
	if info, ok := debug.ReadBuildInfo(); ok {
		labels["goversion"] = info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				labels["revision"] = s.Value
			}
		}
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the labels say what was built.", ConstLabels: labels,
	})
	g.Set(1)
	return g
}

// Stored implements bridge.Observer.
func (m *metrics) Stored(l bridge.Latency) {
	m.events.WithLabelValues(string(l.Verb), string(l.Cause), string(l.Confidence)).Inc()
	m.publish.Observe(l.SincePublished.Seconds())
	if l.Confidence == recording.Observed && l.Cause != recording.Refreshed {
		m.latency.WithLabelValues(string(l.Verb)).Observe(l.SinceReceived.Seconds())
	}
}

// Reconciliation implements bridge.Observer.
func (m *metrics) Reconciliation(_, failed int, took time.Duration) {
	m.reconciliation.Observe(took.Seconds())
	m.reconciled.SetToCurrentTime()
	m.unread.Add(float64(failed))
}

// Gap implements bridge.Observer.
func (m *metrics) Gap(cause recording.GapCause, opened bool) {
	if opened {
		m.gaps.WithLabelValues(string(cause)).Inc()
		return
	}
	m.gapsClosed.WithLabelValues(string(cause)).Inc()
}
