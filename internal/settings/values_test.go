package settings_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// anyValue stands for a value that is not compared, and missing for a file that
// does not exist.
const (
	anyValue = "*"
	missing  = "/does/not/exist"
)

// valueTests returns good and bad values of every setting. A good value is
// followed by the line that Settings.String has for it, or by anyValue.
func valueTests(t *testing.T) map[string]struct{ good, bad []string } {
	t.Helper()
	readable := file(t, "content")
	long := strings.Repeat("x", 257)
	boolean := struct{ good, bad []string }{
		[]string{"true", "true", "FALSE", "false", " 1 ", "true", "0", "false"}, []string{"yes", "on", "2", "tru"},
	}
	ids := struct{ good, bad []string }{
		[]string{"a", "a", " a , b,a,,", "a,b", "e026a5f1-0000-4000-8000-0123456789ab", anyValue},
		[]string{"a b", "a,b;c", "a.b", strings.Repeat("x", 65), "a/b"},
	}
	paths := struct{ good, bad []string }{[]string{readable, readable}, []string{missing, t.TempDir()}}
	urls := struct{ good, bad []string }{
		[]string{
			"https://gateway.example/genesys/", "https://gateway.example/genesys",
			"http://127.0.0.1:8443", anyValue, "http://localhost:1", anyValue, "http://[::1]:1/", "http://[::1]:1",
		},
		[]string{
			"http://gateway.example", "gateway.example", "ftp://gateway.example", "https://", "https://u:p@gateway.example",
			"https://gateway.example/?a=b", "https://gateway.example/#f", "http://127.0.0.1.example", "http://localhost.example", ":",
		},
	}
	return map[string]struct{ good, bad []string }{
		"ADAPTER_NAME":                 {[]string{"a", "a", "A-b_9", "A-b_9", strings.Repeat("a", 32), anyValue}, []string{"a b", "a.b", "é", strings.Repeat("a", 33), "a/b", "*", ">"}},
		"ADAPTER_DESCRIPTION":          {[]string{"Site Süd, 2nd floor", "Site Süd, 2nd floor"}, []string{long, "a\x00b", "a\nb"}},
		"STARTUP_TYPE":                 {[]string{"manual", "manual", "Disabled", "disabled", "AUTOMATIC", "automatic"}, []string{"auto", "true"}},
		"DATA_SOURCE":                  {[]string{"Voice EMEA", "Voice EMEA"}, []string{long, "a\tb"}},
		"INSTANCE_ID":                  {[]string{"host-1.example", "host-1.example"}, []string{"a b", strings.Repeat("a", 65), "a/b"}},
		"GENESYS_CLIENT_ID":            {[]string{"abc", "abc"}, []string{long, "a\x7fb"}},
		"GENESYS_CLIENT_SECRET":        {[]string{"abc", "[set]", " a ", "[set]"}, []string{"a\nb", "a\x00"}},
		"GENESYS_ALLOW_UNKNOWN_REGION": boolean,
		"GENESYS_API_URL":              urls,
		"GENESYS_LOGIN_URL":            urls,
		"GENESYS_ALLOW_INSECURE":       boolean,
		"GENESYS_PROXY_URL":            {[]string{"http://proxy:3128", "[set]", "https://u:p@proxy", "[set]", "socks5://proxy:1080", "[set]"}, []string{"proxy:3128", "ftp://proxy", "http://"}},
		"GENESYS_TOPIC":                {[]string{"calls", "calls", "Conversations", "conversations"}, []string{"chats", "conversations.calls"}},
		"GENESYS_USER_IDS":             ids,
		"GENESYS_GROUP_IDS":            ids,
		"GENESYS_DIVISION_IDS":         ids,
		"GENESYS_QUEUE_IDS":            ids,
		"SHARD":                        {[]string{"1/1", "1/1", " 2 / 3 ", "2/3", "100/100", "100/100"}, []string{"0/1", "2/1", "1", "1/101", "a/b", "-1/1", "1/0", "1/2/3"}},
		"GENESYS_MAX_CHANNELS":         {[]string{"1", "1", "20", "20"}, []string{"0", "21", "-1", "1.5", "many", "99999999999"}},
		"AGENT_EVENTS":                 boolean,
		"RECONCILE_INTERVAL":           {[]string{"1s", "1s", "24h", "24h0m0s"}, []string{"0", "999ms", "25h", "5", "-5m", "daily"}},
		"RECORD_PURPOSES":              {[]string{"Agent", "agent", "user, customer,user", "user,customer"}, []string{"acd", "agent,ivr", "peer", ",", "all"}},
		"RECORD_TAGS":                  {[]string{"Case Number,context.email", "Case Number,context.email", ",", ""}, []string{strings.Repeat("x", 129), "a\x01", strings.Join(numbers(65), ",")}},
		"RECORD_PAUSE_ON_HOLD":         boolean,
		"RESTART_TIME":                 {[]string{"00:00", "00:00", "23:59", "23:59", "7:05", "07:05"}, []string{"24:00", "12:60", "12", "12:5", "noon", "1200", "-1:00", "12:00:00", "11:30 pm"}},
		"RESTART_TIMEZONE":             {[]string{"Local", "Local", "UTC", "UTC", "Europe/Dublin", "Europe/Dublin"}, []string{"Dublin", "Mars/Base", "../zone", "GMT+25"}},
		"RESTART_MODE":                 {[]string{"session", "session", "PROCESS", "process"}, []string{"container"}},
		"NATS_URL":                     {[]string{"n1", "nats://n1", "nats://a:4222, tls://b:4222,nats://a:4222", "nats://a:4222,tls://b:4222", "wss://c/nats", "wss://c/nats"}, []string{"http://a", "nats://u:p@a:4222", ",", "nats://", "nats://tok@a", "a b"}},
		"NATS_CREDS_FILE":              paths,
		"NATS_NKEY_SEED_FILE":          paths,
		"NATS_USER":                    {nil, []string{"a\x00b", long}},
		"NATS_PASSWORD":                {nil, []string{"a\nb"}},
		"NATS_TOKEN":                   {[]string{"abc", "[set]"}, []string{"a\rb"}},
		"NATS_TLS_CA_FILE":             paths,
		"NATS_TLS_CERT_FILE":           {nil, []string{missing}},
		"NATS_TLS_KEY_FILE":            {nil, []string{missing}},
		"NATS_PROVISION":               boolean,
		"NATS_REPLICAS":                {[]string{"1", "1", "3", "3", "5", "5"}, []string{"0", "2", "4", "6", "7", "three"}},
		"NATS_MAX_AGE":                 {[]string{"30m", "30m0s", "8784h", "8784h0m0s"}, []string{"29m", "0", "8785h", "3d", "72"}},
		"REFRESH_INTERVAL":             {[]string{"1s", "1s", "24h", "24h0m0s"}, []string{"0s", "25h", "fast"}},
		"LEASE_TTL":                    {[]string{"1s", "1s", "1m", "1m0s"}, []string{"999ms", "61s", "5"}},
		"HTTP_ADDR":                    {[]string{":0", ":0", "127.0.0.1:8080", "127.0.0.1:8080", "[::1]:1", "[::1]:1"}, []string{"8080", "host", ":http", ":65536", ":-1", "http://host:1"}},
		"LOG_LEVEL":                    {[]string{"debug", "DEBUG", "Warn", "WARN", "error", "ERROR", "info", "INFO"}, []string{"trace", "warning", "info+1", "0"}},
		"LOG_FORMAT":                   {[]string{"json", "json", "Text", "text"}, []string{"xml", "logfmt"}},
	}
}

