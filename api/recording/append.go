package recording

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// The encoder below and in encode.go writes the same bytes as encoding/json with
// SetEscapeHTML(false), without reflection and without allocating. encoding/json
// is the oracle that its tests compare it with.

// key begins a field: a comma unless it is the first one of its object, then the
// name. Names are constants that need no escaping.
func key(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

// text appends a field that is always there.
func text[T ~string](b []byte, name string, v T) []byte { return quote(key(b, name), string(v)) }

// textOpt appends a field unless it is empty; so do the other functions in …Opt.
func textOpt[T ~string](b []byte, name string, v T) []byte {
	if v == "" {
		return b
	}
	return text(b, name, v)
}

func number(b []byte, name string, v uint64) []byte {
	return strconv.AppendUint(key(b, name), v, 10)
}

func numberOpt(b []byte, name string, v uint64) []byte {
	if v == 0 {
		return b
	}
	return number(b, name, v)
}

func integer(b []byte, name string, v int64) []byte {
	return strconv.AppendInt(key(b, name), v, 10)
}

func integerOpt(b []byte, name string, v int) []byte {
	if v == 0 {
		return b
	}
	return integer(b, name, int64(v))
}

func boolean(b []byte, name string, v bool) []byte { return strconv.AppendBool(key(b, name), v) }

func booleanOpt(b []byte, name string, v bool) []byte {
	if !v {
		return b
	}
	return boolean(b, name, v)
}

func moment(b []byte, name string, t Time) []byte {
	return append(t.append(append(key(b, name), '"')), '"')
}

func momentOpt(b []byte, name string, t Time) []byte {
	if t.IsZero() {
		return b
	}
	return moment(b, name, t)
}

func texts[T ~string](b []byte, name string, list []T) []byte {
	b = append(key(b, name), '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(b, string(s))
	}
	return append(b, ']')
}

func textsOpt[T ~string](b []byte, name string, list []T) []byte {
	if len(list) == 0 {
		return b
	}
	return texts(b, name, list)
}

// mapOpt appends m with its keys in order. Up to 32 keys are put in order without
// allocating.
func mapOpt(b []byte, name string, m map[string]string) []byte {
	if len(m) == 0 {
		return b
	}
	var few [32]string
	keys := few[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = append(key(b, name), '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(quote(b, k), ':')
		b = quote(b, m[k])
	}
	return append(b, '}')
}

const hexDigits = "0123456789abcdef"

// quote appends s as a JSON string. A byte that is not UTF-8 becomes U+FFFD. The
// line separators U+2028 and U+2029 are escaped, because JavaScript once took
// them for line ends.
func quote(b []byte, s string) []byte { return append(escaped(append(b, '"'), s), '"') }

// escaped appends what is between the quotes.
func escaped(b []byte, s string) []byte {
	if plainAll(s) {
		return append(b, s...) // nearly always
	}
	done := 0 // everything before it is appended
	for i := 0; i < len(s); {
		if i+8 <= len(s) && plain(s[i:i+8]) {
			i += 8
			continue
		}
		c := s[i]
		if plainByte(c) {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = escape(append(b, s[done:i]...), c)
			i++
			done = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[done:i]...), `\ufffd`...)
			done = i + size
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[done:i]...), `\u202`...)
			b = append(b, hexDigits[r&0xf])
			done = i + size
		}
		i += size
	}
	return append(b, s[done:]...)
}

// plainAll reports whether s can stand in a JSON string as it is. The last eight bytes
// may overlap those before them: most texts are ids of 36 bytes.
func plainAll(s string) bool {
	n := len(s)
	if n < 8 {
		for i := range n {
			if !plainByte(s[i]) {
				return false
			}
		}
		return true
	}
	for i := 0; i+8 < n; i += 8 {
		if !plain(s[i : i+8]) {
			return false
		}
	}
	return plain(s[n-8:])
}

func plainByte(c byte) bool { return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' }

// plain reports whether the first eight bytes of s can stand in a JSON string as
// they are. It looks at all of them at once: most texts are ids.
func plain[T string | []byte](s T) bool {
	_ = s[7]
	w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quotes, slashes := w^ones*'"', w^ones*'\\'
	// A borrow in one byte may set the bit of the next one as well. That is a false
	// alarm at worst, never a missed one: the loop then looks byte by byte.
	special := (w - ones*' ') | (quotes - ones) | (slashes - ones) | w
	return special&high == 0
}

// escape appends an ASCII character that cannot stand in a JSON string.
func escape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
