package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/sandbox"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

func TestACleanSceneIsClean(t *testing.T) {
	v := sandbox.Judge(&newScene(t).e)
	if !v.Clean || len(v.Violations) != 0 {
		t.Fatalf("violations: %+v", v.Violations)
	}
	want := map[string]sandbox.Row{
		"start": {Truth: 2, Stored: 2}, "stop": {Truth: 2, Stored: 2}, "unanswered": {Truth: 1, Stored: 1},
		"secure pause": {Truth: 1, Stored: 1}, "secure resume": {Truth: 2, Stored: 2},
		"hold": {Truth: 1, Stored: 1}, "retrieve": {Truth: 1, Stored: 1},
		"mute": {Truth: 1, Stored: 1}, "unmute": {Truth: 1, Stored: 1}, "wrap-up": {Truth: 1, Stored: 1},
	}
	for name, r := range want {
		r.Name = name
		if got := row(&v, name); got != r {
			t.Errorf("row %+v, want %+v", got, r)
		}
	}
	if got := time.Duration(v.PauseDelay.Max); got != 5*time.Millisecond {
		t.Errorf("the pause was told after %v, want 5ms", got)
	}
	if got := time.Duration(v.FrameToStored.P50); got != 3*time.Millisecond {
		t.Errorf("frame to stored %v, want 3ms", got)
	}
	if v.Legs != 3 || v.Conversations != 1 || v.Lost() != 0 || v.Doubled() != 0 {
		t.Errorf("%d legs, %d conversations, %d lost, %d doubled", v.Legs, v.Conversations, v.Lost(), v.Doubled())
	}
}

