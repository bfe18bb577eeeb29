package main_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// stage is where a story plays: one call, the agents that it takes, and who watches.
type stage struct {
	*testing.T
	p     *platform
	w     *witness
	users []string
	c     *talk
}

// show changes the call and notifies all its agents.
func (s *stage) show(change func()) {
	s.Helper()
	s.p.change(change)
	s.p.tell(s.c, s.users...)
}

// up connects a new leg of the i-th agent. It returns when the leg was told so: what
// is shown before an event is stored may be told with that event.
func (s *stage) up(i int) *party {
	s.Helper()
	var leg *party
	s.show(func() { leg = s.c.leg(s.users[i]); leg.alert() })
	s.show(leg.connect)
	eventually(s.T, "the start", func() bool { return len(s.w.log(s.c, leg)) >= 2 })
	return leg
}

// story is one call from beginning to end.
type story struct {
	name   string
	agents int
	play   func(s *stage)
}

// play tells stories at the same time to one process, and then looks at the whole.
func play(t *testing.T, stories []story, settings ...string) {
	t.Helper()
	agents := 0
	for _, s := range stories {
		agents += s.agents
	}
	p := newPlatform(t, agents)
	url := natstest.New(t).URL()
	q := launch(t, p, url, settings...).ready()
	w := watch(t, url)
	t.Run("all", func(t *testing.T) {
		next := 1
		for n, story := range stories {
			s := &stage{p: p, w: w, c: inbound(n + 1)}
			for range story.agents {
				s.users = append(s.users, uuid("user", next))
				next++
			}
			p.knows(s.c)
			t.Run(story.name, func(t *testing.T) {
				t.Parallel()
				s.T = t
				story.play(s)
			})
		}
	})
	q.searched()
	if code := q.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	w.finish()
}

