package sandbox

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// talk is a leg as it should be recorded.
type talk struct {
	*simulator.LegTruth
	name string // <conversationId>/<legId>
	log  *legLog
	// from is when it began to take part in the conversation: a supervisor who
	// listens does not. Zero when it never did.
	from time.Time
	// seenFrom and seenTo: a client was surely shown the beginning, and the end.
	seenFrom, seenTo bool
	start            *told // the first start
}

// legs judges every leg of a person.
func (j *judge) legs() {
	for i := range j.Truth.Legs {
		leg := &j.Truth.Legs[i]
		t := j.talkOf(leg)
		t.log.judged = true
		switch {
		case !leg.Voice || leg.Role == "monitor" || leg.Role == "coach":
			if n := len(t.log.events); n > 0 {
				j.rows[rowStart].Untrue++
				j.violation(Untrue, t.name, "%d events tell of a leg that takes no part in a call: role %s, voice %v", n, leg.Role, leg.Voice)
			}
		case t.from.IsZero():
			j.v.Legs++
			j.unanswered(&t)
		default:
			j.v.Legs++
			j.starts(&t)
			j.stops(&t)
			j.toggles(&t)
			j.pauses(&t)
			j.final(&t)
		}
	}
	j.strangers()
}

func (j *judge) talkOf(leg *simulator.LegTruth) talk {
	t := talk{
		LegTruth: leg, name: leg.ConversationID + "/" + leg.LegID, from: leg.ConnectedAt,
		log: j.logs[recording.CallSubject(j.Adapter, leg.UserID, leg.ConversationID, leg.LegID)],
	}
	if t.log == nil {
		t.log = &legLog{}
	}
	first := leg.ConnectVersion
	for _, x := range leg.Toggles {
		if x.Kind == simulator.ToggleBarging && x.On && x.At.After(t.from) && !t.from.IsZero() {
			t.from, first = x.At, x.Version
		}
	}
	t.seenTo = !leg.EndedAt.IsZero() && j.witness.saw(leg.ConversationID, leg.UserID, leg.EndVersion, forever, leg.EndedAt)
	// The end shows the beginning as well.
	t.seenFrom = t.seenTo || !t.from.IsZero() && j.witness.saw(leg.ConversationID, leg.UserID, first, endOf(leg), t.from)
	return t
}

// endOf is the version in which a leg is over, and what was on until then cannot be
// seen any more.
func endOf(leg *simulator.LegTruth) int {
	if leg.EndVersion == 0 {
		return forever
	}
	return leg.EndVersion
}

// to is the end of the leg, or now.
func (j *judge) to(t *talk) time.Time {
	if t.EndedAt.IsZero() {
		return j.Truth.At
	}
	return t.EndedAt
}

// slack is what two time stamps of the same moment may differ by.
const slack = 20 * time.Millisecond

func (j *judge) starts(t *talk) {
	row := j.rows[rowStart]
	row.Truth++
	starts := t.log.with(recording.Start)
	row.Stored += len(starts)
	if len(starts) == 0 {
		if t.seenFrom || j.to(t).Sub(t.from) >= j.Reach {
			row.Missing++
			j.violation(Missing, t.name, "no start: connected %s, ended %s, shown to a client: %v", clock(t.from), clock(t.EndedAt), t.seenFrom)
		} else {
			j.unseen(row, t.from)
		}
		return
	}
	t.start = &starts[0]
	if len(starts) > 1 {
		row.Twice += len(starts) - 1
		j.violation(Twice, t.name, "started %d times", len(starts))
	}
	if t.start.at.Before(t.from.Add(-slack)) {
		row.Untrue++
		j.violation(Untrue, t.name, "started %v before it was connected", t.from.Sub(t.start.at))
	}
	j.truths = append(j.truths, t.start.at.Sub(t.from))
}

func (j *judge) stops(t *talk) {
	row := j.rows[rowStop]
	stops := t.log.with(recording.Stop)
	row.Stored += len(stops)
	if t.EndedAt.IsZero() {
		if len(stops) > 0 {
			row.Untrue++
			j.violation(Untrue, t.name, "stopped, and it is still on")
		}
		return
	}
	row.Truth++
	if len(stops) == 0 {
		// A leg that was started is believed open until REST says otherwise.
		if t.start != nil || t.seenTo {
			row.Missing++
			j.violation(Missing, t.name, "no stop: ended %s, shown to a client: %v", clock(t.EndedAt), t.seenTo)
		} else {
			j.unseen(row, t.EndedAt)
		}
		return
	}
	if len(stops) > 1 {
		row.Twice += len(stops) - 1
		j.violation(Twice, t.name, "stopped %d times", len(stops))
	}
	if stops[0].at.Before(t.EndedAt.Add(-slack)) {
		row.Untrue++
		j.violation(Untrue, t.name, "stopped %v before it ended", t.EndedAt.Sub(stops[0].at))
	}
	j.truths = append(j.truths, stops[0].at.Sub(t.EndedAt))
}

// unanswered judges a leg that alerted and never connected: a recorder gets ready and
// is told to forget it.
func (j *judge) unanswered(t *talk) {
	row := j.rows[rowUnanswered]
	row.Truth++
	if n := len(t.log.with(recording.Start)); n > 0 {
		row.Untrue += n
		j.violation(Untrue, t.name, "started, and nobody ever answered")
	}
	last := t.log.last()
	switch {
	case last == nil && !j.witness.saw(t.ConversationID, t.UserID, t.AlertVersion, endOf(t.LegTruth), t.AlertedAt):
		j.unseen(row, t.AlertedAt)
	case last == nil:
		row.Missing++
		j.violation(Missing, t.name, "it rang at %s and nothing was told", clock(t.AlertedAt))
	case last.State == recording.Stopped:
		row.Stored++
	case !t.EndedAt.IsZero():
		row.Missing++
		j.violation(Final, t.name, "it rang, was not answered, and is still %s", last.State)
	}
}

// final judges what the last event says about a leg that is over.
func (j *judge) final(t *talk) {
	last := t.log.last()
	if last == nil || t.EndedAt.IsZero() {
		return
	}
	if last.State != recording.Stopped {
		j.v.WrongFinals++
		j.violation(Final, t.name, "it ended at %s and is still %s", clock(t.EndedAt), last.State)
		return
	}
	// What the platform adds after the end is in frames only.
	shown := j.witness.sawLast(t.LegTruth)
	if t.Wrapup != "" {
		row := j.rows[rowWrapup]
		row.Truth++
		switch said := last.Tags[recording.TagWrapupCode]; {
		case said == t.Wrapup:
			row.Stored++
		case said != "":
			row.Untrue++
			j.violation(Untrue, t.name, "the wrap-up code is not the one that was given")
		case shown:
			row.Missing++
			j.violation(Missing, t.name, "the wrap-up code never arrived")
		default:
			j.unseen(row, t.EndedAt)
		}
	}
	if shown && last.Leg.DisconnectType != t.DisconnectType {
		j.v.WrongFinals++
		j.violation(Final, t.name, "it ended by %q, and %q was told", t.DisconnectType, last.Leg.DisconnectType)
	}
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("15:04:05.000")
}
