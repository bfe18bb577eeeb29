package conformance

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

func faultScenes() []scene {
	return []scene{
		{name: "again", about: "every event comes again: at once, after a newer one, after the stop", play: playAgain},
		{name: "hole", about: "events are missing: a pause, a resume, the stop's forerunner, one of the feed", play: playHole},
		{name: "unseen", about: "the first event of a leg is a stop, a pause, an update", play: playUnseen},
		{name: "later_version", foreign: true, about: "fields, causes, verbs, kinds and feed events that are not invented yet", play: playForward},
		{name: "no_events", foreign: true, about: "things in the stream that are no events", play: playRefuse},
	}
}

func playAgain(s *stage) {
	l := s.leg()
	s.again(l.alerts())
	started := l.answers()
	s.again(started)
	pause := l.pauses()
	s.again(pause)
	s.again(started) // older than the pause
	l.update(Once, recording.Refreshed)
	resumed := l.resumes()
	s.again(pause) // older than the resume
	l.update(Once, recording.Refreshed)
	stop := l.ends()
	for _, m := range []msg{stop, started, resumed, pause} {
		s.again(m)
	}
	l.update(Once, recording.WrappedUp, tag(recording.TagWrapupCode, "solved"))
}

func playHole(s *stage) {
	l := s.connected()
	l.lose(recording.Pause, recording.SecurePaused, recording.Paused, paused(recording.PauseSecure))
	l.update(Hole, recording.DataChanged, tag("caseNumber", "6"))
	l.lose(recording.Resume, recording.SecureResumed, recording.Recording, paused())
	l.lose(recording.Update, recording.Muted, recording.Recording)
	l.update(Hole, recording.Unmuted)
	l.ends()

	armed := s.leg()
	armed.alerts()
	armed.lose(recording.Start, recording.Established, recording.Recording)
	armed.tell(Hole, recording.Stop, recording.Cleared, recording.Stopped)

	lost := s.compose(recording.FeedHeartbeat) // not stored
	next := s.compose(recording.FeedHeartbeat)
	s.mu.Lock()
	revision := s.feed
	s.mu.Unlock()
	s.ledger.expect(FeedSubject, &Step{Requirement: Hole, Why: "heartbeat after " + lost.header.Get("Nats-Msg-Id"), Revision: revision, Missing: 1})
	s.store(next)
	s.awaitFeed()
}

func playUnseen(s *stage) {
	stopped := s.leg()
	stopped.data.Revision = 6
	stopped.tell(Stop, recording.Stop, recording.Cleared, recording.Stopped)

	for _, state := range []recording.State{recording.Paused, recording.Recording} {
		l := s.leg()
		l.data.Revision = 3
		if state == recording.Paused {
			l.pauses()
			l.resumes()
		} else {
			l.tell(Record, recording.Update, recording.Refreshed, recording.Recording)
			l.pauses()
		}
		l.ends()
	}

	wrapped := s.leg()
	wrapped.data.Revision = 8
	wrapped.tell(Stop, recording.Update, recording.WrappedUp, recording.Stopped, tag(recording.TagWrapupCode, "solved"))
}

// playForward speaks as a later version might. The state is always one of the four.
func playForward(s *stage) {
	later := strings.NewReplacer(
		`"specversion":`, `"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","specversion":`,
		`"verb":`, `"sentiment":{"score":0.5,"of":["caller",null]},"verb":`,
		`"leg":{`, `"leg":{"holograph":true,`,
		`"cause":"muted"`, `"cause":"teleported"`,
		`"confidence":"observed"`, `"confidence":"foreseen"`,
		`"kind":"acd"`, `"kind":"telepathy"`,
		`"role":"agent"`, `"role":"ghost"`,
		`"reasons":["secure_pause"]`, `"reasons":["moon_phase","secure_pause"]`,
	)
	l := s.leg()
	say := func(verb recording.Verb, cause recording.Cause, state recording.State, word recording.Verb, changes ...change) {
		e := l.advance(verb, cause, state, changes)
		body := strings.Replace(later.Replace(string(e.AppendJSON(nil))), fmt.Sprintf(`"verb":%q`, verb), fmt.Sprintf(`"verb":%q`, word), 1)
		l.expect(Forward)
		s.store(l.message(e.ID, []byte(body)))
		s.await(l)
	}
	say(recording.Prepare, recording.Delivered, recording.Armed, recording.Prepare)
	say(recording.Start, recording.Established, recording.Recording, recording.Start)
	say(recording.Update, recording.Muted, recording.Recording, recording.Update)
	say(recording.Pause, recording.SecurePaused, recording.Paused, "mask", paused(recording.PauseSecure))
	say(recording.Update, recording.Muted, recording.Paused, "annotate")
	s.event("eclipse")
	m := s.compose(recording.FeedHeartbeat)
	m.body = bytes.Replace(m.body, []byte(`"event":`), []byte(`"moon":{"phase":3},"event":`), 1)
	s.store(m)
	m = l.message(s.uuid(), []byte(`{"specversion":"1.0","type":"recorder.v1.weather","source":"/x","id":"`+s.uuid()+`","data":{"revision":1}}`))
	m.subject = strings.TrimSuffix(recording.FeedSubject(Adapter), "feed") + "weather.today"
	s.store(m)
	say(recording.Resume, recording.SecureResumed, recording.Recording, "unmask", paused())
	say(recording.Stop, recording.Cleared, recording.Stopped, recording.Stop)
}