func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return all
}

func TestGoodAndBadValues(t *testing.T) {
	tests := valueTests(t)
	for _, entry := range settings.Reference() {
		if entry.Variable == "GENESYS_REGION_HOST" {
			continue // has a test of its own
		}
		test, found := tests[entry.Variable]
		if !found || len(test.bad) == 0 {
			t.Errorf("%s: no test of its values", entry.Variable)
		}
		for pair := range slices.Chunk(test.good, 2) {
			t.Run(entry.Variable+"="+pair[0], func(t *testing.T) {
				text := load(t, entry.Variable+"="+pair[0]).String()
				want := entry.Variable + "=" + pair[1] + "\n"
				if pair[1] != anyValue && !strings.Contains("\n"+text, "\n"+want) {
					t.Errorf("read as\n%s\nwant a line %q", text, want)
				}
			})
		}
		for _, value := range test.bad {
			t.Run(entry.Variable+"="+value[:min(len(value), 40)], func(t *testing.T) {
				checkBad(t, entry, value)
			})
		}
	}
}

// checkBad wants a problem that names the variable, the value and what is
// allowed.
func checkBad(t *testing.T, entry settings.Entry, value string) {
	t.Helper()
	found := problems(t, entry.Variable+"="+value)
	i := slices.IndexFunc(found, func(p settings.Problem) bool { return p.Variable == entry.Variable })
	if i < 0 {
		t.Fatalf("problems %v, want one with %s", found, entry.Variable)
	}
	if !strings.HasPrefix(found[i].Message, "must ") || len(found[i].Message) < len("must be true or") {
		t.Errorf("message %q, want it to say what is allowed", found[i].Message)
	}
	if entry.Secret && found[i].Value != "" {
		t.Errorf("value %q of a secret is shown", found[i].Value)
	}
	if !entry.Secret && found[i].Value == "" {
		t.Errorf("value is not shown: %v", found[i])
	}
}

