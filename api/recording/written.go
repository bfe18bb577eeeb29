package recording

import (
	"bytes"
	"hash/maphash"
	"slices"
	"time"
	"unicode/utf8"
)

// written reads what append.go writes. The first thing that is otherwise makes it odd;
// what was read then counts for nothing.
//
// It reads into an event that may be another one already: a text that is the same stays as
// it is, and what is absent is made empty.
type written struct {
	b         []byte
	i         int
	odd       bool
	all       string       // b, when its texts are to be parts of it
	parts     *Parts       // that need not be read again, may be nil
	seed      maphash.Seed // of their sums
	agentRoom *Agent       // room for one, may be nil
	queueRoom *Named       // the same
}

// text is what a text in b becomes, was the one that stood in its place.
func (w *written) text(start, end int, was string) string {
	switch b := w.b[start:end]; {
	case string(b) == was:
		return was
	case w.all != "":
		return w.all[start:end]
	default:
		return constant(b)
	}
}

// has reports whether the field comes next, and moves to its value. Names are in the
// order in which they are written, so that a field that does not come is absent.
func (w *written) has(name string) bool {
	i := w.i
	if w.odd {
		return false
	}
	if w.b[i-1] != '{' {
		if i >= len(w.b) || w.b[i] != ',' {
			return false
		}
		i++
	}
	end := i + len(name) + 3
	if end >= len(w.b) || w.b[i] != '"' || string(w.b[i+1:end-2]) != name || string(w.b[end-2:end]) != `":` {
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
	if w.odd || w.i >= len(w.b) || w.b[w.i] != c {
		w.odd = true
		return
	}
	w.i++
}

// next reports whether a byte comes next.
func (w *written) next(c byte) bool { return !w.odd && w.i < len(w.b) && w.b[w.i] == c }

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

// quoted reads a text without escapes, in UTF-8, and returns where it stands.
func (w *written) quoted() (start, end int) {
	w.byte('"')
	start, ascii := w.i, true
	for i := start; !w.odd && i < len(w.b); {
		if i+8 <= len(w.b) && plain(w.b[i:i+8]) {
			i += 8
			continue
		}
		switch c := w.b[i]; {
		case c == '"':
			w.i = i + 1
			w.odd = !ascii && !utf8.Valid(w.b[start:i])
			return start, i
		case c < ' ' || c == '\\':
			w.odd = true
		case c >= utf8.RuneSelf:
			ascii = false
		}
		i++
	}
	w.odd = true
	return start, start
}

func textOf[T ~string](w *written, name string, v *T) {
	w.must(name)
	start, end := w.quoted()
	*v = T(w.text(start, end, string(*v)))
}

func textOptOf[T ~string](w *written, name string, v *T) {
	if !w.has(name) {
		*v = ""
		return
	}
	start, end := w.quoted()
	*v = T(w.text(start, end, string(*v)))
}

// digits reads a number without sign, fraction or leading zeros, of up to 19 digits.
func (w *written) digits() (n uint64) {
	start := w.i
	for w.i < len(w.b) && w.b[w.i] >= '0' && w.b[w.i] <= '9' {
		n = 10*n + uint64(w.b[w.i]-'0')
		w.i++
	}
	if d := w.i - start; d == 0 || d > 19 || d > 1 && w.b[start] == '0' {
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
	if w.odd || !bytes.HasPrefix(w.b[w.i:], []byte(word)) {
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

func (w *written) flagOpt(name string, v *bool) { *v = w.has(name) && w.boolean() }

// time reads a moment in the one layout that is written.
func (w *written) time(name string, v *Time) {
	w.must(name)
	w.moment(v)
}

func (w *written) timeOpt(name string, v *Time) {
	if !w.has(name) {
		*v = Time{}
		return
	}
	w.moment(v)
}

func (w *written) moment(v *Time) {
	start, end := w.quoted()
	s := w.b[start:end]
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
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		w.odd = true
		return
	}
	seconds := ((daysUntil(year, month, day)*24+hour)*60+minute)*60 + second
	*v = Time{time.Unix(int64(seconds), int64(milli)*int64(time.Millisecond)).UTC()}
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysUntil is how many days a date is after the first of 1970: time.Date without what a date
// that is known to be one does not need, several times faster. Years begin in March here, so
// that the day that is not in each of them is the last one.
func daysUntil(year, month, day int) int {
	if month < 3 {
		year--
		month += 12
	}
	year += 400 // not negative
	const marchOfYearZeroLess400 = 719468 + 146097
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - marchOfYearZeroLess400
}

// listOf reads the objects of a list into the one that is there; listOptOf one that may be absent,
// into a copy of it.
func listOf[T any](w *written, list []T, one func(*written, *T)) []T {
	n := 0
	w.byte('[')
	for more := true; more && !w.odd; more = w.next(',') {
		if n > 0 {
			w.byte(',')
		}
		w.byte('{')
		if n == len(list) {
			list = append(list, *new(T))
		}
		one(w, &list[n])
		w.close()
		n++
	}
	w.byte(']')
	return list[:n]
}

func listOptOf[T any](w *written, name string, list []T, one func(*written, *T)) []T {
	if !w.has(name) {
		return nil
	}
	return listOf(w, slices.Clone(list), one)
}

// copied is a copy of what is there, if it is, in a room or new.
func copied[T any](room, is *T) *T {
	if is == nil {
		return nil
	}
	c := present(nil, room)
	*c = *is
	return c
}

// present is what is there, or an empty one, in a room or new.
func present[T any](is, room *T) *T {
	switch {
	case is != nil:
		return is
	case room != nil:
		*room = *new(T)
		return room
	}
	return new(T)
}

// textsOf reads the texts of a list that is always there.
func textsOf[T ~string](w *written, name string, list *[]T) {
	w.must(name)
	w.byte('[')
	*list = nil
	for more := true; more && !w.odd; more = w.next(',') {
		if len(*list) > 0 {
			w.byte(',')
		}
		start, end := w.quoted()
		*list = append(*list, T(w.text(start, end, "")))
	}
	w.byte(']')
}
