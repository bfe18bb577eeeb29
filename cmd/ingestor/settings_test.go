package main_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// variables are all settings of the contract with the operator.
func variables() []string {
	return strings.Fields(`ADAPTER_NAME ADAPTER_DESCRIPTION STARTUP_TYPE DATA_SOURCE GENESYS_CLIENT_ID GENESYS_CLIENT_SECRET
		GENESYS_REGION_HOST GENESYS_ALLOW_UNKNOWN_REGION GENESYS_API_URL GENESYS_LOGIN_URL GENESYS_ALLOW_INSECURE GENESYS_PROXY_URL
		GENESYS_TOPIC GENESYS_USER_IDS GENESYS_GROUP_IDS GENESYS_DIVISION_IDS GENESYS_QUEUE_IDS SHARD GENESYS_MAX_CHANNELS AGENT_EVENTS
		RECORD_PURPOSES RECORD_TAGS RECORD_PAUSE_ON_HOLD RESTART_TIME RESTART_TIMEZONE RESTART_MODE INSTANCE_ID
		NATS_URL NATS_CREDS_FILE NATS_NKEY_SEED_FILE NATS_USER NATS_PASSWORD NATS_TOKEN NATS_TLS_CA_FILE NATS_TLS_CERT_FILE NATS_TLS_KEY_FILE
		NATS_PROVISION NATS_REPLICAS NATS_MAX_AGE REFRESH_INTERVAL LEASE_TTL RECONCILE_INTERVAL HTTP_ADDR LOG_LEVEL LOG_FORMAT`)
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"-h", "--help", "help"} {
		r := execute(t, nil, arg)
		if r.code != 0 || r.stderr != "" {
			t.Errorf("%s: exit code %d, %q", arg, r.code, r.stderr)
		}
		for _, v := range variables() {
			if !strings.Contains(r.stdout, "\n  "+v) {
				t.Errorf("%s does not explain %s", arg, v)
			}
		}
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	if r := execute(t, nil, "version"); r.code != 0 || strings.TrimSpace(r.stdout) == "" {
		t.Errorf("version: exit code %d, %q", r.code, r.stdout)
	}
	if r := execute(t, nil, "dance"); r.code != 2 || !strings.Contains(r.stderr, `"dance"`) || !strings.Contains(r.stderr, "step-down") {
		t.Errorf("dance: exit code %d, %q", r.code, r.stderr)
	}
	r := execute(t, environment(nil, "nats://127.0.0.1:1", "127.0.0.1:0", "STARTUP_TYPE=Disabled"))
	if r.code != 0 || !strings.Contains(r.stderr, "disabled") {
		t.Errorf("disabled: exit code %d, %q", r.code, r.stderr)
	}
}

