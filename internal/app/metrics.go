package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
)

// namespace begins the name of every metric.
const namespace = "ingestor"

// metrics are what is counted as it happens; what is a state is read when scraped,
// see [reading].
type metrics struct {
	events         *prometheus.CounterVec
	latency        *prometheus.HistogramVec
	publish        prometheus.Histogram
	promotions     prometheus.Counter
	restarts       *prometheus.CounterVec
	gaps           *prometheus.CounterVec
	reconciliation prometheus.Histogram
	unread         prometheus.Counter
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
		events:         prometheus.NewCounterVec(counter("events_stored_total", "Call events of this instance that the stream has acknowledged."), []string{"verb", "cause", "confidence"}),
		latency:        prometheus.NewHistogramVec(histogram("receipt_to_stored_seconds", "From the receipt of a notification to the acknowledgement of its event."), []string{"verb"}),
		publish:        prometheus.NewHistogram(histogram("publish_seconds", "From the first attempt to the acknowledgement of an event.")),
		promotions:     prometheus.NewCounter(counter("promotions_total", "Times this instance took the lead.")),
		restarts:       prometheus.NewCounterVec(counter("session_restarts_total", "Completed restarts of the session."), []string{"reason"}),
		gaps:           prometheus.NewCounterVec(counter("gaps_total", "Gaps announced in the stream."), []string{"cause"}),
		reconciliation: prometheus.NewHistogram(histogram("reconciliation_seconds", "Duration of the comparisons with REST.")),
		unread:         prometheus.NewCounter(counter("reconciliation_unread_total", "Conversations that a comparison could not read.")),
	}
	r.MustRegister(m.events, m.latency, m.publish, m.promotions, m.restarts, m.gaps, m.reconciliation, m.unread, &reading{app: a})
	return m
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
	m.unread.Add(float64(failed))
}

// Gap implements bridge.Observer.
func (m *metrics) Gap(cause recording.GapCause, opened bool) {
	if opened {
		m.gaps.WithLabelValues(string(cause)).Inc()
	}
}

// reading collects the state of the instance at the moment of a scrape.
type reading struct{ app *App }

// Describe implements prometheus.Collector. The readings are described by what they
// collect.
func (r *reading) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(r, ch) }

// Collect implements prometheus.Collector.
func (r *reading) Collect(ch chan<- prometheus.Metric) {
	gauge := func(name, help string, v float64, labels ...string) {
		r.send(ch, prometheus.GaugeValue, name, help, v, labels)
	}
	count := func(name, help string, v uint64, labels ...string) {
		r.send(ch, prometheus.CounterValue, name, help, float64(v), labels)
	}
	s := r.app.Status()
	gauge("info", "Always 1; the labels say what runs.", 1, "version", s.Version, "adapter", s.Adapter)
	gauge("leading", "1 while this instance publishes.", b2f(s.Role == recording.Primary))
	gauge("ready", "1 while this instance observes everybody and reaches NATS.", b2f(s.Ready))
	gauge("epoch", "Stream sequence of the leader event of this instance's last term.", float64(s.Epoch))
	gauge("peer_ready", "1 while another instance is ready to take over.", b2f(s.Peer != nil && s.Peer.Ready))
	for _, state := range recording.States() {
		gauge("legs", "Legs known, by desired state.", float64(s.Legs[state]), "state", string(state))
	}
	gauge("transitions_pending", "Transitions observed and not known to be published.", float64(s.Pending))
	gauge("stream_last_sequence", "Last stream sequence read.", float64(s.LastSequence))
	gauge("gaps_open", "Stretches without observation that are not over.", float64(s.GapsOpen))
	gauge("nats_connected", "1 while connected to NATS.", b2f(s.NATSConnected))
	gauge("users_monitored", "Users whose calls are monitored.", float64(s.Users))
	gauge("users_observed", "Of these, users whose notifications arrive.", float64(s.Observed))
	gauge("channels", "Notification channels in use.", float64(len(s.Channels)))
	topics := 0
	oldest := time.Time{}
	for _, c := range s.Channels {
		topics += c.Topics
		if oldest.IsZero() || c.LastHeartbeat.Before(oldest) {
			oldest = c.LastHeartbeat
		}
	}
	gauge("topics", "Topics subscribed.", float64(topics))
	gauge("channel_oldest_heartbeat_timestamp_seconds", "When the channel that is silent for longest last spoke.", unix(oldest))
	gauge("token_expiry_timestamp_seconds", "When the OAuth token ends.", unix(s.TokenExpires))
	gauge("next_restart_timestamp_seconds", "When the session is restarted next.", unix(s.NextRestart))
	gauge("clock_offset_seconds", "Clock of the platform minus ours.", s.ClockOffset.Seconds())
	gauge("rate_limit_remaining", "Requests left in the platform's present window.", float64(s.RateRemaining))

	count("snapshots_total", "Snapshots folded, from notifications and REST.", s.Core.Snapshots)
	count("transitions_total", "Transitions observed.", s.Core.Edges)
	count("reconciled_transitions_total", "Transitions learned from REST.", s.Core.Reconciled)
	count("publish_conflicts_total", "Events that another writer forestalled.", s.Core.Conflicts)
	count("publish_retries_total", "Attempts whose outcome was not known.", s.Core.Retries)
	count("publish_refused_total", "Events that the stream refused.", s.Core.Refused)
	count("transitions_collapsed_total", "Times a leg's backlog was collapsed to its level.", s.Core.Collapsed)
	count("stream_holes_total", "Holes seen in the revisions of legs.", s.Core.Holes)
	count("stream_unreadable_total", "Stored events that could not be read.", s.Core.Unreadable)
	p := s.Platform
	for kind, n := range map[string]uint64{
		"conversation": p.FramesConversation, "agent": p.FramesAgent, "control": p.FramesControl, "repeated": p.FramesRepeated,
		"malformed": p.FramesMalformed, "oversized": p.FramesOversized, "unknown": p.FramesUnknown,
	} {
		count("frames_total", "Frames received from the platform, by kind.", n, "kind", kind)
	}
	count("rest_requests_total", "Requests to the platform.", p.Requests)
	count("rest_rate_limited_total", "Requests that the platform refused as too many.", p.RateLimited)
	count("socket_disconnects_total", "Websockets that were lost.", p.Disconnects)
	count("channels_created_total", "Notification channels created.", p.ChannelsCreated)
	count("channels_lost_total", "Notification channels that were evicted, expired or revoked.", p.ChannelsLost)
}

func (r *reading) send(ch chan<- prometheus.Metric, t prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	d := prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, names, nil)
	ch <- prometheus.MustNewConstMetric(d, t, v, values...)
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
