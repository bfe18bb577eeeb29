package simulator

// Stories about calls that go from one to another.

func playBlindTransfer(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	next := leg.BlindTransfer(s.cast[1])
	s.pause(second, 4*second)
	next.Answer()
	s.talk()
	s.hangUp(c, next)
	leg.WrapUp(s.code())
	return c
}

func playQueueTransfer(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	leg.TransferToQueue(s.queue(s.cast[1]))
	s.pause(second, 6*second)
	next := c.Alert(s.cast[1])
	s.pause(second, 4*second)
	next.Answer()
	s.talk()
	return s.hangUp(c, next)
}

func playConsult(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	target := leg.Consult(s.cast[1])
	s.pause(second, 4*second)
	target.Answer()
	s.talk()
	leg.CompleteConsult()
	s.talk()
	s.hangUp(c, target)
	leg.WrapUp(s.code())
	return c
}

func playConsultCancel(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	target := leg.Consult(s.cast[1])
	s.pause(second, 6*second)
	switch s.rng.IntN(3) {
	case 0:
		target.NoAnswer("transfer.noanswer")
	case 1:
		target.Answer()
		s.talk()
		leg.CancelConsult()
	default:
		leg.CancelConsult()
	}
	s.talk()
	return s.hangUp(c, leg)
}

func playConference(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	target := leg.Consult(s.cast[1])
	s.pause(second, 4*second)
	target.Answer()
	s.talk()
	leg.Conference()
	s.talk()
	if s.chance(0.5) {
		leg.Disconnect("transfer.conference")
		s.talk()
		return s.hangUp(c, target)
	}
	return s.hangUp(c, leg, target)
}
