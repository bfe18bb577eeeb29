package genesys

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

var errTooLong = errors.New("longer than the limit")

// reader turns the frames of one socket into calls of the sink.
type reader struct {
	slot    *slot
	socket  *socket
	decoder *decoder
}

func (r *reader) handle(frame []byte, received time.Time) {
	p := r.slot.p
	p.counters.bytes.Add(uint64(len(frame)))
	if o := r.socket.recording.Load(); o != nil {
		o.add(frame)
	}
	f, err := r.decoder.frame(frame)
	if err != nil {
		p.counters.malformed.Add(1)
		r.reject(f.Topic, err)
		return
	}
	if o := r.socket.replay; o != nil {
		// What was sent before the pong was in the buffer. Later frames are new, even if
		// they look like an old one.
		if f.Kind == KindPong || received.Sub(o.began) > overlapLimit {
			r.socket.replay = nil
		} else if (f.Kind == KindConversation || f.Kind == KindAgent) && o.take(frame) {
			p.counters.repeated.Add(1)
			return
		}
	}
	switch f.Kind {
	case KindConversation:
		r.socket.event.Store(received.UnixNano())
		if t := r.slot.trial.Load(); t != nil && t.socket == r.socket {
			t.heard(f.Snapshot.View, true)
		}
		// Other media have no voice call in the nested shape.
		if len(f.Snapshot.Participants) == 0 {
			return
		}
		last := r.decoder.last
		if users := p.monitored.Load(); last.users != users {
			last.users, last.monitored = users, p.isMonitored(f.Snapshot.View)
		}
		if !last.monitored {
			p.counters.unknown.Add(1)
			return
		}
		f.Snapshot.Memory = &last.memory
		f.Snapshot.Received, f.Snapshot.Channel = received, r.slot.index
		p.counters.conversation.Add(1)
		p.sink.Snapshot(f.Snapshot)
	case KindAgent:
		r.socket.event.Store(received.UnixNano())
		if t := r.slot.trial.Load(); t != nil && t.socket == r.socket {
			t.heard(f.Agent.UserID, false)
		}
		if !p.isMonitored(f.Agent.UserID) {
			p.counters.unknown.Add(1)
			return
		}
		p.counters.agent.Add(1)
		p.sink.Agent(f.Agent.received(time.Time{}, received))
	case KindHeartbeat, KindPong:
		p.counters.control.Add(1)
		r.socket.heartbeat.Store(received.UnixNano())
		if f.Kind == KindPong {
			select {
			case r.socket.pong <- struct{}{}:
			default:
			}
		}
	case KindSystem:
		p.counters.control.Add(1)
		r.signal(f.System)
	case KindReply:
		p.counters.control.Add(1)
		if f.Reply == "404" {
			r.signal(SystemNoLongerSubscribed)
		}
	default:
		p.counters.unknown.Add(1)
	}
}

// signal passes a system message on; when the slot is busy with as many already, one
// more changes nothing.
func (r *reader) signal(t SystemTopic) {
	select {
	case r.slot.signals <- signal{t, time.Now()}:
	default:
	}
}

// long is called for a frame above the limit.
func (r *reader) long(start []byte) {
	p := r.slot.p
	p.counters.oversized.Add(1)
	// The beginning is not JSON, but its topic can be read in most cases.
	r.decoder.reset(start)
	topic := ""
	if r.decoder.open('{') {
		for key, ok := r.decoder.member(true); ok && topic == ""; key, ok = r.decoder.member(false) {
			if string(key) == "topicName" {
				topic = r.decoder.str()
			} else {
				r.decoder.skip()
			}
		}
	}
	r.reject(topic, errTooLong)
}

// reject notes that something may have been missed: by the user of the topic where it
// is known, else by all of the slot. [Platform.report] does so within a second, so that a
// storm of such frames asks for few answers of REST.
func (r *reader) reject(topic string, err error) {
	s := r.slot
	user := viewOf(topic)
	if strings.HasPrefix(topic, userTopic) && !s.p.isMonitored(user) {
		return // the state of an agent, or somebody else: no call is concerned
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rejected == nil {
		s.rejected = make(map[string]bool)
		s.rejectedAt = time.Now()
		s.log.Warn("frame rejected", "topic", templateOf(clip(topic)), "error", err)
	}
	if s.p.isMonitored(user) {
		s.rejected[user] = true
		return
	}
	for _, u := range s.share.users {
		s.rejected[u] = true
	}
}

// reportRejected tells the feed about the frames that were rejected lately.
func (s *slot) reportRejected() {
	s.mu.Lock()
	users, at := slices.Sorted(maps.Keys(s.rejected)), s.rejectedAt
	s.rejected = nil
	s.mu.Unlock()
	s.p.feed.blink(CauseFrameRejected, at, users)
}