// TestEveryViolationIsFound breaks the clean scene in one way each.
func TestEveryViolationIsFound(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(s *scene)
		kind  sandbox.ViolationKind
		says  string
	}{
		{"no start", func(s *scene) {
			s.without(leg1, recording.Start, recording.Established)
		}, sandbox.Missing, "no start"},
		{"no stop", func(s *scene) {
			s.without(leg3, recording.Stop, recording.Cleared)
		}, sandbox.Missing, "no stop"},
		{"left open", func(s *scene) {
			s.without(leg3, recording.Stop, recording.Cleared)
		}, sandbox.Final, "still recording"},
		{"started twice", func(s *scene) {
			s.tell(21000, leg3, recording.Start, recording.Established, recording.Stopped)
		}, sandbox.Twice, "started 2 times"},
		{"stopped twice", func(s *scene) {
			s.tell(21000, leg3, recording.Stop, recording.Cleared, recording.Stopped)
		}, sandbox.Twice, "stopped 2 times"},
		{"the same id twice", func(s *scene) {
			i, k := s.find(leg1, recording.Update, recording.Muted), s.find(leg1, recording.Update, recording.Unmuted)
			s.change(k, func(e *recording.CallEvent) { e.ID = s.e.Stored[i].Header["Nats-Msg-Id"][0] })
			s.e.Stored[k].Header = s.e.Stored[i].Header
		}, sandbox.Twice, "has the id of message"},
		{"the same revision twice", func(s *scene) {
			s.change(s.find(leg1, recording.Update, recording.Unmuted), func(e *recording.CallEvent) {
				e.Data.Revision, e.Sequence = 3, recording.SequenceOf(3)
			})
		}, sandbox.Twice, "repeats revision 3"},
		{"a hole", func(s *scene) {
			i := s.find(leg1, recording.Update, recording.Muted)
			s.e.Stored = slices.Delete(s.e.Stored, i, i+1)
		}, sandbox.Hole, "has revision 4 after 2"},
		{"out of order", func(s *scene) {
			i := s.find(leg1, recording.Update, recording.Muted)
			s.e.Stored[i], s.e.Stored[i+1] = s.e.Stored[i+1], s.e.Stored[i]
		}, sandbox.Hole, "has revision 4 after 2"},
		{"against the schema", func(s *scene) {
			s.change(s.find(leg1, recording.Update, recording.Muted), func(e *recording.CallEvent) { e.Data.DataSource = "" })
		}, sandbox.Contract, "dataSource"},
		{"not an event", func(s *scene) {
			s.e.Stored[3].Data = []byte(`{"hello":1}`)
		}, sandbox.Contract, "message 4"},
		{"a verb that cannot follow", func(s *scene) {
			s.change(s.find(leg1, recording.Update, recording.Muted), func(e *recording.CallEvent) {
				e.Data.Verb, e.Data.Cause, e.Data.State = recording.Prepare, recording.Delivered, recording.Armed
				e.Data.Leg.ConnectedTime = recording.Time{}
			})
		}, sandbox.Contract, "prepare comes when"},
		{"a pause that is not told", func(s *scene) {
			s.without(leg1, recording.Pause, recording.SecurePaused)
		}, sandbox.Missing, "no secure_paused"},
		{"recording during a pause", func(s *scene) {
			s.without(leg1, recording.Pause, recording.SecurePaused)
		}, sandbox.Exposed, "told to record for 4s"},
		{"a pause that is told late", func(s *scene) {
			s.e.Stored[s.find(leg1, recording.Pause, recording.SecurePaused)].At = at(11500)
		}, sandbox.Exposed, "told to record for 3.5s"},
		{"started recording during a pause", func(s *scene) {
			s.change(s.find(leg3, recording.Start, recording.Established), func(e *recording.CallEvent) {
				e.Data.State, e.Data.Pause, e.Data.Leg.SecurePause = recording.Recording, nil, false
			})
		}, sandbox.Exposed, "told to record when it started"},
		{"resumed too early", func(s *scene) {
			s.e.Stored[s.find(leg1, recording.Resume, recording.SecureResumed)].At = at(8500)
		}, sandbox.Exposed, "told to record for 3.5s"},
		{"a resume that is not told", func(s *scene) {
			s.without(leg3, recording.Resume, recording.SecureResumed)
		}, sandbox.Missing, "no secure_resumed"},
		{"a pause that did not happen", func(s *scene) {
			s.leg(leg1).Toggles = s.leg(leg1).Toggles[:4]
		}, sandbox.Untrue, "secure_paused was told"},
		{"a hold that is not told", func(s *scene) {
			s.without(leg1, recording.Update, recording.Held)
		}, sandbox.Missing, "no held"},
		{"a mute that is told twice", func(s *scene) {
			s.tell(22500, leg1, recording.Update, recording.Muted, recording.Stopped)
		}, sandbox.Untrue, "muted was told"},
		{"a start of a leg that never answered", func(s *scene) {
			l := s.leg(leg1)
			l.ConnectedAt, l.Toggles = time.Time{}, nil
		}, sandbox.Untrue, "nobody ever answered"},
		{"a start before the answer", func(s *scene) {
			s.e.Stored[s.find(leg1, recording.Start, recording.Established)].At = at(500)
		}, sandbox.Untrue, "before it was connected"},
		{"a stop before the end", func(s *scene) {
			s.e.Stored[s.find(leg1, recording.Stop, recording.Cleared)].At = at(19000)
		}, sandbox.Untrue, "before it ended"},
		{"a stop of a leg that is on", func(s *scene) {
			s.leg(leg3).EndedAt = time.Time{}
		}, sandbox.Untrue, "it is still on"},
		{"events of a listener", func(s *scene) {
			s.leg(leg3).Role = "monitor"
		}, sandbox.Untrue, "takes no part"},
		{"events of a stranger", func(s *scene) {
			s.e.Truth.Legs = s.e.Truth.Legs[:2]
		}, sandbox.Untrue, "there is no such leg"},
		{"ringing that is not told", func(s *scene) {
			s.without(leg2, recording.Stop, recording.Diverted)
			s.without(leg2, recording.Prepare, recording.Delivered)
		}, sandbox.Missing, "it rang"},
		{"ringing for ever", func(s *scene) {
			s.without(leg2, recording.Stop, recording.Diverted)
		}, sandbox.Final, "still armed"},
		{"no wrap-up", func(s *scene) {
			s.without(leg1, recording.Update, recording.WrappedUp)
		}, sandbox.Missing, "wrap-up code never arrived"},
		{"another wrap-up", func(s *scene) {
			s.leg(leg1).Wrapup = "560d87d0-ed4c-4662-903d-dce00bfae927"
		}, sandbox.Untrue, "not the one that was given"},
		{"another end", func(s *scene) {
			s.leg(leg1).DisconnectType = "transfer"
		}, sandbox.Final, `ended by "transfer"`},
		{"a gap that stays open", func(s *scene) {
			s.feed(25000, "a", recording.FeedGapOpened, gap(24000, 0))
		}, sandbox.GapOpen, "still open"},
		{"an absence that is not announced", func(s *scene) {
			s.e.Incidents = []sandbox.Incident{{Kind: sandbox.Stop, Instance: "a", At: at(23000), Until: at(25000)}}
		}, sandbox.Silent, "no gap says so"},
		{"nothing at all", func(s *scene) {
			s.e.Truth = simulator.Truth{}
			s.e.Stored = nil
		}, sandbox.Nothing, "nothing to judge"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			c.spoil(s)
			v := sandbox.Judge(&s.e)
			found := slices.ContainsFunc(v.Violations, func(x sandbox.Violation) bool {
				return x.Kind == c.kind && strings.Contains(x.Text, c.says)
			})
			if v.Clean || !found {
				t.Errorf("clean %v, no violation %s that says %q in %+v", v.Clean, c.kind, c.says, v.Violations)
			}
		})
	}
}

