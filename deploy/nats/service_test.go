package nats_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// launch runs a program until the test ends, or until stop.
func (s *site) launch(name string, env ...string) (log *natstest.Log, stop func()) {
	s.t.Helper()
	log = &natstest.Log{}
	cmd := exec.Command(s.bin(name)) //nolint:noctx // ended by signal, as an orchestrator would
	cmd.Env, cmd.Stdout, cmd.Stderr = env, log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("%s: %v", name, err)
		}
	})
	s.t.Cleanup(func() {
		stop()
		if s.t.Failed() {
			s.t.Logf("output of %s:\n%s", name, log)
		}
	})
	return log, stop
}

// organization is a simulated one without calls.
func organization(t *testing.T) *simulator.Org {
	t.Helper()
	org, err := simulator.New(simulator.Options{ClientID: "sandbox-client", ClientSecret: "sandbox-secret", Speed: 60})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = org.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return org
}

// ingestor starts an instance and returns the address of its HTTP endpoint.
func (s *site) ingestor(org *simulator.Org, instance string, more ...string) (log *natstest.Log, addr string, stop func()) {
	s.t.Helper()
	addr = "127.0.0.1:" + freePort(s.t)
	log, stop = s.launch("ingestor", append(append(s.settings("ingestor"), "INSTANCE_ID="+instance, "HTTP_ADDR="+addr,
		"GENESYS_API_URL="+org.URL(), "GENESYS_LOGIN_URL="+org.URL(), "NATS_PROVISION=false"), more...)...)
	return log, addr, stop
}

