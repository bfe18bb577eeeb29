package bridges

import "time"

// encoder appends the event of a frame. Texts go over as they were written, so
// their escapes stay valid.
type encoder struct {
	out     []byte
	stamped int64 // the millisecond that stamp shows
	stamp   []byte
}

// event returns the event of f, valid until the next one.
func (e *encoder) event(f *frame, now time.Time) []byte {
	leg := &f.parties[f.agent]
	// Many frames fall into one millisecond: formatting it costs more than the rest.
	if ms := now.UnixMilli(); ms != e.stamped {
		e.stamped, e.stamp = ms, now.UTC().AppendFormat(e.stamp[:0], stampLayout)
	}
	occurred := leg.ended
	if occurred == nil {
		occurred = leg.connected
	}
	if occurred == nil {
		occurred = e.stamp
	}
	verb, cause, state := leg.verdict()

	e.out = append(e.out[:0], `{"specversion":"1.0","type":"recorder.v1.call","source":"/genesys/bench/bridge","subject":"`...)
	e.out = append(e.out, f.conversation...)
	e.out = append(e.out, '/')
	e.out = append(e.out, leg.id...)
	e.text(`","id":"`, leg.id)
	e.text(`-`, f.correlation)
	e.text(`","time":"`, occurred)
	e.word(`","datacontenttype":"application/json","sequence":"00000000000000000001","data":{"verb":"`, verb)
	e.word(`","cause":"`, cause)
	e.word(`","state":"`, state)
	e.out = append(e.out, `","revision":1,"epoch":1,"confidence":"observed","dataSource":"bench","conversation":{`...)
	e.conversation(f, leg)
	e.leg(leg)
	e.text(`"},"agent":{"userId":"`, f.userOr(leg))
	e.out = append(e.out, `"},"peers":[`...)
	e.peers(f)
	e.text(`],"timing":{"occurred":"`, occurred)
	e.text(`","received":"`, e.stamp)
	e.text(`","published":"`, e.stamp)
	e.text(`"},"source":{"topic":"`, f.topic)
	e.text(`","correlationId":"`, f.correlation)
	e.out = append(e.out, `","instance":"bench"}}}`...)
	return e.out
}

// text appends a text after what goes before it.
func (e *encoder) text(before string, text []byte) {
	e.out = append(append(e.out, before...), text...)
}

func (e *encoder) word(before, word string) {
	e.out = append(append(e.out, before...), word...)
}

// field appends a member of an object, unless its text is absent.
func (e *encoder) field(before string, text []byte) {
	if text != nil {
		e.text(before, text)
		e.out = append(e.out, '"')
	}
}

func (e *encoder) flag(before string, is bool) {
	if is {
		e.word(before, "true")
	} else {
		e.word(before, "false")
	}
}

func (e *encoder) conversation(f *frame, leg *party) {
	first := &f.parties[0] // who was there first began the conversation
	e.text(`"id":"`, f.conversation)
	e.word(`","kind":"`, kind(leg.queue != nil))
	e.out = append(e.out, '"')
	e.field(`,"direction":"`, first.direction)
	e.field(`,"queue":{"id":"`, leg.queue)
	if leg.queue != nil {
		e.out = append(e.out, '}')
	}
	e.field(`,"ani":"`, first.address)
	e.field(`,"dnis":"`, f.dialled)
	e.field(`,"startTime":"`, first.connected)
}

func (e *encoder) leg(leg *party) {
	e.text(`},"leg":{"id":"`, leg.id)
	e.out = append(e.out, '"')
	e.field(`,"direction":"`, leg.direction)
	e.field(`,"connectedTime":"`, leg.connected)
	e.field(`,"endTime":"`, leg.ended)
	e.field(`,"disconnectType":"`, leg.disconnect)
	e.flag(`,"held":`, leg.held)
	e.flag(`,"muted":`, leg.muted)
	e.flag(`,"confined":`, leg.confined)
	e.flag(`,"securePause":`, leg.secure)
	e.out = append(e.out, `,"purpose":"agent","role":"agent`...)
}

// peers appends the other parties that are on the call.
func (e *encoder) peers(f *frame) {
	before := `{"id":"`
	for i := range f.parties {
		p := &f.parties[i]
		if i == f.agent || p.gone() {
			continue
		}
		e.text(before, p.id)
		e.text(`","purpose":"`, p.purpose)
		e.out = append(e.out, '"')
		e.field(`,"address":"`, p.address)
		e.field(`,"name":"`, p.name)
		e.out = append(e.out, '}')
		before = `,{"id":"`
	}
}

// userOr is the user of the leg, or that of the topic when the leg has none.
func (f *frame) userOr(leg *party) []byte {
	if leg.user != nil {
		return leg.user
	}
	return f.user
}

func kind(queued bool) string {
	if queued {
		return "acd"
	}
	return "direct"
}
