package recording_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

func TestTime(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`"2026-11-22T08:15:04.120Z"`, `"2026-11-22T08:15:04.120Z"`},
		{`"2026-11-22T08:15:04Z"`, `"2026-11-22T08:15:04.000Z"`},
		{`"2026-11-22T08:15:04.1209999Z"`, `"2026-11-22T08:15:04.120Z"`},
		{`"2026-11-22T10:15:04.12+02:00"`, `"2026-11-22T08:15:04.120Z"`},
		{`"9999-12-31T23:59:59.999Z"`, `"9999-12-31T23:59:59.999Z"`},
		{`null`, `"0001-01-01T00:00:00.000Z"`},
	} {
		var at recording.Time
		if err := json.Unmarshal([]byte(c.in), &at); err != nil {
			t.Errorf("read %s: %v", c.in, err)
		}
		if got, err := json.Marshal(at); err != nil || string(got) != c.want {
			t.Errorf("%s was written as %s, %v; want %s", c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{`"x"`, `""`, `1`, `"2026-11-22 08:15:04Z"`, `"9999-12-31T23:59:59-01:00"`, `"0000-01-01T00:00:00+01:00"`} {
		var at recording.Time
		if err := json.Unmarshal([]byte(bad), &at); err == nil {
			t.Errorf("%s was read as %v, want an error", bad, at)
		}
	}
	if !recording.At(time.Time{}).IsZero() || !recording.At(time.Time{}.Add(time.Microsecond)).IsZero() {
		t.Error("nothing, and less than a millisecond more than nothing, are not zero")
	}
}

// TestTimeIsWrittenAsTimeFormatWould compares with the standard library's layouts.
func TestTimeIsWrittenAsTimeFormatWould(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := drawTime(rt)
		got, err := at.AppendText([]byte("at "))
		if want := "at " + at.Format("2006-01-02T15:04:05.000Z"); err != nil || string(got) != want {
			rt.Fatalf("got %q, %v; want %q", got, err, want)
		}
		var back recording.Time
		if err := back.UnmarshalText(got[3:]); err != nil || !back.Equal(at.Time) {
			rt.Fatalf("%q was read as %v, %v; want %v", got, back, err, at)
		}
	})
}

// TestTimesCompareAsText: recorders may sort without parsing.
func TestTimesCompareAsText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a, b := drawTime(rt), drawTime(rt)
		ta, errA := a.MarshalText()
		tb, errB := b.MarshalText()
		if errA != nil || errB != nil || (string(ta) < string(tb)) != a.Before(b.Time) {
			rt.Fatalf("%v and %v are written as %s and %s", a, b, ta, tb)
		}
	})
}
