package settings_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

const hidden = "q7-hidden-value"

func TestSecretNeverPrints(t *testing.T) {
	secret := settings.NewSecret(hidden)
	type exported struct{ Secret settings.Secret }
	type private struct{ secret settings.Secret }
	for _, value := range []any{
		secret, &secret,
		exported{Secret: secret},
		&exported{Secret: secret},
		private{secret: secret},
		&private{secret: secret},
		[]settings.Secret{secret},
		map[string]settings.Secret{"a": secret},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%p"} {
			checkHidden(t, fmt.Sprintf("%T with %s", value, verb), fmt.Sprintf(verb, value))
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		checkHidden(t, fmt.Sprintf("%T as JSON", value), string(text))
		for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		} {
			var log bytes.Buffer
			slog.New(handler(&log)).Info("value", "value", value)
			checkHidden(t, fmt.Sprintf("%T in a %s log", value, name), log.String())
		}
	}
	if got := fmt.Sprintf("%v %s", secret, settings.Secret{}); got != "[set] " {
		t.Errorf("printed as %q, want [set] and nothing", got)
	}
	if secret.Reveal() != hidden || !secret.IsSet() || (settings.Secret{}).IsSet() || settings.NewSecret("").IsSet() {
		t.Error("the secret lost its value")
	}
	if !secret.Equal(settings.NewSecret(hidden)) || secret.Equal(settings.Secret{}) {
		t.Error("Equal does not compare values")
	}
}

func TestSettingsNeverPrintSecrets(t *testing.T) {
	loaded := load(t, "NATS_USER=u", "NATS_PASSWORD="+hidden, "GENESYS_PROXY_URL=http://u:"+hidden+"@proxy:3128")
	text, err := json.Marshal(loaded)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("settings", "settings", loaded)
	for name, text := range map[string]string{
		"%v": fmt.Sprintf("%v", loaded), "%+v": fmt.Sprintf("%+v", loaded), "%#v": fmt.Sprintf("%#v", loaded),
		"JSON": string(text), "log": log.String(), "String": loaded.String(),
	} {
		checkHidden(t, name, text)
	}
	for _, want := range []string{`"genesys_client_secret":"[set]"`, `"adapter_name":"Acme"`, `"lease_ttl":"5s"`, `"nats_token":""`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log %s\nwant it to hold %s", log.String(), want)
		}
	}
}

func TestProblemsHideCredentialsInURLs(t *testing.T) {
	for _, set := range []string{
		"GENESYS_API_URL=https://u:" + hidden + "@gw.example",
		"GENESYS_LOGIN_URL=https://gw.example/?token=" + hidden,
		"GENESYS_REGION_HOST=https://u:" + hidden + "@api.mypurecloud.ie",
		"GENESYS_PROXY_URL=ftp://u:" + hidden + "@proxy",
		"GENESYS_LOGIN_URL=https://gw.example/?@" + hidden,
		"NATS_URL=nats://u:a,b@" + hidden + "@a:4222,nats://b",
		"NATS_URL=nats://" + hidden + "@a:4222",
	} {
		_, err := settings.Load(append(required(), set))
		if _, found := errors.AsType[*settings.Error](err); !found {
			t.Fatalf("%s: error %v", set, err)
		}
		checkHidden(t, set, err.Error())
	}
}

func checkHidden(t *testing.T, name, text string) {
	t.Helper()
	if strings.Contains(text, hidden) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", hidden)) {
		t.Errorf("%s shows the secret: %s", name, text)
	}
}

// FuzzLoadHidesSecrets puts a secret into every place that may hold one, with
// arbitrary text around it and arbitrary other settings.
func FuzzLoadHidesSecrets(f *testing.F) {
	f.Add("", "", "", "")
	f.Add("a\n", "b@", "https://x", "GENESYS_CLIENT_SECRT=")
	f.Add(" ", "://", "mypurecloud.ie,@", "NATS_PASSWORD_FILE=/")
	f.Add("%41", ":?", "nats://u:p@h", "RESTART_TIME=25:00")
	f.Fuzz(func(t *testing.T, before, after, host, other string) {
		secret := before + hidden + after
		environ := []string{
			other,
			"ADAPTER_NAME=a b",
			"GENESYS_CLIENT_SECRET=" + secret,
			"GENESYS_CLIENT_SECRET_FILE=/does/not/exist",
			"GENESYS_CLIENT_SECRT=" + secret,
			"GENESYS_API_URL=" + host + "//" + secret + "@" + host,
			"GENESYS_LOGIN_URL=" + host + "?" + secret,
			"GENESYS_PROXY_URL=" + host + secret + "@" + host,
			"NATS_URL=nats://u:" + secret + "@" + host,
			"NATS_PASSWORD=" + secret,
			"NATS_TOKEN=" + secret,
		}
		loaded, err := settings.Load(environ)
		if err == nil {
			t.Fatal("ADAPTER_NAME is wrong, and there is no error")
		}
		checkHidden(t, "error", err.Error())
		checkHidden(t, "warnings", strings.Join(loaded.Warnings, "\n"))
		for line := range strings.Lines(loaded.String()) {
			// What is wrong is reported and then not used: only the secrets
			// themselves must never print.
			if name, _, _ := strings.Cut(line, "="); strings.Contains(name, "SECRET") || strings.Contains(name, "PASSWORD") || strings.Contains(name, "TOKEN") || strings.Contains(name, "PROXY") {
				checkHidden(t, name, line)
			}
		}
	})
}