func gap(from, to int) *recording.Gap {
	g := &recording.Gap{ID: "g1", From: recording.At(at(from)), Cause: recording.GapSocketLost, Scope: &recording.GapScope{All: true}}
	if to > 0 {
		g.To = recording.At(at(to))
	}
	return g
}

// TestWhatNobodyWasShownIsNotMissing: it is counted, and said whether a gap covers it.
func TestWhatNobodyWasShownIsNotMissing(t *testing.T) {
	s := newScene(t)
	s.hide(5, 6)
	s.without(leg1, recording.Update, recording.Held)
	s.without(leg1, recording.Update, recording.Retrieved)
	s.feed(25000, "a", recording.FeedGapOpened, gap(4500, 0))
	s.feed(25001, "a", recording.FeedGapClosed, gap(4500, 5500))
	v := sandbox.Judge(&s.e)
	if !v.Clean {
		t.Errorf("violations: %+v", v.Violations)
	}
	if r := row(&v, "hold"); r.Unseen != 1 || r.InGap != 1 || r.Missing != 0 {
		t.Errorf("hold: %+v", r)
	}
	if unseen, inGap := v.Unseen(); unseen != 2 || inGap != 2 {
		t.Errorf("%d unseen, %d in a gap", unseen, inGap)
	}
}

// TestWhatRESTCouldShowIsMissing: a leg that lasts for long is found without frames.
func TestWhatRESTCouldShowIsMissing(t *testing.T) {
	s := newScene(t)
	s.hide(1, 14)
	for _, leg := range []struct {
		verb  recording.Verb
		cause recording.Cause
	}{{recording.Stop, recording.Cleared}, {recording.Resume, recording.SecureResumed}, {recording.Start, recording.Established}, {recording.Prepare, recording.Delivered}} {
		s.without(leg3, leg.verb, leg.cause)
	}
	if v := sandbox.Judge(&s.e); !v.Clean || row(&v, "start").Unseen != 1 || row(&v, "stop").Unseen != 1 {
		t.Errorf("10 s without frames, REST reaches after 15 s: %+v %+v", v.Violations, v.Rows)
	}
	s.e.Reach = 5 * time.Second
	if v := sandbox.Judge(&s.e); v.Clean || row(&v, "start").Missing != 1 {
		t.Errorf("10 s without frames, REST reaches after 5 s: %+v", v.Rows)
	}
}

// TestAFrameBeforeACutMayNotHaveArrived: a sighting counts only when its socket lived on.
func TestAFrameBeforeACutMayNotHaveArrived(t *testing.T) {
	s := newScene(t)
	s.without(leg1, recording.Update, recording.Muted)
	s.without(leg1, recording.Update, recording.Unmuted)
	s.without(leg1, recording.Update, recording.Held)
	s.e.Truth.Sockets = []simulator.SocketTruth{{Channel: "x", ClosedAt: at(3500)}}
	v := sandbox.Judge(&s.e)
	if r := row(&v, "mute"); r.Missing != 0 || r.Unseen != 1 {
		t.Errorf("a mute half a second before the cut: %+v", r)
	}
	if r := row(&v, "unmute"); r.Missing != 0 || r.Unseen != 1 {
		t.Errorf("an unmute after a mute that nobody saw: %+v", r)
	}
	if r := row(&v, "hold"); r.Missing != 1 {
		t.Errorf("a hold after the cut: %+v", r)
	}
}

