package restart_test

import (
	_ "embed"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/internal/restart"
)

//go:embed testdata/zones.txt
var zoneNames string

func zones() []string { return strings.Fields(zoneNames) }

func load(t interface{ Fatal(...any) }, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func schedule(t interface{ Fatal(...any) }, hour, minute int, zone *time.Location) restart.Schedule {
	s, err := restart.New(hour, minute, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewRefusesWhatIsNoTimeOfDay(t *testing.T) {
	for _, wrong := range [][2]int{{-1, 0}, {24, 0}, {0, -1}, {0, 60}} {
		if _, err := restart.New(wrong[0], wrong[1], time.UTC); err == nil || !strings.Contains(err.Error(), "00:00 to 23:59") {
			t.Errorf("New(%d, %d) returned error %v, want one that says what is allowed", wrong[0], wrong[1], err)
		}
	}
	if got := schedule(t, 7, 5, load(t, "Europe/Dublin")).String(); got != "07:05 Europe/Dublin" {
		t.Errorf("String returned %q", got)
	}
	if got := (restart.Schedule{}).String(); got != "00:00 UTC" {
		t.Errorf("String of the zero value returned %q", got)
	}
}

// TestOddDays follows the restart time over the days on which clocks were set.
func TestOddDays(t *testing.T) {
	for _, test := range []struct {
		name, zone   string
		hour, minute int
		after        string
		want         []string
	}{
		{
			"the hour is missing: first instant after the gap", "Europe/Berlin", 2, 30, "2026-03-27T12:00:00Z",
			[]string{"2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"},
		},
		{
			"the hour is doubled: the first", "Europe/Berlin", 2, 30, "2026-10-23T12:00:00Z",
			[]string{"2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		},
		{
			"the end of the gap itself", "Europe/Berlin", 3, 0, "2026-03-28T12:00:00Z",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"},
		},
		{
			"the hour after the doubled one", "Europe/Berlin", 3, 0, "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T03:00:00+01:00", "2026-10-26T03:00:00+01:00"},
		},
		{
			"half an hour is missing", "Australia/Lord_Howe", 2, 15, "2026-10-02T12:00:00Z",
			[]string{"2026-10-03T02:15:00+10:30", "2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"},
		},
		{
			"half an hour is doubled", "Australia/Lord_Howe", 1, 45, "2026-04-03T12:00:00Z",
			[]string{"2026-04-04T01:45:00+11:00", "2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"},
		},
		{
			"midnight is missing", "America/Sao_Paulo", 0, 0, "2018-11-02T12:00:00Z",
			[]string{"2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"},
		},
		{
			"the hour before midnight is doubled", "America/Sao_Paulo", 23, 30, "2019-02-15T12:00:00Z",
			[]string{"2019-02-15T23:30:00-02:00", "2019-02-16T23:30:00-02:00", "2019-02-17T23:30:00-03:00"},
		},
		{
			"midnight is reached twice: the first", "America/St_Johns", 0, 0, "2010-11-05T12:00:00Z",
			[]string{"2010-11-06T00:00:00-02:30", "2010-11-07T00:00:00-02:30", "2010-11-08T00:00:00-03:30"},
		},
		{
			"the gap ends at midnight: the day's restart is at its end", "America/Nuuk", 23, 30, "2024-03-29T12:00:00Z",
			[]string{"2024-03-29T23:30:00-02:00", "2024-03-31T00:00:00-01:00", "2024-03-31T23:30:00-01:00"},
		},
		{
			"a day was skipped: it has none", "Pacific/Apia", 12, 0, "2011-12-28T00:00:00Z",
			[]string{"2011-12-28T12:00:00-10:00", "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00", "2012-01-01T12:00:00+14:00"},
		},
		{
			"a skipped day, at its midnight", "Pacific/Apia", 0, 0, "2011-12-28T12:00:00Z",
			[]string{"2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"},
		},
		{
			"a day was lived twice: the first", "Pacific/Kwajalein", 12, 0, "1969-09-29T00:00:00Z",
			[]string{"1969-09-29T12:00:00+11:00", "1969-09-30T12:00:00+11:00", "1969-10-01T12:00:00-12:00"},
		},
	} {
		t.Run(test.zone+": "+test.name, func(t *testing.T) {
			s := schedule(t, test.hour, test.minute, load(t, test.zone))
			instant, err := time.Parse(time.RFC3339, test.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				instant = s.After(instant)
				if got := instant.Format(time.RFC3339); got != want {
					t.Fatalf("restart at %s, want %s", got, want)
				}
			}
		})
	}
}

// TestAfterAgreesWithTheClockOnTheWall compares After with somebody who looks at
// a clock every minute and notes, for each date, the first time it shows the
// restart time or more.
func TestAfterAgreesWithTheClockOnTheWall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones()).Draw(t, "zone")
		zone := load(t, name)
		hour, minute := rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute")
		s := schedule(t, hour, minute, zone)
		// From 1973 on all offsets are whole minutes.
		begin := time.Date(rapid.IntRange(1973, 2037).Draw(t, "year"), 1, rapid.IntRange(1, 366).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		if _, end := begin.In(zone).ZoneBounds(); !end.IsZero() && end.Year() < 2038 && rapid.Bool().Draw(t, "at the next change") {
			begin = end.Add(-30 * time.Hour).Truncate(time.Minute)
		}

		var want []time.Time
		var last string // date that had its restart
		for now := begin.Add(-72 * time.Hour); now.Before(begin.Add(72 * time.Hour)); now = now.Add(time.Minute) {
			wall := now.In(zone)
			date := wall.Format(time.DateOnly)
			if wall.Hour()*60+wall.Minute() < hour*60+minute {
				// A gap up to midnight took the time of the day before away.
				before := now.Add(-time.Minute).In(zone).Format(time.DateOnly)
				if before < date && last < before {
					date = before
				} else {
					continue
				}
			}
			if last < date {
				if !now.Before(begin) {
					want = append(want, now)
				}
				last = date
			}
		}
		at := begin.Add(-time.Nanosecond)
		for _, w := range want {
			if at = s.After(at); !at.Equal(w) {
				t.Fatalf("%s: restart at %s, want %s", s, at, w.In(zone))
			}
		}
	})
}
