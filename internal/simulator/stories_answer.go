package simulator

import "time"

// Stories about who answers, and who does not.

func playDecline(s *stage) *Call {
	c := s.arrive(s.cast[0])
	first := c.Alert(s.cast[0])
	s.pause(second, 4*second)
	first.Decline()
	s.pause(blink, second)
	leg := c.Alert(s.cast[1])
	s.pause(second, 4*second)
	leg.Answer()
	s.talk()
	return s.hangUp(c, leg)
}

func playNoAnswer(s *stage) *Call {
	c := s.arrive(s.cast[0])
	first := c.Alert(s.cast[0])
	s.pause(8*second, 8*second)
	first.TimeOut()
	s.org.SetRouting(s.cast[0], "NOT_RESPONDING")
	leg := c.Alert(s.cast[1])
	s.pause(second, 4*second)
	leg.Answer()
	s.talk()
	s.hangUp(c, leg)
	s.org.SetRouting(s.cast[0], "IDLE")
	return c
}

func playManyAlerts(s *stage) *Call {
	c := s.arrive(s.cast[0])
	for range 2 + s.rng.IntN(6) {
		leg := c.Alert(s.cast[0])
		s.pause(second, 3*second)
		leg.Decline()
		s.pause(second, 5*second)
	}
	leg := c.Alert(s.cast[0])
	s.pause(second, 3*second)
	leg.Answer()
	s.talk()
	return s.hangUp(c, leg)
}

func playOutbound(s *stage) *Call { return s.dialOut("") }

func playOutboundQueue(s *stage) *Call { return s.dialOut(s.queue(s.cast[0])) }

func (s *stage) dialOut(queue string) *Call {
	c := s.org.Call(Outbound{User: s.cast[0], Queue: queue})
	leg := c.Person(s.cast[0])
	s.pause(blink, second)
	leg.Answer()
	s.pause(2*second, 8*second)
	c.FarEndAnswers()
	s.talk()
	return s.hangUp(c, leg)
}

func playOutboundNoAnswer(s *stage) *Call {
	c := s.org.Call(Outbound{User: s.cast[0]})
	leg := c.Person(s.cast[0])
	s.pause(blink, second)
	leg.Answer()
	s.pause(5*second, 20*second)
	if s.chance(0.5) {
		leg.Disconnect("client")
		c.Hangup("peer")
		return c
	}
	c.CustomerLeaves("timeout")
	c.Hangup("peer")
	return c
}

func playCampaign(s *stage) *Call {
	c := s.org.Call(Campaign{Queue: s.queue(s.cast[0])})
	s.pause(4*second, 12*second)
	c.FarEndAnswers()
	c.Enqueue()
	s.pause(blink, second)
	leg := c.Alert(s.cast[0])
	s.pause(blink, second)
	leg.Answer()
	s.talk()
	return s.hangUp(c, leg)
}

func playInternal(s *stage) *Call {
	c := s.org.Call(Internal{From: s.cast[0], To: s.cast[1]})
	from, to := c.Person(s.cast[0]), c.Person(s.cast[1])
	s.pause(second, 6*second)
	to.Answer()
	from.Answer()
	s.talk()
	if s.chance(0.3) {
		from.Hold()
		s.talk()
		from.Retrieve()
	}
	from.Disconnect("client")
	s.pause(blink, 4*blink)
	to.Disconnect("peer")
	return c
}

func playDirect(s *stage) *Call {
	c := s.org.Call(Direct{})
	leg := c.Alert(s.cast[0])
	s.pause(second, 6*second)
	leg.Answer()
	s.talk()
	return s.hangUp(c, leg)
}

func playCallback(s *stage) *Call {
	c := s.org.Call(Callback{Queue: s.queue(s.cast[0])})
	s.pause(2*second, 10*second)
	first := c.OfferCallback(s.cast[0])
	s.pause(second, 4*second)
	first.Decline()
	leg := c.OfferCallback(s.cast[1])
	s.pause(second, 4*second)
	leg.AcceptCallback()
	s.pause(3*second, 10*second)
	far := leg.PlaceCallback()
	s.pause(second, 2*second)
	leg.Answer()
	s.pause(second, 6*second)
	far.Answer()
	s.talk()
	return s.hangUp(c, leg)
}

func playVoicemail(s *stage) *Call {
	c := s.org.Call(Inbound{IVR: true})
	s.pause(2*second, 6*second)
	c.Enqueue()
	s.pause(5*second, 20*second)
	c.Voicemail()
	s.talk()
	c.CustomerHangsUp()
	return c
}

func playFlowOnly(s *stage) *Call {
	c := s.org.Call(Inbound{IVR: true})
	s.talk()
	c.CustomerHangsUp()
	return c
}

func playAbandon(s *stage) *Call {
	c := s.arrive(s.cast[0])
	c.Alert(s.cast[0])
	s.pause(second, 7*second)
	c.CustomerHangsUp()
	return c
}

func playStationTimeout(s *stage) *Call {
	c := s.arrive(s.cast[0])
	leg := c.Alert(s.cast[0])
	s.pause(60*second, 60*second)
	leg.Fail("error.ininedgecontrol.connection.timeout", "The station did not answer in time")
	next := c.Alert(s.cast[1])
	s.pause(second, 3*second)
	next.Answer()
	s.talk()
	return s.hangUp(c, next)
}

func playLong(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	for range 30 {
		s.pause(time.Minute, time.Minute)
		if s.chance(0.2) {
			leg.Hold()
			s.talk()
			leg.Retrieve()
		}
	}
	return s.hangUp(c, leg)
}