// TestIncidentsExcuseLateness: a fail-over may make a pause late, and no longer.
func TestIncidentsExcuseLateness(t *testing.T) {
	s := newScene(t)
	s.e.Stored[s.find(leg1, recording.Pause, recording.SecurePaused)].At = at(10500)
	if v := sandbox.Judge(&s.e); v.Clean {
		t.Error("2.5 s late without a reason is clean")
	}
	s.e.Incidents = []sandbox.Incident{{Kind: sandbox.Kill, Instance: "b", At: at(7900), Until: at(9500)}}
	if v := sandbox.Judge(&s.e); !v.Clean {
		t.Errorf("2.5 s late after a kill: %+v", v.Violations)
	}
}

// TestAnAbsenceMayBeCovered: by a gap, or by another instance that takes over.
func TestAnAbsenceMayBeCovered(t *testing.T) {
	stopped := []sandbox.Incident{{Kind: sandbox.Stop, Instance: "a", At: at(23000), Until: at(25000)}}
	s := newScene(t)
	s.e.Incidents = stopped
	s.feed(25100, "a", recording.FeedGapOpened, gap(22900, 0))
	s.feed(25200, "a", recording.FeedGapClosed, gap(22900, 25050))
	if v := sandbox.Judge(&s.e); !v.Clean {
		t.Errorf("announced: %+v", v.Violations)
	}
	s = newScene(t)
	s.e.Incidents = stopped
	s.feed(23010, "b", recording.FeedLeader, nil)
	if v := sandbox.Judge(&s.e); !v.Clean {
		t.Errorf("taken over: %+v", v.Violations)
	}
}

// TestWhatARingingPhoneIsToldOfAPause: that it is over may be told again with the call, where it was on
// when that began and the start is told late.
func TestWhatARingingPhoneIsToldOfAPause(t *testing.T) {
	s := newScene(t)
	tells := func(i int, ms int, verb recording.Verb, cause recording.Cause, state recording.State) {
		s.change(i, func(e *recording.CallEvent) {
			e.Data.Verb, e.Data.Cause, e.Data.State, e.Data.Leg.SecurePause, e.Data.Pause = verb, cause, state, state == recording.Paused, nil
			if e.Data.Leg.SecurePause {
				e.Data.Pause = &recording.PauseInfo{Reasons: []recording.PauseReason{recording.PauseSecure}}
			}
			e.Data.Leg.ConnectedTime, e.Data.Leg.EndTime, e.Data.Leg.DisconnectType = recording.At(at(1000)), recording.Time{}, ""
			if state == recording.Armed {
				e.Data.Leg.ConnectedTime = recording.Time{}
			}
			e.Data.Timing.Received, e.Data.Timing.Published = recording.At(at(ms)), recording.At(s.e.Stored[i].At)
		})
	}
	stop := s.find(leg3, recording.Stop, recording.Cleared)
	begins, resumes := s.find(leg3, recording.Start, recording.Established), s.find(leg3, recording.Resume, recording.SecureResumed)
	s.e.Stored[begins].At = at(12003)
	tells(begins, 12002, recording.Update, recording.SecureResumed, recording.Armed)
	tells(resumes, 10002, recording.Start, recording.Established, recording.Paused)
	tells(stop, 12002, recording.Resume, recording.SecureResumed, recording.Recording)
	s.tell(20000, leg3, recording.Stop, recording.Cleared, recording.Stopped)
	if v := sandbox.Judge(&s.e); !v.Clean || row(&v, "secure resume").Stored != 2 {
		t.Errorf("%+v\n%s", v.Violations, v.Table())
	}
	// Only the ringing phone is told.
	tells(stop, 12002, recording.Update, recording.DataChanged, recording.Paused)
	if v := sandbox.Judge(&s.e); v.Clean || row(&v, "secure resume").Missing != 1 {
		t.Errorf("%+v\n%s", v.Violations, v.Table())
	}
}

