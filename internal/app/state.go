package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Report is what one instance tells the other one, and the operator, about itself.
type Report struct {
	Instance string                 `json:"instance"`
	Role     recording.InstanceRole `json:"role"`
	Epoch    uint64                 `json:"epoch,omitempty"`
	Version  string                 `json:"version"`
	// Process is random, of each process another.
	Process string    `json:"process,omitempty"`
	Started time.Time `json:"started"`
	At      time.Time `json:"at"`
	// Established: it has made sure that it is the only process of its INSTANCE_ID.
	Established bool `json:"established,omitempty"`
	// Account identifies OAuth client and region without naming them: the two
	// instances of an adapter must have the same.
	Account string `json:"account"`
	// Ready: connected, every permitted user observed, the stream read to its end.
	Ready bool `json:"ready"`
	// Yielding: it has the lead and is letting go of it, or wants not to have it.
	Yielding bool `json:"yielding,omitempty"`
	// ReadySince is when it became so, by its clock.
	ReadySince time.Time `json:"readySince,omitzero"`
	// Behind: this instance has seen transitions for several seconds that the leader
	// has not published, or tells again and again what the leader was not shown.
	Behind bool `json:"behind,omitempty"`
	// StoodIn is how often it has told what the leader was not shown, where that is why.
	StoodIn uint64 `json:"stoodIn,omitempty"`
	// Read is the last sequence of the stream that it knows, 0 in reports of versions that do not
	// say so.
	Read     uint64 `json:"read,omitempty"`
	OpenLegs int    `json:"openLegs"`
	// Renewed is when the session was renewed last, NextRestart when it will be.
	Renewed     time.Time `json:"renewed,omitzero"`
	NextRestart time.Time `json:"nextRestart,omitzero"`
	Error       string    `json:"error,omitempty"`
}

// Instances report every reportEvery; a report older than reportStale is from one
// that is no longer there.
const (
	reportEvery = time.Second
	reportStale = 5 * time.Second
)

// ErrOtherAccount says that an instance of another organization or OAuth client uses the same
// adapter name.
var ErrOtherAccount = errors.New("the adapter name is in use with another OAuth client or region")

// account is a fingerprint of OAuth client and region.
func account(clientID, apiURL string) string {
	sum := sha256.Sum256([]byte(clientID + "\n" + apiURL))
	return hex.EncodeToString(sum[:6])
}

// peers keeps the reports of the other instances. Times are those of receipt here,
// so that clocks need not agree.
type peers struct {
	self, process string
	// twins gets the latest news of another process under the own name.
	twins chan Report
	// watching is closed when news are heard.
	watching chan struct{}
	begun    sync.Once
	// complains is called with every report that says that the leader does not tell enough.
	complains func()

	mu   sync.Mutex
	seen map[string]peer
}

type peer struct {
	Report
	heard time.Time
}

func newPeers(self, process string) *peers {
	return &peers{
		complains: func() {}, self: self, process: process, seen: make(map[string]peer), twins: make(chan Report, 1), watching: make(chan struct{}),
	}
}

// other returns the latest report of another instance that is alive.
func (p *peers) other(now time.Time) (Report, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var best peer
	for _, r := range p.seen {
		if now.Sub(r.heard) < reportStale && r.heard.After(best.heard) {
			best = r
		}
	}
	return best.Report, !best.heard.IsZero()
}

// meet takes news under the own name.
func (p *peers) meet(r Report) {
	if r.Process == p.process {
		return
	}
	select {
	case <-p.twins: // what it said before does not matter any more
	default:
	}
	p.twins <- r // there is room: nobody else writes
}

func (p *peers) take(r Report, now time.Time) {
	p.mu.Lock()
	if len(p.seen) > 16 {
		clear(p.seen)
	}
	p.seen[r.Instance] = peer{Report: r, heard: now}
	p.mu.Unlock()
	if r.Behind {
		p.complains()
	}
}

// watch follows the reports of the others until ctx ends.
func (p *peers) watch(ctx context.Context, kv jetstream.KeyValue, log *slog.Logger) {
	for ctx.Err() == nil {
		if err := p.follow(ctx, kv); err != nil && ctx.Err() == nil {
			log.Debug("reports of the other instance cannot be read, trying again", "error", err)
			pause(ctx, time.Second)
		}
	}
}

func (p *peers) follow(ctx context.Context, kv jetstream.KeyValue) error {
	// The values there are say who was there, not who is: only news counts as life.
	w, err := kv.Watch(ctx, "instance.*", jetstream.UpdatesOnly())
	if err != nil {
		return fmt.Errorf("watch reports: %w", err)
	}
	defer func() { _ = w.Stop() }()
	p.begun.Do(func() { close(p.watching) })
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, open := <-w.Updates():
			if !open {
				return errors.New("watch of reports ended")
			}
			if e == nil || e.Operation() != jetstream.KeyValuePut {
				continue
			}
			var r Report
			switch err := json.Unmarshal(e.Value(), &r); {
			case err != nil || r.Instance == "":
			case r.Instance == p.self:
				p.meet(r)
			default:
				p.take(r, time.Now())
			}
		}
	}
}

// key is the key of an instance's report.
func key(instance string) string {
	return "instance." + strings.ReplaceAll(recording.Token(instance), ".", "_")
}

// channelStore remembers notification channels in the bucket, for the next start.
// What it holds lets one listen to calls: the bucket must be as well protected as the
// stream.
type channelStore struct {
	kv  jetstream.KeyValue
	key string
}

// Load implements genesys.ChannelStore.
func (s channelStore) Load(ctx context.Context) ([]byte, error) {
	e, err := s.kv.Get(ctx, s.key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load channels: %w", err)
	}
	return e.Value(), nil
}

// Save implements genesys.ChannelStore.
func (s channelStore) Save(ctx context.Context, data []byte) error {
	if _, err := s.kv.Put(ctx, s.key, data); err != nil {
		return fmt.Errorf("save channels: %w", err)
	}
	return nil
}

// Others implements genesys.PeerStore: what the other instances have saved.
func (s channelStore) Others(ctx context.Context) ([][]byte, error) {
	keys, err := s.kv.ListKeysFiltered(ctx, "channels.*")
	if err != nil {
		return nil, fmt.Errorf("list channels of other instances: %w", err)
	}
	defer func() { _ = keys.Stop() }()
	var saved [][]byte
	for key := range keys.Keys() {
		if key == s.key {
			continue
		}
		e, err := s.kv.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("load channels of other instances: %w", err)
		}
		saved = append(saved, e.Value())
	}
	return saved, nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
