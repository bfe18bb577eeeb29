package publish_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// streamOptions is the stream most tests use.
var streamOptions = publish.StreamOptions{
	Name:     publish.StreamName("test"),
	Subjects: []string{publish.StreamSubject("test")},
}

var leaseBucket = publish.BucketOptions{
	Name: "recorder_lease", TTL: 5 * time.Second, LimitMarkerTTL: time.Second, History: 1,
}

// settings of a difference error, sorted.
func settings(t *testing.T, err error) []string {
	t.Helper()
	var d *publish.DifferenceError
	if !errors.As(err, &d) || !errors.Is(err, publish.ErrDifferent) {
		t.Fatalf("got %v, want a list of differences", err)
	}
	var s []string
	for _, diff := range d.Differences {
		if diff.Found == diff.Wanted || diff.Fix == "" {
			t.Errorf("difference %+v", diff)
		}
		s = append(s, diff.Setting)
	}
	slices.Sort(s)
	return s
}

func TestProvisionCreatesAndIsRepeatable(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	if err := publish.Verify(t.Context(), js, streamOptions); !errors.Is(err, publish.ErrMissing) {
		t.Errorf("verify before: %v", err)
	}
	for range 2 {
		if err := publish.Provision(t.Context(), js, streamOptions); err != nil {
			t.Fatal(err)
		}
		if err := publish.ProvisionBucket(t.Context(), js, leaseBucket); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := js.Stream(t.Context(), "RECORDER_TEST")
	if err != nil {
		t.Fatal(err)
	}
	c := stream.CachedInfo().Config
	if c.MaxAge != 72*time.Hour || !c.DenyDelete || !c.DenyPurge || !c.AllowDirect || c.Duplicates != time.Second || c.Discard != jetstream.DiscardOld || c.Storage != jetstream.FileStorage || c.Subjects[0] != "recorder.v1.test.>" {
		t.Errorf("created %+v", c)
	}
}

func TestProvisionListsDifferencesAndChangesNothing(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	made := jetstream.StreamConfig{
		Name: streamOptions.Name, Subjects: []string{"recorder.v1.test.call.>"}, MaxAge: time.Hour, Duplicates: time.Second / 2,
		Storage: jetstream.MemoryStorage, Discard: jetstream.DiscardNew, MaxMsgs: 5, MaxMsgsPerSubject: 1,
	}
	if _, err := js.CreateStream(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	err := publish.Provision(t.Context(), js, streamOptions)
	want := []string{"allow_direct", "deny_delete", "deny_purge", "discard", "duplicate_window", "max_age", "max_msgs", "max_msgs_per_subject", "storage", "subjects"}
	if got := settings(t, err); !slices.Equal(got, want) {
		t.Errorf("differences %v, want %v", got, want)
	}
	for _, part := range []string{"stream RECORDER_TEST", "max_age is 1h0m0s, wanted 72h0m0s", "nats stream edit RECORDER_TEST --max-age=72h0m0s", "--discard=old"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q:\n%v", part, err)
		}
	}
	stream, err := js.Stream(t.Context(), streamOptions.Name)
	if err != nil {
		t.Fatal(err)
	}
	if stream.CachedInfo().Config.MaxAge != time.Hour {
		t.Error("the stream was changed")
	}
}

// A server that remembers ids for longer than needed is as good.
func TestALongerDuplicateWindowIsNoDifference(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	stream, err := js.Stream(t.Context(), streamOptions.Name)
	if err != nil {
		t.Fatal(err)
	}
	edited := stream.CachedInfo().Config
	edited.Duplicates = time.Minute
	if _, err := js.UpdateStream(t.Context(), edited); err != nil {
		t.Fatal(err)
	}
	if err := publish.Provision(t.Context(), js, streamOptions); err != nil {
		t.Error(err)
	}
	replicated := streamOptions
	replicated.Replicas = 3 // what one server takes for an answer, another one may not know yet
	if got := settings(t, publish.Provision(t.Context(), js, replicated)); !slices.Equal(got, []string{"duplicate_window", "replicas"}) {
		t.Errorf("differences %v", got)
	}
}

func TestBucketMadeByHandIsReported(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	if _, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: leaseBucket.Name, History: 5, TTL: time.Minute}); err != nil {
		t.Fatal(err)
	}
	err := publish.ProvisionBucket(t.Context(), js, leaseBucket)
	want := []string{"allow_msg_ttl", "duplicate_window", "max_age", "max_msgs_per_subject", "subject_delete_marker_ttl"}
	if got := settings(t, err); !slices.Equal(got, want) {
		t.Errorf("differences %v, want %v", got, want)
	}
}

// TestLeastPrivilege runs everything with exactly the rights the deployment
// grants: no right to create a stream, none to read the whole API.
func TestLeastPrivilege(t *testing.T) {
	const name = "RECORDER_TEST"
	srv := natstest.New(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "admin", Password: "admin"},
			{Username: "service", Password: "service", Permissions: &server.Permissions{
				Publish: &server.SubjectPermission{Allow: []string{
					"recorder.v1.test.>",
					"$JS.API.STREAM.INFO." + name,
					"$JS.API.STREAM.INFO.KV_recorder_lease",
					"$JS.API.DIRECT.GET." + name + ".recorder.v1.test.>",
					"$JS.API.CONSUMER.CREATE." + name + ".*.recorder.v1.test.>",
					"$JS.API.CONSUMER.MSG.NEXT." + name + ".*",
					"$JS.API.CONSUMER.DELETE." + name + ".*",
				}},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_service.>"}},
			}},
		}
	})
	admin := natstest.JetStream(t, natstest.Connect(t, srv.URL(), nats.UserInfo("admin", "admin")))
	if err := publish.Provision(t.Context(), admin, streamOptions); err != nil {
		t.Fatal(err)
	}
	if err := publish.ProvisionBucket(t.Context(), admin, leaseBucket); err != nil {
		t.Fatal(err)
	}
	var log natstest.Log
	state := publish.NewState()
	nc := mustConnect(t, publish.ConnectOptions{Servers: srv.URL(), Name: "service", User: "service", Password: "service", State: state, Logger: log.Logger()})
	js := natstest.JetStream(t, nc)
	if err := publish.Verify(t.Context(), js, streamOptions); err != nil {
		t.Error(err)
	}
	if err := publish.VerifyBucket(t.Context(), js, leaseBucket); err != nil {
		t.Error(err)
	}
	s := newSender(t, js, publish.LanesOptions{Denied: state.Denied})
	want(t, s.send(publish.Message{ID: "a"}), publish.Stored, nil)
	if _, err := publish.NewReader(js, name).Load(t.Context(), subject(1), 1); err != nil {
		t.Error(err)
	}
	var got collector
	tail, _ := runTail(t, js, publish.TailOptions{Stream: name, Subject: streamOptions.Subjects[0]}, got.add)
	natstest.Eventually(t, "the message", func() bool { return got.count() == 1 && tail.Stats().CaughtUp })
	if st := state.Status(); len(st.Denied) != 0 || strings.Contains(log.String(), "permission") {
		t.Errorf("status %+v, log:\n%s", st, log.String())
	}
}
