package genesys

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/bits"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth is the nesting at which encoding/json gives up too.
const maxDepth = 10000

var (
	errNotJSON  = errors.New("not JSON")
	errTooDeep  = errors.New("nested too deeply")
	errTrailing = errors.New("data after the JSON value")
)

// scanner walks over JSON once. A reader that finds a value of another type than it
// wants passes over it and returns the zero value, so one odd field costs one field.
// The first syntax error ends everything: all readers return zero values from then on.
//
// It is here because notifications are most of what this program does: it reads only
// what is needed, in a fifth of the time of encoding/json.
type scanner struct {
	b     []byte
	i     int
	depth int
	err   error
}

func (s *scanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
	s.i = len(s.b)
}

// peek passes over white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.b) && s.b[s.i] > ' ' {
		return s.b[s.i] // nearly always: the platform writes no white space
	}
	return s.space()
}

func (s *scanner) space() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// open enters an object or array if there is one, and passes over any other value.
func (s *scanner) open(bracket byte) bool {
	if s.peek() != bracket {
		s.skip()
		return false
	}
	s.i++
	if s.depth++; s.depth > maxDepth {
		s.fail(errTooDeep)
		return false
	}
	return true
}

// step moves to the next part of an open object or array; false at its end.
func (s *scanner) step(first bool, end byte) bool {
	c := s.peek()
	if c == end {
		s.i++
		s.depth--
		return false
	}
	if first {
		if c == 0 {
			s.fail(errNotJSON)
			return false
		}
		return true
	}
	if c != ',' {
		s.fail(errNotJSON)
		return false
	}
	s.i++
	return true
}

// element moves to the next element of an open array.
func (s *scanner) element(first bool) bool { return s.step(first, ']') }

// member moves to the next member of an open object and returns its key.
func (s *scanner) member(first bool) ([]byte, bool) {
	start := s.i
	if !first && start < len(s.b) {
		switch s.b[start] {
		case ',':
			start++
		case '}':
			s.i++
			s.depth--
			return nil, false
		default:
			return s.spacious(first)
		}
	}
	if start < len(s.b) && s.b[start] == '"' {
		end := special(s.b, start+1)
		if end+1 < len(s.b) && s.b[end] == '"' && s.b[end+1] == ':' {
			s.i = end + 2
			return s.b[start+1 : end], true
		}
	}
	return s.spacious(first)
}

// spacious is [scanner.member] with white space around the signs or an odd key.
func (s *scanner) spacious(first bool) ([]byte, bool) {
	if !s.step(first, '}') {
		return nil, false
	}
	if s.peek() != '"' {
		s.fail(errNotJSON)
		return nil, false
	}
	raw, plain := s.quoted()
	if !plain {
		raw = []byte(unquote(raw))
	}
	if s.peek() != ':' {
		s.fail(errNotJSON)
		return nil, false
	}
	s.i++
	return raw, s.err == nil
}

// quoted reads the string that starts here and returns what is between the quotes.
// plain is set when that can be used as it is.
func (s *scanner) quoted() (raw []byte, plain bool) {
	start := s.i + 1
	end := special(s.b, start)
	if end < len(s.b) && s.b[end] == '"' {
		s.i = end + 1
		return s.b[start:end], true
	}
	plain = true
	for i := end; i < len(s.b); i = special(s.b, i) {
		switch c := s.b[i]; {
		case c == '"':
			s.i = i + 1
			raw = s.b[start:i]
			return raw, plain && utf8.Valid(raw)
		case c == '\\':
			plain = false
			i += 2
		case c < ' ':
			s.fail(errNotJSON)
			return nil, true
		default:
			i++
		}
	}
	s.fail(errNotJSON)
	return nil, true
}

