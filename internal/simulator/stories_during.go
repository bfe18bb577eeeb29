package simulator

import "fmt"

// Stories about what happens while people talk.

func playHold(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	for range 1 + s.rng.IntN(3) {
		leg.Hold()
		s.talk()
		leg.Retrieve()
		s.talk()
	}
	return s.hangUp(c, leg)
}

func playMute(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	leg.Mute()
	s.talk()
	leg.Unmute()
	s.talk()
	return s.hangUp(c, leg)
}

// playSecurePause pauses with one leg, lets another join during the pause, and
// lets either end it. Sometimes the call ends during a second pause.
func playSecurePause(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	if s.chance(0.5) {
		leg.SecurePause(true)
	} else {
		c.SecurePause(true)
	}
	s.talk()
	other := leg.Consult(s.cast[1])
	s.pause(second, 3*second)
	other.Answer()
	leg.Conference()
	s.talk()
	if s.chance(0.5) {
		other.SecurePause(false)
	} else {
		c.SecurePause(false)
	}
	s.talk()
	if s.chance(0.3) {
		c.SecurePause(true)
		s.talk()
	}
	return s.hangUp(c, leg, other)
}

func playPauseLeftOn(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	leg.SecurePause(true)
	s.talk()
	next := leg.BlindTransfer(s.cast[1])
	s.pause(second, 4*second)
	next.Answer()
	s.talk()
	if s.chance(0.7) {
		next.SecurePause(false)
		s.talk()
	}
	return s.hangUp(c, next)
}

func playMonitor(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	supervisor := leg.Monitor(s.cast[1])
	s.talk()
	if s.chance(0.7) {
		supervisor.Coach()
		s.talk()
	}
	if s.chance(0.5) {
		supervisor.Barge()
		s.talk()
	}
	if s.chance(0.5) {
		supervisor.Disconnect("client")
		s.talk()
	}
	return s.hangUp(c, leg)
}

func playBarge(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	leg.BargedBy(s.cast[1])
	s.talk()
	return s.hangUp(c, leg)
}

func playPark(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	leg.Park()
	s.talk()
	leg.Unpark()
	s.talk()
	return s.hangUp(c, leg)
}

func playAttributes(s *stage) *Call {
	c := s.arrive(s.cast[0])
	c.SetAttributes(map[string]string{"caseNumber": fmt.Sprint(1000 + s.rng.IntN(9000)), "language": "en"})
	leg := c.Alert(s.cast[0])
	s.pause(second, 3*second)
	leg.Answer()
	for i := range 2 + s.rng.IntN(4) {
		s.pause(blink, 5*second)
		leg.SetAttributes(map[string]string{"step": fmt.Sprint(i)})
	}
	s.hangUp(c, leg)
	s.pause(second, 3*second)
	leg.SetAttributes(map[string]string{"outcome": "solved"})
	return c
}

// playStationChange lets the agent move to another phone while talking, and back.
func playStationChange(s *stage) *Call {
	u := s.cast[0]
	c, leg := s.answered(u)
	all := s.org.Stations()
	s.org.SetStation(u, Station{})
	s.pause(blink, second)
	other := all[s.rng.IntN(len(all))]
	other.ID = s.org.dice.uuid() // A phone of one's own: nobody else is logged on to it.
	s.org.SetStation(u, other)
	s.talk()
	s.hangUp(c, leg)
	s.org.SetStation(u, u.Station)
	return c
}
