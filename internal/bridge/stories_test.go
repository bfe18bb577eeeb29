package bridge_test

import "maps"

// stories returns every golden conversation by name. A story tells what people do;
// the stage writes down what the platform sends.
func stories() map[string]func(*stage) {
	all := map[string]func(*stage){}
	for _, chapter := range []map[string]func(*stage){
		storiesOfAnswering(), storiesOfPlacing(), storiesOfTransfer(), storiesOfPeople(), storiesOfHolding(), storiesOfPause(),
		storiesOfData(), storiesOfEnding(), storiesOfTrouble(), storiesOfShapes(),
	} {
		maps.Copy(all, chapter)
	}
	return all
}

func storiesOfAnswering() map[string]func(*stage) {
	return map[string]func(*stage){
		"inbound-answered": func(s *stage) {
			c := s.inbound()
			s.at(10)
			a := s.alert(alice)
			s.at(14)
			s.answer(a)
			s.at(60)
			s.hangup(c, a)
		},
		"direct-answered": func(s *stage) {
			c := s.customer()
			c.Queue = nil
			s.at(10)
			a := s.staff(alice, "user", "alerting")
			s.tell()
			s.at(14)
			s.answer(a)
			s.at(60)
			s.hangup(c, a)
		},
		"declined-then-answered-by-another": func(s *stage) {
			c := s.inbound()
			s.at(10)
			a := s.alert(alice)
			s.at(12)
			s.end(a, "client")
			s.at(15)
			b := s.alert(bob)
			s.at(18)
			s.answer(b)
			s.at(60)
			s.hangup(c, b)
		},
		"not-answered": func(s *stage) {
			c := s.inbound()
			s.at(10)
			a := s.alert(alice)
			s.at(18)
			s.end(a, "transfer.noanswer")
			s.at(25)
			s.end(c, "endpoint")
		},
		"alert-timed-out": func(s *stage) {
			c := s.inbound()
			s.at(10)
			a := s.alert(alice)
			s.at(18)
			s.end(a, "system")
			s.at(25)
			s.end(c, "endpoint")
		},
		"one-agent-declines-several-times": func(s *stage) {
			c := s.inbound()
			for i := range 3 {
				s.at(float64(10 + 10*i))
				a := s.alert(alice)
				s.at(float64(14 + 10*i))
				s.end(a, "client")
			}
			s.at(45)
			a := s.alert(alice)
			s.at(48)
			s.answer(a)
			s.at(60)
			s.hangup(c, a)
		},
		"phone-never-reached": func(s *stage) {
			c := s.inbound()
			s.at(10)
			a := s.alert(alice)
			s.at(70)
			a.ErrorInfo = map[string]any{"code": "error.ininedgecontrol.connection.timeout", "message": "no answer from the station", "status": 500}
			s.end(a, "error")
			s.at(80)
			s.end(c, "endpoint")
		},
		"customer-gives-up-while-it-rings": func(s *stage) {
			c := s.inbound()
			s.at(10)
			a := s.alert(alice)
			s.at(14)
			s.hangup(c, a)
		},
		"voicemail": func(s *stage) {
			c := s.inbound()
			s.at(10)
			v := s.party("voicemail", "connected", "inbound")
			s.on(alice)
			s.at(40)
			s.leave(v, "terminated", "endpoint")
			s.leave(c, "terminated", "endpoint")
			s.on(alice)
		},
		"flow-only": func(s *stage) {
			c := s.customer()
			i := s.party("ivr", "connected", "inbound")
			w := s.party("workflow", "connected", "inbound")
			s.on(alice)
			s.at(40)
			for _, p := range []*party2026{c, i, w} {
				s.leave(p, "terminated", "endpoint")
			}
			s.on(alice)
		},
	}
}

func storiesOfPlacing() map[string]func(*stage) {
	place := func(purpose string) func(*stage) {
		return func(s *stage) {
			s.at(0)
			a := s.staff(alice, purpose, "contacting")
			a.Direction, a.TransferSource = "outbound", ""
			s.tell()
			s.at(2)
			far := s.party("external", "dialing", "outbound")
			far.Address, far.Name = "tel:+15550142", "Called Party"
			if purpose == "agent" {
				far.Purpose, far.Queue = "customer", &reference{ID: queue}
			}
			s.answer(a) // the phone of the agent is on, the far end rings
			s.at(9)
			s.answer(far)
			s.at(60)
			s.hangup(far, a)
		}
	}
	return map[string]func(*stage){
		"outbound-personal":  place("user"),
		"outbound-for-queue": place("agent"),
		"outbound-not-answered": func(s *stage) {
			a := s.staff(alice, "user", "dialing")
			a.Direction = "outbound"
			far := s.party("external", "dialing", "outbound")
			far.Address = "tel:+15550142"
			s.at(1)
			s.tell()
			s.at(31)
			s.leave(far, "disconnected", "timeout")
			s.leave(a, "disconnected", "peer")
			s.tell()
		},
		"campaign": func(s *stage) {
			s.at(0)
			d := s.party("dialer", "connected", "outbound")
			c := s.party("customer", "connected", "outbound")
			c.Address, c.Queue = "tel:+15550142", &reference{ID: queue}
			s.at(4)
			s.leave(d, "terminated", "transfer")
			a := s.alert(alice) // the platform calls this leg inbound
			s.at(5)
			s.answer(a)
			s.at(60)
			s.hangup(c, a)
		},
		"internal": func(s *stage) {
			s.at(0)
			a := s.staff(alice, "user", "dialing")
			a.Direction = "outbound"
			b := s.staff(bob, "user", "alerting")
			s.tell()
			s.at(6)
			s.connect(a)
			s.answer(b)
			s.at(50)
			s.leave(a, "disconnected", "client")
			s.leave(b, "disconnected", "peer")
			s.tell()
		},
		"callback-accepted-is-no-call": func(s *stage) {
			// The agent who accepts is connected to the callback, not to a call.
			s.at(0)
			s.party("callback", "scheduled", "outbound")
			a := s.staff(alice, "agent", "scheduled")
			a.Direction = "outbound"
			s.tell()
			s.at(5)
			a.ConnectedTime = stamp(s.now)
			s.tell()
			s.at(30)
		},
		"callback": func(s *stage) {
			// In the flat shape the callback shows as participants without a call: the
			// state is scheduled, and the agent who takes it is no call yet.
			s.at(0)
			q := s.party("acd", "terminated", "inbound")
			q.Queue, q.ConnectedTime, q.EndTime = &reference{ID: queue}, stamp(s.now), stamp(s.now)
			cb := s.party("callback", "scheduled", "outbound")
			a := s.staff(alice, "agent", "scheduled")
			a.Direction = "outbound"
			s.tell()
			s.at(20)
			a.State = "dialing"
			c := s.party("customer", "dialing", "outbound")
			c.Address = "tel:+15550142"
			s.tell()
			s.at(28)
			s.connect(a)
			s.answer(c)
			s.at(90)
			s.leave(cb, "terminated", "system")
			s.hangup(c, a)
		},
	}
}
