package main_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

// trial is one process with its platform and its stream.
type trial struct {
	*testing.T
	p   *platform
	q   *process
	w   *witness
	url string
	n   int
}

// try starts a process against a platform that was prepared for it.
func try(t *testing.T, users int, prepared func(p *platform), settings ...string) *trial {
	t.Helper()
	p := newPlatform(t, users)
	if prepared != nil {
		p.change(func() { prepared(p) })
	}
	s := &trial{T: t, p: p, url: natstest.New(t).URL()}
	s.q = launch(t, p, s.url, settings...).ready()
	s.w = watch(t, s.url)
	return s
}

// call begins a call of the n-th user and returns when the leg has started.
func (s *trial) call(n int) (*talk, *party) {
	s.Helper()
	s.n++
	c := inbound(s.n)
	s.p.knows(c)
	u := uuid("user", n)
	s.p.waitForUser(s.T, u)
	a := s.p.join(c, u)
	s.p.change(a.alert)
	s.p.tell(c, u)
	s.p.change(a.connect)
	s.p.tell(c, u)
	s.w.told(s.T, c, a, prepare, started)
	return c, a
}

// hangUp ends a call that was begun by call.
func (s *trial) hangUp(c *talk, a *party) {
	s.Helper()
	s.p.change(func() { a.end("peer") })
	s.p.tell(c, a.User)
	s.w.told(s.T, c, a, prepare, started, cleared)
}

// whole plays a call from beginning to end.
func (s *trial) whole(user int) {
	s.Helper()
	c, a := s.call(user)
	s.hangUp(c, a)
}

func (p *platform) waitForUser(t *testing.T, user string) {
	t.Helper()
	eventually(t, "a subscription of the user", func() bool {
		return len(p.listeners(callsOf(user)))+len(p.listeners("v2.users."+user+".conversations")) > 0
	})
}

// The documentation leaves much open, and organizations differ.
func TestPlatformVariants(t *testing.T) {
	t.Parallel()
	forbidden := func(part string, how func(w http.ResponseWriter)) func(p *platform) {
		return func(p *platform) {
			p.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, part) {
					return false
				}
				how(w)
				return true
			}
		}
	}
	page := func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<html>no such page for "+callerNumber+"</html>")
	}
	for _, v := range []struct {
		name     string
		users    int
		prepared func(p *platform)
		settings []string
		then     func(s *trial)
	}{
		{name: "no HEAD, no rate limit headers", prepared: func(p *platform) { p.noHead, p.noLimits = true, true }},
		{name: "pages without a count", users: 230, prepared: func(p *platform) { p.noPageCount = true }, then: func(s *trial) { s.whole(230) }},
		{name: "gzip", prepared: zipped},
		{name: "analytics not permitted", prepared: forbidden("analytics", func(w http.ResponseWriter) {
			fail(w, http.StatusForbidden, "missing.any.permissions", "You are missing the following permission(s): [analytics:conversationDetail:view]")
		})},
		{name: "analytics is a web page", prepared: forbidden("analytics", page)},
		{name: "topic list is a web page", prepared: forbidden("availabletopics", page)},
		{name: "nested topic", settings: []string{"GENESYS_TOPIC=conversations"}, then: func(s *trial) {
			if slices.ContainsFunc(s.p.topics(), func(t string) bool { return strings.Contains(t, "conversations.calls") }) {
				s.Errorf("topics %v", s.p.topics())
			}
		}},
		{name: "flat topic refused", prepared: func(p *platform) { p.reject = ".conversations.calls" }},
		{name: "topic refused for one user", users: 2, prepared: func(p *platform) { p.reject = uuid("user", 2) }, then: func(s *trial) {
			if !strings.Contains(s.q.log.String(), "conversation:communication:view") {
				s.Error("the log does not name the permission")
			}
		}},
		{name: "one user asked for", users: 2, settings: []string{"GENESYS_USER_IDS=" + uuid("user", 1)}, then: otherUserUntouched},
		{name: "no agent events", settings: []string{"AGENT_EVENTS=false"}, then: func(s *trial) {
			s.w.mu.Lock()
			defer s.w.mu.Unlock()
			if topics := s.p.topics(); len(topics) != 1 || len(s.w.agents) != 0 {
				s.Errorf("topics %v, %d agents", topics, len(s.w.agents))
			}
		}},
		{name: "agents", then: agents},
		{name: "frames that are none", then: malformed},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			s := try(t, max(v.users, 1), v.prepared, v.settings...)
			s.whole(1)
			if v.then != nil {
				v.then(s)
			}
		})
	}
}