// Wrong settings are told all at once, each with its name, its value and what is
// allowed; a secret is never a value.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	wrong := map[string]string{
		"ADAPTER_NAME": "a b", "STARTUP_TYPE": "later", "INSTANCE_ID": "a/b", "GENESYS_REGION_HOST": "https://api.evil.example",
		"GENESYS_API_URL": "http://10.0.0.1", "GENESYS_TOPIC": "chats", "SHARD": "3/2", "GENESYS_MAX_CHANNELS": "21", "AGENT_EVENTS": "perhaps",
		"RECORD_PURPOSES": "agent,ghost", "RECORD_PAUSE_ON_HOLD": "2", "RESTART_TIME": "24:00", "RESTART_TIMEZONE": "Mars/Base", "RESTART_MODE": "now",
		"NATS_CREDS_FILE": "/nowhere", "NATS_REPLICAS": "2", "NATS_MAX_AGE": "5", "REFRESH_INTERVAL": "1ms", "LEASE_TTL": "x",
		"RECONCILE_INTERVAL": "-1s", "HTTP_ADDR": "99999", "LOG_LEVEL": "loud", "LOG_FORMAT": "xml",
	}
	env := []string{
		"GENESYS_CLIENT_SECRET=" + clientSecret, "GENESYS_CLIENT_SECRET_FILE=/nowhere", "GENESYS_LOGIN_URL=https://me:hidden-1@login.example",
		"NATS_URL=nats://me:hidden-2@broker", "NATS_PASSWORD=hidden-3", "GENESYS_PROXY_URL=ftp://me:hidden-4@proxy",
	}
	for k, v := range wrong {
		env = append(env, k+"="+v)
	}
	r := execute(t, env, "run")
	if r.code != 2 {
		t.Errorf("exit code %d, want 2", r.code)
	}
	for k, v := range wrong {
		if !strings.Contains(r.stderr, k+`="`+v+`": must`) {
			t.Errorf("%s=%s is not complained about", k, v)
		}
	}
	for _, k := range []string{"GENESYS_CLIENT_ID: is required", "GENESYS_CLIENT_SECRET_FILE", "GENESYS_LOGIN_URL", "NATS_URL", "NATS_USER", "GENESYS_PROXY_URL"} {
		if !strings.Contains(r.stderr, k) {
			t.Errorf("no word about %s", k)
		}
	}
	for _, secret := range []string{clientSecret, "hidden-"} {
		if strings.Contains(r.stderr+r.stdout, secret) {
			t.Errorf("the message shows a secret:\n%s", r.stderr)
		}
	}
}

// roles are those of all instances that answer, ready ones only.
func roles(t *testing.T, env []string) map[string]string {
	t.Helper()
	var all []struct {
		Instance string `json:"instance"`
		Role     string `json:"role"`
		Ready    bool   `json:"ready"`
	}
	r := execute(t, env, "status")
	if err := json.Unmarshal([]byte(r.stdout), &all); err != nil {
		t.Errorf("status is no JSON: %v\n%s", err, r.stdout)
	}
	of := map[string]string{}
	for _, i := range all {
		if i.Ready {
			of[i.Instance] = i.Role
		}
	}
	return of
}

// The commands of an operator, to an instance that waits to be told to start.
func TestCommands(t *testing.T) {
	t.Parallel()
	p, url := newPlatform(t, 1), natstest.New(t).URL()
	q := launch(t, p, url, "STARTUP_TYPE=manual")
	env := environment(p, url, q.addr)
	q.notReady("manual")
	if status, _ := q.get("/livez"); status != http.StatusOK || p.asked("") != 0 {
		t.Errorf("livez %d; %d requests before the start", status, p.asked(""))
	}
	command := func(name string) result {
		t.Helper()
		r := execute(t, env, name)
		if r.code != 0 {
			t.Errorf("%s: exit code %d\n%s", name, r.code, r.stderr)
		}
		return r
	}
	eventually(t, "an instance that listens", func() bool { return execute(t, env, "status").code == 0 })
	command("start")
	q.ready()
	command("provision")
	command("health")
	s := &trial{T: t, p: p, q: q, w: watch(t, url), url: url}
	s.whole(1)
	if got := roles(t, env); len(got) != 1 || got["a"] != "primary" {
		t.Errorf("roles %v", got)
	}
	command("restart")
	eventually(t, "another token", func() bool { return p.asked("POST /oauth/token") > 1 })
	q.ready()
	s.whole(1)
	b := launch(t, p, url, "INSTANCE_ID=b").ready()
	eventually(t, "a to know of b", func() bool { return execute(t, env, "step-down").code == 0 })
	eventually(t, "b to lead", func() bool { return roles(t, env)["b"] == "primary" })
	s.whole(1)
	command("stop")
	<-q.done
	if code := q.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("stop: exit code %d", code)
	}
	s.whole(1)
	if r := execute(t, env, "health"); r.code != 1 {
		t.Errorf("health of nobody: exit code %d", r.code)
	}
	if code := b.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if r := execute(t, env, "status"); r.code != 1 || !strings.Contains(r.stderr, "no instance") {
		t.Errorf("status of nobody: exit code %d\n%s", r.code, r.stderr)
	}
	s.w.finish()
}