func ready(addr string) bool {
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/readyz", http.NoBody) //nolint:noctx // The condition is tried again.
	if err != nil {
		return false
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// TestService runs everything in its own role: two ingestors that may do no more than
// ingestors, the example recorder in the account of recorders, and the operator's
// commands. Nothing may be refused, and nothing may be missing.
func TestService(t *testing.T) {
	for name, nodes := range map[string]int{"one server": 1, "cluster": 3} {
		t.Run(name, func(t *testing.T) { service(t, newSite(t, nodes)) })
	}
}

// TestAnotherAdapterName does what the page says for an adapter that is not called acme:
// its instance and its recorders have all rights, and acme has none.
func TestAnotherAdapterName(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^sed -i .*$`).FindString(string(page))
	clone := t.TempDir()
	if err := os.CopyFS(filepath.Join(clone, "deploy", "nats"), os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-ec", command)
	shell.Dir = clone
	if out, err := shell.CombinedOutput(); err != nil || command == "" {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	s := newSiteOf(t, filepath.Join(clone, "deploy", "nats"), "support", 1)
	s.provision()
	_, addr, stop := s.ingestor(organization(t), "a")
	natstest.Eventually(t, "a is ready", func() bool { return ready(addr) })
	js := natstest.JetStream(t, s.connect(t, "recorder"))
	natstest.Eventually(t, "recorders see the feed", func() bool {
		mirror, err := js.Stream(t.Context(), recording.StreamName("support"))
		if err != nil {
			return false
		}
		m, err := mirror.GetLastMsgForSubject(t.Context(), recording.FeedSubject("support"))
		return err == nil && m.Sequence > 0
	})
	stop()
	if out, err := s.command("provisioner", "provision", "ADAPTER_NAME=acme"); err == nil {
		t.Errorf("the rights of acme are still there: %s", out)
	}
}

func service(t *testing.T, s *site) {
	t.Helper()
	s.provision()
	s.build("../../api/examples/recorder-go", "recorder")
	org := organization(t)
	logA, addrA, stopA := s.ingestor(org, "a")
	natstest.Eventually(t, "a is ready", func() bool { return ready(addrA) })
	// The stream is there, so that being allowed to make it needs no right.
	logB, addrB, stopB := s.ingestor(org, "b", "NATS_PROVISION=true")
	natstest.Eventually(t, "b is ready", func() bool { return ready(addrB) })

	password := s.environment()["NATS_RECORDER_PASSWORD"]
	recorder, _ := s.launch("recorder", "ADAPTER_NAME=acme", "SSL_CERT_FILE="+s.secret("ca.crt"),
		"NATS_URL="+strings.ReplaceAll(s.url(), "tls://", "tls://recorder:"+password+"@"))

	traffic, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	if err := org.Traffic(traffic, simulator.Traffic{CallsPerSecond: 5}); err != nil && traffic.Err() == nil {
		t.Fatal(err)
	}
	s.operate(t)
	natstest.Eventually(t, "all calls are over", func() bool { return len(org.Open()) == 0 })

	js := natstest.JetStream(t, s.connect(t, "recorder"))
	var starts, stops int
	natstest.Eventually(t, "recorders have every start and stop", func() bool {
		starts, stops = s.told(t, js)
		return starts > 0 && starts == connected(org) && stops >= starts
	})
	natstest.Eventually(t, "the example recorder did what it was told", func() bool {
		return strings.Count(recorder.String(), "stopped") >= starts && strings.Contains(recorder.String(), "recording")
	})
	if text := recorder.String(); strings.Contains(text, "MISSING") || strings.Contains(text, "refused") {
		t.Errorf("the example recorder complains:\n%s", text)
	}
	if out, err := s.command("recorder", "legs"); err != nil {
		t.Errorf("ingestor legs as a recorder: %v\n%s", err, out)
	}
	stopA()
	stopB()
	for name, log := range map[string]*natstest.Log{"a": logA, "b": logB} {
		if strings.Contains(log.String(), "refused a permission") {
			t.Errorf("ingestor %s was refused something:\n%s", name, log)
		}
	}
	t.Logf("%d legs started, %d events stored", starts, s.stored(t))
}

// operate gives the commands of an operator.
func (s *site) operate(t *testing.T) {
	t.Helper()
	var all []struct{ Instance, Role string }
	var out string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the operator's last answer:\n%s", out)
		}
	})
	natstest.Eventually(t, "the operator sees both instances", func() (ok bool) {
		var err error
		out, err = s.command("operator", "status")
		return err == nil && json.Unmarshal([]byte(out), &all) == nil && len(all) == 2
	})
	leader := all[0].Instance
	if all[1].Role == string(recording.Primary) {
		leader = all[1].Instance
	}
	natstest.Eventually(t, "the leader steps down", func() bool {
		out, err := s.command("operator", "step-down", "INSTANCE_ID="+leader)
		return err == nil && strings.Contains(out, "stepping down")
	})
	natstest.Eventually(t, "the other one leads", func() bool {
		out, err := s.command("operator", "status")
		if err != nil || json.Unmarshal([]byte(out), &all) != nil || len(all) != 2 {
			return false
		}
		for _, one := range all {
			if one.Role == string(recording.Primary) && one.Instance != leader {
				return true
			}
		}
		return false
	})
}

// connected counts the legs of which a start must be told.
func connected(org *simulator.Org) int {
	n := 0
	for _, l := range org.Truth().Legs {
		if l.SeenConnected && l.Voice && (l.Role == "agent" || l.Role == "user" || l.Role == "barge" || l.Role == "consult_target") {
			n++
		}
	}
	return n
}

// told reads what recorders can read, holds it against the contract, and counts.
func (s *site) told(t *testing.T, js jetstream.JetStream) (starts, stops int) {
	t.Helper()
	s.mirrored(t, js)
	mirror, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := mirror.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	var history recordingtest.History
	for left := mirror.CachedInfo().State.Msgs; left > 0; left-- {
		m, err := messages.Next(jetstream.NextMaxWait(30 * time.Second))
		if err != nil {
			t.Fatalf("%d messages left: %v", left, err)
		}
		if err := history.Add(m.Subject(), m.Headers(), m.Data()); err != nil {
			t.Error(err)
		}
		v, err := recording.Decode(m.Data())
		if call, ok := v.(*recording.CallEvent); err == nil && ok {
			switch call.Data.Verb {
			case recording.Start:
				starts++
			case recording.Stop:
				stops++
			default:
			}
		}
	}
	return starts, stops
}

// TestNothingIsMadeWithoutTheRight: on an empty server the service says what it lacks,
// and makes nothing.
func TestNothingIsMadeWithoutTheRight(t *testing.T) {
	s := newSite(t, 1)
	s.build("../../cmd/ingestor", "ingestor")
	out, err := s.command("ingestor", "run", "NATS_PROVISION=false", "HTTP_ADDR=127.0.0.1:0")
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(out, "run the provision command") {
		t.Errorf("NATS_PROVISION=false without a stream: %v\n%s", err, out)
	}
	log := &natstest.Log{}
	cmd := exec.CommandContext(t.Context(), s.bin("ingestor"))
	cmd.Env, cmd.Stdout, cmd.Stderr = append(s.settings("ingestor"), "HTTP_ADDR=127.0.0.1:0"), log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("output of the ingestor:\n%s", log)
		}
	})
	natstest.Eventually(t, "the refusal is in the log", func() bool {
		return strings.Contains(log.String(), "refused a permission") && strings.Contains(log.String(), "create stream "+stream)
	})
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the end after SIGTERM: %v\n%s", err, log)
	}
	if _, err := natstest.JetStream(t, s.connect(t, "provisioner")).Stream(t.Context(), stream); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("the stream: %v, want none", err)
	}
}
