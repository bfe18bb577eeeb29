package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/recorderbridge/genesys-ingestor/internal/logging"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output keeps lines of JSON.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// lines returns message by message how many there are, and the sum of what was left out
// of each.
func (o *output) lines(t *testing.T) (written, left map[string]int) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	written, left = make(map[string]int), make(map[string]int)
	for line := range strings.Lines(o.text.String()) {
		var l struct {
			Msg, Message string
			LeftOut      int `json:"left_out"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if l.LeftOut > 0 {
			left[l.Message] += l.LeftOut
			l.Msg = "left out: " + l.Message
		}
		written[l.Msg]++
	}
	return written, left
}

func newLog(o logging.LimitOptions, level slog.Level) (*slog.Logger, *logging.Limiter, *output) {
	out := &output{}
	l := logging.Limit(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}), o)
	return slog.New(l), l, out
}

// A storm of one thing costs some lines, is counted to the last one, and hides nothing
// else: neither another message, nor another error of the same message, nor debug lines.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _, out := newLog(logging.LimitOptions{}, slog.LevelDebug)
		const n = 20_000
		for i := range n { // 10 s at 2000 a second
			log.Warn("call is doubtful", "conversation", fmt.Sprint("c", i), "error", fmt.Errorf("status 50%d", i%5))
			if i == n/2 {
				log.Warn("call is doubtful", "conversation", "c", "error", errors.New("refused"))
				log.Error("call is doubtful", "conversation", "c")
				log.Warn("something else")
			}
			if i%1000 == 0 {
				log.Debug("detail")
			}
			time.Sleep(time.Second / 2000)
		}
		time.Sleep(time.Minute)
		written, left := out.lines(t)
		want := map[string]int{
			"call is doubtful": logging.DefaultFirst + 2, "left out: call is doubtful": 1, "something else": 1, "detail": n / 1000,
		}
		if diff := cmp.Diff(want, written); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
		if got := left["call is doubtful"]; got != n-logging.DefaultFirst {
			t.Errorf("%d lines are said to be left out, want %d", got, n-logging.DefaultFirst)
		}
	})
}

// A storm that goes on costs two lines in each further interval, and one that is over
// is forgotten.
func TestLongStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _, out := newLog(logging.LimitOptions{First: 5, Interval: time.Second}, slog.LevelInfo)
		log = log.With("part", "socket")
		storm := func() {
			for range 1000 { // 10 s
				log.Error("lost")
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(time.Minute)
		}
		storm()
		written, left := out.lines(t)
		if got, most := written["lost"]+written["left out: lost"], 5+2*10; got > most {
			t.Errorf("%d lines in 10 intervals, want at most %d", got, most)
		}
		if got := written["lost"] + left["lost"]; got != 1000 {
			t.Errorf("%d lines are written or counted, want 1000", got)
		}
		before := written["lost"]
		for range 5 {
			log.Error("lost")
		}
		if written, _ := out.lines(t); written["lost"] != before+5 {
			t.Errorf("a minute later %d of 5 lines are written", written["lost"]-before)
		}
	})
}

// What is not told yet is told at the end, once.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, limiter, out := newLog(logging.LimitOptions{First: 1}, slog.LevelInfo)
		var storms sync.WaitGroup
		for i := range 4 {
			storms.Go(func() {
				for range 100 {
					log.With("what", string(rune('a'+i))).Warn("again")
				}
			})
		}
		storms.Wait()
		limiter.Flush()
		limiter.Flush()
		time.Sleep(time.Minute)
		written, left := out.lines(t)
		if written["again"] != 4 || written["left out: again"] != 4 || left["again"] != 4*99 {
			t.Errorf("written %v, left out %v", written, left)
		}
	})
}

// However many different things there are, the handler keeps a bounded number.
func TestThingsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _, out := newLog(logging.LimitOptions{First: 1}, slog.LevelInfo)
		const n = 5000
		for i := range n {
			name := strings.Repeat(string(rune('a'+i%26)), 1+i/26) // another error each time
			log.Warn("failed", "error", errors.New(name[:min(len(name), 199)]))
		}
		time.Sleep(time.Minute)
		written, left := out.lines(t)
		if written["failed"] > 520 || written["failed"]+left["failed"] != n {
			t.Errorf("%d lines written, %d left out, of %d", written["failed"], left["failed"], n)
		}
	})
}

// The last warnings and errors are remembered, repetitions as a number, and nothing
// that identifies a caller.
func TestRecent(t *testing.T) {
	out := &output{}
	recent := logging.Remember(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelError}), 3)
	log := slog.New(recent).With("slot", 2)
	log.Info("fine")
	for range 500 {
		log.Warn("channel lost", "cause", "evicted")
	}
	log.Error("refused", "error", errors.New("cannot reach tel:+15550100 or sip:ann@example.com, number +1 555 0100 or 15550100"),
		"conversation", "8a3c0000-0000-4000-8000-123456789012")
	lines := recent.Lines()
	if len(lines) != 2 || lines[0].Message != "refused" || lines[1].Count != 500 || lines[1].Details != "slot=2 cause=evicted" {
		t.Fatalf("%+v", lines)
	}
	for _, secret := range []string{"5550100", "555 0100", "ann@"} {
		if strings.Contains(lines[0].Details, secret) {
			t.Errorf("%q shows %q", lines[0].Details, secret)
		}
	}
	if !strings.Contains(lines[0].Details, "8a3c0000-0000-4000-8000-123456789012") {
		t.Errorf("%q has lost the conversation", lines[0].Details)
	}
	log.Warn("one")
	log.Warn("two")
	log.Warn("three")
	if lines = recent.Lines(); len(lines) != 3 || lines[0].Message != "three" || lines[2].Message != "one" {
		t.Errorf("%+v", lines)
	}
	if w, e := recent.Counts(); w != 503 || e != 1 {
		t.Errorf("%d warnings, %d errors", w, e)
	}
	if written, _ := out.lines(t); len(written) != 1 || written["refused"] != 1 {
		t.Errorf("the log at level error has %v", written)
	}
}