// special returns the place of the first byte that is a quote, a backslash, a control
// character or not ASCII; the length of b when there is none. It looks at eight bytes
// at a time, since strings are most of a frame.
func special(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		// Subtracting n from each byte sets the top bit of those that are less than n.
		// What it borrows from the next byte can only mark bytes behind one that counts.
		found := (w | (w - ones*' ') | ((w ^ ones*'"') - ones) | ((w ^ ones*'\\') - ones)) & tops
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// unquote resolves escapes the way encoding/json does.
func unquote(raw []byte) string {
	quoted := make([]byte, 0, len(raw)+2)
	quoted = append(quoted, '"')
	quoted = append(quoted, raw...)
	quoted = append(quoted, '"')
	var v string
	if json.Unmarshal(quoted, &v) != nil {
		return ""
	}
	return v
}

// bytes returns the string here without copying where that is possible.
func (s *scanner) bytes() []byte {
	if s.peek() != '"' {
		s.skip()
		return nil
	}
	raw, plain := s.quoted()
	if !plain {
		return []byte(unquote(raw))
	}
	return raw
}

// literal passes over true, false or null.
func (s *scanner) literal(word string) {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		s.fail(errNotJSON)
		return
	}
	s.i += len(word)
}

// number returns the text of the number here.
func (s *scanner) number() []byte {
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			s.i++
			continue
		}
		break
	}
	if s.i == start {
		s.fail(errNotJSON)
	}
	return s.b[start:s.i]
}

// skip passes over one value of any type.
func (s *scanner) skip() {
	switch s.peek() {
	case '"':
		s.quoted()
	case '{':
		if s.open('{') {
			for _, ok := s.member(true); ok; _, ok = s.member(false) {
				s.skip()
			}
		}
	case '[':
		if s.open('[') {
			for ok := s.element(true); ok; ok = s.element(false) {
				s.skip()
			}
		}
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.number()
	}
}

// boolean returns the value here and whether it was one.
func (s *scanner) boolean() (value, ok bool) {
	switch s.peek() {
	case 't':
		s.literal("true")
		return true, s.err == nil
	case 'f':
		s.literal("false")
		return false, s.err == nil
	}
	s.skip()
	return false, false
}

// integer returns a whole number, or zero.
func (s *scanner) integer() int {
	switch c := s.peek(); {
	case c == '-' || c >= '0' && c <= '9':
		n, err := strconv.Atoi(string(s.number()))
		if err != nil {
			return 0
		}
		return n
	}
	s.skip()
	return 0
}

// time returns a moment in UTC: RFC 3339 with or without fraction and zone (none is
// UTC), or milliseconds since 1970.
func (s *scanner) time() time.Time {
	switch c := s.peek(); {
	case c == '"':
		return parseTime(s.bytes())
	case c == '-' || c >= '0' && c <= '9':
		return parseMillis(s.number())
	}
	s.skip()
	return time.Time{}
}

// word returns the value of an enumeration in lower case. The usual ones are constants
// and cost no allocation.
func (s *scanner) word() string { return lower(s.bytes()) }

func lower(b []byte) string {
	switch string(b) {
	case "":
		return ""
	case "alerting":
		return "alerting"
	case "offering":
		return "offering"
	case "dialing":
		return "dialing"
	case "contacting":
		return "contacting"
	case "connected":
		return "connected"
	case "disconnected":
		return "disconnected"
	case "terminated":
		return "terminated"
	case "inbound":
		return "inbound"
	case "outbound":
		return "outbound"
	case "customer":
		return "customer"
	case "external":
		return "external"
	case "agent":
		return "agent"
	case "user":
		return "user"
	case "acd":
		return "acd"
	case "ivr":
		return "ivr"
	case "client":
		return "client"
	case "peer":
		return "peer"
	case "endpoint":
		return "endpoint"
	case "transfer":
		return "transfer"
	case "system":
		return "system"
	}
	return strings.ToLower(string(b))
}

// end checks that only white space follows.
func (s *scanner) end() {
	if s.peek() != 0 || s.i < len(s.b) {
		s.fail(errTrailing)
	}
}
