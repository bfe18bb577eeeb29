package settings_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

func TestWarnings(t *testing.T) {
	for _, test := range []struct {
		name string
		want string // empty: no warning
	}{
		{"GENESYS_CLIENT_SECRT", "GENESYS_CLIENT_SECRT is not a setting and has no effect: did you mean GENESYS_CLIENT_SECRET?"},
		{"GENESYS_REGION", "GENESYS_REGION is not a setting and has no effect: did you mean GENESYS_REGION_HOST?"},
		{"RECORD_TAG", "RECORD_TAG is not a setting and has no effect: did you mean RECORD_TAGS?"},
		{"RESTART_TIMEZON", "RESTART_TIMEZON is not a setting and has no effect: did you mean RESTART_TIMEZONE?"},
		{"NATS_TOKENFILE", "NATS_TOKENFILE is not a setting and has no effect: did you mean NATS_TOKEN_FILE?"},
		{"nats_url", "nats_url is not a setting and has no effect: did you mean NATS_URL?"},
		{"ADAPTER_COLOUR_OF_THE_LIGHT", "ADAPTER_COLOUR_OF_THE_LIGHT is not a setting and has no effect"},
		{"LEASE_TLL", "LEASE_TLL is not a setting and has no effect: did you mean LEASE_TTL?"},
		{"GENESYS_CLIENT_ID_FILE", "GENESYS_CLIENT_ID_FILE is not a setting and has no effect: did you mean GENESYS_CLIENT_ID?"},
		{"NATS_SERVICE_HOST", ""},
		{"NATS_SERVICE_PORT_CLIENT", ""},
		{"NATS_PORT", ""},
		{"NATS_PORT_4222_TCP_ADDR", ""},
		{"HTTP_PROXY", ""},
		{"PATH", ""},
		{"GENESYSX", ""},
	} {
		var want []string
		if test.want != "" {
			want = []string{test.want}
		}
		if got := load(t, test.name+"=q7-hidden-value").Warnings; !slices.Equal(got, want) {
			t.Errorf("%s: warnings %q, want %q", test.name, got, want)
		}
	}
}

// TestMisspeltRequiredSetting: what is missing is often there, under another name.
func TestMisspeltRequiredSetting(t *testing.T) {
	given := []string{"ADAPTER_NME=q7-hidden-value", "GENESYS_CLIENT_ID=c", "GENESYS_CLIENT_SECRET=s", "GENESYS_REGION_HOST=mypurecloud.ie"}
	for name, read := range map[string]func([]string) (settings.Settings, error){"all": settings.Load, "reading": settings.LoadReading} {
		_, err := read(given)
		if err == nil {
			t.Fatalf("%s: accepted", name)
		}
		for _, want := range []string{"1 problem\n", "ADAPTER_NAME: is required", "ADAPTER_NME is not a setting and has no effect: did you mean ADAPTER_NAME?"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no word about %s in\n%v", name, want, err)
			}
		}
		if strings.Contains(err.Error(), "q7-hidden-value") {
			t.Errorf("%s: the value is shown: %v", name, err)
		}
	}
}

func TestWarningsAreSorted(t *testing.T) {
	got := load(t, "RECORD_X=1", "ADAPTER_X=1", "NATS_X=1").Warnings
	if len(got) != 3 || !slices.IsSorted(got) {
		t.Errorf("warnings %q, want three in order", got)
	}
}
