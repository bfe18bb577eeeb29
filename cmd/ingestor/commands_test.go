package main_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// A command that does not do what it says ends with 1 and the reason, whatever the
// reason is: a script must not believe that it worked.
func TestRefusedCommands(t *testing.T) {
	t.Parallel()
	broker := natstest.New(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "service", Password: "service"},
			{Username: "guest", Password: "guest", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Deny: []string{"ingestor.>", "$SRV.>"}},
			}},
		}
	})
	p, url := newPlatform(t, 1), broker.URL()
	service := []string{"NATS_USER=service", "NATS_PASSWORD=service"}
	refused := func(command, reason, url string, settings ...string) {
		t.Helper()
		r := execute(t, environment(p, url, "127.0.0.1:0", settings...), command)
		if r.code != 1 || !strings.Contains(r.stderr, reason) || r.stdout != "" {
			t.Errorf("%s %v: exit code %d, want 1 and %q\n%s%s", command, settings, r.code, reason, r.stdout, r.stderr)
		}
	}
	for _, command := range []string{"start", "stop", "restart", "step-down"} {
		refused(command, `instance \"a\" of adapter \"Acme\" does not answer`, url, service...)
	}
	refused("status", "no instance of the adapter answered", url, service...)

	q := launch(t, p, url, append(service, "STARTUP_TYPE=manual")...)
	env := environment(p, url, q.addr, service...)
	eventually(t, "an instance that listens", func() bool { return execute(t, env, "status").code == 0 })
	refused("restart", "refused: this instance was not started yet", url, service...)
	refused("step-down", "refused: this instance does not lead", url, service...)
	if r := execute(t, env, "start"); r.code != 0 {
		t.Errorf("start: exit code %d\n%s", r.code, r.stderr)
	}
	q.ready()
	eventually(t, "it to lead", func() bool { return roles(t, env)["a"] == "primary" })
	refused("step-down", "refused: no other instance is there", url, service...)
	if r := execute(t, env, "start"); r.code != 0 || !strings.Contains(r.stdout, "started already") {
		t.Errorf("start again: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, command := range []string{"start", "stop", "restart", "step-down"} {
		refused(command, `instance \"b\" of adapter \"Acme\" does not answer`, url, append(service, "INSTANCE_ID=b")...)
		refused(command, "ermissions", url, "NATS_USER=guest", "NATS_PASSWORD=guest")
	}
	refused("status", "ermissions", url, "NATS_USER=guest", "NATS_PASSWORD=guest")
	refused("step-down", "NATS_URL", "nats://127.0.0.1:1")
	b := launch(t, p, url, append(service, "STARTUP_TYPE=manual", "INSTANCE_ID=b")...)
	b.notReady("manual")
	eventually(t, "the standby to be known", func() bool {
		return strings.Contains(execute(t, env, "step-down").stderr, "refused: instance b is not ready")
	})
	eventually(t, "the standby to refuse what it does not have", func() bool {
		r := execute(t, environment(p, url, b.addr, append(service, "INSTANCE_ID=b")...), "step-down")
		return r.code == 1 && strings.Contains(r.stderr, "refused: this instance does not lead")
	})
	for _, i := range []*process{b, q} {
		if code := i.end(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d after SIGTERM", code)
		}
	}
}
