package genesys

import (
	"slices"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// DecodeConversation decodes a conversation as REST returns it: in the flat shape
// (fields of the voice communication on the participant) or nested (in its calls).
func DecodeConversation(b []byte, nested bool) (call.Snapshot, error) {
	return newDecoder(nil).rest(b, nested)
}

func (d *decoder) rest(b []byte, nested bool) (call.Snapshot, error) {
	d.reset(b)
	if d.peek() != '{' {
		return call.Snapshot{}, errNotJSON
	}
	snapshot := d.conversation(nested)
	d.end()
	if d.err != nil {
		return call.Snapshot{}, d.err
	}
	if snapshot.ConversationID == "" {
		return call.Snapshot{}, errNoConversation
	}
	snapshot.View = call.ViewREST
	return *snapshot, nil
}

// conversation reads a conversation of either shape. In the nested shape participants
// without a voice call are left out: they are there for other media.
func (d *decoder) conversation(nested bool) *call.Snapshot {
	s := d.snapshot()
	if !d.open('{') {
		return s
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "id":
			s.ConversationID = d.str()
		case "securePause":
			s.SecurePause = d.flag()
		case "participants":
			s.Participants = d.participants(s.Participants[:0], nested)
		default:
			d.skip()
		}
	}
	return s
}

// participants reads a list into the room of another one.
func (d *decoder) participants(list []call.Participant, nested bool) []call.Participant {
	if !d.open('[') {
		return list
	}
	for ok := d.element(true); ok; ok = d.element(false) {
		if list == nil {
			list = make([]call.Participant, 0, 4)
		}
		list = append(list, call.Participant{})
		p := &list[len(list)-1]
		// Without an id a participant cannot be told from the others.
		if !d.participant(p, nested) || p.ID == "" {
			list = list[:len(list)-1]
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// participant reads one participant; false when it takes no part in the voice call.
func (d *decoder) participant(p *call.Participant, nested bool) bool {
	var v voice
	var userID, queueID string
	if !d.open('{') {
		return false
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "id":
			p.ID = d.str()
		case "purpose":
			p.Purpose = d.word()
		case "name":
			p.Name = d.str()
		case "user":
			p.UserID, p.UserName = d.reference()
		case "userId":
			userID = d.str()
		case "queue":
			p.QueueID, p.QueueName = d.reference()
		case "queueId":
			queueID = d.str()
		case "address":
			p.Address = d.str()
		case "ani":
			p.ANI = d.str()
		case "dnis":
			p.DNIS = d.str()
		case "startTime":
			p.Start = d.time()
		case "startAcwTime":
			p.StartACW = d.time()
		case "endAcwTime":
			p.EndACW = d.time()
		case "parkTime":
			p.Park = d.time()
		case "monitoredParticipantId":
			p.Monitored = d.str()
		case "coachedParticipantId":
			p.Coached = d.str()
		case "bargedParticipantId":
			p.Barged = d.str()
		case "consultParticipantId":
			p.ConsultParticipantID = d.str()
		case "wrapupRequired":
			p.WrapupRequired, _ = d.boolean()
		case "wrapup":
			p.Wrapup = d.wrapup()
		case "attributes":
			p.Attributes = d.attributeMap()
		case "calls":
			v = d.calls()
		default:
			if !d.leg(key, p) {
				d.skip()
			}
		}
	}
	if p.UserID == "" {
		p.UserID = userID
	}
	if p.QueueID == "" {
		p.QueueID = queueID
	}
	if v.found {
		v.onto(p)
	}
	return v.found || !nested
}

// leg reads the fields that a flat participant and a nested call share.
func (d *decoder) leg(key []byte, p *call.Participant) bool {
	switch string(key) {
	case "state":
		p.State = d.word()
	case "initialState":
		p.Initial = d.word()
	case "direction":
		p.Direction = d.word()
	case "connectedTime":
		p.Connected = d.time()
	case "endTime", "disconnectedTime":
		p.End = d.time()
	case "startHoldTime":
		p.StartHold = d.time()
	case "bargedTime":
		p.Barge = d.time()
	case "held":
		p.Held = d.flag()
	case "muted":
		p.Muted = d.flag()
	case "confined":
		p.Confined = d.flag()
	case "securePause":
		p.SecurePause = d.flag()
	case "disconnectType":
		p.DisconnectType = d.word()
	case "disconnectReasons":
		p.DisconnectReasons = d.reasons()
	case "errorInfo":
		p.ErrorCode = d.errorCode()
	default:
		return false
	}
	return true
}

func (d *decoder) flag() call.Flag {
	v, ok := d.boolean()
	if !ok {
		return call.Absent
	}
	return call.FlagOf(v)
}

// reference reads an object with an id and a name.
func (d *decoder) reference() (id, name string) {
	if !d.open('{') {
		return "", ""
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "id":
			id = d.str()
		case "name":
			name = d.str()
		default:
			d.skip()
		}
	}
	return id, name
}

func (d *decoder) errorCode() (code string) {
	if !d.open('{') {
		return ""
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		if string(key) == "code" {
			code = d.str()
		} else {
			d.skip()
		}
	}
	return code
}

func (d *decoder) wrapup() *call.Wrapup {
	if !d.open('{') {
		return nil
	}
	var w call.Wrapup
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "code":
			w.Code = d.str()
		case "durationSeconds":
			w.DurationSeconds = d.integer()
		case "endTime":
			w.End = d.time()
		default:
			d.skip()
		}
	}
	if w == (call.Wrapup{}) {
		return nil
	}
	return &w
}

// reasons reads the protocol's words for an end; an empty entry says nothing.
func (d *decoder) reasons() (list []call.DisconnectReason) {
	if !d.open('[') {
		return nil
	}
	for more := d.element(true); more; more = d.element(false) {
		if !d.open('{') {
			continue
		}
		var r call.DisconnectReason
		for key, ok := d.member(true); ok; key, ok = d.member(false) {
			switch string(key) {
			case "type":
				r.Type = d.word()
			case "code":
				r.Code = d.integer()
			case "phrase":
				r.Phrase = d.str()
			default:
				d.skip()
			}
		}
		if r != (call.DisconnectReason{}) {
			list = append(list, r)
		}
	}
	return list
}

// wants reports whether an attribute is one of those to be taken: they are few.
func (d *decoder) wants(name []byte) bool {
	return slices.ContainsFunc(d.attributes, func(a string) bool { return a == string(name) })
}

// attributeMap reads the wanted attributes. Numbers and booleans are kept as written.
func (d *decoder) attributeMap() (m map[string]string) {
	if !d.open('{') {
		return nil
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		if !d.all && !d.wants(key) {
			d.skip()
			continue
		}
		name := string(key)
		var value string
		c := d.peek()
		start := d.i
		switch c {
		case '"':
			value = d.str()
		case '{', '[', 'n':
			d.skip()
			delete(m, name)
			continue
		default:
			d.skip()
			value = string(d.b[start:d.i])
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[name] = value
	}
	if len(m) == 0 {
		return nil
	}
	return m
}
