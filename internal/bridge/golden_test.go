package bridge_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/recordingtest"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// The golden conversations: testdata/stories/<name>/in.jsonl is what the platform
// sends, want.jsonl what a recorder gets. Lines of in.jsonl are frames as they come
// over the websocket, and
//
//	{"given": …}    the policy, where it is not the default; the first line
//	{"at": "…"}     the time from now on; what time makes due happens on the way
//	{"rest": …}     the answer of REST about the conversation
//	{"station": …}  a user moves to another phone
//
// Lines of want.jsonl are {"on": subject, "event": …} without what is not decided by
// the story: id, epoch and time of publishing. {"ask": …} is a question to REST.

var update = flag.Bool("update", false, "write testdata/stories anew: read every difference")

const storiesDir = "testdata/stories"

func TestGoldenConversations(t *testing.T) {
	all := stories()
	for name, script := range all {
		t.Run(name, func(t *testing.T) {
			s := newStage()
			script(s)
			dir := filepath.Join(storiesDir, name)
			if *update {
				write(t, filepath.Join(dir, "in.jsonl"), s.text())
			}
			in := read(t, filepath.Join(dir, "in.jsonl"))
			if diff := cmp.Diff(in, s.text()); diff != "" {
				t.Errorf("the script and in.jsonl differ:\n%s", diff)
			}
			got := play(t, in)
			if *update {
				write(t, filepath.Join(dir, "want.jsonl"), strings.Join(got, ""))
			}
			want := read(t, filepath.Join(dir, "want.jsonl"))
			if diff := cmp.Diff(strings.SplitAfter(want, "\n"), append(got, "")); diff != "" {
				t.Errorf("a recorder would be told otherwise (-want +got):\n%s", diff)
			}
		})
	}
	entries, err := os.ReadDir(storiesDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if all[e.Name()] == nil {
			t.Errorf("%s/%s has no script", storiesDir, e.Name())
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// directory is what the platform's directory knows in the stories.
type directory struct{ stations map[string]recording.Station }

func newDirectory() *directory {
	return &directory{stations: map[string]recording.Station{
		alice: {ID: "57a71000-0000-4000-8000-000000000001", Name: "desk 1", Type: "inin_webrtc_softphone"},
	}}
}

func (*directory) User(id string) string {
	return map[string]string{alice: "Agent Alpha", bob: "Agent Beta", carol: "Agent Gamma"}[id]
}

func (*directory) Queue(id string) string { return map[string]string{queue: "Support"}[id] }

func (d *directory) Station(user string) *recording.Station {
	if s, ok := d.stations[user]; ok {
		return &s
	}
	return nil
}

// player feeds a story to a core that leads, and stores what it sends.
type player struct {
	t       *testing.T
	core    *bridge.Core
	names   *directory
	stream  stream
	now     time.Time
	history recordingtest.History
	asked   map[string]bool
	told    []string
}

// cue is a line of in.jsonl that is no frame.
type cue struct {
	Given   *given          `json:"given"`
	At      time.Time       `json:"at"`
	REST    json.RawMessage `json:"rest"`
	Station *struct {
		User string `json:"user"`
		recording.Station
	} `json:"station"`
}

func play(t *testing.T, in string) []string {
	t.Helper()
	p := &player{t: t, now: start, names: newDirectory(), asked: map[string]bool{}}
	p.stream.last, p.stream.ids = map[string]uint64{}, map[string]uint64{}
	var g given
	lines := bufio.NewScanner(strings.NewReader(in))
	lines.Buffer(nil, 1<<24)
	for n := 1; lines.Scan(); n++ {
		var c cue
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		if c.Given != nil {
			g = *c.Given
			continue
		}
		if p.core == nil {
			p.core = newGoldenCore(g, p.names)
			p.core.Lead(1)
		}
		p.line(n, &c, lines.Bytes())
		p.pump()
	}
	p.wait(2 * time.Second) // updates of facts are on their way
	if err := p.history.Finish(); (err != nil) != g.Open {
		t.Errorf("legs are open at the end: %v, and the story says %v", err, g.Open)
	}
	return p.told
}

func newGoldenCore(g given, names control.Names) *bridge.Core {
	if g.Purposes == nil {
		g.Purposes = []string{"agent", "user"}
	}
	return bridge.NewCore(bridge.CoreOptions{
		Adapter: "acme", Source: "/genesys/mypurecloud.ie/acme", Instance: "one", Names: names,
		Policy: control.Policy{Purposes: g.Purposes, PauseOnHold: g.PauseOnHold, DataSource: "acme"},
		Tracker: call.Options{
			Subscribed: func(user string) bool { return !slices.Contains(g.Unsubscribed, user) },
			Attributes: g.Tags,
		},
	})
}

func (p *player) line(n int, c *cue, raw []byte) {
	switch {
	case !c.At.IsZero():
		p.wait(c.At.Sub(p.now))
	case c.REST != nil:
		s, err := genesys.DecodeConversation(c.REST, bytes.Contains(c.REST, []byte(`"calls"`)))
		if err != nil {
			p.t.Fatalf("line %d: %v", n, err)
		}
		s.Asked, s.Received = p.now.Add(-100*time.Millisecond), p.now
		s.Topic = "/api/v2/conversations/calls/" + s.ConversationID
		delete(p.asked, s.ConversationID)
		p.core.Observe(&s, p.now)
	case c.Station != nil:
		p.names.stations[c.Station.User] = c.Station.Station
		p.core.Moved([]string{c.Station.User}, p.now)
	default:
		f, err := genesys.DecodeFrame(raw)
		if err != nil {
			p.t.Fatalf("line %d: %v", n, err)
		}
		if f.Kind == genesys.KindConversation {
			f.Snapshot.Received = p.now
			p.core.Observe(f.Snapshot, p.now)
			useAgain(f.Snapshot)
		}
	}
}

// wait lets time pass as the engine does: it looks for what is due all the time, and
// ticks every second.
func (p *player) wait(d time.Duration) {
	for until := p.now.Add(d); p.now.Before(until); {
		before := p.now
		p.now = before.Add(min(50*time.Millisecond, until.Sub(before)))
		if p.now.Truncate(time.Second).After(before.Truncate(time.Second)) {
			p.core.Tick(p.now)
		}
		for _, id := range p.core.Asks(p.now) {
			if !p.asked[id] {
				p.asked[id] = true
				p.told = append(p.told, `{"ask":"`+id+`"}`+"\n")
			}
		}
		p.pump()
	}
}

// pump stores everything that the core wants to send now.
func (p *player) pump() {
	for {
		messages := p.core.Next(p.now)
		if len(messages) == 0 {
			return
		}
		for i := range messages {
			m := &messages[i]
			header := map[string][]string{"Nats-Msg-Id": {m.ID}, "Content-Type": {recording.ContentType}}
			if err := p.history.Add(m.Subject, header, m.Data); err != nil {
				p.t.Errorf("%v\n%s", err, m.Data)
			}
			verdict, sequence := p.stream.store(m, p.now)
			if verdict != bridge.Stored {
				p.t.Fatalf("verdict %d on %s", verdict, m.Subject)
			}
			p.told = append(p.told, golden(p.t, m))
			p.core.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Sequence: sequence}, p.now)
		}
	}
}

// golden is a line of want.jsonl: the event as published, less what the story does not
// decide.
func golden(t *testing.T, m *bridge.Message) string {
	t.Helper()
	v, err := recording.Decode(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	e, ok := v.(*recording.CallEvent)
	if !ok {
		t.Fatalf("%T", v)
	}
	e.ID, e.Data.Epoch, e.Data.Timing.Published = "", 0, recording.Time{}
	line := `{"on":"` + m.Subject + `","event":` + string(e.AppendJSON(nil)) + "}\n"
	for _, undecided := range []string{`"id":"",`, `"epoch":0,`, `,"published":"0001-01-01T00:00:00.000Z"`} {
		if !strings.Contains(line, undecided) {
			t.Fatalf("no %s in %s", undecided, line)
		}
		line = strings.Replace(line, undecided, "", 1)
	}
	return line
}

// useAgain fills a snapshot with another one, as its giver does: whoever has kept hold
// of it tells nonsense from now on.
func useAgain(s *call.Snapshot) {
	other := call.Participant{ID: "another", UserID: "another", Purpose: "agent", State: "terminated", SecurePause: call.Yes}
	s.Participants = s.Participants[:0]
	for range cap(s.Participants) {
		s.Participants = append(s.Participants, other)
	}
	s.ConversationID, s.View, s.Topic = "another", "another", "another"
}
