package settings_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// required are the settings without a default.
func required() []string {
	return []string{
		"ADAPTER_NAME=Acme",
		"GENESYS_CLIENT_ID=4c9b7a5e-0000-4000-8000-1d2e3f405162",
		"GENESYS_CLIENT_SECRET=q7-hidden-value",
		"GENESYS_REGION_HOST=mypurecloud.ie",
	}
}

// load reads the required settings and more, and fails the test on a problem.
func load(t *testing.T, more ...string) settings.Settings {
	t.Helper()
	loaded, err := settings.Load(append(required(), more...))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// problems reads the required settings and more, and returns what is wrong.
func problems(t *testing.T, more ...string) []settings.Problem {
	t.Helper()
	_, err := settings.Load(append(required(), more...))
	wrong, found := errors.AsType[*settings.Error](err)
	if !found {
		t.Fatalf("Load(%q) returned error %v, want a *settings.Error", more, err)
	}
	return wrong.Problems
}

// file writes a file and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	loaded := load(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"adapter": "Acme", "token": "acme", "startup": settings.StartupAutomatic, "source": "Acme",
		"instance": host, "api": "https://api.mypurecloud.ie", "login": "https://login.mypurecloud.ie",
		"topic": settings.TopicCalls, "users": []string(nil), "shard": settings.Shard{Index: 1, Count: 1},
		"channels": 8, "agents": true, "purposes": []string{"agent", "user"}, "tags": []string(nil), "hold": false,
		"restart": settings.TimeOfDay{}, "zone": time.Local, "mode": settings.RestartSession,
		"nats": []string{"nats://127.0.0.1:4222"}, "provision": true, "replicas": 1, "age": 72 * time.Hour,
		"refresh": 15 * time.Minute, "lease": 5 * time.Second, "reconcile": 5 * time.Minute,
		"http": ":8080", "level": slog.LevelInfo, "format": settings.LogJSON, "proxy": false, "warnings": []string(nil),
	}
	got := map[string]any{
		"adapter": loaded.AdapterName, "token": loaded.AdapterToken(), "startup": loaded.StartupType, "source": loaded.DataSource,
		"instance": loaded.InstanceID, "api": loaded.APIURL, "login": loaded.LoginURL,
		"topic": loaded.Topic, "users": loaded.UserIDs, "shard": loaded.Shard,
		"channels": loaded.MaxChannels, "agents": loaded.AgentEvents, "purposes": loaded.RecordPurposes, "tags": loaded.RecordTags, "hold": loaded.RecordPauseOnHold,
		"restart": loaded.RestartTime, "zone": loaded.RestartTimezone.Location(), "mode": loaded.RestartMode,
		"nats": loaded.NATSURLs, "provision": loaded.NATSProvision, "replicas": loaded.NATSReplicas, "age": loaded.NATSMaxAge,
		"refresh": loaded.RefreshInterval, "lease": loaded.LeaseTTL, "reconcile": loaded.ReconcileInterval,
		"http": loaded.HTTPAddr, "level": loaded.LogLevel, "format": loaded.LogFormat, "proxy": loaded.ProxyURL.IsSet(), "warnings": loaded.Warnings,
	}
	same := cmp.Comparer(func(a, b *time.Location) bool { return a == b })
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	_, err := settings.Load([]string{
		"ADAPTER_NAME=my adapter", "GENESYS_CLIENT_SECRET_FILE=/does/not/exist",
		"GENESYS_REGION_HOST=eu-west-1", "GENESYS_MAX_CHANNELS=21", "NATS_USER=u", "LEASE_TTL=soon",
	})
	want := `settings: 7 problems
  ADAPTER_NAME="my adapter": must be 1 to 32 characters of A-Z a-z 0-9 _ -
  GENESYS_CLIENT_ID: is required: the id of an OAuth client of the type Client Credentials
  GENESYS_CLIENT_SECRET_FILE="/does/not/exist": must be a file with the secret of the OAuth client: no such file or directory
  GENESYS_REGION_HOST="eu-west-1": must be the domain of a Genesys Cloud region such as mypurecloud.ie, api.mypurecloud.ie or https://api.mypurecloud.ie; the domain of eu-west-1 is mypurecloud.ie
  GENESYS_MAX_CHANNELS="21": must be a number from 1 to 20: an OAuth client has 20 channels, shared by both instances and by the roll-over of each
  NATS_USER="u": must be set together with NATS_PASSWORD or NATS_PASSWORD_FILE
  LEASE_TTL="soon": must be a duration from 1s to 1m, such as 5s: the broker expires keys after one second at the earliest, and a crash stays unnoticed for as long`
	if err == nil || err.Error() != want {
		t.Errorf("Load returned\n%v\nwant\n%s", err, want)
	}
}

