package conformance

import (
	"fmt"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

func feedScenes() []scene {
	return []scene{
		{name: "data", about: "tags come, change and go; parties and telephone change", play: func(s *stage) {
			l := s.connected()
			l.update(Update, recording.DataChanged, tag("caseNumber", "4711"), tag("language", "ga"))
			l.update(Update, recording.DataChanged, tag("caseNumber", "4712"))
			l.update(Update, recording.DataChanged, tag("language", ""))
			l.update(Update, recording.StationChanged, func(d *recording.CallData) {
				agent := *d.Agent
				agent.Station = &recording.Station{ID: s.uuid(), Name: "Desk 7"}
				d.Agent = &agent
			})
			l.ends()
			l.update(Stop, recording.DataChanged, tag("result", "sold"))
		}},
		{name: "refresh", about: "nothing happens, and the leg is written again", play: func(s *stage) {
			l := s.connected()
			l.update(Update, recording.Refreshed)
			l.update(Update, recording.Refreshed)
			l.ends()
		}},
		{name: "leader", about: "another instance takes the lead; the old one adds a late event; a daily restart", play: playLeader},
		{name: "agents", about: "presence and routing status of an agent who talks", play: func(s *stage) {
			l := s.connected()
			s.presence(l, 1)
			s.presence(l, 2)
			l.update(Feed, recording.Muted)
			l.ends()
		}},
		{name: "reconciled", about: "a call that nobody saw is told afterwards, start and stop at once", play: func(s *stage) {
			l := s.leg()
			l.tell(Record, recording.Start, recording.Established, recording.Recording, reconciled)
			l.tell(Stop, recording.Stop, recording.Cleared, recording.Stopped, reconciled)
		}},
		{name: "gap_of_one", about: "a gap covers one agent and not the other", play: func(s *stage) {
			one, other := s.connected(), s.connected()
			closed := s.gap(recording.GapTopicRejected, recording.GapScope{Users: 1, UserIDs: []string{one.user()}})
			other.update(Gap, recording.Refreshed)
			one.update(Gap, recording.Refreshed)
			closed()
			one.ends()
			other.ends()
		}},
		{name: "gap_of_many", about: "a gap covers more agents than it names", play: func(s *stage) {
			l := s.connected()
			closed := s.gap(recording.GapSilent, recording.GapScope{Users: 500, UserIDs: []string{s.uuid(), s.uuid()}})
			closed()
			l.ends()
		}},
		{name: "gap_of_all", about: "two gaps overlap; a pause is learned, a call ends and one begins within", play: playGap},
	}
}

// leads lets another instance lead.
func (s *stage) leads(instance string, epoch uint64) {
	s.mu.Lock()
	s.epoch = epoch
	s.mu.Unlock()
	s.event(recording.FeedLeader, func(d *recording.FeedData) { d.Instance = instance })
}

func playLeader(s *stage) {
	l, paused := s.connected(), s.connected()
	paused.pauses()
	s.event(recording.FeedStopping, func(d *recording.FeedData) { d.Reason = "asked to" })
	s.leads("b", 2)
	l.update(Feed, recording.DataChanged, tag("caseNumber", "5"))
	// What the old leader had on its way: the right next revision, of the old term.
	late := func(d *recording.CallData) { d.Epoch = 1 }
	l.tell(Feed, recording.Pause, recording.SecurePaused, recording.Paused, func(d *recording.CallData) {
		late(d)
		d.Pause, d.Leg.SecurePause = &recording.PauseInfo{Reasons: []recording.PauseReason{recording.PauseSecure}}, true
	})
	s.event(recording.FeedStarted)
	s.event(recording.FeedDegraded, func(d *recording.FeedData) { d.Reason = "the other instance is away" })
	s.event(recording.FeedRecovered)
	s.event(recording.FeedRestarting)
	s.event(recording.FeedRestarted)
	s.leads("a", 3)
	l.resumes()
	paused.update(Feed, recording.Refreshed)
	l.ends()
	paused.ends()
}

func playGap(s *stage) {
	ends, pauses, armed := s.connected(), s.connected(), s.leg()
	armed.alerts()
	first := s.gap(recording.GapSocketLost, recording.GapScope{All: true})
	second := s.gap(recording.GapUnreachable, recording.GapScope{All: true})
	first()
	// What is learned while the gap closes.
	ends.tell(Gap, recording.Stop, recording.Cleared, recording.Stopped, reconciled)
	pauses.tell(Gap, recording.Pause, recording.SecurePaused, recording.Paused, reconciled, func(d *recording.CallData) {
		d.Pause, d.Leg.SecurePause = &recording.PauseInfo{Reasons: []recording.PauseReason{recording.PauseSecure}}, true
	})
	armed.tell(Gap, recording.Start, recording.Established, recording.Recording, reconciled)
	second()
	pauses.update(Pause, recording.Refreshed)
	pauses.resumes()
	pauses.ends()
	armed.ends()
}

// presence publishes the state of the agent of a leg.
func (s *stage) presence(l *leg, revision uint64) {
	now := recording.At(time.Now())
	e := recording.AgentEvent{Data: recording.AgentData{
		State: recording.Busy, Cause: recording.PresenceChanged, Revision: revision, Epoch: 1, Confidence: recording.Observed,
		DataSource: Adapter, Agent: *l.data.Agent, Timing: recording.Timing{Occurred: now, Received: now, Published: now},
		Origin: recording.Origin{Instance: "a"},
	}}
	e.Envelope = envelope(recording.TypeAgent, l.user(), fmt.Sprintf("%s-%d", l.user(), revision), now, revision)
	s.store(message(recording.AgentSubject(Adapter, l.user()), e.ID, e.AppendJSON(nil)))
}
