package examples_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/examples"
	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

var (
	command = flag.String("recorder", "", "command of the recorder to try, seen from api/examples; the one in Go unless given")
	durable = flag.String("durable", "recorder-go", "name of its durable consumer")
)

// TestRecorderPrintsTheTranscript tries a recorder in any language as a program of
// its own: the story comes while it runs, and then something that is no event.
//
//	go test ./api/examples -run Transcript -recorder "node recorder-js/recorder.mjs" -durable recorder-js
func TestRecorderPrintsTheTranscript(t *testing.T) {
	server := natstest.New(t)
	js := natstest.JetStream(t, natstest.Connect(t, server.URL()))
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: recording.StreamName(examples.Adapter), Subjects: []string{recording.AllSubjects(examples.Adapter)},
	})
	if err != nil {
		t.Fatal(err)
	}
	all := append(story(t), examples.Message{Subject: recording.FeedSubject(examples.Adapter), Body: []byte("no event")})
	stop := startRecorder(t, server.URL())
	natstest.Eventually(t, "its consumer", func() bool {
		_, err := stream.Consumer(t.Context(), *durable)
		return err == nil
	})
	last := publish(t, js, all)
	acknowledged := func() bool {
		consumer, err := stream.Consumer(t.Context(), *durable)
		return err == nil && consumer.CachedInfo().AckFloor.Stream >= last
	}
	natstest.Eventually(t, "everything acknowledged", acknowledged)

	got, refused := stop(), 0
	kept := strings.Split(got, "\n")
	for len(kept) > 1 && strings.HasPrefix(kept[len(kept)-2], "refused ") {
		kept, refused = append(kept[:len(kept)-2], ""), refused+1
	}
	if diff := cmp.Diff(examples.Transcript, strings.Join(kept, "\n")); diff != "" {
		t.Errorf("the recorder did something else (-want +got):\n%s", diff)
	}
	if refused == 0 {
		t.Errorf("the recorder did not refuse what is no event:\n%s", got)
	}
}

// startRecorder runs the recorder until stop, which returns what it has printed.
func startRecorder(t *testing.T, url string) (stop func() string) {
	t.Helper()
	args := strings.Fields(*command)
	if len(args) == 0 {
		args = []string{filepath.Join(t.TempDir(), "recorder")}
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", args[0], "./recorder-go").CombinedOutput(); err != nil {
			t.Fatalf("build the recorder: %v\n%s", err, out)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "NATS_URL="+url, "ADAPTER_NAME="+examples.Adapter)
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the recorder: %v", err)
	}
	t.Cleanup(cancel)
	return func() string {
		cancel()
		if err := cmd.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the recorder ended with %v:\n%s", err, &problems)
		}
		return out.String()
	}
}

// publish returns the sequence of the last message.
func publish(t *testing.T, js jetstream.JetStream, messages []examples.Message) (last uint64) {
	t.Helper()
	for _, m := range messages {
		ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Body})
		if err != nil {
			t.Fatalf("publish %s: %v", m.File, err)
		}
		last = ack.Sequence
	}
	return last
}
