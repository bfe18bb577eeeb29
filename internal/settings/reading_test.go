package settings_test

import (
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// Whoever only reads the stream knows nothing of Genesys.
func TestReadingNeedsNoPlatform(t *testing.T) {
	t.Parallel()
	s, err := settings.LoadReading([]string{
		"ADAPTER_NAME=acme", "NATS_URL=broker:4222", "NATS_USER=recorder", "NATS_PASSWORD=secret",
		"GENESYS_REGION_HOST=nowhere", "RESTART_TIME=25:00", "NATS_MAX_AGE=1s",
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.AdapterName != "acme" || s.NATSUser != "recorder" || s.NATSPassword.Reveal() != "secret" || s.NATSURLs[0] != "nats://broker:4222" || s.InstanceID == "" {
		t.Errorf("settings %+v", s)
	}
}

func TestReadingNeedsAdapterAndBroker(t *testing.T) {
	t.Parallel()
	_, err := settings.LoadReading([]string{"NATS_URL=http://broker", "NATS_CREDS_FILE=/nowhere/at/all", "GENESYS_TOPIC=chats"})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"3 problems", "ADAPTER_NAME: is required", "NATS_URL", "NATS_CREDS_FILE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word about %s in\n%v", want, err)
		}
	}
}
