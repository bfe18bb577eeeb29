// The tests of this directory start real NATS servers from the configuration files
// beside them, with keys that the command beside them makes, and then try as each role
// what it may do, what it may not do, and what it must not reach by a detour.
//
// Only what depends on the machine is replaced in the files: addresses to listen on,
// and two directories.
package nats_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

func TestMain(m *testing.M) {
	// A server that is shut down lets this one wait for up to ten seconds.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*stream).setupMirrorConsumer.func3"))
}

// site is a NATS installation as deploy/nats describes it.
type site struct {
	t       *testing.T
	files   string // directory with the configuration
	adapter string
	secrets string // directory, as the command keys writes it
	servers []*server.Server
}

// newSite starts the single server, or as many of the cluster.
func newSite(t *testing.T, nodes int) *site {
	t.Helper()
	return newSiteOf(t, ".", "acme", nodes)
}

// newSiteOf does that with the configuration for an adapter in another directory.
func newSiteOf(t *testing.T, files, adapter string, nodes int) *site {
	t.Helper()
	s := &site{t: t, files: files, adapter: adapter, secrets: filepath.Join(t.TempDir(), "secrets")}
	s.build("./keys", "keys")
	if out, err := exec.CommandContext(t.Context(), s.bin("keys"), "-out", s.secrets, "-hosts", "localhost,127.0.0.1").CombinedOutput(); err != nil {
		t.Fatalf("keys: %v\n%s", err, out)
	}
	for name, value := range s.environment() {
		t.Setenv(name, value)
	}
	ports := make([]string, nodes)
	for i := range nodes {
		ports[i] = freePort(t)
		t.Setenv(fmt.Sprintf("NATS_ROUTE_%d", i+1), "nats://127.0.0.1:"+ports[i])
	}
	for i := range nodes {
		t.Setenv("NATS_SERVER_NAME", fmt.Sprintf("nats-%d", i+1))
		s.start(s.configuration(nodes > 1, ports[i]))
	}
	if nodes > 1 {
		natstest.Eventually(t, "the cluster has a leader and all members", func() bool {
			for _, srv := range s.servers {
				if srv.JetStreamIsLeader() && len(srv.JetStreamClusterPeers()) == nodes {
					return true
				}
			}
			return false
		})
	}
	return s
}

