package bridge_test

func storiesOfTransfer() map[string]func(*stage) {
	begin := func(s *stage) (c, a *party2026) {
		c = s.inbound()
		s.at(10)
		a = s.alert(alice)
		s.at(14)
		s.answer(a)
		s.at(30)
		return c, a
	}
	consult := func(s *stage, c, a *party2026) *party2026 {
		c.Consults, a.Consults = c.ID, c.ID
		a.Attributes = map[string]string{"consultInitiator": "true"}
		*c.Confined = true
		b := s.staff(bob, "agent", "alerting")
		b.Consults, b.TransferSource = c.ID, ""
		s.tell()
		return b
	}
	over := func(c, a, b *party2026) {
		*c.Confined = false
		c.Consults, a.Consults, b.Consults, a.Attributes = "", "", "", nil
	}
	return map[string]func(*stage){
		"blind-transfer-with-flapping-end": func(s *stage) {
			c, a := begin(s)
			b := s.staff(bob, "agent", "alerting")
			s.leave(a, "disconnected", "transfer")
			s.tell()
			s.later(0.1)
			a.DisconnectType = "peer"
			s.tell()
			s.later(0.1)
			a.State = "terminated"
			s.tell()
			s.at(35)
			s.answer(b)
			s.at(60)
			s.hangup(c, b)
		},
		"transfer-to-outside": func(s *stage) {
			c, a := begin(s)
			x := s.party("external", "dialing", "outbound")
			x.Address = "tel:+15550177"
			s.end(a, "transfer")
			s.at(40)
			s.answer(x)
			s.at(60)
			s.hangup(c)
		},
		"consult-completed": func(s *stage) {
			c, a := begin(s)
			b := consult(s, c, a)
			s.at(34)
			s.answer(b)
			s.at(45)
			over(c, a, b)
			s.end(a, "transfer.consult")
			s.at(60)
			s.hangup(c, b)
		},
		"consult-cancelled": func(s *stage) {
			c, a := begin(s)
			b := consult(s, c, a)
			s.at(34)
			over(c, a, b)
			s.end(b, "client")
			s.at(60)
			s.hangup(c, a)
		},
		"consult-not-answered": func(s *stage) {
			c, a := begin(s)
			b := consult(s, c, a)
			s.at(45)
			over(c, a, b)
			s.end(b, "transfer.noanswer")
			s.at(60)
			s.hangup(c, a)
		},
		"conference": func(s *stage) {
			c, a := begin(s)
			b := consult(s, c, a)
			s.at(34)
			s.answer(b)
			s.at(45)
			over(c, a, b)
			s.tell()
			s.at(55)
			s.end(b, "client")
			s.at(60)
			s.hangup(c, a)
		},
		"outside-party-dialed-before-the-second-agent": func(s *stage) {
			c, a := begin(s)
			x := s.party("external", "dialing", "outbound")
			x.Address = "tel:+15550177"
			s.tell()
			s.at(35)
			b := s.alert(bob)
			s.at(37)
			s.answer(b)
			s.at(40)
			s.end(x, "timeout")
			s.at(60)
			s.hangup(c, a, b)
		},
		"customer-leaves-first": func(s *stage) {
			c, a := begin(s)
			s.end(c, "endpoint")
			s.at(34)
			s.end(a, "client")
		},
	}
}

func storiesOfPeople() map[string]func(*stage) {
	begin := func(s *stage) (c, a *party2026) {
		c = s.inbound()
		s.at(10)
		a = s.alert(alice)
		s.at(14)
		s.answer(a)
		return c, a
	}
	return map[string]func(*stage){
		"monitor-coach-barge": func(s *stage) {
			c, a := begin(s)
			s.at(20)
			m := s.staff(carol, "agent", "connected")
			m.ConnectedTime, m.Queue, m.Monitors = stamp(s.now), nil, a.ID
			s.tell()
			s.at(25)
			m.Monitors, m.Coaches = "", a.ID
			s.tell()
			s.at(30)
			m.Coaches, m.Barges, m.BargedTime = "", a.ID, stamp(s.now)
			s.tell()
			s.at(40)
			s.end(m, "client")
			s.at(60)
			s.hangup(c, a)
		},
		"monitor-leaves": func(s *stage) {
			c, a := begin(s)
			s.at(20)
			m := s.staff(carol, "user", "connected")
			m.ConnectedTime, m.Monitors = stamp(s.now), a.ID
			s.tell()
			s.at(30)
			s.end(m, "client")
			s.at(60)
			s.hangup(c, a)
		},
		"barge-at-once": func(s *stage) {
			c, a := begin(s)
			s.at(20)
			m := s.staff(carol, "user", "connected")
			m.ConnectedTime, m.Barges, m.BargedTime = stamp(s.now), a.ID, stamp(s.now)
			s.tell()
			s.at(60)
			s.hangup(c, a, m)
		},
		"park-and-unpark": func(s *stage) {
			c, a := begin(s)
			s.at(20)
			a.State, a.ParkTime = "parked", stamp(s.now)
			s.tell()
			s.at(40)
			a.State, a.ResumeTime = "connected", stamp(s.now)
			s.tell()
			s.at(60)
			s.hangup(c, a)
		},
		"station-change": func(s *stage) {
			c, a := begin(s)
			s.at(20)
			s.raw(`{"station":{"user":%q,"id":"57a71000-0000-4000-8000-000000000077","name":"home","type":"inin_remote"}}`, alice)
			s.at(60)
			s.hangup(c, a)
		},
		"very-many-participants": func(s *stage) {
			c, a := begin(s)
			s.at(20)
			for range 150 {
				x := s.party("external", "connected", "outbound")
				x.ID = "e" + x.ID[1:8] + "-0000-4000-8000-0000000000e0"
				x.Address = "tel:+15550188"
			}
			s.tell()
			s.at(60)
			s.hangup(c, a)
		},
		"two-agents-one-of-them-not-monitored": func(s *stage) {
			s.given.Unsubscribed = []string{bob}
			c, a := begin(s)
			s.at(20)
			b := s.staff(bob, "agent", "alerting")
			s.on(alice)
			s.at(22)
			s.connect(b)
			s.on(alice)
			s.at(60)
			for _, p := range []*party2026{a, b, c} {
				s.leave(p, "terminated", "peer")
			}
			s.on(alice)
		},
	}
}
