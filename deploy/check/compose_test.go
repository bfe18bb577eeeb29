package check_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	composeloader "github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const composeDir = root + "/deploy/compose"

// project loads the compose file as Compose does. Secrets are made on the machine of
// who uses it; here their place is kept by empty files.
func project(t *testing.T) *types.Project {
	t.Helper()
	content, err := os.ReadFile(composeDir + "/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "deploy", "compose")
	if err := os.MkdirAll(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets", "nats.env"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	details := types.ConfigDetails{
		WorkingDir: dir, ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml"), Content: content}},
		Environment: types.Mapping{},
	}
	p, err := composeloader.LoadWithContext(t.Context(), details)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCompose(t *testing.T) {
	p := project(t)
	for _, name := range []string{
		"nats-1", "nats-2", "nats-3", "provision", "mirror", "platform", "ingestor-a", "ingestor-b", "prometheus", "grafana",
	} {
		if _, err := p.GetService(name); err != nil {
			t.Error(err)
		}
	}
	host := map[string]bool{} // ports of the machine
	for _, s := range p.Services {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" || host[port.Published] {
				t.Errorf("%s publishes %s on %q", s.Name, port.Published, port.HostIP)
			}
			host[port.Published] = true
		}
		for name := range s.DependsOn {
			if _, err := p.GetService(name); err != nil {
				t.Errorf("%s depends on %v", s.Name, err)
			}
		}
	}
}

func TestIngestorsOfCompose(t *testing.T) {
	p := project(t)
	var instances []string
	for _, s := range p.Services {
		if s.Image != "genesys-ingestor" {
			continue
		}
		instances = append(instances, *s.Environment["INSTANCE_ID"])
		settings := map[string]string{}
		for name, value := range s.Environment {
			settings[name] = *value
		}
		programSettings(t, settings)
		if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || s.User != "" {
			t.Errorf("%s may do more than it needs", s.Name)
		}
		mounted := map[string]bool{}
		for _, secret := range s.Secrets {
			target := secret.Target
			if target == "" {
				target = secret.Source
			}
			if !strings.HasPrefix(target, "/") {
				target = "/run/secrets/" + target
			}
			mounted[target] = true
		}
		for name, value := range settings {
			if strings.HasSuffix(name, "_FILE") && !mounted[value] {
				t.Errorf("%s: %s=%s is not mounted", s.Name, name, value)
			}
			for address := range strings.SplitSeq(value, ",") {
				if u, err := url.Parse(address); err == nil && u.Port() != "" {
					reachable(t, p, u.Hostname(), u.Port())
				}
			}
		}
	}
	slices.Sort(instances)
	if !slices.Equal(instances, []string{"a", "b", "provision"}) {
		t.Errorf("instances %q", instances)
	}
}

// reachable holds that an address leads to a service that listens there.
func reachable(t *testing.T, p *types.Project, host, port string) {
	t.Helper()
	s, err := p.GetService(host)
	if err != nil {
		t.Error(err)
		return
	}
	listens := strings.Join(s.Command, " ")
	for _, c := range s.Configs {
		if content, err := os.ReadFile(filepath.Join(composeDir, configFile(p, c.Source))); err == nil {
			listens += string(content)
		}
	}
	if !regexp.MustCompile(`:` + port + `\b`).MatchString(listens) {
		t.Errorf("nothing of %s listens on port %s", host, port)
	}
}

// configFile is the file of a config, relative to the compose file.
func configFile(p *types.Project, name string) string {
	rel, err := filepath.Rel(p.WorkingDir, p.Configs[name].File)
	if err != nil {
		return name
	}
	return rel
}

// TestFilesOfCompose: what the file names is there, or made by the command keys.
func TestFilesOfCompose(t *testing.T) {
	p := project(t)
	for name := range p.Configs {
		if info, err := os.Stat(filepath.Join(composeDir, configFile(p, name))); err != nil || info.IsDir() {
			t.Errorf("config %s: %v", name, err)
		}
	}
	keys, err := os.ReadFile(root + "/deploy/nats/keys/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range p.Secrets {
		rel, _ := filepath.Rel(p.WorkingDir, secret.File)
		if _, err := os.Stat(filepath.Join(composeDir, rel)); err == nil && !strings.HasPrefix(rel, "secrets/") {
			continue
		}
		if !strings.HasPrefix(rel, "secrets/") || !strings.Contains(string(keys), `"`+strings.TrimSuffix(filepath.Base(rel), ".nk")+`"`) {
			t.Errorf("secret %s: %s is neither there nor made by the command keys", name, rel)
		}
	}
	for _, s := range p.Services {
		for _, c := range s.Configs {
			if _, ok := p.Configs[c.Source]; !ok {
				t.Errorf("%s uses the config %s", s.Name, c.Source)
			}
		}
		for _, c := range s.Secrets {
			if _, ok := p.Secrets[c.Source]; !ok {
				t.Errorf("%s uses the secret %s", s.Name, c.Source)
			}
		}
	}
}

// TestServersOfCompose: routes, names and variables of the NATS configuration are given.
func TestServersOfCompose(t *testing.T) {
	p := project(t)
	variable := regexp.MustCompile(`\$(NATS_[A-Z_0-9]+)`)
	keys, err := os.ReadFile(root + "/deploy/nats/keys/main.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range p.Services {
		if !strings.HasPrefix(s.Name, "nats-") {
			continue
		}
		names[*s.Environment["NATS_SERVER_NAME"]] = true
		for _, c := range s.Configs {
			content, err := os.ReadFile(filepath.Join(composeDir, configFile(p, c.Source)))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range variable.FindAllStringSubmatch(string(content), -1) {
				if s.Environment[m[1]] == nil && !strings.Contains(string(keys), m[1]) {
					t.Errorf("%s: nobody gives %s, which %s asks for", s.Name, m[1], c.Source)
				}
			}
			for _, m := range regexp.MustCompile(`"(/etc/nats/[^"]+)"`).FindAllStringSubmatch(string(content), -1) {
				if !slices.ContainsFunc(s.Secrets, func(c types.ServiceSecretConfig) bool { return c.Target == m[1] }) {
					t.Errorf("%s: %s is not mounted", s.Name, m[1])
				}
			}
		}
		for name, value := range s.Environment {
			if strings.HasPrefix(name, "NATS_ROUTE_") {
				u, err := url.Parse(*value)
				if err != nil {
					t.Fatal(err)
				}
				reachable(t, p, u.Hostname(), u.Port())
			}
		}
	}
	if len(names) != 3 {
		t.Errorf("server names %v", names)
	}
}

// TestScrapedByCompose: Prometheus asks both ingestors on the port they listen on.
func TestScrapedByCompose(t *testing.T) {
	content, err := os.ReadFile(composeDir + "/prometheus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{`"ingestor-a:8080"`, `"ingestor-b:8080"`} {
		if !strings.Contains(string(content), target) {
			t.Errorf("prometheus.yaml has no target %s", target)
		}
	}
	dashboard, err := os.ReadFile(root + "/deploy/grafana/ingestor.json")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`"uid": "(prometheus)"`).FindString(string(dashboard)); m == "" && !strings.Contains(string(dashboard), "${") {
		t.Error("the dashboard asks another source of data than datasource.yaml makes")
	}
}
