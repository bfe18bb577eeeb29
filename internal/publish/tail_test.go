package publish_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// collector gathers what a tail delivers.
type collector struct {
	mu      sync.Mutex
	entries []publish.Entry
}

func (c *collector) add(batch []publish.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = append(c.entries, batch...)
}

func (c *collector) all() []publish.Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]publish.Entry(nil), c.entries...)
}

func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// checkContiguous fails unless the entries are sequence first, first+1, ...
func checkContiguous(t *testing.T, entries []publish.Entry, first uint64) {
	t.Helper()
	for i, e := range entries {
		if want := first + uint64(i); e.Sequence != want {
			t.Fatalf("entry %d has sequence %d, want %d", i, e.Sequence, want)
		}
	}
}

// runTail runs a tail until the test ends.
func runTail(t *testing.T, js jetstream.JetStream, o publish.TailOptions, deliver func([]publish.Entry)) (*publish.Tail, <-chan error) {
	t.Helper()
	tail, err := publish.NewTail(js, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		done <- tail.Run(ctx, deliver)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return tail, done
}

// caughtUp runs a tail until it has read so many messages, which are all there are.
func caughtUp(t *testing.T, js jetstream.JetStream, want int) (*publish.Tail, *collector) {
	t.Helper()
	got := new(collector)
	caught := make(chan int, 1)
	tail, _ := runTail(t, js, publish.TailOptions{
		Stream: streamOptions.Name, Subject: streamOptions.Subjects[0],
		CaughtUp: func() { caught <- got.count() },
	}, got.add)
	if n := <-caught; n != want {
		t.Errorf("caught up after %d entries, want %d", n, want)
	}
	return tail, got
}

func TestTailDeliversWhatIsStoredAndWhatFollows(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	store(t, js, 500)
	tail, got := caughtUp(t, js, 500)
	store(t, js, 100)
	natstest.Eventually(t, "600 entries", func() bool { return got.count() >= 600 })
	checkContiguous(t, got.all(), 1)
	s := tail.Stats()
	if s.LastSequence != 600 || s.Missing != 0 || !s.CaughtUp || s.Delivered != 600 {
		t.Errorf("stats %+v", s)
	}
}

// More is asked for before all that was asked for has come: a window of many requests is read
// whole and in order, and never more is on its way than has room.
func TestTailReadsAWindowOfManyRequests(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	const window = 40_000
	store(t, js, window)
	tail, got := caughtUp(t, js, window)
	store(t, js, 100)
	natstest.Eventually(t, "what follows", func() bool { return got.count() >= window+100 })
	checkContiguous(t, got.all(), 1)
	if s := tail.Stats(); s.Rebuilds != 0 || s.Missing != 0 {
		t.Errorf("stats %+v", s)
	}
}

// Under traffic messages are delivered many at a time, unless somebody waits for one.
func TestTailGathersUnlessInHaste(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.New(t).URL()))
	mustProvision(t, js)
	got := new(collector)
	var calls atomic.Int64
	haste := publish.NewHaste()
	runTail(t, js, publish.TailOptions{Stream: streamOptions.Name, Subject: streamOptions.Subjects[0], Haste: haste}, func(batch []publish.Entry) {
		calls.Add(1)
		got.add(batch)
	})
	stored := 0
	traffic := func(on bool) int64 {
		haste.Set(on)
		calls.Store(0)
		for range 300 {
			store(t, js, 1)
			time.Sleep(time.Millisecond)
		}
		stored += 300
		natstest.Eventually(t, "all entries", func() bool { return got.count() == stored })
		return calls.Load()
	}
	// A machine that is busy with something else delivers many at a time in any case.
	natstest.Eventually(t, "thrice as many deliveries in haste", func() bool { return traffic(true) > 3*traffic(false) })
	checkContiguous(t, got.all(), 1)
}
