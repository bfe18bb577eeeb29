package architecture_test

const module = "github.com/recorderbridge/genesys-ingestor"

// rule is one row of the import matrix: what the packages below a path may
// import besides the standard library and each other.
type rule struct {
	name   string // of the list in .golangci.yml
	path   string // within the module; the longest one that fits counts
	may    []string
	never  []string // parts of the standard library
	reason string   // why it may import no more
}

const (
	prometheus = "github.com/prometheus/client_golang"
	nats       = "github.com/nats-io/nats.go"
	websocket  = "github.com/coder/websocket"
	xsync      = "golang.org/x/sync"
	xrate      = "golang.org/x/time/rate"
)

// matrix returns the import matrix. Commands, the sandbox and the tools of deploy may
// import all.
func matrix() []rule {
	impure := []string{
		"os", "os/exec", "os/signal", "net", "net/http", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand",
	}
	return []rule{
		{
			name: "api", path: "api", may: []string{module + "/api"},
			reason: "the contract belongs to the recorders too: it must not bring a dependency with it",
		},
		{
			name: "examples", path: "api/examples", may: []string{module + "/api", nats},
			reason: "recorders are written after them: they need no more than NATS",
		},
		{
			name: "recordingtest", path: "api/recordingtest", may: []string{module + "/api", "github.com/santhosh-tekuri/jsonschema/v6"},
			reason: "tests of recorders import it: it brings the schema library and nothing else",
		},
		{
			name: "recording", path: "api/recording", never: []string{"os/exec", "net/http", "log", "log/slog"},
			reason: "recorders compile it in: it describes words, and neither sends nor logs them",
		},
		{
			name: "call", path: "internal/call", may: []string{module + "/api/recording"}, never: impure,
			reason: "the fold is pure: any order and repetition of snapshots must give the same legs",
		},
		{
			name: "control", path: "internal/control", may: []string{module + "/api/recording", module + "/internal/call"}, never: impure,
			reason: "the policy is pure: two instances must come to the same event",
		},
		{
			name: "restart", path: "internal/restart", never: impure,
			reason: "the schedule is arithmetic: a test must be able to run a year in a second",
		},
		{
			name: "bridge", path: "internal/bridge",
			may:    []string{module + "/api/recording", module + "/internal/call", module + "/internal/control", prometheus, xsync},
			reason: "the engine owns its interfaces: it must run against any feed and any stream",
		},
		{
			name: "genesys", path: "internal/genesys",
			may:    []string{module + "/internal/call", websocket, "golang.org/x/oauth2", xsync, xrate, prometheus},
			reason: "the platform adapter ends at the snapshot: what is done with it is not its business",
		},
		{
			name: "publish", path: "internal/publish", may: []string{nats, prometheus},
			reason: "the stream adapter keeps order and stores once: it needs to know nothing about calls for that",
		},
		{
			name: "lease", path: "internal/lease", may: []string{nats, prometheus},
			reason: "a lease says who leads, not what is led",
		},
		{
			name: "settings", path: "internal/settings", may: []string{"github.com/caarlos0/env/v11"},
			reason: "settings are turned into options by the composition root: nobody else reads them",
		},
		{
			name: "simulator", path: "internal/simulator", may: []string{websocket},
			reason: "it must not share code with what it tests, or both share the mistake",
		},
		{
			name: "natstest", path: "internal/natstest", may: []string{"github.com/nats-io/nats-server/v2", nats},
			reason: "it starts a real broker, and tests of everything use it",
		},
		{
			name: "logging", path: "internal/logging",
			reason: "handlers of lines know nothing of what is logged",
		},
		{
			name: "check", path: "internal/check", may: []string{module + "/internal/genesys", module + "/internal/publish", nats},
			reason: "it asks the adapters what they would answer to the service, and builds no service",
		},
		{
			name: "watch", path: "internal/watch", may: []string{module + "/api/recording", module + "/internal/publish", nats},
			reason: "it reads the stream as a recorder does, and knows no more than one",
		},
		{
			name: "conformance", path: "internal/conformance", may: []string{module + "/api/recording", nats},
			reason: "it judges recorders by the contract alone: no part of the service may lend it an opinion",
		},
		{
			name: "benchmark", path: "internal/benchmark",
			may: []string{
				module + "/api/recording", module + "/internal/natstest", module + "/internal/publish",
				"github.com/nats-io/nats-server/v2", nats,
			},
			reason: "it measures the ingestor from outside, as a process: it knows its stream and nothing in it",
		},
		{
			name: "benchload", path: "internal/benchmark/load",
			reason: "the load must cost nearly nothing, and shares no code with what it is for",
		},
		{
			name: "bridges", path: "internal/benchmark/bridges", may: []string{websocket, nats},
			reason: "a bridge that borrows from the ingestor says nothing about it",
		},
		{
			name: "app", path: "internal/app",
			may: []string{
				module + "/api/recording", module + "/internal/bridge", module + "/internal/call", module + "/internal/control",
				module + "/internal/genesys", module + "/internal/lease", module + "/internal/logging", module + "/internal/publish",
				module + "/internal/restart",
				module + "/internal/settings", nats, prometheus, xsync, xrate,
			},
			reason: "what only tests and the sandbox need must not get into the binary",
		},
		{name: "", path: "internal/architecture", reason: "it holds tests only"},
	}
}

// free returns the paths whose packages may import everything.
func free() []string { return []string{"cmd", "deploy", "internal/sandbox"} }
