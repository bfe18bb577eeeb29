package publish_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// fleet is a caller that follows the rules of the package doc: several lanes, on
// each the messages 0..count-1, one after the other.
type fleet struct {
	t      *testing.T
	lanes  *publish.Lanes
	reader *publish.Reader
	count  int
	done   sync.WaitGroup // one per lane
	// known is the last sequence of others that was taken in; nil: none ever is.
	known func() uint64
	also  func([]publish.Result) // is told, too

	mu       sync.Mutex
	at       []int    // by lane: the message in flight
	expect   []uint64 // by lane: sequence of the message before it
	outcomes map[publish.Outcome]int
}

// newFleet starts sending at once; wait ends it.
func newFleet(t *testing.T, js jetstream.JetStream, lanes, count int, o publish.LanesOptions) *fleet {
	t.Helper()
	f := makeFleet(t, js, lanes, count, o)
	f.start()
	return f
}

func makeFleet(t *testing.T, js jetstream.JetStream, lanes, count int, o publish.LanesOptions) *fleet {
	t.Helper()
	f := &fleet{
		t: t, count: count, at: make([]int, lanes), expect: make([]uint64, lanes),
		reader: publish.NewReader(js, streamOptions.Name), outcomes: map[publish.Outcome]int{},
	}
	o.Stream = streamOptions.Name
	var err error
	if f.lanes, err = publish.NewLanes(js, o, func(r []publish.Result) {
		f.deliver(r)
		if f.also != nil {
			f.also(r)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fleet) start() {
	f.done.Add(len(f.at))
	for lane := range f.at {
		f.mu.Lock()
		f.send(lane)
		f.mu.Unlock()
	}
}

// send is called with the lock held.
func (f *fleet) send(lane int) {
	i := f.at[lane]
	if i == f.count {
		f.done.Done()
		return
	}
	m := publish.Message{
		Subject: subject(lane), ID: fmt.Sprintf("%d/%d", lane, i), Data: []byte(strconv.Itoa(i)),
		Expect: f.expect[lane], Token: uint64(lane),
	}
	if f.known != nil {
		m.Known = f.known()
	}
	err := f.lanes.Send(m)
	if err != nil {
		f.t.Errorf("send: %v", err)
	}
}

func (f *fleet) deliver(results []publish.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range results {
		lane := int(r.Token)
		f.outcomes[r.Outcome]++
		switch r.Outcome {
		case publish.Stored:
			f.at[lane]++
			f.expect[lane] = r.Sequence
			f.send(lane)
		case publish.Unknown, publish.Busy:
			time.AfterFunc(5*time.Millisecond, func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.send(lane)
			})
		case publish.Conflict:
			go f.reload(lane, r)
		case publish.Refused:
			f.t.Errorf("lane %d: refused: %v", lane, r.Err)
			f.done.Done()
		}
	}
}

// reload goes on behind what the stream really holds.
func (f *fleet) reload(lane int, r publish.Result) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e, err := f.reader.Load(ctx, r.Subject, r.Sequence)
	if err != nil {
		f.t.Errorf("lane %d: %v", lane, err)
		f.done.Done()
		return
	}
	i, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSuffix(e.ID, "/other"), fmt.Sprintf("%d/", lane)))
	if err != nil {
		f.t.Errorf("lane %d: foreign message %q", lane, e.ID)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at[lane], f.expect[lane] = i+1, e.Sequence
	f.send(lane)
}

// seen is how often the outcome has come.
func (f *fleet) seen(o publish.Outcome) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.outcomes[o]
}

// over reports whether every lane is through.
func (f *fleet) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, at := range f.at {
		if at < f.count {
			return false
		}
	}
	return true
}

// disturb runs step each time another number of messages has been stored, so that
// a slow machine makes progress between two steps. The fleet must have ended
// before stop is called.
func (f *fleet) disturb(stored int, step func()) (stop func()) {
	mark := 0
	return every(f.t, 5*time.Millisecond, func() {
		if now := f.seen(publish.Stored); now >= mark+stored {
			step()
			mark = f.seen(publish.Stored)
		}
	})
}

// wait ends the lanes when every lane is through.
func (f *fleet) wait() map[publish.Outcome]int {
	f.t.Helper()
	f.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f.lanes.Close(ctx); err != nil {
		f.t.Errorf("%v", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.outcomes
}

// checkStored reads the stream back: on each lane the messages 0..count-1, each
// once and in order.
func checkStored(t *testing.T, js jetstream.JetStream, lanes, count int) {
	t.Helper()
	tail, err := publish.NewTail(js, publish.TailOptions{Stream: streamOptions.Name, Subject: streamOptions.Subjects[0]})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	next := map[string]int{}
	total := 0
	err = tail.Run(ctx, func(batch []publish.Entry) {
		for _, e := range batch {
			if i, err := strconv.Atoi(string(e.Data)); err != nil || i != next[e.Subject] {
				t.Errorf("%s at sequence %d: message %q, want %d", e.Subject, e.Sequence, e.Data, next[e.Subject])
			}
			next[e.Subject]++
			if total++; total == lanes*count {
				cancel()
			}
		}
	})
	if err != nil || total != lanes*count {
		t.Fatalf("read %d messages, want %d, error %v", total, lanes*count, err)
	}
	checkCount(t, js, lanes*count)
}
