package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// FaultKind names a way in which the organization misbehaves.
type FaultKind string

// The kinds of faults. Those with a duration last for Fault.For, or until
// [FaultClear] when it is zero.
const (
	// FaultCut drops sockets without a close frame.
	FaultCut FaultKind = "cut"
	// FaultSilence makes the present sockets half open: nothing comes out any
	// more, no heartbeat, no pong, and nothing is answered. Has a duration.
	FaultSilence FaultKind = "silence"
	// FaultStarve lets the present channels live and beat, and delivers no events.
	// Has a duration.
	FaultStarve FaultKind = "starve"
	// FaultDelay holds every frame back by up to Delay, keeping the order within a
	// topic. Has a duration.
	FaultDelay FaultKind = "delay"
	// FaultReorder holds a Fraction of the frames back by up to Delay, so that
	// others overtake them: those of other topics, and with WithinTopic those of
	// the same topic as well. Has a duration.
	FaultReorder FaultKind = "reorder"
	// FaultDuplicate sends a Fraction of the frames twice, the copy later by up to
	// Delay. Has a duration.
	FaultDuplicate FaultKind = "duplicate"
	// FaultDrop loses a Fraction of the frames. Has a duration.
	FaultDrop FaultKind = "drop"
	// FaultEvict removes channels, as too many other channels do.
	FaultEvict FaultKind = "evict"
	// FaultUnsubscribe takes the topics of channels away, with a message.
	FaultUnsubscribe FaultKind = "unsubscribe"
	// FaultExpireTokens ends tokens silently, FaultRevokeTokens with a message.
	FaultExpireTokens FaultKind = "expire_tokens"
	FaultRevokeTokens FaultKind = "revoke_tokens"
	// FaultMaintenance announces the end of the sockets, see Options.CloseWarning.
	FaultMaintenance FaultKind = "maintenance"
	// FaultMalformed sends frames that are no proper notifications.
	FaultMalformed FaultKind = "malformed"
	// FaultOversized sends one frame of Bytes bytes, by default 5 MB.
	FaultOversized FaultKind = "oversized"
	// FaultREST answers requests under Path with Mode, the next Count of them or
	// for a duration.
	FaultREST FaultKind = "rest"
	// FaultClear ends every fault that is in force.
	FaultClear FaultKind = "clear"
)

// Modes of FaultREST.
const (
	ModeStatus  = "status"   // an ErrorBody with Status
	ModeHang    = "hang"     // no answer until the client gives up or the fault ends
	ModeHTML    = "html"     // an HTML page with Status
	ModeOKError = "ok_error" // status 200 with an ErrorBody in it
	ModeGarbage = "garbage"  // status 200 with a truncated body
	ModeEmpty   = "empty"    // the request is obeyed, and answered with status 200 and no body
)

// Fault is one request for misbehaviour.
type Fault struct {
	Kind FaultKind `json:"kind"`
	// Channel and Client choose channels by id and by OAuth client; empty is all.
	Channel string `json:"channel,omitempty"`
	Client  string `json:"client,omitempty"`
	// Topic chooses frames whose topic contains it; empty is all.
	Topic string `json:"topic,omitempty"`

	For         time.Duration `json:"for,omitempty"`
	Fraction    float64       `json:"fraction,omitempty"` // default 1
	Delay       time.Duration `json:"delay,omitempty"`    // default 100ms
	WithinTopic bool          `json:"withinTopic,omitempty"`
	Bytes       int           `json:"bytes,omitempty"`

	Path       string `json:"path,omitempty"`       // prefix; default /api/
	Method     string `json:"method,omitempty"`     // such as PUT; empty is all
	Mode       string `json:"mode,omitempty"`       // default status
	Status     int    `json:"status,omitempty"`     // default 503
	RetryAfter int    `json:"retryAfter,omitempty"` // seconds, for 429; default 2
	Count      int    `json:"count,omitempty"`      // 0 is no limit
}

// FaultRecord is a fault that was injected, with what it reached.
type FaultRecord struct {
	Fault Fault     `json:"fault"`
	At    time.Time `json:"at"`
	// Reached counts the sockets, channels or tokens that were hit at once.
	Reached int `json:"reached"`
}

// ErrFault is wrapped by every error about a fault that makes no sense.
var ErrFault = errors.New("bad fault")

type standingFault struct {
	Fault
	until time.Time // zero: until cleared
	left  int       // answers left of a FaultREST with a count
}

func (s *standingFault) inForce(at time.Time) bool {
	return (s.until.IsZero() || at.Before(s.until)) && (s.Count == 0 || s.left > 0)
}

