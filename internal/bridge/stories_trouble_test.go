package bridge_test

import "strings"

func storiesOfData() map[string]func(*stage) {
	return map[string]func(*stage){
		"wrap-up-after-the-end": func(s *stage) {
			c, a := answered(s)
			s.at(60)
			a.StartACW = stamp(s.now)
			s.hangup(c, a)
			s.at(100)
			a.EndACW = stamp(s.now)
			a.Wrapup = map[string]any{"code": "sale", "notes": "asked about a refund", "durationSeconds": 39, "endTime": stamp(s.now)}
			s.tell()
			s.again()
		},
		"attributes": func(s *stage) {
			s.given.Tags = []string{"caseNumber", "product"}
			c := s.inbound()
			c.Attributes = map[string]string{"caseNumber": "4711", "cardNumber": "0000 0000 0000 0000"}
			s.at(10)
			a := s.alert(alice)
			s.at(14)
			s.answer(a)
			s.at(20)
			for _, product := range []string{"one", "two", "three"} { // a storm is one update
				a.Attributes = map[string]string{"product": product}
				s.tell()
				s.later(0.05)
			}
			s.at(30)
			a.Attributes = map[string]string{"product": "three", "caseNumber": "4712"} // the leg's own wins
			*a.Muted = true                                                            // and rides along
			s.tell()
			s.at(60)
			s.hangup(c, a)
			s.at(70)
			a.Attributes["product"] = "four"
			s.tell()
		},
		"refreshed": func(s *stage) {
			s.given.Open = true
			answered(s)
			s.at(20 + 1900) // more than two refresh intervals
		},
		"recording-of-customer-legs-by-policy": func(s *stage) {
			s.given.Purposes = []string{"agent", "customer"}
			c, a := answered(s)
			s.at(60)
			s.hangup(c, a)
		},
	}
}

func storiesOfEnding() map[string]func(*stage) {
	return map[string]func(*stage){
		"agent-phone-fails": func(s *stage) {
			c, a := answered(s)
			a.ErrorInfo = map[string]any{"code": "error.ininedgecontrol.session.failed", "message": "the phone is gone", "status": 500}
			a.DisconnectReasons = []map[string]any{{"type": "q850", "code": 41, "phrase": "temporary failure"}}
			s.end(a, "error")
			s.at(30)
			s.end(c, "endpoint")
		},
		"complaint-on-a-healthy-leg": func(s *stage) {
			c, a := answered(s)
			a.ErrorInfo = map[string]any{"code": "error.ininedgecontrol.session.inactive", "message": "no session", "status": 404}
			s.tell()
			s.at(60)
			s.hangup(c, a)
		},
		"straight-to-terminated": func(s *stage) {
			c, a := answered(s)
			s.at(60)
			s.leave(a, "terminated", "client")
			s.leave(c, "terminated", "peer")
			s.tell()
		},
		"only-the-end-seen": func(s *stage) {
			c := s.inbound()
			s.at(14)
			a := s.staff(alice, "agent", "terminated")
			a.InitialState, a.ConnectedTime = "alerting", stamp(s.now)
			s.at(60)
			s.leave(a, "terminated", "client")
			s.leave(c, "terminated", "peer")
			s.tell()
		},
		"alert-and-end-seen-only": func(s *stage) {
			c := s.inbound()
			s.at(10)
			a := s.alert(alice)
			s.at(14)
			s.connect(a) // nobody tells
			s.at(60)
			s.leave(a, "terminated", "client")
			s.leave(c, "terminated", "peer")
			s.tell()
		},
		"decline-that-nobody-saw-alert": func(s *stage) {
			c := s.inbound()
			s.at(10)
			a := s.staff(alice, "agent", "terminated")
			a.InitialState = "alerting"
			s.leave(a, "terminated", "client")
			s.tell()
			s.at(60)
			s.end(c, "endpoint")
		},
	}
}

