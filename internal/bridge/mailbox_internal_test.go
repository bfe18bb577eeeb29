package bridge

import (
	"sync"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// What is brought while somebody has the lock is taken along by that one, and nothing is
// left behind, however many bring something at once.
func TestMailIsTakenAlong(t *testing.T) {
	e := NewEngine(EngineOptions{Publisher: &sentOff{}, Core: CoreOptions{Adapter: "acme", Names: nameless{}}})
	held, free := make(chan struct{}), make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() { e.Do(func(*Core, time.Time) { close(held); <-free }) })
	<-held
	e.Entries([]Entry{{Subject: "recorder.v1.acme.feed", Sequence: 1, Data: []byte("{}")}}) // does not wait
	close(free)
	busy.Wait()
	if e.mail.full.Load() {
		t.Error("what was brought meanwhile is left behind")
	}
	const bringers, each = 8, 500
	for b := range bringers {
		busy.Go(func() {
			for i := range each {
				e.Entries([]Entry{{Subject: "recorder.v1.acme.feed", Sequence: uint64(2 + b*each + i), Data: []byte("{}")}})
			}
		})
	}
	busy.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.mail.full.Load() || e.tail != bringers*each+1 {
		t.Errorf("something is left: %v, the last was %d", e.mail.full.Load(), e.tail)
	}
}

// What is brought between a gathered snapshot and the flush is taken out by the flush: it
// neither breaks what is gathered in two nor stays behind.
func TestMailWaitsForTheFlush(t *testing.T) {
	e := NewEngine(EngineOptions{Publisher: &sentOff{}, Core: CoreOptions{Adapter: "acme", Names: nameless{}}})
	e.Gather(&call.Snapshot{ConversationID: "c", View: "ua", Received: time.Now()})
	e.Entries([]Entry{{Subject: "recorder.v1.acme.feed", Sequence: 7, Data: []byte("{}")}})
	if !e.mail.full.Load() {
		t.Error("what was brought has had the gathered snapshot sent")
	}
	e.Flush()
	if e.mail.full.Load() || e.tail != 7 {
		t.Errorf("after the flush there is mail: %v, the last event is %d, want 7", e.mail.full.Load(), e.tail)
	}
}