func TestWhichEventWhen(t *testing.T) {
	t.Parallel()
	play(t, []story{
		{"held, muted, ended in steps", 1, func(s *stage) {
			a := s.up(0)
			s.show(func() { a.hold(true); s.c.customer().Confined = true })
			s.show(func() {}) // each change comes twice
			s.show(func() { a.hold(false); s.c.customer().Confined = false })
			s.show(func() { a.Muted = true })
			s.show(func() { a.Muted = false })
			s.show(func() { s.c.customer().end("peer") })
			s.show(func() { a.end("transfer"); a.State = "disconnected" })
			eventually(s.T, "the stop", func() bool { return s.w.last(s.T, s.c, a).State == "stopped" })
			s.show(func() { a.Disconnect = "peer" })
			s.show(func() { a.State, a.Acw = "terminated", at(0) })
			s.w.told(s.T, s.c, a, prepare, started, held, retrieved, "update muted recording", "update unmuted recording", transferred)
		}},
		{"first seen connected", 1, func(s *stage) {
			a := s.p.join(s.c, s.users[0])
			s.show(a.connect)
			s.w.told(s.T, s.c, a, started)
			s.show(func() { a.end("client") })
			s.w.told(s.T, s.c, a, started, cleared)
		}},
		{"first seen ended", 1, func(s *stage) {
			a := s.p.join(s.c, s.users[0])
			s.show(func() { a.connect(); a.end("endpoint") })
			s.w.told(s.T, s.c, a, started, cleared)
		}},
		{"declined, not answered, answered", 1, func(s *stage) {
			var tries []*party
			for _, how := range []string{"client", "transfer.noanswer"} {
				a := s.p.join(s.c, s.users[0])
				s.show(a.alert)
				s.show(func() { a.end(how) })
				s.show(func() {})
				tries = append(tries, a)
			}
			a := s.up(0)
			s.show(func() { a.end("peer") })
			s.w.told(s.T, s.c, tries[0], prepare, diverted)
			s.w.told(s.T, s.c, tries[1], prepare, diverted)
			s.w.told(s.T, s.c, a, prepare, started, cleared)
		}},
		{"failed before and after the answer", 2, func(s *stage) {
			a, b := s.p.join(s.c, s.users[0]), s.p.join(s.c, s.users[1])
			s.show(a.alert)
			s.show(func() { a.end("error"); b.alert() })
			s.show(b.connect)
			s.show(func() { b.end("error") })
			s.w.told(s.T, s.c, a, prepare, failed)
			s.w.told(s.T, s.c, b, prepare, started, failed)
		}},
		{"outbound", 1, func(s *stage) {
			far := &party{ID: uuid("far", 1), Purpose: "external", Address: "tel:+15550177", Direction: "outbound", State: "dialing", Initial: "dialing"}
			s.p.change(func() { s.c.Parties = nil })
			a := s.p.join(s.c, s.users[0])
			s.show(func() { a.Purpose, a.Direction, a.State, a.Initial = "user", "outbound", "contacting", "contacting" })
			s.show(func() { a.State, s.c.Parties = "dialing", append(s.c.Parties, far) })
			s.show(func() { a.connect(); a.Initial = "contacting" })
			s.show(func() { far.connect(); far.Initial = "dialing" })
			s.show(func() { far.end("endpoint"); a.end("peer") })
			s.w.told(s.T, s.c, a, dialed, started, cleared)
			if c := s.w.last(s.T, s.c, a).Conversation; c.Direction != "outbound" || c.Kind != "direct" || c.DNIS != "tel:+15550177" {
				s.Errorf("direction %q, kind %q, dnis %q", c.Direction, c.Kind, c.DNIS)
			}
		}},
		{"internal", 2, func(s *stage) {
			s.p.change(func() { s.c.Parties = nil })
			a, b := s.p.join(s.c, s.users[0]), s.p.join(s.c, s.users[1])
			s.show(func() {
				a.Purpose, a.Direction, a.State, a.Initial = "user", "outbound", "contacting", "contacting"
				b.Purpose = "user"
				b.alert()
			})
			s.show(func() { a.connect(); a.Initial = "contacting"; b.connect() })
			s.show(func() { a.end("client"); b.end("peer") })
			s.w.told(s.T, s.c, a, dialed, started, cleared)
			s.w.told(s.T, s.c, b, prepare, started, cleared)
			if k := s.w.last(s.T, s.c, b).Conversation.Kind; k != "internal" {
				s.Errorf("kind %q", k)
			}
		}},
		{"blind transfer", 2, func(s *stage) {
			a := s.up(0)
			b := s.p.join(s.c, s.users[1])
			s.show(func() { a.end("transfer"); b.alert() })
			s.w.told(s.T, s.c, a, prepare, started, transferred)
			s.show(func() { a.Disconnect = "peer" })
			s.show(b.connect)
			s.show(func() { s.c.customer().end("endpoint"); b.end("peer") })
			s.w.told(s.T, s.c, a, prepare, started, transferred)
			s.w.told(s.T, s.c, b, prepare, started, cleared)
		}},
		{"consult transfer", 2, func(s *stage) {
			a := s.up(0)
			s.show(func() { a.hold(true); s.c.customer().Confined = true })
			b := s.p.join(s.c, s.users[1])
			mark := func(id string) { a.Consult, b.Consult, s.c.customer().Consult = id, id, id }
			s.show(func() { a.hold(false); mark(s.c.customer().ID); a.Attributes["consultInitiator"] = "true"; b.alert() })
			s.w.told(s.T, s.c, b, prepare)
			s.show(b.connect)
			s.show(func() { mark(""); a.end("transfer.consult"); s.c.customer().Confined = false })
			s.w.told(s.T, s.c, a, prepare, started, held, retrieved, transferred)
			s.show(func() { b.end("client") })
			s.w.told(s.T, s.c, b, prepare, started, cleared)
			if r := s.w.events(s.c, b)[0].Data.Leg.Role; r != "consult_target" {
				s.Errorf("role %q", r)
			}
		}},
		{"conference", 3, func(s *stage) {
			a, b, c := s.up(0), s.up(1), s.up(2)
			s.w.told(s.T, s.c, a, prepare, started, "update conferenced recording")
			eventually(s.T, "three peers", func() bool { return len(s.w.last(s.T, s.c, a).Peers) == 3 })
			s.show(func() { s.c.customer().end("endpoint"); a.end("peer"); b.end("peer"); c.end("peer") })
			s.w.told(s.T, s.c, a, prepare, started, "update conferenced recording", cleared)
			s.w.told(s.T, s.c, b, prepare, started, cleared)
			s.w.told(s.T, s.c, c, prepare, started, cleared)
		}},
		{"wrap-up after the end", 1, func(s *stage) {
			a := s.up(0)
			s.show(func() { s.c.customer().end("endpoint"); a.end("peer"); a.Acw = at(0) })
			s.w.told(s.T, s.c, a, prepare, started, cleared)
			s.show(func() {
				a.AcwEnd = at(39 * time.Second)
				a.Wrapup = object{"code": "7fb334b0-0e9e-11e4-9191-0800200c9a66", "notes": wrapupNotes, "durationSeconds": 39, "endTime": a.AcwEnd}
			})
			s.show(func() {})
			s.w.told(s.T, s.c, a, prepare, started, cleared, "update wrapped_up stopped")
			d := s.w.last(s.T, s.c, a)
			if d.Leg.Wrapup == nil || d.Leg.Wrapup.Code != d.Tags["wrapupCode"] || d.Leg.Wrapup.DurationSeconds != 39 {
				s.Errorf("wrap-up %+v, tags %v", d.Leg.Wrapup, d.Tags)
			}
		}},
		{"parked", 1, func(s *stage) {
			a := s.up(0)
			s.show(func() { a.State, a.Extra = "parked", object{"parkTime": at(0)} })
			s.show(func() { a.State, a.Extra = "connected", object{"resumeTime": at(0)} })
			s.show(func() { a.end("client") })
			s.w.told(s.T, s.c, a, prepare, started, "update parked recording", "update unparked recording", cleared)
		}},
		{"words in capitals", 1, func(s *stage) {
			a := s.p.join(s.c, s.users[0])
			s.show(func() { a.alert(); a.State, a.Direction = "ALERTING", "INBOUND" })
			s.show(func() { a.connect(); a.State = "CONNECTED" })
			s.show(func() { a.end("PEER"); a.State = "TERMINATED" })
			s.w.told(s.T, s.c, a, prepare, started, cleared)
		}},
		{"late and repeated frames", 1, func(s *stage) {
			a, topic := s.p.join(s.c, s.users[0]), callsOf(s.users[0])
			s.show(a.alert)
			early := s.c.flat2026()
			s.show(a.connect)
			middle := s.c.flat2026()
			for range 10 {
				s.p.send(topic, middle)
			}
			s.p.send(topic, early)
			s.show(func() { a.end("client") })
			s.p.send(topic, middle)
			s.p.send(topic, early)
			s.w.told(s.T, s.c, a, prepare, started, cleared)
		}},
		{"shape of 2022", 1, func(s *stage) {
			a, topic := s.p.join(s.c, s.users[0]), callsOf(s.users[0])
			for _, step := range []func(){
				a.alert, a.connect, func() { a.hold(true) }, func() { a.hold(false) }, func() { s.c.customer().end("endpoint"); a.end("peer") },
			} {
				s.p.change(step)
				s.p.send(topic, s.c.flat2022())
			}
			s.w.told(s.T, s.c, a, prepare, started, held, retrieved, cleared)
			d := s.w.events(s.c, a)[1].Data
			if d.Conversation.ANI != callerNumber || len(d.Peers) != 1 || d.Peers[0].Address != callerNumber {
				s.Errorf("ani %q, peers %+v", d.Conversation.ANI, d.Peers)
			}
		}},
		{"own topic silent, REST knows", 2, func(s *stage) {
			a, b := s.up(0), s.p.join(s.c, s.users[1])
			s.p.change(b.connect)
			s.p.tell(s.c, s.users[0])
			s.w.told(s.T, s.c, b, started)
			if got := s.w.last(s.T, s.c, b).Confidence; got != "reconciled" {
				s.Errorf("confidence %q", got)
			}
			s.show(func() { b.end("client"); a.end("peer") })
			s.w.told(s.T, s.c, b, started, cleared)
			s.w.told(s.T, s.c, a, prepare, started, "update conferenced recording", cleared)
		}},
		{"monitored, coached, barged", 2, supervised},
	})
}

