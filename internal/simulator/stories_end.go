package simulator

// Stories about how calls end.

func playWrapup(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	c.CustomerHangsUp()
	s.pause(20*second, 90*second)
	leg.WrapUp(s.code())
	return c
}

func playCustomerLeaves(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	c.CustomerLeaves("endpoint")
	s.pause(2*second, 8*second)
	leg.DisconnectFlapping("peer", "client")
	s.pause(second, 6*second)
	leg.WrapUp(s.code())
	return c
}

func playAgentError(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	leg.Complain("error.ininedgecontrol.session.inactive", "A session is inactive for a command")
	s.talk()
	leg.Fail("error.ininedgecontrol.connection.lost", "The connection to the station was lost")
	s.pause(second, 4*second)
	next := c.Alert(s.cast[1])
	s.pause(second, 4*second)
	next.Answer()
	s.talk()
	return s.hangUp(c, next)
}

func playStraightTerminate(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	leg.Terminate("system")
	c.CustomerHangsUp()
	return c
}