// zipped answers with gzip whatever accepts it.
func zipped(p *platform) {
	p.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || strings.HasPrefix(r.URL.Path, "/channels/") {
			return false
		}
		r.Header.Del("Accept-Encoding")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		p.ServeHTTP(zipWriter{w, z}, r)
		_ = z.Close() // the client may be gone
		return true
	}
}

type zipWriter struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (z zipWriter) Write(b []byte) (int, error) { return z.z.Write(b) }

func otherUserUntouched(s *trial) {
	c, a := s.call(1)
	other := s.p.join(c, uuid("user", 2))
	s.p.change(other.connect)
	s.p.tell(c, a.User)
	s.w.told(s.T, c, a, prepare, started, "update conferenced recording")
	s.p.change(func() { other.end("client"); a.end("peer") })
	s.p.tell(c, a.User)
	s.w.told(s.T, c, a, prepare, started, "update conferenced recording", cleared)
	if got := s.w.log(c, other); len(got) != 0 {
		s.Errorf("a user who is not monitored was told about: %v", got)
	}
}

// agents: presence, routing status and station make agent events, and a new station
// reaches the call.
func agents(s *trial) {
	c, a := s.call(1)
	s.p.send("v2.users."+a.User+".presence", object{
		"source": "PURECLOUD", "primary": true, "presenceDefinition": object{"id": uuid("presence", 2), "systemPresence": "ON_QUEUE"}, "modifiedDate": at(0),
	})
	s.p.send("v2.users."+a.User+".routingStatus", object{"id": a.User, "routingStatus": object{"status": "INTERACTING", "startTime": at(0)}})
	s.p.send("v2.users."+a.User+".station", object{"associatedStation": object{"id": uuid("station", 77), "name": "Desk 77"}})
	s.w.told(s.T, c, a, prepare, started, "update station_changed recording")
	eventually(s.T, "a busy agent at the new desk", func() bool {
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		all := s.w.agents[a.User]
		if len(all) == 0 {
			return false
		}
		d := all[len(all)-1].Data
		return d.State == recording.Busy && d.Agent.Station != nil && d.Agent.Station.Name == "Desk 77" && strings.Contains(d.Agent.Name, agentName)
	})
	s.p.change(func() { a.end("peer") })
	s.p.tell(c, a.User)
	s.w.told(s.T, c, a, prepare, started, "update station_changed recording", cleared)
}

// malformed: what is no notification is counted and skipped, on the same socket.
func malformed(s *trial) {
	topic := callsOf(uuid("user", 1))
	body := func(s string) string { return fmt.Sprintf(`{"topicName":%q,"version":"2","eventBody":%s}`, topic, s) }
	for _, frame := range []string{
		"", "no JSON " + callerNumber, "[]", "null", "42", `"x"`, "{}", `{"topicName":null}`, `{"topicName":"v2.nobody.knows.this","eventBody":{}}`,
		`{"result":"200","status":"subscribed"}`, `{"topicName":"v2.system.something_new","eventBody":{}}`,
		body("null"), body("[]"), body(`{"id":5}`), body(`{"id":"x","participants":{}}`), body(`{"id":"x","participants":[null,5,"a",{}]}`),
		body(`{"id":"../../x > * y","participants":[{"id":"a b.c","purpose":"agent","state":"hovering","held":"no","direction":7}]}`),
		body(strings.Repeat("[", 50000) + strings.Repeat("]", 50000)),
		body(`{"id":"` + uuid("big", 1) + `","filler":"` + strings.Repeat("x", 1<<20) + `"}`),
	} {
		s.p.raw(topic, frame)
	}
	s.whole(1)
	if n := s.p.asked("GET /channels/"); n != 1 {
		s.Errorf("%d sockets: the first did not survive", n)
	}
	_, metrics := s.q.get("/metrics")
	for line := range strings.SplitSeq(metrics, "\n") {
		if strings.HasPrefix(line, `ingestor_frames_total{kind="malformed"} `) && !strings.HasSuffix(line, " 0") {
			return
		}
	}
	s.Error("no malformed frame was counted")
}
