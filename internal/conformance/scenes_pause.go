package conformance

import "github.com/recorderbridge/genesys-ingestor/api/recording"

func pauseScenes() []scene {
	return []scene{
		{name: "secure_pause", about: "paused and resumed, twice", play: func(s *stage) {
			l := s.connected()
			for range 2 {
				l.pauses()
				l.resumes()
			}
			l.ends()
		}},
		{name: "pause_everywhere", about: "a pause reaches all legs of a conversation", play: func(s *stage) {
			first := s.connected()
			second := s.legIn(first.conversation())
			second.alerts()
			second.answers()
			other := s.connected()
			first.pauses()
			second.pauses()
			other.update(Update, recording.DataChanged, tag("caseNumber", "1"))
			first.resumes()
			second.resumes()
			for _, l := range []*leg{first, second, other} {
				l.ends()
			}
		}},
		{name: "starts_paused", about: "a leg starts during a pause, also one that was transferred to", play: func(s *stage) {
			first := s.connected()
			first.pauses()
			second := s.legIn(first.conversation())
			second.alerts()
			first.tell(Stop, recording.Stop, recording.Transferred, recording.Stopped)
			second.tell(Pause, recording.Start, recording.Established, recording.Paused, paused(recording.PauseSecure))
			second.update(Pause, recording.DataChanged, tag("caseNumber", "2"))
			second.resumes()
			second.ends()
		}},
		{name: "pause_to_the_end", about: "the call ends during a pause", play: func(s *stage) {
			l := s.connected()
			l.pauses()
			l.ends()
			l.update(Stop, recording.WrappedUp, tag(recording.TagWrapupCode, "sold"))
		}},
		{name: "pause_on_hold", about: "hold pauses by policy, and overlaps with a secure pause in every order", play: playOverlap},
		{name: "pause_overtakes", about: "after an outage a pause is told before holds that are older", play: func(s *stage) {
			l := s.connected()
			l.pauses()
			l.update(Pause, recording.Held, func(d *recording.CallData) { d.Leg.Held = true })
			l.update(Pause, recording.Retrieved, func(d *recording.CallData) { d.Leg.Held = false })
			l.resumes()
			l.ends()
		}},
		{name: "updates_in_pause", about: "every sort of update during a pause leaves it paused", play: func(s *stage) {
			l := s.connected()
			l.pauses()
			for _, cause := range []recording.Cause{
				recording.Muted, recording.Unmuted, recording.Monitored, recording.Conferenced, recording.DataChanged,
				recording.StationChanged, recording.Refreshed, recording.RecoveredUpdate,
			} {
				l.update(Pause, cause)
			}
			l.resumes()
			l.ends()
		}},
	}
}

func playOverlap(s *stage) {
	hold, secure := recording.PauseHold, recording.PauseSecure
	// First in, first out; first in, last out; and the end of both at once.
	l := s.connected()
	l.tell(Pause, recording.Pause, recording.Held, recording.Paused, paused(hold))
	l.update(Pause, recording.SecurePaused, paused(hold, secure))
	l.update(Pause, recording.Retrieved, paused(secure))
	l.resumes()
	l.pauses()
	l.update(Pause, recording.Held, paused(hold, secure))
	l.update(Pause, recording.Retrieved, paused(secure))
	l.update(Pause, recording.Held, paused(hold, secure))
	l.update(Pause, recording.SecureResumed, paused(hold))
	l.tell(Resume, recording.Resume, recording.Retrieved, recording.Recording, paused())
	l.ends()
}
