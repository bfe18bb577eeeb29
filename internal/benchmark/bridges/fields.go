package bridges

import "bytes"

// party holds what an event needs of one participant. All texts point into the frame.
type party struct {
	id, purpose, state, direction, address, name []byte
	user, queue, disconnect, connected, ended    []byte
	held, muted, confined, secure                bool
}

// gone tells whether the party is no longer on the call.
func (p *party) gone() bool {
	return len(p.ended) > 0 || string(p.state) == "terminated" || string(p.state) == "disconnected"
}

// frame holds what an event needs of one notification. Its memory is used again.
type frame struct {
	topic, user, conversation, dialled, correlation []byte
	parties                                         []party
	agent                                           int // in parties, or -1
}

// read fills f from a notification and tells whether it deserves an event.
func (f *frame) read(data []byte) bool {
	*f = frame{parties: f.parties[:0], agent: -1}
	s := scanner{data: data}
	if !s.open('{') {
		return false
	}
	for s.more() {
		switch string(s.key()) {
		case "topicName":
			f.topic = s.text()
			if f.user = userOf(f.topic); f.user == nil {
				return false // no conversation: the rest is not worth a look
			}
		case "eventBody":
			f.body(&s)
		case "metadata":
			for in := s.open('{'); in && s.more(); {
				if string(s.key()) == "CorrelationId" {
					f.correlation = s.text()
				} else {
					s.skip()
				}
			}
		default:
			s.skip()
		}
	}
	return !s.bad && f.agent >= 0 && f.user != nil
}

func (f *frame) body(s *scanner) {
	for in := s.open('{'); in && s.more(); {
		switch string(s.key()) {
		case "id":
			f.conversation = s.text()
		case "address":
			f.dialled = s.text()
		case "participants":
			for in := s.open('['); in && s.more(); {
				f.party(s)
			}
		default:
			s.skip()
		}
	}
}

// party reads one participant. The last agent is the one that the event is about.
func (f *frame) party(s *scanner) {
	f.parties = append(f.parties, party{})
	p := &f.parties[len(f.parties)-1]
	for in := s.open('{'); in && s.more(); {
		switch string(s.key()) {
		case "id":
			p.id = s.text()
		case "purpose":
			p.purpose = s.text()
		case "state":
			p.state = s.text()
		case "direction":
			p.direction = s.text()
		case "address":
			p.address = s.text()
		case "name":
			p.name = s.text()
		case "userId":
			p.user = s.text()
		case "user":
			if id := s.idWithin(); id != nil {
				p.user = id
			}
		case "queue":
			p.queue = s.idWithin()
		case "disconnectType":
			p.disconnect = s.text()
		case "connectedTime":
			p.connected = s.text()
		case "endTime":
			p.ended = s.text()
		case "held":
			p.held = s.yes()
		case "muted":
			p.muted = s.yes()
		case "confined":
			p.confined = s.yes()
		case "securePause":
			p.secure = s.yes()
		default:
			s.skip()
		}
	}
	if string(p.purpose) == "agent" {
		f.agent = len(f.parties) - 1
	}
}

// idWithin reads an object and returns its id.
func (s *scanner) idWithin() (id []byte) {
	for in := s.open('{'); in && s.more(); {
		if string(s.key()) == "id" {
			id = s.text()
		} else {
			s.skip()
		}
	}
	return id
}

// userOf returns the user of a conversation topic, or nil for any other topic.
func userOf(topic []byte) []byte {
	rest, is := bytes.CutPrefix(topic, []byte("v2.users."))
	if !is {
		return nil
	}
	user, last, _ := bytes.Cut(rest, []byte("."))
	if string(last) != "conversations.calls" && string(last) != "conversations" {
		return nil
	}
	return user
}

// verdict says in the words of the contract what a participant asks of the
// recorder. Without memory, every frame of a connected leg is a start.
func (p *party) verdict() (verb, cause, state string) {
	switch {
	case p.gone():
		return "stop", "cleared", "stopped"
	case string(p.state) == "alerting" || string(p.state) == "offering":
		return "prepare", "delivered", "armed"
	case string(p.state) == "dialing" || string(p.state) == "contacting":
		return "prepare", "originated", "armed"
	case p.secure:
		return "pause", "secure_paused", "paused"
	case p.held:
		return "update", "held", "recording"
	case p.muted:
		return "update", "muted", "recording"
	default:
		return "start", "established", "recording"
	}
}
