package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// screen shows what happens, as text or as lines of JSON. Its methods may be called
// from several goroutines.
type screen struct {
	mu                 sync.Mutex
	out                io.Writer
	json, quiet, color bool
	begin              time.Time
	seed               uint64
}

func newScreen(o *Options) *screen {
	return &screen{out: o.Out, json: o.JSON, quiet: o.Quiet, color: o.Color, begin: time.Now(), seed: o.Seed}
}

// line writes one line of text, unless JSON is wanted.
func (s *screen) line(format string, args ...any) {
	if s.json {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// object writes one line of JSON, if that is wanted: an object with one key, which
// says what it is.
func (s *screen) object(name string, v any) {
	if !s.json {
		return
	}
	data, err := json.Marshal(map[string]any{name: v})
	if err != nil {
		data = fmt.Appendf(nil, `{"error":%q}`, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "%s\n", data)
}

// Colors of the terminal.
const (
	red     = "31"
	green   = "32"
	yellow  = "33"
	blue    = "34"
	magenta = "35"
	dim     = "2"
	bold    = "1"
)

func (s *screen) paint(color, text string) string {
	if !s.color || color == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// addresses says where everything is.
func (s *screen) addresses(x *session) {
	status := make(map[string]string, len(x.processes))
	for _, p := range x.processes {
		status[p.name] = "http://" + p.address + "/"
	}
	s.object("addresses", map[string]any{
		"nats": x.broker.URL(), "platform": x.org.URL(), "status": status, "stream": recording.StreamName(Adapter),
		"environment": x.environment(),
	})
	s.line("NATS        %s   stream %s, subjects %s", x.broker.URL(), recording.StreamName(Adapter), recording.AllSubjects(Adapter))
	s.line("Genesys     %s   simulated: %d agents, %g calls per second", x.org.URL(), x.Agents, x.CallsPerSecond)
	for _, p := range x.processes {
		log := ""
		if x.Log == nil {
			log = "   log " + x.path("ingestor-"+p.name+".log")
		}
		s.line("ingestor %s  http://%s/   status page%s", p.name, p.address, log)
	}
	if x.PlatformOnly {
		// To be pasted into a shell as it is.
		s.line("\nSettings for the ingestors that you start, and for check, tail and legs:\n\nexport %s\n", strings.Join(x.environment(), " \\\n  "))
	}
	s.line("")
}

// event shows one message of the stream as a line of the timeline.
func (s *screen) event(m *Stored, event any) {
	if s.quiet {
		return
	}
	if s.json {
		s.object("event", m.Data)
		return
	}
	switch e := event.(type) {
	case *recording.CallEvent:
		s.call(m, e)
	case *recording.FeedEvent:
		s.feed(m, &e.Data)
	case nil:
		s.line("%s  %s", stamp(m.At), s.paint(red, "unreadable message on "+m.Subject))
	}
}

func (s *screen) call(m *Stored, e *recording.CallEvent) {
	d := &e.Data
	who := ""
	if d.Agent != nil {
		who = d.Agent.Name
		if who == "" {
			who = short(d.Agent.UserID)
		}
	}
	notes := ""
	if d.Confidence == recording.Reconciled {
		notes = "  learned from REST"
	}
	s.line("%s  %-12.12s %s/%s %s %-15s %s%s", stamp(e.Time.Time), who, short(d.Conversation.ID), short(d.Leg.ID),
		s.paint(verbColor(d.Verb), fmt.Sprintf("%-8s", d.Verb)), d.Cause,
		s.paint(stateColor(d.State), fmt.Sprintf("%-9s", d.State)),
		s.paint(dim, fmt.Sprintf("%3d %s +%s%s", d.Revision, d.Origin.Instance, Millis(m.At.Sub(d.Timing.Received.Time)), notes)))
}

func verbColor(v recording.Verb) string {
	switch v {
	case recording.Start:
		return green
	case recording.Stop:
		return blue
	case recording.Pause, recording.Resume:
		return yellow
	case recording.Prepare, recording.Update:
	}
	return ""
}

func stateColor(st recording.State) string {
	switch st {
	case recording.Recording:
		return red
	case recording.Paused:
		return yellow
	case recording.Armed, recording.Stopped:
	}
	return dim
}

func (s *screen) feed(m *Stored, d *recording.FeedData) {
	text := ""
	switch d.Event {
	case recording.FeedHeartbeat:
		return
	case recording.FeedLeader:
		text = fmt.Sprintf("%s leads, epoch %d", d.Instance, m.Sequence)
	case recording.FeedGapOpened:
		text = fmt.Sprintf("%s cannot observe %s since %s: %s", d.Instance, scope(d.Scope), clock(d.From.Time), d.Cause)
	case recording.FeedGapClosed:
		text = fmt.Sprintf("%s observes again since %s after %s; legs learned from REST: %d", d.Instance, clock(d.To.Time), d.Cause,
			max(d.RecoveredCount, len(d.Recovered)))
	case recording.FeedStarted, recording.FeedRestarting, recording.FeedRestarted, recording.FeedDegraded, recording.FeedRecovered, recording.FeedStopping:
		text = d.Instance + " " + string(d.Event)
		if d.Reason != "" {
			text += ": " + d.Reason
		}
	}
	s.line("%s  %s", stamp(m.At), s.paint(magenta, "feed: "+text))
}

func scope(s *recording.GapScope) string {
	if s == nil || s.All {
		return "anybody"
	}
	return fmt.Sprintf("%d users", s.Users)
}

func (s *screen) incident(i Incident) {
	s.object("incident", i)
	if !s.quiet {
		s.line("%s  %s", stamp(i.At), s.paint(bold, strings.TrimSpace("sandbox: "+string(i.Kind)+" "+i.Instance)))
	}
}

func (s *screen) fault(r simulator.FaultRecord) {
	s.object("fault", r)
	if s.quiet {
		return
	}
	text := "sandbox: fault " + string(r.Fault.Kind)
	if r.Fault.Mode != "" {
		text += " " + r.Fault.Mode
		if r.Fault.Mode == simulator.ModeStatus {
			text += fmt.Sprintf(" %d", r.Fault.Status)
		}
	}
	if r.Fault.For > 0 {
		text += " for " + r.Fault.For.String()
	}
	if r.Fault.Channel != "" {
		text += ", one channel"
	}
	s.line("%s  %s", stamp(r.At), s.paint(bold, text))
}

func (s *screen) concluding() {
	s.line("%s  %s", stamp(time.Now()), s.paint(bold, "sandbox: no more calls; waiting for the last events"))
}

func stamp(t time.Time) string { return t.Local().Format("15:04:05.000") }

// short is enough of an id to tell two apart by eye.
func short(id string) string { return id[:min(len(id), 4)] }