// TestABriefResumeNeedNotBeTold: a pause that comes back at once never went away.
func TestABriefResumeNeedNotBeTold(t *testing.T) {
	s := newScene(t)
	l := s.leg(leg1)
	l.Toggles = append(l.Toggles[:5:5],
		simulator.Toggle{Kind: simulator.ToggleSecurePause, At: at(9000), Version: 10},
		simulator.Toggle{Kind: simulator.ToggleSecurePause, On: true, At: at(9100), Version: 11}, l.Toggles[5])
	v := sandbox.Judge(&s.e)
	if !v.Clean || row(&v, "secure resume").Brief != 1 || row(&v, "secure pause").Brief != 1 {
		t.Errorf("%+v\n%s", v.Violations, v.Table())
	}
	// The first pause is told so late that the second has begun.
	i := s.find(leg1, recording.Pause, recording.SecurePaused)
	s.e.Stored[i].At = at(9300)
	if v := sandbox.Judge(&s.e); !v.Clean || row(&v, "secure pause").Brief != 1 {
		t.Errorf("told late: %+v\n%s", v.Violations, v.Table())
	}
	// Its frame comes when the second has begun.
	s.change(i, func(e *recording.CallEvent) { e.Data.Timing.Received = recording.At(at(9300)) })
	if v := sandbox.Judge(&s.e); !v.Clean || row(&v, "secure pause").Brief != 1 {
		t.Errorf("shown late: %+v\n%s", v.Violations, v.Table())
	}
}

// TestAResumeThatNobodyCouldTellIsNotMissed: the pause is on again when NATS is back.
func TestAResumeThatNobodyCouldTellIsNotMissed(t *testing.T) {
	s := newScene(t)
	l := s.leg(leg1)
	l.Toggles = append(l.Toggles[:5:5],
		simulator.Toggle{Kind: simulator.ToggleSecurePause, At: at(8300), Version: 10},
		simulator.Toggle{Kind: simulator.ToggleSecurePause, On: true, At: at(11500), Version: 11}, l.Toggles[5])
	if v := sandbox.Judge(&s.e); v.Clean || row(&v, "secure resume").Missing != 1 {
		t.Errorf("without a reason: %+v", v.Violations)
	}
	s.e.Incidents = []sandbox.Incident{{Kind: sandbox.Outage, At: at(8200), Until: at(11600)}}
	if v := sandbox.Judge(&s.e); !v.Clean || row(&v, "secure resume").Brief != 1 || row(&v, "secure pause").Brief != 1 {
		t.Errorf("during an outage: %+v\n%s", v.Violations, v.Table())
	}
}

// TestAResumeCountsFromWhenEveryTopicShowsIt: as long as one says that the pause is on, it is.
func TestAResumeCountsFromWhenEveryTopicShowsIt(t *testing.T) {
	s := newScene(t)
	s.without(leg1, recording.Resume, recording.SecureResumed)
	if v := sandbox.Judge(&s.e); v.Clean || row(&v, "secure resume").Missing != 1 {
		t.Errorf("without a reason: %+v", v.Violations)
	}
	other := &s.e.Truth.Conversations[0].Sightings[1]
	for k, v := range other.Versions {
		if v == 12 {
			other.At[k] = at(18500).UnixMilli() // the leg ends at 20 s
		}
	}
	if v := sandbox.Judge(&s.e); row(&v, "secure resume").Missing != 0 || row(&v, "secure resume").Brief != 1 {
		t.Errorf("shown late on one topic: %+v\n%s", v.Violations, v.Table())
	}
}

