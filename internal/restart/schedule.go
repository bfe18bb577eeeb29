package restart

import (
	"fmt"
	"time"
)

// Schedule is a time of day in a time zone. The zero value is midnight UTC.
type Schedule struct {
	hour, minute int
	location     *time.Location
}

// New returns the schedule for a time of day, hour 0 to 23 and minute 0 to 59.
// Without a location it is UTC.
func New(hour, minute int, location *time.Location) (Schedule, error) {
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return Schedule{}, fmt.Errorf("restart: time of day %02d:%02d must be from 00:00 to 23:59", hour, minute)
	}
	return Schedule{hour: hour, minute: minute, location: location}, nil
}

// String returns the time of day and the time zone.
func (s Schedule) String() string {
	return fmt.Sprintf("%02d:%02d %s", s.hour, s.minute, s.zone())
}

// After returns the first restart time that is later than an instant. The
// result is in the time zone of the schedule.
func (s Schedule) After(instant time.Time) time.Time {
	// The restart times of earlier dates have passed: clocks show a later date.
	year, month, day := instant.In(s.zone()).Date()
	for offset := 0; ; offset++ {
		date := time.Date(year, month, day+offset, 0, 0, 0, 0, time.UTC)
		if at, exists := s.on(date); exists && at.After(instant) {
			return at
		}
	}
}

// on returns the restart time of a day, which is given as midnight UTC of its
// date. It tells whether the day exists in the time zone.
func (s Schedule) on(date time.Time) (time.Time, bool) {
	begin := reach(date, s.zone())
	if begin.Day() != date.Day() {
		return time.Time{}, false
	}
	wall := date.Add(time.Duration(s.hour)*time.Hour + time.Duration(s.minute)*time.Minute)
	return reach(wall, s.zone()), true
}

// reach returns the first instant at which clocks in a time zone show a date and
// time, or a later one where that is missing. The date and time are given as if
// they were UTC. time.Date cannot serve here: it leaves open which instant it
// returns where a time is missing or doubled.
func reach(wall time.Time, zone *time.Location) time.Time {
	// No zone is or was 16 hours from UTC. Two days earlier, clocks everywhere
	// show less than wall. From there, go through the spans of constant offset.
	from := wall.Add(-48 * time.Hour).In(zone)
	for {
		_, seconds := from.Zone()
		at := wall.Add(-time.Duration(seconds) * time.Second)
		if at.Before(from) {
			at = from // clocks went over wall at the beginning of this span
		}
		_, end := from.ZoneBounds()
		if end.IsZero() || at.Before(end) {
			return at.In(zone)
		}
		from = end
	}
}

func (s Schedule) zone() *time.Location {
	if s.location == nil {
		return time.UTC
	}
	return s.location
}
