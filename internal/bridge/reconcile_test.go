package bridge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// house is what an engine talks to: a stream that stores everything, and a platform
// that answers one question a second, as a budget of requests does.
type house struct {
	mu     sync.Mutex
	engine *bridge.Engine
	stream stream
	asked  []string
	feed   []recording.FeedData
	known  []uint64 // of the messages about calls
	begun  []string // questions
	slow   time.Duration
	over   string // this conversation has ended
}

func (*house) Flush() {}

func (h *house) Send(m bridge.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	o := bridge.Outcome{Token: m.Token, Subject: m.Subject}
	o.Verdict, o.Sequence = h.stream.store(&m, time.Now())
	if v, err := recording.Decode(m.Data); err == nil {
		switch e := v.(type) {
		case *recording.FeedEvent:
			h.feed = append(h.feed, e.Data)
		case *recording.CallEvent:
			h.known = append(h.known, m.Known)
		}
	}
	go h.engine.Resolve([]bridge.Outcome{o})
	return nil
}

func (h *house) Load(context.Context, bridge.Load) (bridge.Entry, error) {
	return bridge.Entry{}, bridge.ErrGone
}

func (h *house) Open(context.Context) ([]bridge.Open, error) {
	return []bridge.Open{{ID: "conv0"}, {ID: "conv1"}, {ID: "conv2"}}, nil
}

func (h *house) Conversation(ctx context.Context, id string, _ bridge.Why) (*call.Snapshot, error) {
	asked := time.Now()
	h.mu.Lock()
	h.begun = append(h.begun, id)
	wait := max(h.slow, time.Second)
	h.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, id)
	if id == h.over {
		return ended(id, asked), nil
	}
	return frame(id, call.ViewREST, asked), nil
}

// ended is an answer of REST about a conversation that has ended.
func ended(id string, asked time.Time) *call.Snapshot {
	s := frame(id, call.ViewREST, asked)
	s.Participants[1].State, s.Participants[1].End = "terminated", asked
	return s
}

func frame(id, view string, asked time.Time) *call.Snapshot {
	leg := talking("leg"+id, "u"+id)
	return &call.Snapshot{
		ConversationID: id, View: view, Topic: view, Asked: asked, Received: time.Now(), SecurePause: call.No,
		Participants: []call.Participant{caller(), leg},
	}
}

func newHouse(t *testing.T) (h *house, stop func()) {
	t.Helper()
	h = &house{stream: stream{last: map[string]uint64{}, ids: map[string]uint64{}}}
	h.engine = bridge.NewEngine(bridge.EngineOptions{Core: coreOptions("one"), Publisher: h, Loader: h, Platform: h})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = h.engine.Run(ctx) })
	h.engine.Do(func(c *bridge.Core, _ time.Time) { c.Lead(1) })
	return h, func() { cancel(); running.Wait() }
}

func (h *house) hears(id string) { h.engine.Snapshot(frame(id, "u"+id, time.Time{})) }

// A gap closes after all that was missed is told, and so after an end that waits for what the
// other instance was shown.
func TestGapClosesAfterTheEndsThatRESTHasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		h.hears("conv1")
		time.Sleep(time.Minute)
		h.engine.Observation(bridge.Observation{Cause: recording.GapSocketLost, From: time.Now()})
		h.over = "conv1"
		time.Sleep(5 * time.Second)
		h.engine.Observation(bridge.Observation{Up: true, Complete: true, From: time.Now()})
		time.Sleep(8 * time.Second)
		synctest.Wait()
		checkFeed(t, h, recording.FeedGapOpened, recording.FeedGapClosed)
		var told []string
		for _, e := range h.stream.log {
			if d := dataOf(t, e.Data); d != nil && d.Conversation.ID == "conv1" {
				told = append(told, string(d.Verb))
			} else if d == nil && strings.Contains(string(e.Data), string(recording.FeedGapClosed)) {
				told = append(told, "closed")
			}
		}
		if !slices.Equal(told, []string{"start", "stop", "closed"}) {
			t.Error(told)
		}
	})
}

