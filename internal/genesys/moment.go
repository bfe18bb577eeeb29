package genesys

import (
	"strconv"
	"time"
)

// Moments outside these bounds are not taken for real.
const (
	minMillis = 0
	maxMillis = 253402300799999 // the end of the year 9999
)

// parseTime reads what the platform, its gateways and its older versions write as a
// moment: a date and a time of day, a fraction of any length, a zone or none.
// Anything else is the zero time.
func parseTime(b []byte) time.Time {
	const date = "0000-00-00T00:00:00"
	if len(b) < len(date) {
		for _, c := range b {
			if c < '0' || c > '9' {
				return time.Time{}
			}
		}
		return parseMillis(b)
	}
	if b[4] != '-' || b[7] != '-' || b[13] != ':' || b[16] != ':' || b[10] != 'T' && b[10] != 't' && b[10] != ' ' {
		return time.Time{}
	}
	two := func(i int) int {
		tens, ones := b[i]-'0', b[i+1]-'0'
		if tens > 9 || ones > 9 {
			return 100 // too much for any of them
		}
		return int(tens)*10 + int(ones)
	}
	century, year, month, day := two(0), two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	if century > 99 || year > 99 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}
	}
	rest := b[len(date):]
	nanos := 0
	if len(rest) > 0 && (rest[0] == '.' || rest[0] == ',') {
		rest = rest[1:]
		scale := 100_000_000
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			nanos += int(rest[n]-'0') * scale
			scale /= 10
			n++
		}
		if n == 0 {
			return time.Time{}
		}
		rest = rest[n:]
	}
	offset, ok := parseZone(rest)
	if !ok {
		return time.Time{}
	}
	year += 100 * century
	if day > 28 && time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day {
		return time.Time{} // such as 31 April
	}
	// The 61st second of a minute is the first of the next one.
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if offset != 0 {
		t = t.Add(-offset)
	}
	return t
}

// parseZone reads Z, +hh:mm, +hhmm, +hh or nothing.
func parseZone(b []byte) (time.Duration, bool) {
	if len(b) == 0 || len(b) == 1 && (b[0] == 'Z' || b[0] == 'z') {
		return 0, true
	}
	if b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	digits := b[1:]
	if len(digits) == 5 && digits[2] == ':' {
		digits = []byte{digits[0], digits[1], digits[3], digits[4]}
	}
	if len(digits) != 2 && len(digits) != 4 {
		return 0, false
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if len(digits) == 2 {
		n *= 100
	}
	d := time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
	if b[0] == '-' {
		d = -d
	}
	return d, true
}

// parseMillis reads milliseconds since 1970.
func parseMillis(b []byte) time.Time {
	if len(b) == 0 || len(b) > 24 {
		return time.Time{}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f <= minMillis || f > maxMillis {
		return time.Time{}
	}
	return time.UnixMilli(int64(f)).UTC()
}