// supervised: a supervisor who listens is no leg to record, one who speaks is.
func supervised(s *stage) {
	a := s.up(0)
	m := s.p.join(s.c, s.users[1])
	s.show(func() { m.Monitored = a.ID; m.alert() })
	s.show(m.connect)
	shows := func(mode string) func() bool {
		return func() bool {
			d := s.w.last(s.T, s.c, a)
			return len(d.Leg.Supervisors) == 1 && string(d.Leg.Supervisors[0].Mode) == mode
		}
	}
	eventually(s.T, "a listener", shows("monitor"))
	s.show(func() { m.Monitored, m.Coached = "", a.ID })
	eventually(s.T, "a whisperer", shows("coach"))
	if got := s.w.log(s.c, m); len(got) != 0 {
		s.Errorf("the supervisor has events: %v", got)
	}
	s.show(func() { m.Coached, m.Barged, m.BargedTime = "", a.ID, at(0) })
	eventually(s.T, "a third speaker", shows("barge"))
	eventually(s.T, "the start of the supervisor", func() bool { return len(s.w.log(s.c, m)) == 1 })
	s.show(func() { m.end("client") })
	eventually(s.T, "the supervisor to be gone", func() bool { return len(s.w.last(s.T, s.c, a).Leg.Supervisors) == 0 })
	s.show(func() { a.end("client") })
	eventually(s.T, "the end of both", func() bool {
		return s.w.last(s.T, s.c, a).State == "stopped" && s.w.last(s.T, s.c, m).State == "stopped"
	})
	for _, leg := range []*party{a, m} {
		s.w.told(s.T, s.c, leg, s.w.log(s.c, leg)...)
	}
	s.w.told(s.T, s.c, m, "start barged recording", cleared)
}