// Who lets go leaves no end behind that waits because of REST. After an outage of the broker the
// next leader tells it: the old one would be too early.
func TestHandOverTellsTheEndsThatWait(t *testing.T) {
	for _, outage := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h, stop := newHouse(t)
			defer stop()
			h.hears("conv1")
			time.Sleep(time.Millisecond)
			want := recording.Stop
			if outage {
				h.engine.Do(func(c *bridge.Core, now time.Time) { c.Returned(now) })
				want = recording.Start
			}
			h.engine.Snapshot(ended("conv1", time.Now()))
			limited, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := h.engine.HandOver(limited); (err != nil) != outage {
				t.Errorf("after an outage %v: %v", outage, err)
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			for _, e := range slices.Backward(h.stream.log) {
				if d := dataOf(t, e.Data); d != nil {
					if d.Verb != want {
						t.Errorf("after an outage %v: the last word is %s", outage, d.Verb)
					}
					break
				}
			}
		})
	}
}

// After a gap only those conversations are asked for of which nothing was heard since:
// every notification shows its conversation as a whole, and requests are scarce.
func TestOnlySilentConversationsAreAskedForAfterAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		for _, id := range []string{"conv0", "conv1", "conv2"} {
			h.hears(id)
		}
		time.Sleep(time.Minute)
		h.engine.Observation(bridge.Observation{Cause: recording.GapSocketLost, From: time.Now()})
		time.Sleep(5 * time.Second)
		back := time.Now()
		time.Sleep(time.Millisecond)
		h.hears("conv0")
		h.hears("conv2")
		h.engine.Observation(bridge.Observation{Up: true, Complete: true, From: back})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !slices.Equal(h.asked, []string{"conv1"}) {
			t.Errorf("asked for %v", h.asked)
		}
		checkFeed(t, h, recording.FeedGapOpened, recording.FeedGapClosed)
	})
}

// A new leader that has observed all the while asks about none of those it hears of.
func TestNewLeaderAsksOnlyAboutWhatIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		h.hears("conv1")
		time.Sleep(6 * time.Minute)
		h.mu.Lock()
		h.asked = nil // the periodic comparison was there
		h.mu.Unlock()
		h.hears("conv0")
		h.hears("conv2")
		h.engine.Reconcile()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !slices.Equal(h.asked, []string{"conv1"}) {
			t.Errorf("asked for %v", h.asked)
		}
	})
}

// A hundred calls that are over lack a wrap-up code. They are read, one by one, and a gap
// does not wait for them to close.
func TestGapDoesNotWaitForLateWrapups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		for i := range 100 {
			s := frame(fmt.Sprint("over", i), fmt.Sprint("uover", i), time.Time{})
			agent := &s.Participants[1]
			agent.QueueID = "queue"
			h.engine.Snapshot(s)
			time.Sleep(time.Millisecond)
			again := frame(fmt.Sprint("over", i), fmt.Sprint("uover", i), time.Time{})
			agent = &again.Participants[1]
			agent.QueueID, agent.State, agent.End, agent.DisconnectType = "queue", "disconnected", time.Now(), "peer"
			h.engine.Snapshot(again)
		}
		h.engine.Reconcile()
		time.Sleep(10 * time.Second)
		h.engine.Observation(bridge.Observation{Cause: recording.GapSocketLost, From: time.Now()})
		time.Sleep(time.Second)
		h.engine.Observation(bridge.Observation{Up: true, Complete: true, From: time.Now()})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		checkFeed(t, h, recording.FeedGapOpened, recording.FeedGapClosed)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		read := make(map[string]bool)
		for _, id := range h.asked {
			if strings.HasPrefix(id, "over") {
				read[id] = true
			}
		}
		if len(read) != 100 {
			t.Errorf("%d of 100 were read", len(read))
		}
	})
}

// checkFeed compares the feed events but heartbeats.
func checkFeed(t *testing.T, h *house, want ...recording.FeedKind) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	var got []recording.FeedKind
	for i := range h.feed {
		if h.feed[i].Event != recording.FeedHeartbeat {
			got = append(got, h.feed[i].Event)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("feed %v, not %v", got, want)
	}
}

