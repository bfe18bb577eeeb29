package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Store is what a lease needs of a key-value bucket. The one for NATS is
// [NewStore].
//
// A write that another write forestalled fails with a [*ConflictError]. Any other
// error means that the outcome is unknown: the write may be stored, now or a
// little later.
type Store interface {
	// Put writes the key if its last revision is the one given; 0: if it has no
	// value, be it that there never was one or that the last entry is a marker.
	Put(ctx context.Context, key string, value []byte, last uint64) (revision uint64, err error)
	// Delete deletes the key if its last revision is the one given.
	Delete(ctx context.Context, key string, last uint64) error
	// Get is the last entry of the key. It may lag behind the writes. A key
	// without an entry yields one that is deleted, with revision 0.
	Get(ctx context.Context, key string) (Entry, error)
	// Watch calls deliver for the last entry there is and for each later one, in
	// order, until ctx ends or the watch breaks. When there is none it delivers a
	// deleted one with revision 0 first.
	Watch(ctx context.Context, key string, deliver func(Entry)) error
}

// Entry is one revision of a key.
type Entry struct {
	Revision uint64
	Value    []byte
	Deleted  bool // a marker: deleted, purged or expired
}

// ConflictError says that the last revision of a key is another than expected.
type ConflictError struct {
	Revision uint64 // the real one; 0: the key has none
}

// Error names the real revision.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("the last revision is %d", e.Revision)
}

// natsStore is a bucket of JetStream.
type natsStore struct {
	kv     jetstream.KeyValue
	stream jetstream.Stream
	prefix string
}

// NewStore binds to a bucket, which must exist. It needs the rights to ask for the
// bucket's stream, to write the key, to read it directly and to watch it.
func NewStore(ctx context.Context, js jetstream.JetStream, bucket string) (Store, error) {
	kv, err := js.KeyValue(ctx, bucket)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	// The bucket itself hides the revision of a marker, which the lease needs.
	stream, err := js.Stream(ctx, "KV_"+bucket)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", bucket, err)
	}
	return &natsStore{kv: kv, stream: stream, prefix: "$KV." + bucket + "."}, nil
}

func (s *natsStore) Put(ctx context.Context, key string, value []byte, last uint64) (uint64, error) {
	if last == 0 {
		revision, err := s.kv.Create(ctx, key, value)
		return revision, conflict(err)
	}
	revision, err := s.kv.Update(ctx, key, value, last)
	return revision, conflict(err)
}

func (s *natsStore) Delete(ctx context.Context, key string, last uint64) error {
	return conflict(s.kv.Delete(ctx, key, jetstream.LastRevision(last)))
}

func (s *natsStore) Get(ctx context.Context, key string) (Entry, error) {
	m, err := s.stream.GetLastMsgForSubject(ctx, s.prefix+key)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Entry{Deleted: true}, nil
	}
	if err != nil {
		return Entry{}, err
	}
	marker := m.Header.Get("KV-Operation") != "" || m.Header.Get(jetstream.MarkerReasonHeader) != ""
	return Entry{Revision: m.Sequence, Value: m.Data, Deleted: marker}, nil
}

func (s *natsStore) Watch(ctx context.Context, key string, deliver func(Entry)) error {
	w, err := s.kv.Watch(ctx, key)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer func() {
		// The watcher ends only when what it already has was taken from it.
		if w.Stop() == nil {
			for range w.Updates() {
			}
		}
	}()
	known := false
	for {
		select {
		case e, open := <-w.Updates():
			if !open {
				return errors.New("watch: ended by the server or the connection")
			}
			switch {
			case e != nil:
				known = true
				deliver(Entry{Revision: e.Revision(), Value: e.Value(), Deleted: e.Operation() != jetstream.KeyValuePut})
			case !known: // what there is is complete, and there is nothing
				deliver(Entry{Deleted: true})
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// codeWrongLastSequence is the server's only proof that somebody else wrote. Its
// sibling 10164 merely says that another write is in flight, although the client
// library calls both a revision mismatch.
const codeWrongLastSequence = 10071

// conflict recognises the proof and leaves every other error as it is.
func conflict(err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.ErrorCode != codeWrongLastSequence {
		return err
	}
	var revision uint64
	if _, serr := fmt.Sscanf(api.Description, "wrong last sequence: %d", &revision); serr != nil {
		return err // unknown is the safe reading
	}
	return &ConflictError{Revision: revision}
}

// record is the value of the key.
type record struct {
	Instance string    `json:"instance"`
	Nonce    string    `json:"nonce"` // of the term
	Since    time.Time `json:"since"`
}

// parse reads a value; a foreign one is not ok.
func parse(value []byte) (r record, ok bool) {
	err := json.Unmarshal(value, &r)
	return r, err == nil && r.Instance != "" && r.Nonce != ""
}
