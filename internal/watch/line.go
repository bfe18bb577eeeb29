package watch

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// late is from when on it is shown how much later an event was stored than it happened.
const late = 2 * time.Second

// line writes an event as one line of text.
func line(e publish.Entry, event any, now time.Time) string {
	switch v := event.(type) {
	case *recording.CallEvent:
		return callLine(e, v, now)
	case *recording.AgentEvent:
		d := &v.Data
		return row(clock(v.Time.Time, now), "agent", string(d.State), d.Revision, agentName(&d.Agent), "", "", agentNotes(d))
	case *recording.FeedEvent:
		d := &v.Data
		return row(clock(v.Time.Time, now), "feed", two(string(d.Event), string(d.Role)), d.Revision, d.Instance, "", "", feedNotes(e, d, now))
	}
	return row(clock(e.Time, now), "unknown", "", 0, "", "", "", "message "+fmt.Sprint(e.Sequence)+" is not an event of this contract")
}

func callLine(e publish.Entry, v *recording.CallEvent, now time.Time) string {
	d := &v.Data
	var notes []string
	if d.Pause != nil {
		notes = append(notes, "paused by "+reasons(d.Pause))
	}
	if d.Leg.Held {
		notes = append(notes, "held")
	}
	if d.Leg.Muted {
		notes = append(notes, "muted")
	}
	if d.Confidence == recording.Reconciled {
		notes = append(notes, "reconciled")
	}
	for _, p := range d.Peers {
		// The far end; agents have names, and queues no numbers.
		if number := mask(p.Address); number != hidden && p.Purpose != "agent" && p.Purpose != "user" {
			notes = append(notes, p.Purpose+" "+number)
		}
	}
	if lag := e.Time.Sub(v.Time.Time); lag >= late {
		notes = append(notes, "stored "+lag.Round(time.Second).String()+" later")
	}
	return row(clock(v.Time.Time, now), string(d.Verb), two(string(d.Cause), string(d.State)), d.Revision, agentName(d.Agent), d.Conversation.ID, d.Leg.ID,
		strings.Join(notes, ", "))
}

// two fills the column of what happened with cause and state.
func two(cause, state string) string { return fmt.Sprintf("%-15s %-10s", cause, state) }

func row(at, verb, what string, revision uint64, who, conversation, leg, notes string) string {
	text := fmt.Sprintf("%s  %-8s %-26s %3d  %-18s", at, verb, what, revision, cut(who, 18))
	if conversation != "" {
		text += fmt.Sprintf(" %-36s %-8s", conversation, cut(leg, 8))
	}
	if notes != "" {
		text += "  " + notes
	}
	return strings.TrimRight(text, " ")
}

func agentNotes(d *recording.AgentData) string {
	notes := []string{string(d.Cause)}
	if d.Presence != nil {
		notes = append(notes, "presence "+d.Presence.System)
	}
	if d.RoutingStatus != nil {
		notes = append(notes, "routing "+d.RoutingStatus.Status)
	}
	if d.Agent.Station != nil {
		notes = append(notes, "at a station")
	}
	if d.OutOfOffice {
		notes = append(notes, "out of office")
	}
	return strings.Join(notes, ", ")
}

func feedNotes(e publish.Entry, d *recording.FeedData, now time.Time) string {
	switch d.Event { //nolint:exhaustive // the others need no more words
	case recording.FeedLeader:
		return fmt.Sprintf("leads, epoch %d", e.Sequence)
	case recording.FeedHeartbeat:
		return fmt.Sprintf("%d open legs", d.OpenLegs)
	case recording.FeedGapOpened:
		return fmt.Sprintf("%s, %s, since %s", d.Cause, scope(d.Scope), clock(d.From.Time, now))
	case recording.FeedGapClosed:
		return fmt.Sprintf("%s, %s, from %s to %s, %d recovered, %d possibly lost", d.Cause, scope(d.Scope), clock(d.From.Time, now), clock(d.To.Time, now),
			max(d.RecoveredCount, len(d.Recovered)), max(d.PossiblyLostCount, len(d.PossiblyLost)))
	}
	return d.Reason
}

func scope(s *recording.GapScope) string {
	switch {
	case s == nil || s.All:
		return "all users"
	case s.Users == 1:
		return "1 user"
	}
	return fmt.Sprintf("%d users", s.Users)
}

func reasons(p *recording.PauseInfo) string {
	if p == nil {
		return ""
	}
	list := make([]string, len(p.Reasons))
	for i, r := range p.Reasons {
		list[i] = string(r)
	}
	return strings.Join(list, "+")
}

// agentName is the name of an agent, or the id where there is none. A number in place
// of a name is masked like any other.
func agentName(a *recording.Agent) string {
	if a == nil {
		return "-"
	}
	if a.Name == "" {
		return a.UserID
	}
	return regexp.MustCompile(`\+?[0-9][0-9 ()/-]{5,}[0-9]`).ReplaceAllStringFunc(a.Name, mask)
}

// hidden stands for what is not shown.
const hidden = "***"

// mask leaves the last three digits of a number, and nothing of other addresses.
func mask(address string) string {
	digits := regexp.MustCompile(`[0-9]`).FindAllString(address, -1)
	if len(digits) < 7 || strings.Contains(address, "@") {
		return hidden
	}
	return hidden + strings.Join(digits[len(digits)-3:], "")
}

// clock is the local time, with the day where it is not today.
func clock(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05.000")
	}
	return t.Format("2006-01-02 15:04:05.000")
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