// TestOneChannelIsNoWitnessOfAStepWhileAnInstanceIsAway: it may be that of the one that is
// away. Two channels are, and starts and stops are not excused.
func TestOneChannelIsNoWitnessOfAStepWhileAnInstanceIsAway(t *testing.T) {
	s := newScene(t)
	s.without(leg1, recording.Update, recording.Muted)
	s.without(leg1, recording.Update, recording.Unmuted)
	s.e.Incidents = []sandbox.Incident{{Kind: sandbox.GenesysFrozen, Instance: "b", At: at(2500), Until: at(4500)}}
	if v := sandbox.Judge(&s.e); row(&v, "mute").Missing != 0 || row(&v, "mute").Unseen != 1 {
		t.Errorf("one channel: %+v", row(&v, "mute"))
	}
	s.e.Incidents = []sandbox.Incident{
		{Kind: sandbox.Outage, At: at(2500), Until: at(6500)}, {Kind: sandbox.NATSFrozen, Instance: "b", At: at(6600), Until: at(9500)},
	}
	if v := sandbox.Judge(&s.e); row(&v, "mute").Missing != 0 || row(&v, "mute").Unseen != 1 {
		t.Errorf("one channel, and away after an outage: %+v", row(&v, "mute"))
	}
	s.e.Incidents[1].At = at(9800)
	if v := sandbox.Judge(&s.e); row(&v, "mute").Missing != 1 {
		t.Errorf("one channel, and away long after an outage: %+v", row(&v, "mute"))
	}
	s.e.Incidents = []sandbox.Incident{{Kind: sandbox.GenesysFrozen, Instance: "b", At: at(2500), Until: at(4500)}}
	c := &s.e.Truth.Conversations[0]
	second := c.Sightings[0]
	second.Channel = "y"
	c.Sightings = append(c.Sightings, second)
	if v := sandbox.Judge(&s.e); row(&v, "mute").Missing != 1 {
		t.Errorf("two channels: %+v", row(&v, "mute"))
	}
	s = newScene(t)
	s.without(leg3, recording.Stop, recording.Cleared)
	s.e.Incidents = []sandbox.Incident{{Kind: sandbox.GenesysFrozen, Instance: "b", At: at(19500), Until: at(21000)}}
	if v := sandbox.Judge(&s.e); v.Clean {
		t.Error("a stop is excused")
	}
}

// TestAStepIsNotTakenForAMuchLaterOne: a pause that was told with the start is not the one
// that is told after it was over, whoever was shown what.
func TestAStepIsNotTakenForAMuchLaterOne(t *testing.T) {
	s := newScene(t)
	s.without(leg1, recording.Pause, recording.SecurePaused)
	i := s.find(leg1, recording.Start, recording.Established)
	s.e.Stored[i].At = at(9000)
	s.change(i, func(e *recording.CallEvent) {
		e.Data.State, e.Data.Leg.SecurePause = recording.Paused, true
		e.Data.Pause = &recording.PauseInfo{Reasons: []recording.PauseReason{recording.PauseSecure}}
		e.Data.Timing.Received = recording.At(at(9000))
	})
	l := s.leg(leg1)
	l.Toggles = append(l.Toggles,
		simulator.Toggle{Kind: simulator.ToggleSecurePause, On: true, At: at(16000), Version: 12},
		simulator.Toggle{Kind: simulator.ToggleSecurePause, At: at(19000), Version: 12})
	s.tell(16000, leg1, recording.Pause, recording.SecurePaused, recording.Paused)
	v := sandbox.Judge(&s.e)
	if r := row(&v, "secure resume"); r.Untrue != 0 {
		t.Errorf("secure resume: %+v, %+v", r, v.Violations)
	}
}

// TestWhatIsShownWithTheEndIsToldByIt: a hold whose end was shown to nobody before the leg
// was over need not be retrieved first.
func TestWhatIsShownWithTheEndIsToldByIt(t *testing.T) {
	s := newScene(t)
	s.without(leg1, recording.Update, recording.Retrieved)
	l := s.leg(leg1)
	l.Toggles[3].At = at(19000)
	s.e.Reach = 5 * time.Second
	c := &s.e.Truth.Conversations[0]
	show := func(ms int) {
		for k, v := range c.Sightings[0].Versions {
			if v >= 6 && v < 13 {
				c.Sightings[0].At[k] = at(ms).UnixMilli()
			}
		}
	}
	show(20000)
	if v := sandbox.Judge(&s.e); row(&v, "retrieve").Missing != 0 || row(&v, "retrieve").Unseen != 1 {
		t.Errorf("shown with the end: %+v", row(&v, "retrieve"))
	}
	show(19500)
	if v := sandbox.Judge(&s.e); row(&v, "retrieve").Missing != 1 {
		t.Errorf("shown before the end: %+v", row(&v, "retrieve"))
	}
}

