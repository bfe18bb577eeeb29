package settings_test

import (
	"slices"
	"testing"
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

func TestWarningsAreSorted(t *testing.T) {
	got := load(t, "RECORD_X=1", "ADAPTER_X=1", "NATS_X=1").Warnings
	if len(got) != 3 || !slices.IsSorted(got) {
		t.Errorf("warnings %q, want three in order", got)
	}
}
