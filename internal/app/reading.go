package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// reading collects the state of the instance at the moment of a scrape.
type reading struct{ app *App }

// Describe implements prometheus.Collector. The readings are described by what they
// collect.
func (r *reading) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(r, ch) }

// Collect implements prometheus.Collector.
func (r *reading) Collect(ch chan<- prometheus.Metric) {
	v, now := r.app.vitals(), time.Now()
	e := emitter{ch: ch}
	r.roles(&e, &v, now)
	r.stream(&e, &v, now)
	observation(&e, &v.platform, now)
	traffic(&e, &v.frames)
	warnings, errors := r.app.recent.Counts()
	e.count("log_messages_total", "Warnings and errors, also those that the log left out.", warnings, "level", "warn")
	e.count("log_messages_total", "Warnings and errors, also those that the log left out.", errors, "level", "error")
}

// roles is who leads, and what the pair is worth.
func (r *reading) roles(e *emitter, v *vitals, now time.Time) {
	s := r.app.set
	e.gauge("info", "Always 1; the labels say who runs.", 1, "adapter", s.AdapterName, "instance_id", s.InstanceID, "version", v.report.Version)
	e.gauge("leading", "1 while this instance publishes.", b2f(v.report.Role == recording.Primary))
	e.gauge("ready", "1 while this instance observes everybody and reaches NATS.", b2f(v.report.Ready))
	e.gauge("epoch", "Stream sequence of the leader event of this instance's last term.", float64(v.report.Epoch))
	e.gauge("peer_present", "1 while another instance reports itself.", b2f(v.peer != nil))
	e.gauge("peer_ready", "1 while another instance is ready to take over.", b2f(v.peer != nil && v.peer.Ready))
	e.gauge("next_restart_timestamp_seconds", "When the session is restarted next, 0 before that is known.", unix(v.report.NextRestart))
	e.gauge("session_renewed_timestamp_seconds", "When the session was renewed last.", unix(v.report.Renewed))
	var lease struct{ renewals, unknown, lost uint64 }
	if v.opened {
		l := r.app.lease.Stats()
		lease.renewals, lease.unknown, lease.lost = l.Renewals, l.Unknown, l.Lost
	}
	e.count("lease_renewals_total", "Renewals of the lease that were confirmed.", lease.renewals)
	e.count("lease_unknown_total", "Renewals of the lease without a clear answer.", lease.unknown)
	e.count("lease_lost_total", "Terms that ended because the lease was lost.", lease.lost)
	e.gauge("nats_connected", "1 while connected to NATS.", b2f(v.nats.Connected))
	e.count("nats_reconnects_total", "Times the connection to NATS was made again.", v.nats.Reconnects)
	e.gauge("nats_denied_subjects", "Subjects that the NATS server has refused since the last connect.", float64(len(v.nats.Denied)))
	e.gauge("jetstream_answer_age_seconds", "Since JetStream last took a report, 0 before the first; reports go every second.", age(now, v.reported))
}

// stream is what is observed against what is stored.
func (r *reading) stream(e *emitter, v *vitals, now time.Time) {
	for _, state := range recording.States() {
		e.gauge("legs", "Legs known, by desired state; stopped ones are kept for some minutes.", float64(v.legs[state]), "state", string(state))
	}
	e.gauge("oldest_pause_age_seconds", "Since the leg that is paused for longest was paused, 0 without one.", age(now, v.pausedSince))
	e.gauge("transitions_pending", "Transitions observed and not known to be published.", float64(v.pending))
	e.gauge("oldest_pending_age_seconds", "Since the oldest pending transition was received, 0 without one.", age(now, v.pendingSince))
	e.gauge("gaps_open", "Stretches without observation that are not over.", float64(v.gaps))
	e.gauge("stream_last_sequence", "Last stream sequence read.", float64(v.sequence))
	e.gauge("tail_lag_messages", "Messages in the stream that were not read when the server last said so.", float64(v.tail.Pending))
	e.gauge("tail_caught_up", "1 when all that was stored before the start has been read.", b2f(v.tail.CaughtUp))
	e.count("tail_messages_total", "Messages read from the stream.", v.tail.Delivered)
	e.count("tail_rebuilds_total", "Times that reading the stream began anew behind the last message.", v.tail.Rebuilds)
	e.count("tail_missing_total", "Stream sequences that were skipped: deleted, or expired while nobody could read.", v.tail.Missing)
	e.gauge("publish_in_flight", "Messages that wait for their acknowledgement.", float64(v.lanes.InFlight))
	e.gauge("publish_queued", "Messages that wait for their turn.", float64(v.lanes.Queued))
	e.count("publish_sent_total", "Messages handed to the connection, repetitions included.", v.lanes.Sent)
	c := v.core
	e.count("snapshots_total", "Snapshots folded, from notifications and REST.", c.Snapshots)
	e.count("transitions_total", "Transitions observed.", c.Edges)
	e.count("reconciled_transitions_total", "Transitions learned from REST.", c.Reconciled)
	e.count("transitions_collapsed_total", "Times a leg's backlog was collapsed to its level.", c.Collapsed)
	e.count("stood_in_total", "Events that this instance wrote while it was secondary, because the primary was not shown what they tell.", c.StoodIn)
	e.count("publish_conflicts_total", "Events that were refused because their subject goes on otherwise: another writer was first, or an earlier try was stored.", c.Conflicts)
	e.count("publish_retries_total", "Attempts whose outcome was not known.", c.Retries)
	e.count("publish_refused_total", "Events that the stream refused.", c.Refused)
	e.count("stream_holes_total", "Holes seen in the revisions of legs.", c.Holes)
	e.count("stream_unreadable_total", "Stored events that could not be read.", c.Unreadable)
}