// configuration writes the files as one server of this machine needs them.
func (s *site) configuration(cluster bool, routePort string) *server.Options {
	s.t.Helper()
	dir := s.t.TempDir()
	main := "server.conf"
	if cluster {
		main = "cluster.conf"
	}
	for name, changes := range map[string][][2]string{
		"server.conf": {
			{`"0.0.0.0:4222"`, `"127.0.0.1:-1"`},
			{`"127.0.0.1:8222"`, `"127.0.0.1:-1"`},
			{`"/data"`, `"` + filepath.Join(dir, "data") + `"`},
			{"/etc/nats/tls/", s.secrets + "/"},
		},
		"cluster.conf":  {{`"0.0.0.0:6222"`, `"127.0.0.1:` + routePort + `"`}, {"/etc/nats/tls/", s.secrets + "/"}},
		"accounts.conf": nil,
	} {
		content, err := os.ReadFile(filepath.Join(s.files, name))
		if err != nil {
			s.t.Fatal(err)
		}
		text := string(content)
		for _, change := range changes {
			if !strings.Contains(text, change[0]) {
				s.t.Fatalf("%s has no %s", name, change[0])
			}
			text = strings.ReplaceAll(text, change[0], change[1])
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	o, err := server.ProcessConfigFile(filepath.Join(dir, main))
	if err != nil {
		s.t.Fatalf("%s: %v", main, err)
	}
	o.NoSigs, o.NoLog = true, true
	return o
}

func (s *site) start(o *server.Options) {
	s.t.Helper()
	srv, err := server.NewServer(o)
	if err != nil {
		s.t.Fatalf("configure the server: %v", err)
	}
	go srv.Start() // ends by Shutdown
	s.t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(20 * time.Second) {
		s.t.Fatal("the server is not ready")
	}
	s.servers = append(s.servers, srv)
}

// url lists the servers, with a scheme that asks for TLS.
func (s *site) url() string {
	all := make([]string, len(s.servers))
	for i, srv := range s.servers {
		all[i] = strings.Replace(srv.ClientURL(), "nats://", "tls://", 1)
	}
	return strings.Join(all, ",")
}

func (s *site) secret(name string) string { return filepath.Join(s.secrets, name) }
func (s *site) bin(name string) string    { return filepath.Join(filepath.Dir(s.secrets), name) }

func (s *site) build(pkg, name string) {
	s.t.Helper()
	if out, err := exec.CommandContext(s.t.Context(), "go", "build", "-o", s.bin(name), pkg).CombinedOutput(); err != nil {
		s.t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
}

// environment is what nats.env gives to the servers.
func (s *site) environment() map[string]string {
	s.t.Helper()
	f, err := os.Open(s.secret("nats.env"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	all := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		all[name] = value
	}
	return all
}

// connect is a connection in a role: recorder by password, every other one by its key.
func (s *site) connect(t *testing.T, role string, more ...nats.Option) *nats.Conn {
	t.Helper()
	inbox := "_INBOX"
	options := []nats.Option{nats.RootCAs(s.secret("ca.crt"))}
	if role == "recorder" {
		options = append(options, nats.UserInfo(role, s.environment()["NATS_RECORDER_PASSWORD"]))
	} else {
		key, err := nats.NkeyOptionFromSeed(s.secret(role + ".nk"))
		if err != nil {
			t.Fatal(err)
		}
		options = append(options, key)
		if role == "ingestor" || role == "provisioner" {
			inbox = "_INBOX_ingestor"
		}
	}
	options = append(append(options, nats.CustomInboxPrefix(inbox)), more...)
	return natstest.Connect(t, s.url(), options...)
}

// refused tells whether the server refused what a connection just did.
func refused(t *testing.T, nc *nats.Conn) bool {
	t.Helper()
	if err := nc.FlushTimeout(10 * time.Second); err != nil {
		t.Fatalf("flush: %v", err)
	}
	return errors.Is(nc.LastError(), nats.ErrPermissionViolation)
}

// provision makes stream, buckets and mirror in the way of the documentation.
func (s *site) provision() {
	s.t.Helper()
	s.build("../../cmd/ingestor", "ingestor")
	if out, err := s.command("provisioner", "provision"); err != nil {
		s.t.Fatalf("ingestor provision: %v\n%s", err, out)
	}
	content, err := os.ReadFile(filepath.Join(s.files, "recorders-stream.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	text := strings.Replace(string(content), `"num_replicas": 3`, fmt.Sprintf(`"num_replicas": %d`, len(s.servers)), 1)
	// The NATS tools send what stands in the file of "nats stream add --config".
	m, err := s.connect(s.t, "recorders-provisioner").Request("$JS.API.STREAM.CREATE."+recording.StreamName(s.adapter), []byte(text), 20*time.Second)
	if err != nil || strings.Contains(string(m.Data), `"error"`) {
		s.t.Fatalf("make the mirror: %v %s", err, m.Data)
	}
}

// command runs the ingestor as a tool in a role. With an error comes the log, too.
func (s *site) command(role, command string, more ...string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), s.bin("ingestor"), command)
	cmd.Env = append(s.settings(role), more...)
	var out, log strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		return out.String() + log.String(), err
	}
	return out.String(), nil
}

// settings are those of an ingestor in a role.
func (s *site) settings(role string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "ADAPTER_NAME=" + s.adapter, "INSTANCE_ID=a", "GENESYS_CLIENT_ID=sandbox-client",
		"GENESYS_CLIENT_SECRET=sandbox-secret", "GENESYS_REGION_HOST=mypurecloud.ie",
		"NATS_URL=" + s.url(), "NATS_TLS_CA_FILE=" + s.secret("ca.crt"), fmt.Sprintf("NATS_REPLICAS=%d", len(s.servers)),
	}
	if role == "recorder" {
		return append(env, "NATS_USER=recorder", "NATS_PASSWORD_FILE="+s.secret("recorder.password"))
	}
	return append(env, "NATS_NKEY_SEED_FILE="+s.secret(role+".nk"))
}

// stored is the number of messages of the ingestor's stream.
func (s *site) stored(t *testing.T) uint64 {
	t.Helper()
	stream, err := natstest.JetStream(t, s.connect(t, "ingestor")).Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

// mirrored waits until the recorders' stream has what the ingestor's has.
func (s *site) mirrored(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	natstest.Eventually(t, "the mirror has everything", func() bool {
		m, err := js.Stream(t.Context(), stream)
		return err == nil && m.CachedInfo().State.Msgs == s.stored(t)
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