// An instance that was frozen does not close the gap that the other one has closed.
func TestGapIsClosedOnce(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	gap := recording.Gap{ID: "one-1", From: recording.At(r.now), Cause: recording.GapStarved}
	say := func(i *instance, name recording.FeedKind, g recording.Gap) {
		i.Announce(recording.FeedData{Event: name, Gap: g}, r.now)
	}
	say(one, recording.FeedGapOpened, gap)
	one.sends()
	two.reads()
	two.Lead(2)
	gap.To = recording.At(r.now)
	say(two, recording.FeedGapClosed, gap)
	say(two, recording.FeedHeartbeat, recording.Gap{})
	for range 2 {
		two.sends()
	}
	before := len(r.stream.log)
	say(one, recording.FeedGapClosed, gap) // it has read nothing of that
	for range 3 {
		for _, m := range one.Next(r.now) {
			v, seq := r.stream.store(&m, r.now)
			one.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: v, Sequence: seq}, r.now)
		}
		one.reads()
		r.wait(5 * time.Second)
	}
	if n := len(r.stream.log); n != before {
		t.Errorf("%d events more", n-before)
	}
	if !one.Announced() {
		t.Error("it wants to tell it still")
	}
}

// An instance that was killed and started again closes the gap of its former life, when
// it leads.
func TestGapOfAFormerLifeIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.now = time.Now()
		former := r.instance("one")
		former.Lead(1)
		former.Announce(recording.FeedData{Event: recording.FeedGapOpened, Gap: recording.Gap{
			ID: "one-1", From: recording.At(r.now), Cause: recording.GapSocketLost,
		}}, r.now)
		former.sends()
		h, stop := newHouse(t)
		defer stop()
		h.mu.Lock()
		h.stream = r.stream
		h.mu.Unlock()
		h.engine.Entries(r.stream.log)
		time.Sleep(time.Minute)
		h.engine.Reconcile()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		checkFeed(t, h, recording.FeedGapClosed)
	})
}

// A question that has not been answered is not asked a second time, however long the answer
// takes: requests are scarce. When it has come and leaves a doubt, it is.
func TestAQuestionIsAskedOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		h.slow = 10 * time.Second
		s := frame("conv0", "uconv0", time.Time{})
		s.Participants = append(s.Participants, talking("silent", "ub")) // its own topic has not shown it
		h.engine.Snapshot(s)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.begun) != 1 {
			t.Errorf("%d questions in nine seconds", len(h.begun))
		}
	})
}

// A question about a call in a secure pause does not wait behind those about others: whether the
// pause is over decides what is recorded.
func TestAQuestionAboutAPauseDoesNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		h.slow = time.Hour
		ask := func(id string, paused call.Flag) {
			s := frame(id, "u"+id, time.Time{})
			s.SecurePause, s.Participants[1].SecurePause = paused, paused
			s.Participants = append(s.Participants, talking("silent", "ub"))
			h.engine.Snapshot(s)
		}
		for i := range 20 {
			ask(fmt.Sprint("other", i), call.No)
		}
		time.Sleep(5 * time.Second)
		ask("paused", call.Yes)
		time.Sleep(time.Second)
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if !slices.Contains(h.begun, "paused") {
			t.Errorf("asked about %v", h.begun)
		}
	})
}

// What the engine sends says up to where it has taken in what the tail has brought.
func TestMessagesSayWhatIsTakenIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stop := newHouse(t)
		defer stop()
		h.hears("conv0")
		told := h.stream.log[len(h.stream.log)-1]
		told.Sequence, told.Subject = 7, strings.Replace(told.Subject, "conv0", "conv9", 1) // as of somebody else
		h.hears("conv1")
		h.engine.Entries([]bridge.Entry{told})
		h.hears("conv2")
		single := told // was read by itself: what came before it is not taken in yet
		single.Sequence, single.Subject = 9, strings.Replace(told.Subject, "conv9", "conv8", 1)
		h.engine.Do(func(c *bridge.Core, now time.Time) { _ = c.Stored(&single, now) })
		h.engine.Snapshot(frame("conv3", "uconv3", time.Time{}))
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if want := []uint64{0, 0, 7, 7}; !slices.Equal(h.known, want) {
			t.Errorf("known %v, want %v", h.known, want)
		}
	})
}
