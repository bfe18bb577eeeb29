package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Errors of [Provision], [Verify] and their bucket siblings.
var (
	// ErrMissing: the stream or bucket does not exist.
	ErrMissing = errors.New("does not exist")
	// ErrDifferent: it exists with other settings. Errors of this class are a
	// [*DifferenceError].
	ErrDifferent = errors.New("has other settings than needed")
)

// Defaults of a stream.
const (
	DefaultMaxAge          = 72 * time.Hour
	DefaultDuplicateWindow = 2 * time.Minute // of one with replicas
	// SoleDuplicateWindow is that of a stream on one server, which checks what a message expects
	// before it looks for its id. What it remembers of ids makes nothing surer there, and a
	// hundred thousand are 25 MB for the collector of the server, while messages wait.
	SoleDuplicateWindow = time.Second
)

// StreamOptions describe the stream of one adapter.
type StreamOptions struct {
	// Name of the stream. Required; see [StreamName].
	Name string
	// Subjects it stores. Required.
	Subjects []string
	// Replicas is the number of servers that hold a copy: 1, 3 or 5. Default 1.
	Replicas int
	// MaxAge is how long a message is kept. Default 72 h.
	MaxAge time.Duration
	// DuplicateWindow is how long the server remembers message ids, at least. Default 2 min,
	// without replicas 1 s, and never more than MaxAge.
	DuplicateWindow time.Duration
	// MaxBytes bounds the stream, the oldest messages go first. Default 0: no
	// bound but MaxAge.
	MaxBytes int64
	// Description is shown by the NATS tools; it is not compared.
	Description string
}

// BucketOptions describe a key-value bucket.
type BucketOptions struct {
	// Name of the bucket. Required.
	Name string
	// Replicas is the number of servers that hold a copy. Default 1.
	Replicas int
	// TTL is how long a value lives after it was written last. 0: for ever.
	TTL time.Duration
	// LimitMarkerTTL makes the server leave a marker when a value expires, so
	// that watchers see it, and is how long the marker stays. At least 1 s;
	// 0: watchers never learn of an expiry.
	LimitMarkerTTL time.Duration
	// History is the number of values kept per key. Default 1.
	History uint8
	// Description is shown by the NATS tools; it is not compared.
	Description string
}

// StreamName is the name of an adapter's stream: RECORDER_ and the adapter's
// name in upper case.
func StreamName(adapter string) string { return "RECORDER_" + strings.ToUpper(adapter) }

// StreamSubject is the wildcard that covers all subjects of an adapter.
func StreamSubject(adapter string) string { return "recorder.v1." + strings.ToLower(adapter) + ".>" }

// Provision creates the stream when it is missing. When it exists it is never
// changed: settings that differ are returned as a [*DifferenceError], because
// some changes destroy data and all of them are the operator's decision.
// It needs the right to create streams.
func Provision(ctx context.Context, js jetstream.JetStream, o StreamOptions) error {
	want, err := o.config()
	if err != nil {
		return fmt.Errorf("provision stream: %w", err)
	}
	err = Verify(ctx, js, o)
	if !errors.Is(err, ErrMissing) {
		return err
	}
	if _, err := js.CreateStream(ctx, want); err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return fmt.Errorf("create stream %s: %w", o.Name, err)
	}
	// Somebody else may have been first, with other settings.
	return Verify(ctx, js, o)
}

// Verify compares the stream with the options. It returns nil, [ErrMissing], a
// [*DifferenceError], or why it could not ask. The only right it needs is
// $JS.API.STREAM.INFO.<name>.
func Verify(ctx context.Context, js jetstream.JetStream, o StreamOptions) error {
	want, err := o.config()
	if err != nil {
		return fmt.Errorf("verify stream: %w", err)
	}
	what := "stream " + o.Name
	found, err := lookUp(ctx, js, what, want.Name)
	if err != nil {
		return err
	}
	want.Duplicates = max(want.Duplicates, found.Duplicates) // longer is as good
	return verify(what, found, want)
}