func storiesOfTrouble() map[string]func(*stage) {
	middle := func(s *stage) (c, a *party2026) {
		c = s.inbound()
		a = s.staff(alice, "agent", "connected")
		a.InitialState = "alerting"
		s.now = start.Add(14e9)
		s.connect(a)
		s.at(300)
		return c, a
	}
	return map[string]func(*stage){
		"begins-in-the-middle-with-a-frame": func(s *stage) {
			c, a := middle(s)
			s.hold(a, c) // the first that anybody hears of the call
			s.at(320)
			s.retrieve(a, c)
			s.at(360)
			s.hangup(c, a)
		},
		"begins-in-the-middle-with-rest": func(s *stage) {
			c, a := middle(s)
			a.StartTime, a.ANI, a.DNIS = stamp(start.Add(10e9)), far, "tel:+15550199"
			c.ANI, c.DNIS = far, "tel:+15550199"
			s.rest()
			a.StartTime, a.ANI, a.DNIS, c.ANI, c.DNIS = "", "", "", "", ""
			s.at(310)
			s.tell()
			s.at(360)
			s.hangup(c, a)
		},
		"ends-by-rest": func(s *stage) {
			c, a := answered(s)
			s.at(60)
			s.leave(a, "terminated", "client")
			s.leave(c, "terminated", "peer")
			s.at(90)
			s.rest()
		},
		"late-copies": func(s *stage) {
			c, a := answered(s)
			late := s.lines[len(s.lines)-2] // connected
			s.at(30)
			s.hold(a, c)
			s.at(40)
			s.retrieve(a, c)
			s.at(60)
			s.hangup(c, a)
			s.later(1)
			s.raw("%s", late)
			s.raw("%s", s.lines[1]) // alerting
		},
		"late-alert-during-the-call": func(s *stage) {
			c, a := answered(s)
			s.raw("%s", s.lines[1]) // alerting
			s.at(60)
			s.hangup(c, a)
		},
		"one-topic-is-dead": func(s *stage) {
			c, a := answered(s)
			b := s.staff(bob, "agent", "alerting")
			s.on(alice)
			s.at(24)
			s.connect(b)
			s.on(alice) // the topic of b says nothing, ever
			s.at(26)
			s.rest()
			s.at(60)
			for _, p := range []*party2026{a, b, c} {
				s.leave(p, "terminated", "peer")
			}
			s.on(alice)
			s.at(62)
			s.rest()
		},
	}
}

func storiesOfShapes() map[string]func(*stage) {
	return map[string]func(*stage){
		"words-nobody-knows": func(s *stage) {
			c := s.inbound()
			c.State = "transmogrifying"
			robot := s.party("robot", "connected", "sideways")
			robot.Address = "sip:robot@example.invalid"
			s.at(10)
			a := s.alert(alice)
			s.at(12)
			a.State = "pondering" // neither here nor there
			s.tell()
			s.at(14)
			a.State, c.State = "CONNECTED", "Connected"
			a.ConnectedTime = stamp(s.now)
			s.tell()
			s.at(20)
			a.State = "reconsidering"
			s.tell()
			s.at(60)
			s.hangup(c, robot, a)
			s.later(1)
			a.DisconnectType = "abducted"
			s.tell()
		},
		"shape-of-2022": func(s *stage) {
			c := s.inbound()
			s.body.SecurePause, s.body.Address = nil, ""
			old := func() {
				for _, p := range s.body.Participants {
					p.SecurePause, p.InitialState, p.TransferSource, p.Confined = nil, "", "", nil
					if p.Address != "" {
						p.ANI, p.Address = p.Address, ""
					}
					if p.Purpose == "ivr" || p.Purpose == "acd" {
						*p = party2026{Purpose: p.Purpose, State: "terminated"} // without an id
					}
				}
			}
			s.at(10)
			a := s.staff(alice, "agent", "alerting")
			old()
			s.tell()
			s.at(14)
			s.answer(a)
			s.at(20)
			*a.Held, a.StartHoldTime = true, stamp(s.now)
			s.tell()
			s.at(30)
			*a.Held, a.StartHoldTime = false, ""
			s.tell()
			s.at(60)
			s.hangup(c, a)
		},
		"flags-that-come-and-go": func(s *stage) {
			// What a frame leaves out has not changed.
			c, a := answered(s)
			*a.Muted = true
			s.pause(a, true)
			s.at(30)
			muted, held, pa, pc := a.Muted, a.Held, a.SecurePause, s.body.SecurePause
			a.Muted, a.Held, a.SecurePause, s.body.SecurePause, c.SecurePause = nil, nil, nil, nil, nil
			for _, p := range s.body.Participants {
				p.SecurePause = nil
			}
			s.tell()
			s.at(40)
			a.Muted, a.Held, a.SecurePause, s.body.SecurePause = muted, held, pa, pc
			*a.Muted = false
			s.pause(a, false)
			s.at(60)
			s.hangup(c, a)
		},
		"nested-topic": nested,
		"personal-data": func(s *stage) {
			c := s.inbound()
			c.Name, c.Address = "Jo Example; born 1970", "sip:+15550123@example.invalid;user=phone"
			s.at(10)
			a := s.staff(alice, "agent", "alerting")
			a.ID = "strange id/with.every*>thing" // which no subject may carry
			s.tell()
			s.at(14)
			s.answer(a)
			s.at(60)
			s.hangup(c, a)
		},
	}
}