func playRefuse(s *stage) {
	l, other := s.connected(), s.connected()
	good := other.message(s.uuid(), nil)
	event := other.data
	event.Revision++
	event.State, event.Verb = recording.Stopped, recording.Stop
	e := recording.CallEvent{Envelope: envelope(recording.TypeCall, other.key(), s.uuid(), event.Timing.Occurred, event.Revision), Data: event}
	body := e.AppendJSON(nil)
	s.ledger.asks(Refuse)
	for _, bad := range []msg{
		{subject: good.subject, body: []byte("hello")},
		{subject: good.subject},
		{subject: good.subject, body: []byte(`null`)},
		{subject: good.subject, body: []byte(`[1,2]`)},
		{subject: good.subject, body: body[:len(body)/2]},
		{subject: good.subject, body: []byte(`{"type":"io.nats.jetstream.api.v1.consumer_info_response","config":{}}`)},
		{subject: good.subject, body: bytes.Replace(body, []byte(`"specversion":"1.0"`), []byte(`"specversion":"9"`), 1)},
		{subject: l.message("", nil).subject, body: body}, // an event, but of another leg
		{subject: recording.FeedSubject(Adapter), body: []byte(`{"specversion":"1.0"}`)},
	} {
		bad.header = nats.Header{}
		s.store(bad)
	}
	l.update(Refuse, recording.Refreshed)
	other.update(Refuse, recording.Refreshed)
	l.ends()
	other.ends()
}

func lateScenes() []scene {
	return []scene{
		{name: "restart", about: "the recorder is killed; meanwhile calls begin, pause, resume and end", play: func(s *stage) { playRestart(s, false) }},
		{name: "amnesia", about: "the same, and its consumer is gone too: everything is delivered again", play: func(s *stage) { playRestart(s, true) }},
		{name: "silence", slow: true, about: "nothing comes for more than three heartbeats", play: playSilence},
	}
}

func playRestart(s *stage, amnesia bool) {
	goesOn, ends, isPaused, resumes, waits, pauses := s.connected(), s.connected(), s.connected(), s.connected(), s.leg(), s.connected()
	isPaused.pauses()
	resumes.pauses()
	waits.alerts()
	s.gap(recording.GapSilent, recording.GapScope{All: true})() // over, but delivered again to who forgot
	covered := s.connected()
	closed := s.gap(recording.GapSocketLost, recording.GapScope{Users: 1, UserIDs: []string{covered.user()}})
	over := s.connected()
	over.ends()

	s.downInTheMiddle(goesOn, amnesia)
	begins, brief := s.leg(), s.leg()
	begins.post(Replay, recording.Start, recording.Established, recording.Recording)
	brief.post(Replay, recording.Start, recording.Established, recording.Recording)
	brief.post(Replay, recording.Stop, recording.Cleared, recording.Stopped)
	ends.post(Replay, recording.Stop, recording.Cleared, recording.Stopped)
	resumes.post(Replay, recording.Resume, recording.SecureResumed, recording.Recording, paused())
	pauses.post(Replay, recording.Pause, recording.SecurePaused, recording.Paused, paused(recording.PauseSecure))
	s.up()

	waits.answers()
	goesOn.update(Replay, recording.Refreshed)
	isPaused.update(Replay, recording.Refreshed)
	over.update(Replay, recording.WrappedUp, tag(recording.TagWrapupCode, "solved"))
	closed()
	isPaused.resumes()
	pauses.resumes()
	for _, l := range []*leg{goesOn, isPaused, resumes, waits, pauses, covered, begins} {
		l.ends()
	}
}

// silentAfter is three heartbeats.
const silentAfter = 30 * time.Second

func playSilence(s *stage) {
	l, isPaused := s.connected(), s.connected()
	isPaused.pauses()
	s.blind = true
	s.masks(Silence, "silence", func() { s.quiet(true) })
	s.blind = false
	s.masks(Silence, "heartbeat", func() {
		s.quiet(false)
		s.event(recording.FeedHeartbeat)
	})
	isPaused.update(Silence, recording.Refreshed)
	isPaused.ends()
	l.ends()
}
