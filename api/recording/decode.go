package recording

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Errors of [Decode].
var (
	// ErrNotAnEvent: the bytes are not a CloudEvents 1.0 object.
	ErrNotAnEvent = errors.New("not a CloudEvents 1.0 event in structured JSON")
	// ErrUnknownType: an event, but of a type that this version does not know.
	ErrUnknownType = errors.New("unknown event type")
)

// Decode reads one event: the result is a *[CallEvent], *[AgentEvent] or
// *[FeedEvent]. Unknown fields are ignored and unknown values are kept, so that
// a recorder keeps working when a later minor version adds some. Errors are
// [ErrNotAnEvent] and [ErrUnknownType], wrapped. It keeps nothing of b.
//
// A call event as AppendJSON writes it is read several times faster than any other
// JSON that means the same.
func Decode(b []byte) (any, error) {
	if e := decodeWritten(b); e != nil {
		return e, nil
	}
	var head struct {
		SpecVersion string `json:"specversion"`
		Type        string `json:"type"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAnEvent, err)
	}
	if head.SpecVersion != SpecVersion {
		return nil, fmt.Errorf("%w: specversion is %.20q", ErrNotAnEvent, head.SpecVersion)
	}
	var event any
	switch head.Type {
	case TypeCall:
		event = new(CallEvent)
	case TypeAgent:
		event = new(AgentEvent)
	case TypeFeed:
		event = new(FeedEvent)
	default:
		return nil, fmt.Errorf("%w: %.40q", ErrUnknownType, head.Type)
	}
	if err := json.Unmarshal(b, event); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAnEvent, err)
	}
	return event, nil
}

// decodeWritten reads a call event that is exactly as [CallEvent.AppendJSON] writes it:
// the fields in that order, no space, no escapes, nothing unknown. It returns nil for
// anything else, which is then left to encoding/json. A process that starts reads hundreds of
// thousands of events, nearly all of them so.
func decodeWritten(b []byte) *CallEvent {
	w := &written{b: b, all: string(b)} // all texts of the event share one piece of memory
	e := new(CallEvent)
	w.byte('{')
	w.envelope(&e.Envelope)
	if e.SpecVersion != SpecVersion || e.Type != TypeCall || !w.data(&e.Data) {
		return nil
	}
	return e
}

// DecodeEvent fills d with the data of a call event, see [Decode]. Texts that are the same as
// in like, which must be another one or nil, are shared with it: most of an event is as it was in
// the last one of its leg.
//
// Whatever d held before is gone, and what it pointed to is used again, so nobody else may have it;
// after an error d is worth nothing.
func (d *CallData) DecodeEvent(b []byte, like *CallData) error {
	return new(EventReader).Read(d, b, like, nil)
}

// data reads the data of a call event, with which it ends. It is false when they are odd.
func (w *written) data(d *CallData) bool {
	if w.object("data") {
		w.callData(d)
	}
	w.close()
	return !w.odd && w.i == len(w.b)
}

// skipEnvelope is [written.envelope] for who wants none of it, and takes no memory for it. It is
// false when the attributes are not those of a call event.
func (w *written) skipEnvelope() bool {
	is := func(name, value string) bool {
		w.must(name)
		start, end := w.quoted()
		return value == "" || string(w.b[start:end]) == value
	}
	var at Time
	known := is("specversion", SpecVersion) && is("type", TypeCall) && is("source", "") && is("subject", "") && is("id", "")
	w.time("time", &at)
	return known && is("datacontenttype", "") && is("sequence", "") && !w.odd
}

// The methods below mirror those of encode.go, field by field.

func (w *written) envelope(e *Envelope) {
	textOf(w, "specversion", &e.SpecVersion)
	textOf(w, "type", &e.Type)
	textOf(w, "source", &e.Source)
	textOf(w, "subject", &e.Subject)
	textOf(w, "id", &e.ID)
	w.time("time", &e.Time)
	textOf(w, "datacontenttype", &e.DataContentType)
	textOf(w, "sequence", &e.Sequence)
}

func (w *written) callData(d *CallData) {
	textOf(w, "verb", &d.Verb)
	textOf(w, "cause", &d.Cause)
	textOf(w, "state", &d.State)
	w.number("revision", &d.Revision)
	w.number("epoch", &d.Epoch)
	textOf(w, "confidence", &d.Confidence)
	textOf(w, "dataSource", &d.DataSource)
	w.must("conversation")
	w.part(conversationPart, func() {
		w.byte('{')
		w.conversation(&d.Conversation)
	})
	w.object("leg")
	w.leg(&d.Leg)
	if !w.partOpt("agent", agentPart, func() {
		w.byte('{')
		d.Agent = present(d.Agent, w.agentRoom)
		w.agent(d.Agent)
	}) {
		d.Agent = nil
	}
	if !w.partOpt("peers", peersPart, func() { d.Peers = listOf(w, d.Peers, (*written).peer) }) {
		d.Peers = nil
	}
	if d.Pause = nil; w.objectOpt("pause") {
		d.Pause = new(PauseInfo)
		textsOf(w, "reasons", &d.Pause.Reasons)
		w.close()
	}
	w.tags(&d.Tags)
	w.object("timing")
	w.timing(&d.Timing)
	w.object("source")
	w.origin(&d.Origin)
	w.close()
}

func (w *written) conversation(c *Conversation) {
	textOf(w, "id", &c.ID)
	textOptOf(w, "direction", &c.Direction)
	textOptOf(w, "kind", &c.Kind)
	if w.objectOpt("queue") {
		c.Queue = present(c.Queue, w.queueRoom)
		textOf(w, "id", &c.Queue.ID)
		textOptOf(w, "name", &c.Queue.Name)
		w.close()
	} else {
		c.Queue = nil
	}
	textOptOf(w, "ani", &c.ANI)
	textOptOf(w, "dnis", &c.DNIS)
	w.timeOpt("startTime", &c.StartTime)
	w.close()
}

func (w *written) leg(l *Leg) {
	textOf(w, "id", &l.ID)
	textOf(w, "purpose", &l.Purpose)
	textOf(w, "role", &l.Role)
	textOptOf(w, "direction", &l.Direction)
	w.timeOpt("alertingTime", &l.AlertingTime)
	w.timeOpt("connectedTime", &l.ConnectedTime)
	w.timeOpt("endTime", &l.EndTime)
	w.flag("held", &l.Held)
	w.flag("muted", &l.Muted)
	w.flag("confined", &l.Confined)
	w.flag("securePause", &l.SecurePause)
	w.flagOpt("parked", &l.Parked)
	w.flagOpt("conference", &l.Conference)
	l.Supervisors = listOptOf(w, "supervisors", l.Supervisors, (*written).supervisor)
	textOptOf(w, "supervises", &l.Supervises)
	textOptOf(w, "disconnectType", &l.DisconnectType)
	l.DisconnectReasons = listOptOf(w, "disconnectReasons", l.DisconnectReasons, (*written).reason)
	if l.Wrapup = nil; w.objectOpt("wrapup") {
		l.Wrapup = new(Wrapup)
		textOptOf(w, "code", &l.Wrapup.Code)
		if w.has("durationSeconds") {
			l.Wrapup.DurationSeconds = w.small()
		}
		w.timeOpt("endTime", &l.Wrapup.EndTime)
		w.close()
	}
	textOptOf(w, "protocolCallId", &l.ProtocolCallID)
	w.close()
}

func (w *written) supervisor(s *Supervisor) {
	textOf(w, "legId", &s.LegID)
	textOf(w, "mode", &s.Mode)
}

func (w *written) reason(r *DisconnectReason) {
	textOf(w, "type", &r.Type)
	w.must("code")
	r.Code = w.small()
	textOptOf(w, "phrase", &r.Phrase)
}

func (w *written) agent(a *Agent) {
	textOf(w, "userId", &a.UserID)
	textOptOf(w, "name", &a.Name)
	if w.objectOpt("station") {
		a.Station = present(copied(nil, a.Station), nil)
		textOf(w, "id", &a.Station.ID)
		textOptOf(w, "name", &a.Station.Name)
		textOptOf(w, "type", &a.Station.Type)
		w.close()
	} else {
		a.Station = nil
	}
	w.close()
}

func (w *written) peer(p *Peer) {
	textOf(w, "id", &p.ID)
	textOf(w, "purpose", &p.Purpose)
	textOptOf(w, "address", &p.Address)
	textOptOf(w, "name", &p.Name)
}

func (w *written) tags(m *map[string]string) {
	was := *m
	*m = nil
	if !w.objectOpt("tags") {
		return
	}
	*m = make(map[string]string)
	for more := true; more && !w.odd; more = w.next(',') {
		if len(*m) > 0 {
			w.byte(',')
		}
		start, end := w.quoted()
		name := w.text(start, end, "")
		w.byte(':')
		start, end = w.quoted()
		(*m)[name] = w.text(start, end, was[name])
	}
	w.close()
}

func (w *written) timing(t *Timing) {
	w.time("occurred", &t.Occurred)
	w.time("received", &t.Received)
	w.time("published", &t.Published)
	w.flagOpt("estimated", &t.Estimated)
	w.close()
}

func (w *written) origin(o *Origin) {
	textOptOf(w, "topic", &o.Topic)
	textOptOf(w, "correlationId", &o.CorrelationID)
	textOf(w, "instance", &o.Instance)
	w.close()
}
