package bridge_test

// answered is a call that an agent has taken.
func answered(s *stage) (c, a *party2026) {
	c = s.inbound()
	s.at(10)
	a = s.alert(alice)
	s.at(14)
	s.answer(a)
	s.at(20)
	return c, a
}

func storiesOfHolding() map[string]func(*stage) {
	holds := func(s *stage) {
		c, a := answered(s)
		s.hold(a, c)
		s.again()
		s.at(30)
		s.retrieve(a, c)
		s.again()
		s.at(35)
		s.hold(a, c)
		s.at(60)
		s.hangup(c, a) // held to the end
	}
	return map[string]func(*stage){
		"hold-with-doubled-frames": holds,
		"hold-pauses-by-policy": func(s *stage) {
			s.given.PauseOnHold = true
			holds(s)
		},
		"mute": func(s *stage) {
			c, a := answered(s)
			*a.Muted = true
			s.tell()
			s.at(30)
			*a.Muted = false
			s.tell()
			s.at(60)
			s.hangup(c, a)
		},
		"hold-while-muted": func(s *stage) {
			c, a := answered(s)
			*a.Muted = true
			s.hold(a, c) // one snapshot, two edges
			s.at(30)
			*a.Muted = false
			s.retrieve(a, c)
			s.at(60)
			s.hangup(c, a)
		},
		"pause-inside-hold-by-policy": func(s *stage) {
			s.given.PauseOnHold = true
			c, a := answered(s)
			s.hold(a, c)
			s.at(25)
			s.pause(a, true)
			s.at(30)
			s.pause(a, false)
			s.at(35)
			s.retrieve(a, c)
			s.at(60)
			s.hangup(c, a)
		},
		"pause-overlaps-hold-by-policy": func(s *stage) {
			s.given.PauseOnHold = true
			c, a := answered(s)
			s.hold(a, c)
			s.at(25)
			s.pause(a, true)
			s.at(30)
			s.retrieve(a, c)
			s.at(35)
			s.pause(a, false)
			s.at(60)
			s.hangup(c, a)
		},
		"hold-overlaps-pause-by-policy": func(s *stage) {
			s.given.PauseOnHold = true
			c, a := answered(s)
			s.pause(a, true)
			s.at(25)
			s.hold(a, c)
			s.at(30)
			s.pause(a, false)
			s.at(35)
			s.retrieve(a, c)
			s.at(60)
			s.hangup(c, a)
		},
		"hold-and-pause-change-in-one-frame-by-policy": func(s *stage) {
			s.given.PauseOnHold = true
			c, a := answered(s)
			*a.SecurePause, *s.body.SecurePause = true, true
			s.hold(a, c)
			s.at(30)
			*a.SecurePause, *s.body.SecurePause = false, false
			s.retrieve(a, c)
			s.at(60)
			s.hangup(c, a)
		},
	}
}

func storiesOfPause() map[string]func(*stage) {
	// joined is a call with two agents.
	joined := func(s *stage) (c, a, b *party2026) {
		c, a = answered(s)
		b = s.staff(bob, "agent", "connected")
		s.connect(b)
		s.tell()
		s.at(25)
		return c, a, b
	}
	return map[string]func(*stage){
		"secure-pause": func(s *stage) {
			c, a := answered(s)
			s.pause(a, true)
			s.at(40)
			s.pause(a, false)
			s.at(60)
			s.hangup(c, a)
		},
		"secure-pause-reaches-every-leg": func(s *stage) {
			c, a, b := joined(s)
			s.pause(a, true)
			s.at(40)
			s.pause(a, false)
			s.at(60)
			s.hangup(c, a, b)
		},
		"secure-pause-told-by-one-topic-first": func(s *stage) {
			c, a, b := joined(s)
			*a.SecurePause, *s.body.SecurePause = true, true
			s.on(bob) // the topic of the other agent is faster
			s.later(0.2)
			s.on(alice)
			s.at(40)
			*a.SecurePause, *s.body.SecurePause = false, false
			s.on(alice)
			s.later(0.2)
			s.on(bob)
			s.at(60)
			s.hangup(c, a, b)
		},
		"leg-joins-during-secure-pause": func(s *stage) {
			c, a := answered(s)
			s.pause(a, true)
			s.at(25)
			b := s.alert(bob)
			s.at(28)
			s.answer(b)
			s.at(40)
			s.pause(a, false)
			s.at(60)
			s.hangup(c, a, b)
		},
		"secure-pause-outlives-who-set-it": func(s *stage) {
			c, a := answered(s)
			s.pause(a, true)
			s.at(25)
			b := s.alert(bob)
			s.at(27)
			s.leave(a, "disconnected", "transfer")
			s.answer(b)
			s.at(28)
			a.State = "terminated"
			s.tell()
			s.at(40)
			s.pause(a, false)
			s.at(60)
			s.hangup(c, b)
		},
		"flag-of-who-has-left-is-history": func(s *stage) {
			c, a := answered(s)
			s.pause(a, true)
			s.at(25)
			b := s.alert(bob)
			s.at(27)
			s.leave(a, "terminated", "transfer") // and keeps its flag for ever
			s.answer(b)
			s.at(40)
			*s.body.SecurePause = false
			s.tell()
			s.at(60)
			s.hangup(c, b)
		},
		"secure-pause-while-alerting": func(s *stage) {
			c := s.inbound()
			s.at(10)
			a := s.alert(alice)
			s.at(12)
			*s.body.SecurePause = true
			s.tell()
			s.at(14)
			s.answer(a)
			s.at(30)
			*s.body.SecurePause = false
			s.tell()
			s.at(60)
			s.hangup(c, a)
		},
		"views-disagree-about-secure-pause": func(s *stage) {
			c, a, b := joined(s)
			s.pause(a, true)
			s.at(40)
			*a.SecurePause, *s.body.SecurePause = false, false
			s.on(alice) // the topic of the other agent is silent
			s.at(42)
			s.rest()
			s.at(60)
			s.hangup(c, a, b)
		},
		"resume-too-soon-is-confirmed": func(s *stage) {
			c, a := answered(s)
			s.pause(a, true)
			s.later(0.4)
			s.pause(a, false) // perhaps the two changed places on the way
			s.at(22)
			s.rest()
			s.at(60)
			s.hangup(c, a)
		},
		"secure-pause-to-the-end": func(s *stage) {
			c, a := answered(s)
			s.pause(a, true)
			s.at(40)
			s.hangup(c, a)
		},
		"suppressed-recording-is-no-secure-pause": func(s *stage) {
			// Genesys' recorder pauses on hold; that says nothing about ours.
			c, a := answered(s)
			s.body.RecordingState = "paused"
			for _, p := range []*party2026{a, c} {
				*p.Recording, p.RecordingState = true, "paused"
			}
			s.hold(a, c)
			s.at(30)
			s.body.RecordingState, a.RecordingState, c.RecordingState = "active", "active", "active"
			s.retrieve(a, c)
			s.at(60)
			s.hangup(c, a)
		},
	}
}
