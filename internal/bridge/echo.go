package bridge

import (
	"hash/maphash"
	"math/bits"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// A link that was frozen delivers seconds of notifications at once, and nothing in them says
// that they are old. But all notifications of one change carry the same correlation id,
// whoever gets them, and so does what somebody else has told of it. A step of which the
// event is known by it is not told again. A notification that comes long after the other
// instance has received its change is late, and so is everything that its channel delivers right
// behind it: it affirms no pause that was told to be over meanwhile. So is what comes after a
// silence that is long for its channel: what REST has told has no such id.

const (
	// lateAfter is how long after the other instance a notification may come and be on time.
	lateAfter = time.Second
	// echoFor is how long a told change is remembered at least, twice that at most;
	// maxEchoes is how many in that time.
	echoFor   = time.Minute
	maxEchoes = 1 << 16
)

// echo is a change that somebody else has told.
type echo struct {
	seen     time.Time // when it was received there, by our clock
	received time.Time // the same, by that one's clock
}

// echoes are the changes told by others lately, by their correlation ids. Of what is told
// under much traffic there are a hundred thousand: they hold no pointers.
type echoes struct {
	seed         maphash.Seed
	began        time.Time             // when the first one was told
	recent, past map[uint64]sinceBegan // by change, and by change and step of a leg
	turned       time.Time
	channels     map[int]*flow
}

// sinceBegan is an echo, and nothing for a step.
type sinceBegan struct{ seen, received time.Duration }

func newEchoes() echoes { return echoes{seed: maphash.MakeSeed(), channels: make(map[int]*flow)} }

// told notes an event of somebody else, and the steps of the leg that it tells. That a
// pause is on is one of them in every event, since the first one may have been a start.
func (e *echoes) told(leg call.ID, d *recording.CallData, steps []call.Key, now time.Time) {
	if d.Origin.CorrelationID == "" {
		return
	}
	e.turn(now)
	change := maphash.String(e.seed, d.Origin.CorrelationID)
	if _, known := e.recent[change]; !known {
		e.recent[change] = sinceBegan{seenThere(d, now).Sub(e.began), d.Timing.Received.Sub(e.began)}
	}
	for _, k := range steps {
		e.recent[e.step(leg, k, change)] = sinceBegan{}
	}
	if d.Leg.SecurePause {
		e.recent[e.step(leg, call.Key{Kind: call.SecureOn}, change)] = sinceBegan{}
	}
}

// turn forgets what is old, or too much.
func (e *echoes) turn(now time.Time) {
	if e.began.IsZero() {
		e.began = now
	}
	switch {
	case e.recent == nil || now.Sub(e.turned) >= echoFor:
		e.past, e.recent = e.recent, make(map[uint64]sinceBegan)
	case len(e.recent) >= maxEchoes:
		e.past, e.recent = e.recent, e.past
		if clear(e.recent); e.recent == nil {
			e.recent = make(map[uint64]sinceBegan)
		}
	default:
		return
	}
	e.turned = now
}

// find returns what is known by a hash.
func (e *echoes) find(id uint64) (told sinceBegan, ok bool) {
	if told, ok = e.recent[id]; !ok {
		told, ok = e.past[id]
	}
	return told, ok
}

// change returns when somebody else was shown a change that is told, by its id.
func (e *echoes) change(id string) (told echo, ok bool) {
	if id == "" || len(e.recent)+len(e.past) == 0 {
		return told, false
	}
	since, ok := e.find(maphash.String(e.seed, id))
	if ok {
		told = echo{seen: e.began.Add(since.seen), received: e.began.Add(since.received)}
	}
	return told, ok
}

// seenThere is about when the other instance has received what it tells, by our clock: how
// long it has waited there is known by one clock.
func seenThere(d *recording.CallData, now time.Time) time.Time {
	return now.Add(-max(d.Timing.Published.Sub(d.Timing.Received.Time), 0))
}

// of reports whether a step of a leg was told with the id of its change.
func (e *echoes) of(leg call.ID, k call.Key, change string) bool {
	if change == "" || len(e.recent)+len(e.past) == 0 {
		return false
	}
	_, ok := e.find(e.step(leg, k, maphash.String(e.seed, change)))
	return ok
}

// step is the hash of a step of a leg with a change, of which the hash is known. Hashes are
// keyed, so that one of their parts is as good as one of all.
func (e *echoes) step(leg call.ID, k call.Key, change uint64) uint64 {
	const odd = 0x9e3779b97f4a7c15 // spreads every bit over those above it
	mix := func(h, part uint64) uint64 { return (bits.RotateLeft64(h, 29) ^ part) * odd }
	h := mix(change, uint64(k.Kind)<<8|uint64(k.Supervisor.Mode))
	for _, text := range [...]string{leg.Conversation, leg.Leg, k.Supervisor.LegID} {
		h = mix(h, maphash.String(e.seed, text))
	}
	return h
}

// waited returns since when a notification may have waited to be delivered, zero where it
// seems to be on time.
func (e *echoes) waited(s *call.Snapshot, now time.Time) time.Time {
	if s.View == call.ViewREST {
		return time.Time{}
	}
	f := e.channels[s.Channel]
	if f == nil {
		f = new(flow)
		e.channels[s.Channel] = f
	}
	last := f.last
	silent := f.delivers(now)
	if told, ok := e.change(s.CorrelationID); ok && now.Sub(told.seen) > lateAfter {
		f.since, f.late = told.received, now.Add(thawing)
	} else if silent {
		f.since, f.late = last, now.Add(thawing)
	}
	if !f.late.After(now) {
		return time.Time{}
	}
	return f.since
}

// flow is how a channel delivers notifications.
type flow struct {
	last  time.Time
	usual time.Duration // from one to the next, on average over the last inertia or so
	count int           // up to inertia
	// late is until when what it delivers is believed to be late, since from when that may
	// have waited.
	late, since time.Time
}

const (
	inertia = 64
	// unusual is how many times as long as usual a silence is that is no chance.
	unusual = 20
)

// delivers notes a notification, and reports whether it ends a silence that says that the
// channel was held back.
func (f *flow) delivers(now time.Time) (silent bool) {
	pause := now.Sub(f.last)
	if f.count > 0 {
		silent = f.count == inertia && pause > max(lateAfter, unusual*f.usual)
		f.usual += (pause - f.usual) / time.Duration(f.count)
	}
	f.last, f.count = now, min(f.count+1, inertia)
	return silent
}