// ProvisionBucket creates the bucket when it is missing; otherwise it is
// [Provision] for a bucket.
func ProvisionBucket(ctx context.Context, js jetstream.JetStream, o BucketOptions) error {
	err := VerifyBucket(ctx, js, o)
	if !errors.Is(err, ErrMissing) {
		return err
	}
	_, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: o.Name, Description: o.Description, Storage: jetstream.FileStorage,
		Replicas: max(o.Replicas, 1), TTL: o.TTL, LimitMarkerTTL: o.LimitMarkerTTL, History: max(o.History, 1),
	})
	if err != nil && !errors.Is(err, jetstream.ErrBucketExists) {
		return fmt.Errorf("create bucket %s: %w", o.Name, err)
	}
	return VerifyBucket(ctx, js, o)
}

// VerifyBucket is [Verify] for a bucket. The only right it needs is
// $JS.API.STREAM.INFO.KV_<name>.
func VerifyBucket(ctx context.Context, js jetstream.JetStream, o BucketOptions) error {
	want, err := o.config()
	if err != nil {
		return fmt.Errorf("verify bucket: %w", err)
	}
	what := "bucket " + o.Name
	found, err := lookUp(ctx, js, what, want.Name)
	if err != nil {
		return err
	}
	return verify(what, found, want)
}

// lookUp returns what a stream or bucket is like.
func lookUp(ctx context.Context, js jetstream.JetStream, what, name string) (found jetstream.StreamConfig, err error) {
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return found, fmt.Errorf("%s %w: run the provision command, or let the service create it", what, ErrMissing)
	}
	if err != nil {
		return found, fmt.Errorf("ask for %s: %w", what, err)
	}
	return stream.CachedInfo().Config, nil
}

func verify(what string, found, want jetstream.StreamConfig) error {
	if d := differences(found, want); len(d) > 0 {
		return &DifferenceError{What: what, Differences: d}
	}
	return nil
}

// config is the stream as it must be.
func (o StreamOptions) config() (jetstream.StreamConfig, error) {
	if o.Name == "" || len(o.Subjects) == 0 {
		return jetstream.StreamConfig{}, errors.New("name and subjects are required")
	}
	if o.MaxAge <= 0 {
		o.MaxAge = DefaultMaxAge
	}
	if o.DuplicateWindow <= 0 {
		o.DuplicateWindow = DefaultDuplicateWindow
		if o.Replicas <= 1 {
			o.DuplicateWindow = SoleDuplicateWindow
		}
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = -1
	}
	return jetstream.StreamConfig{
		Name:              o.Name,
		Description:       o.Description,
		Subjects:          o.Subjects,
		Retention:         jetstream.LimitsPolicy,
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardOld,
		Replicas:          max(o.Replicas, 1),
		MaxAge:            o.MaxAge,
		Duplicates:        min(o.DuplicateWindow, o.MaxAge),
		MaxBytes:          o.MaxBytes,
		MaxMsgs:           -1,
		MaxMsgsPerSubject: -1,
		DenyDelete:        true,
		DenyPurge:         true,
		AllowDirect:       true,
	}, nil
}

// config is the part of the bucket's stream that is compared.
func (o BucketOptions) config() (jetstream.StreamConfig, error) {
	if o.Name == "" {
		return jetstream.StreamConfig{}, errors.New("name is required")
	}
	window := DefaultDuplicateWindow
	if o.TTL > 0 {
		window = min(window, o.TTL)
	}
	return jetstream.StreamConfig{
		Name:                   "KV_" + o.Name,
		Subjects:               []string{"$KV." + o.Name + ".>"},
		Retention:              jetstream.LimitsPolicy,
		Storage:                jetstream.FileStorage,
		Discard:                jetstream.DiscardNew,
		Replicas:               max(o.Replicas, 1),
		MaxAge:                 o.TTL,
		Duplicates:             window,
		MaxBytes:               -1,
		MaxMsgs:                -1,
		MaxMsgsPerSubject:      int64(max(o.History, 1)),
		DenyDelete:             true,
		AllowRollup:            true,
		AllowDirect:            true,
		AllowMsgTTL:            o.LimitMarkerTTL > 0,
		SubjectDeleteMarkerTTL: o.LimitMarkerTTL,
	}, nil
}
