package recording

import (
	"fmt"
	"time"
)

// timeLayout is RFC 3339 with exactly three decimals, so that times compare as
// text and no event grows or shrinks with the clock.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is a moment in UTC with millisecond precision on the wire, in the years 0
// to 9999. The zero Time is absent on the wire where the field allows it.
type Time struct{ time.Time }

// At returns t as a [Time], in UTC and cut to milliseconds.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}
}

// AppendText appends t in the form 2006-01-02T15:04:05.000Z.
func (t Time) AppendText(b []byte) ([]byte, error) { return t.append(b), nil }

// MarshalText returns t in the form 2006-01-02T15:04:05.000Z.
func (t Time) MarshalText() ([]byte, error) { return t.append(nil), nil }

// MarshalJSON writes t as a JSON string in the form 2006-01-02T15:04:05.000Z.
func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(timeLayout)+2)
	b = append(b, '"')
	b = t.append(b)
	return append(b, '"'), nil
}

// append is time.Time.AppendFormat for one layout, several times faster: an event
// has up to ten times in it.
func (t Time) append(b []byte) []byte {
	u := t.UTC()
	year, month, day := u.Date()
	if year < 0 || year > 9999 {
		return u.AppendFormat(b, timeLayout)
	}
	hour, minute, second := u.Clock()
	milli := u.Nanosecond() / int(time.Millisecond)
	b = append(b, digit(year/1000), digit(year/100), digit(year/10), digit(year), '-')
	b = append(b, digit(int(month)/10), digit(int(month)), '-', digit(day/10), digit(day), 'T')
	b = append(b, digit(hour/10), digit(hour), ':', digit(minute/10), digit(minute), ':')
	b = append(b, digit(second/10), digit(second), '.')
	return append(b, digit(milli/100), digit(milli/10), digit(milli), 'Z')
}

// digit is the last decimal digit of n.
func digit(n int) byte { return '0' + byte(n%10) }

// UnmarshalText reads any RFC 3339 time, to the millisecond.
func (t *Time) UnmarshalText(b []byte) error {
	var v time.Time
	if err := v.UnmarshalText(b); err != nil {
		return fmt.Errorf("read time %.40q: %w", b, err)
	}
	return t.set(v)
}

// UnmarshalJSON reads any RFC 3339 time, to the millisecond. Null leaves t as it is.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var v time.Time
	if err := v.UnmarshalJSON(b); err != nil {
		return fmt.Errorf("read time %.40s: %w", b, err)
	}
	return t.set(v)
}

// set refuses a time that an offset moves out of the years that can be written.
func (t *Time) set(v time.Time) error {
	at := At(v)
	if year := at.Year(); year < 0 || year > 9999 {
		return fmt.Errorf("read time: the year %d in UTC is not between 0 and 9999", year)
	}
	*t = at
	return nil
}