// TestAStartMayTellMore: the first frame that shows the leg may show it on hold.
func TestAStartMayTellMore(t *testing.T) {
	s := newScene(t)
	s.hide(1, 2)
	s.leg(leg1).Toggles[0].At, s.leg(leg1).Toggles[1].At = at(1001), at(4000)
	s.without(leg1, recording.Update, recording.Muted)
	if v := sandbox.Judge(&s.e); v.Clean || row(&v, "mute").Missing != 1 {
		t.Errorf("the start says nothing of a mute: %+v", row(&v, "mute"))
	}
	s.change(s.find(leg1, recording.Start, recording.Established), func(e *recording.CallEvent) { e.Data.Leg.Muted = true })
	if v := sandbox.Judge(&s.e); !v.Clean || row(&v, "mute").Brief != 1 {
		t.Errorf("the start says muted: %+v %+v", v.Violations, row(&v, "mute"))
	}
}

// TestWhatTheStartHasToldIsNotToldLater: the next mute is told as what it is, although nobody
// surely saw what was before it.
func TestWhatTheStartHasToldIsNotToldLater(t *testing.T) {
	s := newScene(t)
	l := s.leg(leg1)
	l.Toggles = append([]simulator.Toggle{
		{Kind: simulator.ToggleMuted, On: true, At: at(1001), Version: 2},
		{Kind: simulator.ToggleMuted, At: at(2500), Version: 30},
	}, l.Toggles...)
	l.Toggles[2].Version = 31
	s.change(s.find(leg1, recording.Start, recording.Established), func(e *recording.CallEvent) { e.Data.Leg.Muted = true })
	i := s.find(leg1, recording.Update, recording.Muted)
	for k, cause := range []recording.Cause{recording.Unmuted, recording.Muted, recording.Unmuted} {
		s.change(i+k, func(e *recording.CallEvent) {
			e.Data.Cause, e.Data.Timing.Received = cause, recording.At(at([]int{2501, 3001, 4001}[k]))
		})
	}
	v := sandbox.Judge(&s.e)
	if row(&v, "unmute").Untrue != 0 || row(&v, "unmute").Stored != 2 {
		t.Errorf("%+v\n%s", v.Violations, v.Table())
	}
}

// TestABargeStartsWhenItBecomesOne: who listens first is not recorded until then.
func TestABargeStartsWhenItBecomesOne(t *testing.T) {
	s := newScene(t)
	l := s.leg(leg3)
	l.Role, l.ConnectedAt = "barge", at(9500)
	l.Toggles = append([]simulator.Toggle{{Kind: simulator.ToggleBarging, On: true, At: at(10000), Version: 11}}, l.Toggles...)
	if v := sandbox.Judge(&s.e); !v.Clean {
		t.Errorf("started with the barge: %+v", v.Violations)
	}
	l.Toggles[0].At = at(11000)
	if v := sandbox.Judge(&s.e); v.Clean {
		t.Error("started while listening, and it is clean")
	}
}

// TestAPauseFromBeforeTheStartMayBeToldLate: a leg began in a secure pause and was told when
// that was over. The link of the other instance was frozen and delivers it then.
func TestAPauseFromBeforeTheStartMayBeToldLate(t *testing.T) {
	s := newScene(t)
	late := func(i, ms int, f func(*recording.CallData)) {
		s.e.Stored[i].At = at(ms + 3)
		s.change(i, func(e *recording.CallEvent) {
			e.Data.Timing.Received, e.Data.Timing.Published = recording.At(at(ms)), recording.At(at(ms+3))
			f(&e.Data)
		})
	}
	late(s.find(leg3, recording.Start, recording.Established), 12300, func(d *recording.CallData) {
		d.State, d.Pause, d.Leg.SecurePause = recording.Recording, nil, false
	})
	late(s.find(leg3, recording.Resume, recording.SecureResumed), 14000, func(d *recording.CallData) {
		d.Verb, d.Cause, d.State, d.Leg.SecurePause = recording.Pause, recording.SecurePaused, recording.Paused, true
		d.Pause = &recording.PauseInfo{Reasons: []recording.PauseReason{recording.PauseSecure}}
	})
	if v := sandbox.Judge(&s.e); row(&v, "secure pause").Untrue != 1 {
		t.Errorf("without a reason: %+v", v.Violations)
	}
	s.e.Incidents = []sandbox.Incident{{Kind: sandbox.GenesysFrozen, Instance: "b", At: at(9900), Until: at(19500)}}
	if v := sandbox.Judge(&s.e); !v.Clean {
		t.Errorf("with a frozen link: %+v", v.Violations)
	}
}