type faults struct {
	standing atomic.Int32 // frame faults in force, for the fast path
	mu       sync.Mutex
	frames   []*standingFault
	rest     []*standingFault
	cleared  chan struct{} // closed by a clear, so that hanging requests end
	log      []FaultRecord
}

func (f Fault) resolve() (Fault, error) {
	orDefault(&f.Fraction, 1)
	orDefault(&f.Delay, 100*time.Millisecond)
	if f.Fraction < 0 || f.Fraction > 1 {
		return f, fmt.Errorf("%w: fraction %v is not within 0..1", ErrFault, f.Fraction)
	}
	if f.For < 0 || f.Delay < 0 || f.Count < 0 || f.Bytes < 0 {
		return f, fmt.Errorf("%w: for, delay, count and bytes must not be negative", ErrFault)
	}
	switch f.Kind {
	case FaultREST:
		orDefault(&f.Path, "/api/")
		orDefault(&f.Mode, ModeStatus)
		orDefault(&f.Status, 503)
		orDefault(&f.RetryAfter, 2)
		if !slices.Contains([]string{ModeStatus, ModeHang, ModeHTML, ModeOKError, ModeGarbage, ModeEmpty}, f.Mode) {
			return f, fmt.Errorf("%w: mode %q is not one of status, hang, html, ok_error, garbage, empty", ErrFault, f.Mode)
		}
		if f.Status < 200 || f.Status > 599 {
			return f, fmt.Errorf("%w: status %d is not within 200..599", ErrFault, f.Status)
		}
	case FaultOversized:
		orDefault(&f.Bytes, 5<<20)
	case FaultCut, FaultSilence, FaultStarve, FaultDelay, FaultReorder, FaultDuplicate, FaultDrop, FaultEvict, FaultUnsubscribe,
		FaultExpireTokens, FaultRevokeTokens, FaultMaintenance, FaultMalformed, FaultClear:
	default:
		return f, fmt.Errorf("%w: unknown kind %q", ErrFault, f.Kind)
	}
	return f, nil
}

// Inject makes the organization misbehave. It returns what was reached at once,
// or an error wrapping [ErrFault]. For zero faults nothing is in force.
func (o *Org) Inject(fault Fault) (FaultRecord, error) {
	fault, err := fault.resolve()
	if err != nil {
		return FaultRecord{}, err
	}
	record := FaultRecord{Fault: fault, At: now()}
	record.Reached = o.inject(fault)
	o.faults.mu.Lock()
	o.faults.log = appendBounded(o.faults.log, record)
	o.faults.mu.Unlock()
	o.log.Info("fault injected", "kind", string(fault.Kind), "reached", record.Reached)
	return record, nil
}

func (f *faults) records() []FaultRecord {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// stand puts a fault in force.
func (f *faults) stand(fault Fault) {
	s := &standingFault{Fault: fault, left: fault.Count}
	at := time.Now()
	if fault.For > 0 {
		s.until = at.Add(fault.For)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune(at)
	if fault.Kind == FaultREST {
		if f.cleared == nil {
			f.cleared = make(chan struct{})
		}
		f.rest = append(f.rest, s)
		return
	}
	f.frames = append(f.frames, s)
	f.standing.Store(int32(len(f.frames)))
}

func (f *faults) prune(at time.Time) {
	gone := func(s *standingFault) bool { return !s.inForce(at) }
	f.frames, f.rest = slices.DeleteFunc(f.frames, gone), slices.DeleteFunc(f.rest, gone)
	f.standing.Store(int32(len(f.frames)))
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frames, f.rest = nil, nil
	f.standing.Store(0)
	if f.cleared != nil {
		close(f.cleared)
		f.cleared = nil
	}
}

// fate is what the faults in force do to one frame on one channel.
type fate struct {
	dropped   bool
	overtakes bool
	delay     time.Duration
	copies    []time.Duration
}

func (f *faults) fate(ch *channel, fr *frame, d *dice) fate {
	var result fate
	at := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune(at)
	for _, s := range f.frames {
		if !s.chooses(ch) || !strings.Contains(fr.topic, s.Topic) || d.float() >= s.Fraction {
			continue
		}
		delay := time.Duration(d.float() * float64(s.Delay))
		switch s.Kind { //nolint:exhaustive // Only these are frame faults.
		case FaultDrop:
			result.dropped = true
		case FaultDelay:
			result.delay += delay
		case FaultReorder:
			result.delay += delay
			result.overtakes = s.WithinTopic
		case FaultDuplicate:
			result.copies = append(result.copies, delay)
		}
	}
	return result
}

func (f *Fault) chooses(ch *channel) bool {
	return cmp.Or(f.Channel, ch.id) == ch.id && cmp.Or(f.Client, ch.client) == ch.client
}
