package load

import (
	"math"
	"time"
)

// desk is a telephone of an agent, at which one call follows another.
type desk struct {
	user int
	call int // number of the call
	step int // the next one
	// toggles is how many times something is switched during each call.
	toggles int

	begun, rung, since, hold, end [stampLen]byte
	held                          time.Time // when the last hold began
}

// script renders the frames of all desks in turn.
type script struct {
	frames [kinds]*template
	desks  []desk
	last   int // number of the last frame

	calls  int // how many have begun
	number []byte
}

func newScript(o Options) *script {
	s := &script{frames: templates(), desks: make([]desk, o.Desks), number: make([]byte, 0, digits)}
	for i := range s.desks {
		// Calls are not equally long, or all of them would begin and end together.
		s.desks[i] = desk{user: i%o.Agents + 1, toggles: 4 + 2*(i%5)}
		if o.Endless {
			s.desks[i].toggles = math.MaxInt - 2
		}
	}
	return s
}

// next renders the next frame of the next desk, appends it to b, and returns the number
// of the user.
func (s *script) next(b []byte, now time.Time) ([]byte, int) {
	d := &s.desks[s.last%len(s.desks)]
	s.last++
	k := d.advance(s, now)
	return s.render(b, d, k, s.last), d.user
}

// advance moves a desk by one step and returns what it shows then. Every step changes
// one thing that a recorder is told about.
func (d *desk) advance(s *script, now time.Time) kind {
	k := d.shows()
	switch {
	case d.step == 0:
		s.calls++
		d.call = s.calls
		stamp(&d.begun, now.Add(-20*time.Second))
		stamp(&d.rung, now.Add(-5*time.Second))
	case d.step == 1:
		stamp(&d.since, now)
	case k == held:
		// A hold that begins when an earlier one did is that one told late.
		d.held = latest(now, d.held.Add(time.Millisecond))
		stamp(&d.hold, d.held)
	case k == ended:
		stamp(&d.end, now)
	}
	d.step++
	if k == ended {
		d.step = 0
	}
	return k
}

// shows is the kind of the step that comes next.
func (d *desk) shows() kind {
	switch {
	case d.step == 0:
		return alerting
	case d.step == 1:
		return talking
	case d.step == d.toggles+2:
		return ended
	}
	return [4]kind{held, talking, muted, talking}[(d.step-2)%4]
}

func stamp(to *[stampLen]byte, t time.Time) {
	var room [2 * stampLen]byte // formatting needs more of it than it leaves filled
	copy(to[:], appendStamp(room[:0], t))
}

func (s *script) render(b []byte, d *desk, k kind, frame int) []byte {
	t := s.frames[k]
	from := len(b)
	b = append(b, t.text...)
	out := b[from:]
	t.patch(out, markUser, s.twelve(d.user))
	t.patch(out, markCall, s.twelve(d.call))
	t.patch(out, markFrame, s.twelve(frame))
	t.patch(out, markBegun, d.begun[:])
	t.patch(out, markRung, d.rung[:])
	t.patch(out, markSince, d.since[:])
	t.patch(out, markHeld, d.hold[:])
	t.patch(out, markEnded, d.end[:])
	return b
}

func (s *script) twelve(n int) []byte { return appendNumber(s.number[:0], n) }

// conversation is what REST tells of a call that goes on; nil when it does not.
func (s *script) conversation(call int) []byte {
	for i := range s.desks {
		d := &s.desks[i]
		if d.call != call || d.step == 0 {
			continue
		}
		before := *d
		before.step--
		k := before.shows()
		frame := s.render(nil, d, k, 0)
		return frame[s.frames[k].body:s.frames[k].bodyEnd]
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
