package watch

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// WriteJSON writes the snapshot as one document.
func (s *Snapshot) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// WriteText writes the legs as a table, below it open gaps and how old the picture is.
func (s *Snapshot) WriteText(w io.Writer) error {
	var b strings.Builder
	if len(s.Legs) > 0 {
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "AGENT\tCONVERSATION\tLEG\tSTATE\tSINCE\tPAUSED BY\tHELD\tREV\tCONFIDENCE\tGAP")
		for _, l := range s.Legs {
			fmt.Fprintln(t, strings.Join(s.cells(l), "\t"))
		}
		_ = t.Flush() // a strings.Builder takes all
		b.WriteByte('\n')
	}
	count := map[recording.State]int{}
	for _, l := range s.Legs {
		count[l.State]++
	}
	fmt.Fprintf(&b, "%d open: %d recording, %d paused, %d armed\n", len(s.Legs), count[recording.Recording], count[recording.Paused], count[recording.Armed])
	for _, g := range s.Gaps {
		whom := "all users"
		if !g.All {
			whom = fmt.Sprintf("%d users", g.Users)
		}
		fmt.Fprintf(&b, "gap open since %s: %s, %s, told by %s, id %s\n", clock(g.From, s.At), g.Cause, whom, g.Instance, g.ID)
	}
	b.WriteString(s.age())
	_, err := io.WriteString(w, b.String())
	return err
}

// cells are the columns of a leg.
func (s *Snapshot) cells(l Leg) []string {
	or := func(text, other string) string {
		if text == "" {
			return other
		}
		return text
	}
	since := clock(l.Since, s.At)
	if l.SinceBefore {
		since = "before " + since
	}
	held := "-"
	if l.Held {
		held = "held"
	}
	var reasons, gaps []string
	for _, r := range l.PauseReasons {
		reasons = append(reasons, string(r))
	}
	for _, g := range s.Gaps {
		if slices.Contains(l.Gaps, g.ID) {
			gaps = append(gaps, string(g.Cause))
		}
	}
	return []string{
		or(l.Agent, "-"), l.ConversationID, cut(l.LegID, 8), string(l.State), since, or(strings.Join(reasons, "+"), "-"), held,
		fmt.Sprint(l.Revision), string(l.Confidence), or(strings.Join(slices.Compact(gaps), "+"), "-"),
	}
}

// age says how old the picture is.
func (s *Snapshot) age() string {
	if s.Feed.Heartbeat.IsZero() {
		return "no instance has ever spoken on the feed\n"
	}
	text := fmt.Sprintf("last heartbeat %v ago", time.Duration(s.Feed.Age*float64(time.Second)).Round(100*time.Millisecond))
	if s.Feed.Leader != "" {
		text += fmt.Sprintf(", led by %s, epoch %d", s.Feed.Leader, s.Feed.Epoch)
	}
	if s.Feed.Silent {
		text += "\nNO INSTANCE IS SPEAKING: what is above was so then, and nobody knows what is so now"
	}
	return text + "\n"
}
