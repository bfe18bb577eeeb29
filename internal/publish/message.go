package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors in [Result].Err besides those of the server (*jetstream.APIError) and
// of the client (nats.ErrNoResponders, nats.ErrDisconnected).
var (
	// ErrAckTimeout: no answer within the time allowed.
	ErrAckTimeout = errors.New("no acknowledgement in time")
	// ErrPermission: the server refused the subject to this user.
	ErrPermission = errors.New("not permitted to publish on this subject")
	// ErrClosed: the lanes were closed.
	ErrClosed = errors.New("lanes are closed")
)

// Message is one message for one lane.
type Message struct {
	Subject string
	// ID is unique in the stream and the same in each repetition.
	ID   string
	Data []byte // must not change until the result is there
	// Header holds further headers. It may be nil, and may be shared.
	Header map[string]string
	// Expect is the sequence of the last message on this subject, 0 when there
	// is none yet. The server stores this message only as its direct successor.
	Expect uint64
	// Known is the last sequence of those that [Tail] delivered which the sender has taken
	// in: Expect is true as far as there. See [Lanes.Trust].
	Known uint64
	// Token comes back in the Result; its meaning is the caller's.
	Token uint64

	after     place
	bySubject bool   // it must not be part of a chain
	flight    uint64 // its number
	reply     string // where the answer goes; "" when that to a later link of the chain is one to this
}

// Outcome is what became of a message.
type Outcome int

// The outcomes. Each says what the sender does next.
const (
	// Unknown: may or may not be stored. Send the very same message again, after
	// a pause.
	Unknown Outcome = iota
	// Stored: stored, now or by an earlier try. Go on.
	Stored
	// Conflict: not stored by this try, because the subject's last message is another
	// than expected. Read it and decide anew: it may be this very one, stored by an
	// earlier try.
	Conflict
	// Busy: the server has no room or too much to do. Pause for longer, then send
	// the very same message again.
	Busy
	// Refused: not stored, and repeating will not help.
	Refused
)

// String is the outcome in lower case, as metrics and logs use it.
func (o Outcome) String() string {
	switch o {
	case Stored:
		return "stored"
	case Conflict:
		return "conflict"
	case Busy:
		return "busy"
	case Refused:
		return "refused"
	case Unknown:
	}
	return "unknown"
}

// Result is the one answer to one Send.
type Result struct {
	Token   uint64 // as in the Message
	Subject string // as in the Message
	ID      string // as in the Message
	Outcome Outcome
	// Sequence is where the message is stored (Stored), or the sequence of the
	// subject's real last message (Conflict, 0 when the server did not tell).
	Sequence uint64
	// Duplicate: an earlier try had been stored already (Stored only).
	Duplicate bool
	// Vacant: the subject holds no message, the one expected has expired (Conflict only).
	Vacant bool
	Err    error // why, unless Stored
}

// Error codes of the server that decide an outcome.
const (
	codeWrongLastSequence   = 10071 // names the real sequence: somebody wrote
	codeWrongLastID         = 10070 // likewise
	codeInsufficient        = 10023 // the server is short of something
	codeMemoryExceeded      = 10028
	codeStorageExceeded     = 10047
	codeAccountExceeded     = 10002
	codeStoreFailed         = 10077 // the stream is full or its disk fails
	codeSequenceUnsettled   = 10164 // another message on this subject is in flight
	statusTooManyRequests   = 429
	statusServerErrorsStart = 500
	statusConflict          = 409
)

// refuse fills in the result from an error the server answered with. An error text that is
// about the server and not about the message leaves the outcome unknown, because the
// answer may come from a replica that is not the one that stores.
func (r *Result) refuse(e *jetstream.APIError) {
	r.Err = e
	switch int(e.ErrorCode) {
	case codeWrongLastSequence:
		r.Outcome = Conflict
		_, err := fmt.Sscanf(e.Description, "wrong last sequence: %d", &r.Sequence)
		r.Vacant = err == nil && r.Sequence == 0 // without a number the caller reads the last message
		return
	case codeWrongLastID:
		r.Outcome = Conflict
		return
	case codeSequenceUnsettled:
		r.Outcome = Unknown
		return
	case codeInsufficient, codeMemoryExceeded, codeStorageExceeded, codeAccountExceeded, codeStoreFailed:
		r.Outcome = Busy
		return
	}
	switch {
	case e.Code == statusTooManyRequests:
		r.Outcome = Busy
	case e.Code >= statusServerErrorsStart, e.Code == statusConflict:
		r.Outcome = Unknown
	default:
		r.Outcome = Refused
	}
}

// acknowledgement is the server's answer to a published message.
type acknowledgement struct {
	Stream    string              `json:"stream"`
	Sequence  uint64              `json:"seq"`
	Duplicate bool                `json:"duplicate"`
	Error     *jetstream.APIError `json:"error"`
}

// usualAck is the beginning of the server's usual answer, {"stream":"X","seq":N}.
func usualAck(stream string) []byte { return []byte(`{"stream":"` + stream + `","seq":`) }

// plainAck reads an answer that begins as usual and has nothing else in it. Any other is
// left to encoding/json.
func plainAck(b, usual []byte) (sequence uint64, ok bool) {
	rest, begins := bytes.CutPrefix(b, usual)
	digits, ends := bytes.CutSuffix(rest, []byte("}"))
	if !begins || !ends || len(digits) == 0 || len(digits) > 19 || digits[0] == '0' {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		sequence = 10*sequence + uint64(c-'0')
	}
	return sequence, true
}

// statusNoResponders is the status header of the client's own server when no
// stream listens on the subject.
const statusNoResponders = "503"

// settle fills in the result from the server's answer. It is false when that is the answer to
// an earlier message once more: what is stored later has a later sequence.
func (f *flight) settle(answer *nats.Msg, usual []byte) bool {
	was := f.result
	f.result.settle(answer, usual)
	if f.result.Outcome != Stored || f.result.Duplicate {
		return true
	}
	if f.result.Sequence <= f.stored {
		f.result = was
		return false
	}
	f.stored = f.result.Sequence
	return true
}

// settle fills in the result from the server's answer.
func (r *Result) settle(answer *nats.Msg, usual []byte) {
	if len(answer.Data) == 0 && answer.Header.Get("Status") == statusNoResponders {
		// No stream takes the subject: it is missing, or it has no leader now.
		r.Outcome, r.Err = Unknown, nats.ErrNoResponders
		return
	}
	if sequence, ok := plainAck(answer.Data, usual); ok {
		r.Outcome, r.Sequence = Stored, sequence
		return
	}
	var ack acknowledgement
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		r.Outcome, r.Err = Unknown, fmt.Errorf("read acknowledgement: %w", err)
		return
	}
	switch {
	case ack.Error != nil:
		r.refuse(ack.Error)
	case ack.Stream == "" || ack.Sequence == 0:
		r.Outcome, r.Err = Unknown, errors.New("read acknowledgement: no stream and sequence in it")
	default:
		r.Outcome, r.Sequence, r.Duplicate = Stored, ack.Sequence, ack.Duplicate
	}
}
