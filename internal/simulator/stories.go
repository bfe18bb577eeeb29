package simulator

import "time"

// The stories. Each needs as many free users as its part list has.
const (
	StoryInbound           Story = "inbound"            // IVR, queue, agent
	StoryDecline           Story = "decline"            // the first agent declines, the next answers
	StoryNoAnswer          Story = "no_answer"          // the first agent does not react
	StoryManyAlerts        Story = "many_alerts"        // one agent declines several times, then answers
	StoryHold              Story = "hold"               // held and retrieved
	StoryMute              Story = "mute"               // muted and unmuted
	StorySecurePause       Story = "secure_pause"       // a pause with several legs, one joins during it
	StoryPauseLeftOn       Story = "pause_left_on"      // who paused transfers away, the next resumes
	StoryBlindTransfer     Story = "blind_transfer"     // agent to agent, with a flapping end
	StoryQueueTransfer     Story = "queue_transfer"     // back to a queue
	StoryConsult           Story = "consult"            // a consultation that ends in a transfer
	StoryConsultCancel     Story = "consult_cancel"     // a consultation that is cancelled or not answered
	StoryConference        Story = "conference"         // three on one call
	StoryMonitor           Story = "monitor"            // a supervisor listens, then coaches, then barges in
	StoryBarge             Story = "barge"              // a supervisor barges in at once
	StoryOutbound          Story = "outbound"           // a personal call to the outside
	StoryOutboundQueue     Story = "outbound_queue"     // the same on behalf of a queue
	StoryOutboundNoAnswer  Story = "outbound_no_answer" // the far end never answers
	StoryCampaign          Story = "campaign"           // the dialer calls, an agent takes it
	StoryInternal          Story = "internal"           // user to user
	StoryDirect            Story = "direct"             // a customer calls a user's own number
	StoryCallback          Story = "callback"           // a callback first, then a call
	StoryPark              Story = "park"               // parked and taken back
	StoryVoicemail         Story = "voicemail"          // no person at all
	StoryFlowOnly          Story = "flow_only"          // the IVR is enough
	StoryAbandon           Story = "abandon"            // the customer gives up in the queue while it rings
	StoryWrapup            Story = "wrapup"             // a wrap-up long after the end
	StoryAttributes        Story = "attributes"         // data before, during and after the call
	StoryStationChange     Story = "station_change"     // the agent changes phones during the call
	StoryCustomerLeaves    Story = "customer_leaves"    // the customer is gone seconds before the agent
	StoryAgentError        Story = "agent_error"        // the agent's phone fails during the call
	StoryStationTimeout    Story = "station_timeout"    // the agent's phone never answers
	StoryStraightTerminate Story = "straight_terminate" // terminated without disconnected
	StoryLong              Story = "long"               // a call of half an hour
)

// scripts returns all stories by name.
func scripts() map[Story]script {
	return map[Story]script{
		StoryInbound: {1, playInbound}, StoryDecline: {2, playDecline}, StoryNoAnswer: {2, playNoAnswer},
		StoryManyAlerts: {1, playManyAlerts}, StoryHold: {1, playHold}, StoryMute: {1, playMute},
		StorySecurePause: {2, playSecurePause}, StoryPauseLeftOn: {2, playPauseLeftOn},
		StoryBlindTransfer: {2, playBlindTransfer}, StoryQueueTransfer: {2, playQueueTransfer},
		StoryConsult: {2, playConsult}, StoryConsultCancel: {2, playConsultCancel}, StoryConference: {2, playConference},
		StoryMonitor: {2, playMonitor}, StoryBarge: {2, playBarge}, StoryOutbound: {1, playOutbound},
		StoryOutboundQueue: {1, playOutboundQueue}, StoryOutboundNoAnswer: {1, playOutboundNoAnswer},
		StoryCampaign: {1, playCampaign}, StoryInternal: {2, playInternal}, StoryDirect: {1, playDirect},
		StoryCallback: {2, playCallback}, StoryPark: {1, playPark}, StoryVoicemail: {0, playVoicemail},
		StoryFlowOnly: {0, playFlowOnly}, StoryAbandon: {1, playAbandon}, StoryWrapup: {1, playWrapup},
		StoryAttributes: {1, playAttributes}, StoryStationChange: {1, playStationChange},
		StoryCustomerLeaves: {1, playCustomerLeaves}, StoryAgentError: {2, playAgentError},
		StoryStationTimeout: {2, playStationTimeout}, StoryStraightTerminate: {1, playStraightTerminate},
		StoryLong: {1, playLong},
	}
}

const (
	second = time.Second
	blink  = 50 * time.Millisecond
)

// arrive brings a caller through the IVR into a queue of the user.
func (s *stage) arrive(u User) *Call {
	c := s.org.Call(Inbound{Queue: s.queue(u), IVR: true})
	s.pause(2*second, 10*second)
	c.Enqueue()
	s.pause(second, 8*second)
	return c
}

// answered is a caller who talks to the user.
func (s *stage) answered(u User) (*Call, *Leg) {
	c := s.arrive(u)
	leg := c.Alert(u)
	s.pause(second, 5*second)
	leg.Answer()
	s.talk()
	return c, leg
}

func (s *stage) talk() { s.pause(3*second, 15*second) }

// hangUp ends the call from either side and wraps up.
func (s *stage) hangUp(c *Call, legs ...*Leg) *Call {
	if s.chance(0.5) || len(legs) == 0 {
		c.CustomerHangsUp()
	} else {
		for _, leg := range legs {
			leg.Disconnect("client")
		}
		c.Hangup("peer")
	}
	for _, leg := range legs {
		if leg.queue.ID != "" {
			s.pause(second, 6*second)
			leg.WrapUp(s.code())
		}
	}
	return c
}

// code is one of a few wrap-up codes.
func (s *stage) code() string {
	codes := []string{
		"7fb334b0-0e9e-11e4-9191-0800200c9a66", "560d87d0-ed4c-4662-903d-dce00bfae927",
		"0b3a4f43-3ac4-4d76-8d59-0a41ac2d9ff1",
	}
	return codes[s.rng.IntN(len(codes))]
}

func playInbound(s *stage) *Call {
	c, leg := s.answered(s.cast[0])
	return s.hangUp(c, leg)
}
