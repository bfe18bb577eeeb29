package settings

import (
	"log/slog"
	"strings"
	"time"
)

// Settings are the checked settings of one instance. All durations are
// positive, all lists are trimmed and free of duplicates, and a list that is
// not set is nil.
//
// The tags are the reference: env and envDefault as in caarlos0/env, doc is the
// meaning, allowed what follows "must be" in a problem, oneof a closed list of
// words, min and max the bounds and why the reason for them, form a check by
// name, file:"true" adds the variable with _FILE, and group starts a chapter.
type Settings struct {
	AdapterName        string      `env:"ADAPTER_NAME,notEmpty" group:"Adapter" form:"name" allowed:"1 to 32 characters of A-Z a-z 0-9 _ -" doc:"Unique name of this adapter, not case-sensitive. It is part of every subject and of the name of the stream. Both instances of a pair have the same."`
	AdapterDescription string      `env:"ADAPTER_DESCRIPTION" form:"text" allowed:"at most 256 printable characters" doc:"Free text, shown on the status page."`
	StartupType        StartupType `env:"STARTUP_TYPE" envDefault:"automatic" oneof:"automatic manual disabled" doc:"automatic: connect at once. manual: up and healthy, but connect only when told to start. disabled: say so and exit with status 0."`
	DataSource         string      `env:"DATA_SOURCE" shown:"ADAPTER_NAME" form:"text" allowed:"at most 256 printable characters" doc:"Name of the data source, part of every event."`
	InstanceID         string      `env:"INSTANCE_ID" shown:"host name" form:"instance" allowed:"1 to 64 characters of A-Z a-z 0-9 . _ -" doc:"Name of this instance. The two instances of a pair need different ones."`

	ClientID           string        `env:"GENESYS_CLIENT_ID,notEmpty" group:"Genesys Cloud" form:"text" allowed:"the id of an OAuth client of the type Client Credentials" doc:"Id of the OAuth client."`
	ClientSecret       Secret        `env:"GENESYS_CLIENT_SECRET,notEmpty" file:"true" allowed:"the secret of the OAuth client" doc:"Secret of the OAuth client. It is sent to the login URL and nowhere else."`
	Region             Region        `env:"GENESYS_REGION_HOST,notEmpty" allowed:"the domain of a Genesys Cloud region such as mypurecloud.ie, api.mypurecloud.ie or https://api.mypurecloud.ie" doc:"Region of the organization. api., login. and apps. in front of the domain are understood."`
	AllowUnknownRegion bool          `env:"GENESYS_ALLOW_UNKNOWN_REGION" envDefault:"false" doc:"Accept a region that this version does not know."`
	APIURL             string        `env:"GENESYS_API_URL" shown:"https://api.{region}" form:"url" allowed:"an https URL (plain http only to a loopback address, or with GENESYS_ALLOW_INSECURE=true) without credentials, query or fragment" doc:"Base of all REST calls, for a gateway or a simulator."`
	LoginURL           string        `env:"GENESYS_LOGIN_URL" shown:"https://login.{region}" form:"url" allowed:"an https URL (plain http only to a loopback address, or with GENESYS_ALLOW_INSECURE=true) without credentials, query or fragment" doc:"Base of the token request, for a gateway or a simulator."`
	AllowInsecure      bool          `env:"GENESYS_ALLOW_INSECURE" envDefault:"false" doc:"Accept plain http to a host that is not this one. The client secret then crosses the network in clear text."`
	ProxyURL           Secret        `env:"GENESYS_PROXY_URL" shown:"HTTPS_PROXY and NO_PROXY" form:"proxy" allowed:"an http, https or socks5 URL such as http://proxy:3128" doc:"Proxy for REST and websocket. Treated as a secret, because it may hold a password."`
	Topic              Topic         `env:"GENESYS_TOPIC" envDefault:"calls" oneof:"calls conversations" doc:"Notification topic per user: calls (v2.users.{id}.conversations.calls) or conversations (v2.users.{id}.conversations). When the platform rejects one, the other is used."`
	UserIDs            []string      `env:"GENESYS_USER_IDS" shown:"all active users" form:"ids" allowed:"a list of ids" doc:"Users to monitor. This and the next three add up."`
	GroupIDs           []string      `env:"GENESYS_GROUP_IDS" form:"ids" allowed:"a list of ids" doc:"Monitor the members of these groups."`
	DivisionIDs        []string      `env:"GENESYS_DIVISION_IDS" form:"ids" allowed:"a list of ids" doc:"Monitor the users of these divisions."`
	QueueIDs           []string      `env:"GENESYS_QUEUE_IDS" form:"ids" allowed:"a list of ids" doc:"Monitor the members of these queues."`
	Shard              Shard         `env:"SHARD" envDefault:"1/1" allowed:"i/n with 1 <= i <= n <= 100, such as 2/3" doc:"This adapter takes the users of shard i of n, by a stable hash of the user id. Each shard is an adapter of its own, with its own name and OAuth client."`
	MaxChannels        int           `env:"GENESYS_MAX_CHANNELS" envDefault:"8" min:"1" max:"20" why:"an OAuth client has 20 channels, shared by both instances and by the roll-over of each" doc:"Notification channels that one instance may hold. Each carries up to 1000 topics. Two instances that both roll over need twice this number each."`
	AgentEvents        bool          `env:"AGENT_EVENTS" envDefault:"true" doc:"Publish presence, routing status and station of the agents."`
	ReconcileInterval  time.Duration `env:"RECONCILE_INTERVAL" envDefault:"5m" min:"1s" max:"24h" why:"each comparison costs REST requests, of which the platform grants some 300 a minute" doc:"How often the calls in progress are compared with what REST says."`

	RecordPurposes    []string `env:"RECORD_PURPOSES" envDefault:"agent,user" group:"Recording policy" form:"purposes" allowed:"a list of agent, user, customer, external, dialer, group and station" doc:"Purposes of the participants that get events of their own."`
	RecordTags        []string `env:"RECORD_TAGS" shown:"none" form:"tags" allowed:"a list of at most 64 attribute names of at most 128 printable characters" doc:"Participant attributes that are copied into the events. Without it, no attribute leaves."`
	RecordPauseOnHold bool     `env:"RECORD_PAUSE_ON_HOLD" envDefault:"false" doc:"Pause the recording while the agent holds the call."`

	RestartTime     TimeOfDay   `env:"RESTART_TIME" envDefault:"00:00" group:"Daily restart" allowed:"hh:mm from 00:00 to 23:59" doc:"When the primary renews its session each day. The secondary follows one hour later. No call is lost."`
	RestartTimezone Zone        `env:"RESTART_TIMEZONE" envDefault:"Local" allowed:"Local, UTC or an IANA time zone such as Europe/Dublin" doc:"Time zone of RESTART_TIME. Local is the zone of the host or of TZ, and UTC in the container image."`
	RestartMode     RestartMode `env:"RESTART_MODE" envDefault:"session" oneof:"session process" doc:"session: renew token and channels within the process. process: hand over and exit with status 0, for an orchestrator that starts it again."`

	NATSURLs         []string      `env:"NATS_URL" envDefault:"nats://127.0.0.1:4222" group:"NATS" form:"nats" allowed:"a list of nats, tls, ws or wss URLs without credentials, such as nats://a:4222,nats://b:4222" doc:"Servers of the cluster."`
	NATSCredsFile    string        `env:"NATS_CREDS_FILE" form:"file" allowed:"a file that can be read" doc:"Credentials file (JWT and seed)."`
	NATSNKeySeedFile string        `env:"NATS_NKEY_SEED_FILE" form:"file" allowed:"a file that can be read" doc:"File with the seed of an nkey."`
	NATSUser         string        `env:"NATS_USER" form:"text" allowed:"at most 256 printable characters" doc:"User name, together with NATS_PASSWORD."`
	NATSPassword     Secret        `env:"NATS_PASSWORD" file:"true" allowed:"the password of NATS_USER" doc:"Password of NATS_USER."`
	NATSToken        Secret        `env:"NATS_TOKEN" file:"true" allowed:"a token of the server" doc:"Authentication token."`
	NATSTLSCAFile    string        `env:"NATS_TLS_CA_FILE" shown:"the system's" form:"file" allowed:"a file that can be read" doc:"Certificates (PEM) that sign the servers' certificates."`
	NATSTLSCertFile  string        `env:"NATS_TLS_CERT_FILE" form:"file" allowed:"a file that can be read" doc:"Client certificate (PEM), together with NATS_TLS_KEY_FILE."`
	NATSTLSKeyFile   string        `env:"NATS_TLS_KEY_FILE" form:"file" allowed:"a file that can be read" doc:"Key (PEM) of the client certificate."`
	NATSProvision    bool          `env:"NATS_PROVISION" envDefault:"true" doc:"Create the stream and the buckets. false: verify them, and refuse to start with a clear difference."`
	NATSReplicas     int           `env:"NATS_REPLICAS" envDefault:"1" min:"1" max:"5" form:"replicas" allowed:"1, 3 or 5" doc:"Replicas of the stream and the buckets."`
	NATSMaxAge       time.Duration `env:"NATS_MAX_AGE" envDefault:"72h" min:"1m" max:"8784h" why:"the stream is the memory of open calls, and must stay bounded" doc:"How long events stay in the stream. At least twice REFRESH_INTERVAL."`
	RefreshInterval  time.Duration `env:"REFRESH_INTERVAL" envDefault:"15m" min:"1s" max:"24h" why:"each open call costs one event per interval, and a recorder replays up to one interval" doc:"An open call without events for this long gets one that repeats its state."`
	LeaseTTL         time.Duration `env:"LEASE_TTL" envDefault:"5s" min:"1s" max:"1m" why:"the broker expires keys after one second at the earliest, and a crash stays unnoticed for as long" doc:"How long a primary that fell silent keeps its role."`

	HTTPAddr  string     `env:"HTTP_ADDR" envDefault:":8080" group:"Operation" form:"listen" allowed:"host:port or :port" doc:"Listen address of metrics, health and status page."`
	LogLevel  slog.Level `env:"LOG_LEVEL" envDefault:"info" oneof:"debug info warn error" doc:"Least level that is logged."`
	LogFormat LogFormat  `env:"LOG_FORMAT" envDefault:"json" oneof:"json text" doc:"Format of the log."`

	// Warnings are for the operator: variables that look like a setting but
	// are none. They hold names, never values.
	Warnings []string `env:"-"`
}

// AdapterToken returns the adapter name as it stands in subjects: lower case.
func (s Settings) AdapterToken() string { return strings.ToLower(s.AdapterName) }

// StartupType says what happens when the process starts.
type StartupType string

// The startup types.
const (
	StartupAutomatic StartupType = "automatic"
	StartupManual    StartupType = "manual"
	StartupDisabled  StartupType = "disabled"
)

// Topic is the notification topic that is subscribed per user.
type Topic string

// The topics: flat and nested call objects.
const (
	TopicCalls         Topic = "calls"
	TopicConversations Topic = "conversations"
)

// RestartMode says what the daily restart replaces.
type RestartMode string

// The restart modes.
const (
	RestartSession RestartMode = "session"
	RestartProcess RestartMode = "process"
)

// LogFormat is the format of the log.
type LogFormat string

// The log formats.
const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)
