package main_test

import (
	"net/http"
	"testing"
)

// A secure pause reaches every leg, wherever in the frame it stands and whichever
// topic shows it; and nobody guesses its end.
func TestSecurePause(t *testing.T) {
	t.Parallel()
	onOff := func(set func(c *talk, agent *party, on bool)) func(s *stage) {
		return func(s *stage) {
			a := s.up(0)
			s.show(func() { set(s.c, a, true) })
			s.w.told(s.T, s.c, a, prepare, started, paused)
			s.show(func() { set(s.c, a, false) })
			s.w.told(s.T, s.c, a, prepare, started, paused, resumed)
			s.show(func() { set(s.c, a, true) })
			s.show(func() { a.end("client") })
			s.w.told(s.T, s.c, a, prepare, started, paused, resumed, paused, cleared)
		}
	}
	both := func(s *stage) (a, b *party) {
		a, b = s.up(0), s.up(1)
		s.w.told(s.T, s.c, a, prepare, started, "update conferenced recording")
		s.w.told(s.T, s.c, b, prepare, started)
		return a, b
	}
	pausedOn := func(s *stage, a, b *party, more ...string) {
		s.w.told(s.T, s.c, a, append([]string{prepare, started, "update conferenced recording", paused}, more...)...)
		s.w.told(s.T, s.c, b, append([]string{prepare, started, paused}, more...)...)
	}
	ended := func(s *stage, a, b *party, more ...string) {
		s.show(func() { a.end("peer"); b.end("peer") })
		pausedOn(s, a, b, append(more, cleared)...)
	}
	play(t, []story{
		{"on the conversation", 1, onOff(func(c *talk, _ *party, on bool) { c.Secure = on })},
		{"on the agent", 1, onOff(func(_ *talk, a *party, on bool) { a.Secure = on })},
		{"on the customer", 1, onOff(func(c *talk, _ *party, on bool) { c.customer().Secure = on })},
		{"two agents", 2, func(s *stage) {
			a, b := both(s)
			s.show(func() { s.c.Secure = true })
			pausedOn(s, a, b)
			s.show(func() { s.c.Secure = false })
			pausedOn(s, a, b, resumed)
			ended(s, a, b, resumed)
		}},
		{"one topic shows it, REST confirms", 2, func(s *stage) {
			a, b := both(s)
			s.p.change(func() { s.c.Secure = true })
			s.p.tell(s.c, s.users[0])
			pausedOn(s, a, b)
			s.p.change(func() { s.c.Secure = false })
			s.p.tell(s.c, s.users[0])
			pausedOn(s, a, b, resumed)
			ended(s, a, b, resumed)
		}},
		{"one topic shows the end, REST does not know the call", 2, func(s *stage) {
			a, b := both(s)
			s.show(func() { s.c.Secure = true })
			pausedOn(s, a, b)
			asked := make(chan struct{}, 100)
			s.p.says(s.c, func(w http.ResponseWriter, _ bool) {
				fail(w, http.StatusNotFound, "not.found", "Conversation not found")
				asked <- struct{}{}
			})
			s.p.change(func() { s.c.Secure = false })
			s.p.tell(s.c, s.users[0])
			<-asked
			pausedOn(s, a, b)
			s.p.tell(s.c, s.users[1])
			pausedOn(s, a, b, resumed)
			ended(s, a, b, resumed)
		}},
		{"a frame that says nothing about it", 1, func(s *stage) {
			a := s.up(0)
			s.show(func() { s.c.Secure = true })
			s.p.change(func() { a.Muted = true })
			s.p.send(callsOf(s.users[0]), s.c.flat2022())
			s.w.told(s.T, s.c, a, prepare, started, paused, "update muted paused")
			s.show(func() { a.end("client") })
			s.w.told(s.T, s.c, a, prepare, started, paused, "update muted paused", cleared)
		}},
		{"a leg that begins in it", 2, func(s *stage) {
			a := s.up(0)
			s.show(func() { a.Secure = true })
			b := s.p.join(s.c, s.users[1])
			s.p.change(b.alert)
			s.p.tell(s.c, s.users[1])
			s.p.change(b.connect)
			s.p.tell(s.c, s.users[1])
			s.w.told(s.T, s.c, b, prepare, startedMute)
			s.show(func() { a.Secure = false })
			s.w.told(s.T, s.c, b, prepare, startedMute, resumed)
			s.show(func() { a.end("peer"); b.end("peer") })
			s.w.told(s.T, s.c, b, prepare, startedMute, resumed, cleared)
			s.w.told(s.T, s.c, a, append([]string{prepare, started, paused}, s.w.log(s.c, a)[3:]...)...)
		}},
		{"first seen in it", 1, func(s *stage) {
			a := s.p.join(s.c, s.users[0])
			s.show(func() { a.connect(); s.c.Secure = true })
			s.w.told(s.T, s.c, a, startedMute)
			s.show(func() { a.end("client") })
			s.w.told(s.T, s.c, a, startedMute, cleared)
		}},
	})
}

// The policy settings, each of which changes what the same frames mean.
func TestPolicy(t *testing.T) {
	t.Parallel()
	play(t, []story{
		{"pause on hold, tags", 1, func(s *stage) {
			a := s.p.join(s.c, s.users[0])
			s.show(func() {
				a.Attributes = map[string]string{"caseNumber": "4711", "private": "not for recorders", "empty": ""}
				a.alert()
			})
			s.show(a.connect)
			s.show(func() { a.hold(true) })
			s.w.told(s.T, s.c, a, prepare, started, "pause held paused")
			s.show(func() { s.c.Secure = true })
			s.w.told(s.T, s.c, a, prepare, started, "pause held paused", "update secure_paused paused")
			s.show(func() { a.hold(false) })
			s.show(func() { s.c.Secure = false })
			s.w.told(s.T, s.c, a, prepare, started, "pause held paused", "update secure_paused paused", "update retrieved paused", resumed)
			s.show(func() { a.Attributes["caseNumber"] = "4712" })
			eventually(s.T, "the new tag", func() bool { return s.w.last(s.T, s.c, a).Tags["caseNumber"] == "4712" })
			s.show(func() { a.end("client") })
			s.w.told(s.T, s.c, a, prepare, started, "pause held paused", "update secure_paused paused", "update retrieved paused", resumed, cleared)
			for _, e := range s.w.events(s.c, a) {
				if len(e.Data.Tags) != 1 || e.Data.Tags["caseNumber"] == "" {
					s.Errorf("%s has tags %v", e.Data.Verb, e.Data.Tags)
				}
			}
		}},
		{"supervised caller", 1, func(s *stage) {
			// RECORD_PURPOSES decides whose legs are told, here the dialer's too.
			a := s.p.join(s.c, s.users[0])
			s.show(func() { a.Purpose = "dialer"; a.alert() })
			s.show(a.connect)
			s.show(func() { a.end("client") })
			s.w.told(s.T, s.c, a, prepare, started, cleared)
		}},
	}, "RECORD_PAUSE_ON_HOLD=true", "RECORD_TAGS=caseNumber,empty", "RECORD_PURPOSES=agent,user,dialer")
}
