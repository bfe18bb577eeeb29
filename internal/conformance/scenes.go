package conformance

import (
	"slices"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// scene is one story or fault.
type scene struct {
	name, about string
	slow        bool // takes half a minute
	foreign     bool // holds what this version of the contract does not know
	play        func(*stage)
}

// Scenes lists the name of every scene and what happens in it, in order.
func Scenes() [][2]string {
	var list [][2]string
	for _, s := range scenes() {
		list = append(list, [2]string{s.name, s.about})
	}
	return list
}

func scenes() []scene {
	return slices.Concat(callScenes(), pauseScenes(), feedScenes(), faultScenes(), lateScenes())
}

func callScenes() []scene {
	return []scene{
		{name: "answer", about: "delivered, answered, ended, wrapped up later", play: playAnswer},
		{name: "decline", about: "the first agent declines, the second answers", play: func(s *stage) {
			first := s.leg()
			first.alerts()
			first.tell(Arm, recording.Stop, recording.Diverted, recording.Stopped)
			second := s.legIn(first.conversation())
			second.alerts()
			second.answers()
			second.ends()
		}},
		{name: "no_answer", about: "nobody answers; a telephone fails; a dialled call fails", play: func(s *stage) {
			for _, how := range []struct{ begin, end recording.Cause }{
				{recording.Delivered, recording.Diverted}, {recording.Delivered, recording.Failed}, {recording.Originated, recording.Failed},
			} {
				l := s.leg()
				l.tell(Arm, recording.Prepare, how.begin, recording.Armed)
				l.tell(Arm, recording.Stop, how.end, recording.Stopped)
			}
		}},
		{name: "outbound", about: "dialled and connected, on behalf of a queue, by a dialer", play: func(s *stage) {
			for _, kind := range []recording.Kind{recording.Direct, recording.ACD, recording.Campaign} {
				l := s.leg()
				l.tell(Arm, recording.Prepare, recording.Originated, recording.Armed, func(d *recording.CallData) {
					d.Conversation.Direction, d.Conversation.Kind, d.Leg.Direction = recording.Outbound, kind, recording.Outbound
				})
				l.answers()
				l.ends()
			}
		}},
		{name: "callback", about: "a callback that was accepted: the first event is the start", play: func(s *stage) {
			l := s.leg()
			l.tell(Record, recording.Start, recording.Established, recording.Recording, func(d *recording.CallData) {
				d.Conversation.Kind, d.Leg.Direction = recording.Callback, recording.Outbound
			})
			l.ends()
		}},
		{name: "hold", about: "held and retrieved, where hold does not pause", play: func(s *stage) {
			l := s.connected()
			for range 2 {
				l.update(Update, recording.Held, func(d *recording.CallData) { d.Leg.Held = true })
				l.update(Update, recording.Retrieved, func(d *recording.CallData) { d.Leg.Held = false })
			}
			l.ends()
		}},
		{name: "mute", about: "muted and unmuted", play: func(s *stage) {
			l := s.connected()
			l.update(Update, recording.Muted, func(d *recording.CallData) { d.Leg.Muted = true })
			l.update(Update, recording.Unmuted, func(d *recording.CallData) { d.Leg.Muted = false })
			l.ends()
		}},
		{name: "park", about: "parked and taken back", play: func(s *stage) {
			l := s.connected()
			l.update(Update, recording.Parked, func(d *recording.CallData) { d.Leg.Parked = true })
			l.update(Update, recording.Unparked, func(d *recording.CallData) { d.Leg.Parked = false })
			l.ends()
		}},
		{name: "blind_transfer", about: "one agent hands over to another", play: func(s *stage) {
			first := s.connected()
			second := s.legIn(first.conversation())
			second.alerts()
			first.tell(Stop, recording.Stop, recording.Transferred, recording.Stopped, func(d *recording.CallData) { d.Leg.DisconnectType = "transfer" })
			second.answers()
			second.ends()
		}},
		{name: "consult", about: "a consultation that ends in a transfer", play: func(s *stage) { playConsult(s, false) }},
		{name: "conference", about: "a consultation that ends in three talking", play: func(s *stage) { playConsult(s, true) }},
		{name: "supervisor", about: "a supervisor listens, whispers, barges in", play: playSupervisor},
		{name: "two_legs", about: "two legs of one agent in one conversation: each its own recording", play: func(s *stage) {
			first := s.connected()
			second := s.legIn(first.conversation())
			second.data.Agent = first.data.Agent
			second.alerts()
			second.answers()
			first.ends()
			second.update(Update, recording.Muted, func(d *recording.CallData) { d.Leg.Muted = true })
			second.ends()
		}},
		{name: "nobody", about: "a leg without a user", play: func(s *stage) {
			l := s.leg()
			l.data.Agent = nil
			l.alerts()
			l.answers()
			l.ends()
		}},
		{name: "crowd", about: "forty calls at once, faster than one by one", play: playCrowd},
	}
}

func playAnswer(s *stage) {
	l := s.leg()
	l.tell(Arm, recording.Prepare, recording.Delivered, recording.Armed, tag("caseNumber", "4711"))
	l.answers()
	l.ends()
	l.update(Stop, recording.WrappedUp, tag(recording.TagWrapupCode, "solved"), func(d *recording.CallData) {
		d.Leg.Wrapup = &recording.Wrapup{Code: "solved", DurationSeconds: 20}
	})
}

func playConsult(s *stage, conference bool) {
	first := s.connected()
	first.update(Update, recording.Held, func(d *recording.CallData) { d.Leg.Held = true })
	second := s.legIn(first.conversation())
	second.data.Leg.Role = recording.RoleConsultTarget
	second.alerts()
	second.answers()
	if conference {
		first.update(Update, recording.Conferenced, func(d *recording.CallData) { d.Leg.Held, d.Leg.Conference = false, true })
		second.update(Update, recording.Conferenced, func(d *recording.CallData) { d.Leg.Conference = true })
		first.tell(Stop, recording.Stop, recording.Conferenced, recording.Stopped)
	} else {
		first.tell(Stop, recording.Stop, recording.Transferred, recording.Stopped)
	}
	second.update(Update, recording.DataChanged, func(d *recording.CallData) { d.Leg.Conference = false })
	second.ends()
}

func playSupervisor(s *stage) {
	l := s.connected()
	supervisor := s.legIn(l.conversation())
	by := func(mode recording.Role) change {
		return func(d *recording.CallData) {
			d.Leg.Supervisors = []recording.Supervisor{{LegID: supervisor.data.Leg.ID, Mode: mode}}
		}
	}
	l.update(Update, recording.Monitored, by(recording.RoleMonitor))
	l.update(Update, recording.Coached, by(recording.RoleCoach))
	l.update(Update, recording.Barged, by(recording.RoleBarge))
	supervisor.tell(Record, recording.Start, recording.Barged, recording.Recording, func(d *recording.CallData) {
		d.Leg.Role, d.Leg.Supervises = recording.RoleBarge, l.data.Leg.ID
	})
	supervisor.ends()
	l.update(Update, recording.Barged, func(d *recording.CallData) { d.Leg.Supervisors = nil })
	l.ends()
}

func playCrowd(s *stage) {
	legs := make([]*leg, 40)
	for i := range legs {
		legs[i] = s.leg()
	}
	for _, step := range []func(*leg){
		func(l *leg) { l.post(Arm, recording.Prepare, recording.Delivered, recording.Armed) },
		func(l *leg) { l.post(Record, recording.Start, recording.Established, recording.Recording) },
		func(l *leg) {
			l.post(Pause, recording.Pause, recording.SecurePaused, recording.Paused, paused(recording.PauseSecure))
		},
		func(l *leg) { l.post(Resume, recording.Resume, recording.SecureResumed, recording.Recording, paused()) },
		func(l *leg) { l.post(Stop, recording.Stop, recording.Cleared, recording.Stopped) },
	} {
		for _, l := range legs {
			step(l)
		}
	}
	for _, l := range legs {
		s.await(l)
	}
}