func TestEmptyCountsAsNotSet(t *testing.T) {
	_, err := settings.Load([]string{"ADAPTER_NAME= ", "GENESYS_CLIENT_SECRET=", "LEASE_TTL= "})
	wrong, _ := errors.AsType[*settings.Error](err)
	var names []string
	for _, problem := range wrong.Problems {
		names = append(names, problem.Variable)
		if !strings.HasPrefix(problem.Message, "is required: ") {
			t.Errorf("%v: want it to say that it is required", problem)
		}
	}
	want := []string{"ADAPTER_NAME", "GENESYS_CLIENT_ID", "GENESYS_CLIENT_SECRET", "GENESYS_REGION_HOST"}
	if !slices.Equal(names, want) {
		t.Errorf("problems with %q, want %q", names, want)
	}
}

func TestLastEntryCounts(t *testing.T) {
	if got := load(t, "ADAPTER_NAME=first", "ADAPTER_NAME=last", "no equals sign").AdapterName; got != "last" {
		t.Errorf("adapter name %q, want that of the last entry", got)
	}
}

func TestSecretFromFile(t *testing.T) {
	for content, want := range map[string]string{
		"value": "value", "value\n": "value", "value\r\n": "value", " v \n": " v ",
	} {
		loaded, err := settings.Load([]string{
			"ADAPTER_NAME=a", "GENESYS_CLIENT_ID=c", "GENESYS_REGION_HOST=mypurecloud.de",
			"GENESYS_CLIENT_SECRET_FILE=" + file(t, content),
			"NATS_USER=u", "NATS_PASSWORD_FILE=" + file(t, content),
		})
		if err != nil {
			t.Fatalf("file %q: %v", content, err)
		}
		if got := loaded.ClientSecret.Reveal(); got != want {
			t.Errorf("file %q: client secret %q, want %q", content, got, want)
		}
		if got := loaded.NATSPassword.Reveal(); got != want {
			t.Errorf("file %q: password %q, want %q", content, got, want)
		}
	}
	if got := load(t, "NATS_TOKEN_FILE="+file(t, "tok")).NATSToken.Reveal(); got != "tok" {
		t.Errorf("token %q, want that of the file", got)
	}
}

func TestSecretFileProblems(t *testing.T) {
	for name, test := range map[string]struct{ content, want string }{
		"empty":       {"", "it is empty"},
		"only a line": {"\n", "it is empty"},
		"two lines":   {"a\nb\n", "must not hold line breaks"},
		"two ends":    {"a\n\n", "must not hold line breaks"},
		"large":       {strings.Repeat("x", 64<<10+1), "larger than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			found := problems(t, "NATS_TOKEN_FILE="+file(t, test.content))
			if len(found) != 1 || !strings.Contains(found[0].Message, test.want) {
				t.Errorf("problems %v, want one with %q", found, test.want)
			}
		})
	}
	found := problems(t, "GENESYS_CLIENT_SECRET_FILE="+file(t, "other"))
	if len(found) != 1 || found[0].Variable != "GENESYS_CLIENT_SECRET_FILE" ||
		!strings.Contains(found[0].Message, "must not be set together with GENESYS_CLIENT_SECRET") {
		t.Errorf("both variants set: problems %v", found)
	}
}
