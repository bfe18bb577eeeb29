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
	snapshot := d.conversation(new(lastFrame), nested)
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
func (d *decoder) conversation(last *lastFrame, nested bool) *call.Snapshot {
	s := d.snapshot()
	if !d.open('{') {
		return s
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "id":
			s.ConversationID = d.like(last.conversation)
			last.conversation = s.ConversationID
		case "securePause":
			s.SecurePause = d.flag()
		case "participants":
			s.Participants = d.participants(last, nested)
		default:
			d.skip()
		}
	}
	return s
}

// participants reads a list, as far as it is not what it was before.
func (d *decoder) participants(last *lastFrame, nested bool) []call.Participant {
	if !d.open('[') {
		return nil
	}
	list := last.room()
	for ok := d.element(true); ok; ok = d.element(false) {
		n := len(list)
		d.peek()
		known, start := last.known(n), d.i
		if d.again(known.whole) {
			list = list[:n+1]
			continue
		}
		if n == cap(list) {
			list = slices.Grow(list, n)
		}
		before := &list[:n+1][n]
		attributes, takesPart := d.participant(before, known.attributes, nested)
		// Without an id a participant cannot be told from the others.
		if takesPart && d.party.ID != "" {
			list = append(list, d.party)
			*known = texts{whole: d.since(start), attributes: attributes}
		}
	}
	last.keep(list)
	if len(list) == 0 {
		return nil
	}
	return list
}

// participant reads one participant into party, and returns the text of its attributes. It is
// false when the participant takes no part in the voice call.
func (d *decoder) participant(before *call.Participant, known text, nested bool) (attributes text, takesPart bool) {
	var v voice
	var userID, queueID string
	d.party = call.Participant{}
	if !d.open('{') {
		return text{}, false
	}
	p := &d.party
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "id":
			p.ID = d.like(before.ID)
		case "purpose":
			p.Purpose = d.word()
		case "name":
			p.Name = d.like(before.Name)
		case "user":
			p.UserID, p.UserName = d.reference(before.UserID, before.UserName)
		case "userId":
			userID = d.like(before.UserID)
		case "queue":
			p.QueueID, p.QueueName = d.reference(before.QueueID, before.QueueName)
		case "queueId":
			queueID = d.like(before.QueueID)
		case "address":
			p.Address = d.like(before.Address)
		case "ani":
			p.ANI = d.like(before.ANI)
		case "dnis":
			p.DNIS = d.like(before.DNIS)
		case "startTime":
			p.Start = d.time()
		case "startAcwTime":
			p.StartACW = d.time()
		case "endAcwTime":
			p.EndACW = d.time()
		case "parkTime":
			p.Park = d.time()
		case "monitoredParticipantId":
			p.Monitored = d.like(before.Monitored)
		case "coachedParticipantId":
			p.Coached = d.like(before.Coached)
		case "bargedParticipantId":
			p.Barged = d.like(before.Barged)
		case "consultParticipantId":
			p.ConsultParticipantID = d.like(before.ConsultParticipantID)
		case "wrapupRequired":
			p.WrapupRequired, _ = d.boolean()
		case "wrapup":
			p.Wrapup = d.wrapup()
		case "attributes":
			d.peek()
			if start := d.i; d.again(known) {
				p.Attributes, attributes = before.Attributes, known
			} else {
				p.Attributes = d.attributeMap()
				attributes = d.since(start)
			}
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
	return attributes, v.found || !nested
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

// reference reads an object with an id and a name, most likely the same as before.
func (d *decoder) reference(idBefore, nameBefore string) (id, name string) {
	if !d.open('{') {
		return "", ""
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "id":
			id = d.like(idBefore)
		case "name":
			name = d.like(nameBefore)
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