// nested is a call on the topic that carries every medium: a callback first, in the
// same participant, then the call.
func nested(s *stage) {
	const frame = `{"topicName":"v2.users.` + alice + `.conversations","version":"2","eventBody":{"id":"` + conversationID + `",` +
		`"maxParticipants":2,"recordingState":"NONE","securePause":PAUSE,"participants":[` +
		`{"id":"00000001-0000-4000-8000-0000000000f1","name":"Caller One","purpose":"customer","queueId":"` + queue + `","address":"` + far + `",` +
		`"connectedTime":"2026-11-22T08:00:00.000Z","calls":[{"id":"ca110000-0000-4000-8000-000000000001","state":"connected","direction":"inbound",` +
		`"held":false,"muted":false,"confined":HELD,"self":{"addressNormalized":"` + far + `"},"other":{"addressNormalized":"tel:+15550199"},"connectedTime":"2026-11-22T08:00:00.000Z"}]},` +
		`{"id":"00000002-0000-4000-8000-0000000000f2","purpose":"agent","userId":"` + alice + `","queueId":"` + queue + `","connectedTime":"2026-11-22T08:00:05.000Z",` +
		`"callbacks":[{"id":"cb000000-0000-4000-8000-000000000001","state":"disconnected","connectedTime":"2026-11-22T08:00:05.000Z"}],` +
		`"calls":[{"id":"ca110000-0000-4000-8000-000000000002","state":"STATE","direction":"inbound","held":HELD,"muted":false,"confined":false,"securePause":PAUSE,` +
		`"other":{"addressNormalized":"` + far + `"}TIMES}]}]},"metadata":{"CorrelationId":"e4e40000-0000-4000-8000-0000000000aa"}}`
	tell := func(state, held, paused, times string) {
		s.raw("%s", strings.NewReplacer("STATE", state, "HELD", held, "PAUSE", paused, "TIMES", times).Replace(frame))
	}
	const connected = `,"connectedTime":"2026-11-22T08:00:14.000Z"`
	s.at(10)
	tell("alerting", "false", "false", `,"startAlertingTime":"2026-11-22T08:00:10.000Z"`)
	s.at(14)
	tell("connected", "false", "false", connected)
	s.at(20)
	tell("connected", "true", "false", connected+`,"startHoldTime":"2026-11-22T08:00:20.000Z"`)
	s.at(25)
	tell("connected", "false", "true", connected)
	s.at(30)
	tell("connected", "false", "false", connected)
	s.at(60)
	tell("disconnected", "false", "false", connected+`,"disconnectType":"client","disconnectedTime":"2026-11-22T08:01:00.000Z",`+
		`"disconnectReasons":[{"type":"q850","code":16,"phrase":"normal call clearing"}]`)
}
