package recording

import (
	"fmt"
	"time"
)

// timeLayout is RFC 3339 with exactly three decimals, so that times compare as
// text and no event grows or shrinks with the clock.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is a moment in UTC with millisecond precision on the wire. The zero Time
// is absent on the wire where the field allows it.
type Time struct{ time.Time }

// At returns t as a [Time], in UTC and cut to milliseconds.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}
}

// AppendText appends t in the form 2006-01-02T15:04:05.000Z.
func (t Time) AppendText(b []byte) ([]byte, error) {
	return t.UTC().AppendFormat(b, timeLayout), nil
}

// MarshalJSON writes t as a JSON string in the form 2006-01-02T15:04:05.000Z.
func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(timeLayout)+2)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, timeLayout)
	return append(b, '"'), nil
}

// UnmarshalJSON reads any RFC 3339 time.
func (t *Time) UnmarshalJSON(b []byte) error {
	var v time.Time
	if err := v.UnmarshalJSON(b); err != nil {
		return fmt.Errorf("read time %.40s: %w", b, err)
	}
	*t = At(v)
	return nil
}