func TestSettingsThatDependOnEachOther(t *testing.T) {
	readable := file(t, "content")
	for name, test := range map[string]struct {
		set      []string
		variable string // where the problem is, or empty for none
		want     string
	}{
		"user and password":         {[]string{"NATS_USER=u", "NATS_PASSWORD=p"}, "", ""},
		"user alone":                {[]string{"NATS_USER=u"}, "NATS_USER", "together with NATS_PASSWORD"},
		"password alone":            {[]string{"NATS_PASSWORD=p"}, "NATS_USER", "together with NATS_PASSWORD"},
		"two ways to authenticate":  {[]string{"NATS_TOKEN=t", "NATS_CREDS_FILE=" + readable}, "NATS_CREDS_FILE", "NATS_CREDS_FILE, NATS_TOKEN"},
		"certificate and key":       {[]string{"NATS_TLS_CERT_FILE=" + readable, "NATS_TLS_KEY_FILE=" + readable}, "", ""},
		"certificate alone":         {[]string{"NATS_TLS_CERT_FILE=" + readable}, "NATS_TLS_CERT_FILE", "together with NATS_TLS_KEY_FILE"},
		"age is twice the refresh":  {[]string{"NATS_MAX_AGE=2m", "REFRESH_INTERVAL=1m"}, "", ""},
		"age below twice refresh":   {[]string{"NATS_MAX_AGE=119s", "REFRESH_INTERVAL=1m"}, "NATS_MAX_AGE", "twice REFRESH_INTERVAL (1m0s)"},
		"http with permission":      {[]string{"GENESYS_API_URL=http://gw", "GENESYS_ALLOW_INSECURE=true"}, "", ""},
		"data source kept":          {[]string{"DATA_SOURCE=x"}, "", ""},
		"overrides keep the region": {[]string{"GENESYS_API_URL=http://127.0.0.1:1", "GENESYS_LOGIN_URL=http://127.0.0.1:1", "GENESYS_REGION_HOST=bad"}, "GENESYS_REGION_HOST", "must be the domain"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.variable == "" {
				load(t, test.set...)
				return
			}
			found := problems(t, test.set...)
			if len(found) != 1 || found[0].Variable != test.variable || !strings.Contains(found[0].Message, test.want) {
				t.Errorf("problems %v, want one of %s with %q", found, test.variable, test.want)
			}
		})
	}
}
