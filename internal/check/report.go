package check

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Report is what all checks found.
type Report struct {
	// OK is false when a check has failed.
	OK       bool      `json:"ok"`
	Adapter  string    `json:"adapter,omitempty"`
	Instance string    `json:"instance,omitempty"`
	Version  string    `json:"version,omitempty"`
	At       time.Time `json:"at"`
	Results  []Result  `json:"checks"`
}

// WrongSettings is the report when the settings cannot be used: each problem fails,
// what has no effect is named, which may be what a problem misses, and nothing else is
// tried.
func WrongSettings(version string, problems, unused []string) Report {
	r := Report{Version: version, At: time.Now().UTC().Truncate(time.Millisecond)}
	for _, p := range problems {
		r.add(nil, failed(p, "correct the environment variable; -h explains each").named("settings"))
	}
	for _, u := range unused {
		r.add(nil, warned(u, "correct its name, or remove it").named("settings"))
	}
	r.add(nil, skipped("needs settings").named("everything_else"))
	return r
}

func (r *Report) add(show func(Result), result Result) {
	r.Results = append(r.Results, result)
	r.OK = true
	for _, one := range r.Results {
		r.OK = r.OK && one.Status != Failed
	}
	if show != nil {
		show(result)
	}
}

// WriteJSON writes the report as one document.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes one result as a line, and a second one with what to do.
func (r Result) WriteText(w io.Writer) error {
	mark := map[Status]string{Passed: "ok", Warned: "warning", Failed: "FAILED", Skipped: "skipped"}[r.Status]
	text := fmt.Sprintf("%-8s %-15s %s\n", mark, plain(r.Name), oneLine(r.Detail))
	if r.Fix != "" && r.Status != Passed {
		text += fmt.Sprintf("%-8s %-15s -> %s\n", "", "", oneLine(r.Fix))
	}
	_, err := io.WriteString(w, text)
	return err
}

// WriteSummary writes how many checks had which outcome.
func (r *Report) WriteSummary(w io.Writer) error {
	count := map[Status]int{}
	for _, one := range r.Results {
		count[one.Status]++
	}
	verdict := "Ready to run"
	if !r.OK {
		verdict = "Not ready to run"
	}
	_, err := fmt.Fprintf(w, "\n%s: %d ok, %d failed, %s, %d skipped\n",
		verdict, count[Passed], count[Failed], plural(count[Warned], "warning"), count[Skipped])
	return err
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// notes collects what the parts would log as warnings while a step runs: what they
// could not find out and go on without.
type notes struct {
	mu   sync.Mutex
	list []string
}

// Enabled implements slog.Handler.
func (n *notes) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

// Handle implements slog.Handler. Of the attributes it keeps those that say of what.
func (n *notes) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "of", "id", "user_id", "operation":
			text += " " + a.Value.String()
		}
		return true
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, text)
	return nil
}

// WithAttrs and WithGroup implement slog.Handler.
func (n *notes) WithAttrs([]slog.Attr) slog.Handler { return n }

// WithGroup implements slog.Handler.
func (n *notes) WithGroup(string) slog.Handler { return n }

// take returns what was collected, and forgets it.
func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list
	n.list = nil
	return list
}