// observation is what the platform lets us see now.
func observation(e *emitter, p *genesys.Status, now time.Time) {
	e.gauge("users_monitored", "Users whose calls are monitored.", float64(p.Users))
	e.gauge("users_observed", "Monitored users whose notifications arrive.", float64(p.Observed))
	topics, rejected, silent := 0, 0, 0.0
	for _, c := range p.Channels {
		topics += c.Topics
		if c.Open {
			silent = max(silent, age(now, c.LastHeartbeat))
		}
	}
	for _, r := range p.Rejected {
		rejected += r.Users
	}
	e.gauge("channels", "Notification channels of this instance.", float64(len(p.Channels)))
	const owners = "Notification channels of the OAuth client when they were last counted, by whom they belong to."
	e.gauge("client_channels", owners, float64(p.Budget.Own), "owner", "own")
	e.gauge("client_channels", owners, float64(p.Budget.Peer), "owner", "peer")
	e.gauge("client_channels", owners, float64(p.Budget.Foreign), "owner", "foreign")
	e.gauge("client_channels_needed", "Channels that this instance will create when it renews its session.", float64(p.Budget.Needed))
	e.gauge("client_channels_limit", "Channels that the platform allows the OAuth client, 0 before they were counted.", float64(p.Budget.Limit))
	e.gauge("topics", "Topics subscribed.", float64(topics))
	e.gauge("topics_rejected", "Topics that the platform refuses.", float64(rejected))
	e.gauge("channel_heartbeat_age_seconds", "Since the open channel that is silent for longest last spoke, 0 without one.", silent)
	e.gauge("token_expiry_timestamp_seconds", "When the OAuth token ends, 0 without one.", unix(p.TokenExpires))
	e.gauge("clock_offset_seconds", "Clock of the platform minus ours.", p.ClockOffset.Seconds())
	e.gauge("rate_limit_allowed", "Requests that the platform allows in a window, 0 before it said so.", float64(p.RateAllowed))
	e.gauge("rate_limit_remaining", "Requests left in the platform's present window.", float64(p.RateRemaining))
}

// traffic is what has passed between the platform and us.
func traffic(e *emitter, p *genesys.Stats) {
	for kind, n := range map[string]uint64{
		"conversation": p.FramesConversation, "agent": p.FramesAgent, "control": p.FramesControl, "repeated": p.FramesRepeated,
		"malformed": p.FramesMalformed, "oversized": p.FramesOversized, "unknown": p.FramesUnknown,
	} {
		e.count("frames_total", "Frames received from the platform, by kind.", n, "kind", kind)
	}
	e.count("decode_errors_total", "Frames that could not be read: malformed or oversized.", p.FramesMalformed+p.FramesOversized)
	e.count("received_bytes_total", "Bytes of frames received from the platform.", p.BytesRead)
	e.count("rest_requests_total", "Requests to the platform.", p.Requests)
	e.count("rest_errors_total", "Requests to the platform that failed.", p.RequestErrors)
	e.count("rest_retries_total", "Requests to the platform that were repeated.", p.RequestRetries)
	e.count("rest_rate_limited_total", "Requests that the platform refused as too many.", p.RateLimited)
	e.count("rest_waits_total", "Requests that waited, to stay within the rate limit.", p.RateWaits)
	e.count("tokens_issued_total", "OAuth tokens obtained.", p.TokensIssued)
	e.count("token_errors_total", "Times that no OAuth token could be obtained.", p.TokenErrors)
	e.count("socket_connects_total", "Websockets opened.", p.Connects)
	e.count("socket_disconnects_total", "Websockets that were lost.", p.Disconnects)
	e.count("socket_silences_total", "Websockets given up because they were silent.", p.SilentSockets)
	e.count("channels_created_total", "Notification channels created.", p.ChannelsCreated)
	e.count("channels_lost_total", "Notification channels that were evicted, expired or revoked.", p.ChannelsLost)
	e.count("channels_reused_total", "Notification channels taken over from before a restart.", p.ChannelsReused)
	e.count("channels_wasted_total", "Notification channels that were gone within a minute after they were created.", p.ChannelsWasted)
	e.count("starvation_suspicions_acquitted_total", "Times that a channel was suspected to deliver nothing, and did deliver.", p.Acquitted)
	e.count("channels_replaced_total", "Notification channels replaced, new before old.", p.Replacements)
}

// emitter writes readings.
type emitter struct{ ch chan<- prometheus.Metric }

func (e *emitter) gauge(name, help string, v float64, labels ...string) {
	e.send(prometheus.GaugeValue, name, help, v, labels)
}

func (e *emitter) count(name, help string, v uint64, labels ...string) {
	e.send(prometheus.CounterValue, name, help, float64(v), labels)
}

func (e *emitter) send(t prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	d := prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, names, nil)
	e.ch <- prometheus.MustNewConstMetric(d, t, v, values...)
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

// age is how long ago something was, 0 for never.
func age(now, t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t).Seconds(), 0)
}
