package bridges

import "bytes"

// scanner walks over JSON once and copies nothing. It trusts its input: it finds
// its way through any valid JSON, and stops without an answer at what is not.
type scanner struct {
	data []byte
	at   int
	bad  bool
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.data); s.at++ {
		if c := s.data[s.at]; c > ' ' {
			return c
		}
	}
	return 0
}

// open enters an object or array and tells whether it was there. Anything else
// is skipped.
func (s *scanner) open(bracket byte) bool {
	if s.peek() != bracket {
		s.skip()
		return false
	}
	s.at++
	return true
}

// more tells whether another member of an entered object or array follows, and
// leaves it otherwise.
func (s *scanner) more() bool {
	c := s.peek()
	if c == ',' {
		s.at++
		c = s.peek()
	}
	switch c {
	case '}', ']':
		s.at++
		return false
	case 0:
		s.bad = true
	}
	return !s.bad
}

// key returns the name of the next member of an object.
func (s *scanner) key() []byte {
	name := s.text()
	if s.peek() != ':' {
		s.bad = true
		return nil
	}
	s.at++
	return name
}

// text returns a string as it is written, with its escapes and without its
// quotes. Anything else is skipped and gives nil.
func (s *scanner) text() []byte {
	if s.peek() != '"' {
		s.skip()
		return nil
	}
	s.at++
	start := s.at
	for {
		n := bytes.IndexByte(s.data[s.at:], '"')
		if n < 0 {
			s.bad, s.at = true, len(s.data)
			return nil
		}
		end := s.at + n
		s.at = end + 1
		escapes := 0
		for end-escapes > start && s.data[end-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return s.data[start:end]
		}
	}
}

// yes reads a value and tells whether it was true.
func (s *scanner) yes() bool {
	is := s.peek() == 't'
	s.skip()
	return is
}

// skip passes over one value.
func (s *scanner) skip() {
	depth := 0
	switch s.peek() {
	case '"':
		s.text()
		return
	case '{', '[':
	case 0, '}', ']', ',', ':':
		s.bad = true
		return
	default: // a number or a word ends where something else begins
		for ; s.at < len(s.data); s.at++ {
			if c := s.data[s.at]; c == ',' || c == '}' || c == ']' || c <= ' ' {
				return
			}
		}
		return
	}
	for s.at < len(s.data) && !s.bad {
		switch s.data[s.at] {
		case '"':
			s.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			return
		}
	}
	s.bad = true
}
