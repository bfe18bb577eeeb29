package recording

import (
	"strings"
	"time"
	"unicode/utf8"
)

// written reads what append.go writes. The first thing that is otherwise makes it odd;
// what was read then counts for nothing.
type written struct {
	s   string
	i   int
	odd bool
}

// has reports whether the field comes next, and moves to its value. Names are in the
// order in which they are written, so that a field that does not come is absent.
func (w *written) has(name string) bool {
	i := w.i
	if w.odd {
		return false
	}
	if w.s[i-1] != '{' {
		if i >= len(w.s) || w.s[i] != ',' {
			return false
		}
		i++
	}
	end := i + len(name) + 3
	if end >= len(w.s) || w.s[i] != '"' || w.s[i+1:end-2] != name || w.s[end-2:end] != `":` {
		return false
	}
	w.i = end
	return true
}

// must moves to the value of a field that is always there.
func (w *written) must(name string) {
	if !w.has(name) {
		w.odd = true
	}
}

// byte takes one byte that must come.
func (w *written) byte(c byte) {
	if w.odd || w.i >= len(w.s) || w.s[w.i] != c {
		w.odd = true
		return
	}
	w.i++
}

// next reports whether a byte comes next.
func (w *written) next(c byte) bool { return !w.odd && w.i < len(w.s) && w.s[w.i] == c }

// close leaves an object.
func (w *written) close() { w.byte('}') }

// object enters the object of a field that is always there; objectOpt one that may be
// absent, and reports whether it was there.
func (w *written) object(name string) bool {
	w.must(name)
	w.byte('{')
	return !w.odd
}

func (w *written) objectOpt(name string) bool {
	if !w.has(name) {
		return false
	}
	w.byte('{')
	return !w.odd
}

// quoted reads a text without escapes, in UTF-8.
func (w *written) quoted() string {
	w.byte('"')
	start, ascii := w.i, true
	for i := start; !w.odd && i < len(w.s); {
		if i+8 <= len(w.s) && plain(w.s[i:i+8]) {
			i += 8
			continue
		}
		switch c := w.s[i]; {
		case c == '"':
			w.i = i + 1
			v := w.s[start:i]
			w.odd = !ascii && !utf8.ValidString(v)
			return v
		case c < ' ' || c == '\\':
			w.odd = true
		case c >= utf8.RuneSelf:
			ascii = false
		}
		i++
	}
	w.odd = true
	return ""
}

func textOf[T ~string](w *written, name string, v *T) {
	w.must(name)
	*v = T(w.quoted())
}

func textOptOf[T ~string](w *written, name string, v *T) {
	if w.has(name) {
		*v = T(w.quoted())
	}
}

// digits reads a number without sign, fraction or leading zeros, of up to 19 digits.
func (w *written) digits() (n uint64) {
	start := w.i
	for w.i < len(w.s) && w.s[w.i] >= '0' && w.s[w.i] <= '9' {
		n = 10*n + uint64(w.s[w.i]-'0')
		w.i++
	}
	if d := w.i - start; d == 0 || d > 19 || d > 1 && w.s[start] == '0' {
		w.odd = true
	}
	return n
}

func (w *written) number(name string, v *uint64) {
	w.must(name)
	*v = w.digits()
}

// small reads a number that every int can hold.
func (w *written) small() int {
	n := w.digits()
	if n > 1<<31-1 {
		w.odd = true
		return 0
	}
	return int(n)
}

func (w *written) boolean() (v bool) {
	word := "false"
	if v = w.next('t'); v {
		word = "true"
	}
	if w.odd || !strings.HasPrefix(w.s[w.i:], word) {
		w.odd = true
		return false
	}
	w.i += len(word)
	return v
}

func (w *written) flag(name string, v *bool) {
	w.must(name)
	*v = w.boolean()
}

func (w *written) flagOpt(name string, v *bool) {
	if w.has(name) {
		*v = w.boolean()
	}
}

// time reads a moment in the one layout that is written.
func (w *written) time(name string, v *Time) {
	w.must(name)
	w.moment(v)
}

func (w *written) timeOpt(name string, v *Time) {
	if w.has(name) {
		w.moment(v)
	}
}

func (w *written) moment(v *Time) {
	s := w.quoted()
	if len(s) != len(timeLayout) {
		w.odd = true
		return
	}
	for i := range timeLayout {
		if isDigit := s[i] >= '0' && s[i] <= '9'; isDigit != (timeLayout[i] >= '0' && timeLayout[i] <= '9') || !isDigit && s[i] != timeLayout[i] {
			w.odd = true
			return
		}
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second, milli := two(11), two(14), two(17), two(20)*10+int(s[22]-'0')
	t := time.Date(year, time.Month(month), day, hour, minute, second, milli*int(time.Millisecond), time.UTC)
	// What does not exist, such as February 30, has become another moment.
	if t.Day() != day || t.Month() != time.Month(month) || hour > 23 || minute > 59 || second > 59 {
		w.odd = true
		return
	}
	*v = At(t)
}

// list reads the objects of a list that may be absent.
func listOf[T any](w *written, name string, list *[]T, one func(*written, *T)) {
	if !w.has(name) {
		return
	}
	w.byte('[')
	for more := true; more && !w.odd; more = w.next(',') {
		if len(*list) > 0 {
			w.byte(',')
		}
		w.byte('{')
		*list = append(*list, *new(T))
		one(w, &(*list)[len(*list)-1])
		w.close()
	}
	w.byte(']')
}

// textsOf reads the texts of a list that is always there.
func textsOf[T ~string](w *written, name string, list *[]T) {
	w.must(name)
	w.byte('[')
	for more := true; more && !w.odd; more = w.next(',') {
		if len(*list) > 0 {
			w.byte(',')
		}
		*list = append(*list, T(w.quoted()))
	}
	w.byte(']')
}
