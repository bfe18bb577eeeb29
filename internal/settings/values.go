package settings

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// errForm is returned by the parsers of values. The problem that the operator
// sees says what is allowed, so the error need not.
var errForm = errors.New("settings: malformed value")

// maxShards bounds the number of adapters that share one organization.
const maxShards = 100

// Shard is one part of the users of an organization.
type Shard struct {
	Index int // from 1 to Count
	Count int // at least 1
}

// UnmarshalText reads the form "i/n".
func (s *Shard) UnmarshalText(text []byte) error {
	index, count, found := strings.Cut(string(text), "/")
	i, errIndex := strconv.Atoi(strings.TrimSpace(index))
	n, errCount := strconv.Atoi(strings.TrimSpace(count))
	if !found || errIndex != nil || errCount != nil || i < 1 || n < i || n > maxShards {
		return errForm
	}
	*s = Shard{Index: i, Count: n}
	return nil
}

// String returns the form "i/n".
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// TimeOfDay is a time on the wall clock, with the precision of a minute.
type TimeOfDay struct {
	Hour   int // 0 to 23
	Minute int // 0 to 59
}

// UnmarshalText reads the form hh:mm on the 24-hour clock. One digit is enough
// for the hour.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	if !regexp.MustCompile(`^([01]?[0-9]|2[0-3]):[0-5][0-9]$`).Match(text) {
		return errForm
	}
	hour, minute, _ := strings.Cut(string(text), ":")
	t.Hour, _ = strconv.Atoi(hour)
	t.Minute, _ = strconv.Atoi(minute)
	return nil
}

// String returns the form hh:mm.
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", t.Hour, t.Minute) }

// Zone is a time zone. The zero value is the local one.
type Zone struct {
	location *time.Location
}

// Location returns the time zone, never nil.
func (z Zone) Location() *time.Location {
	if z.location == nil {
		return time.Local
	}
	return z.location
}

// UnmarshalText reads "Local", "UTC" or the name of an IANA time zone.
func (z *Zone) UnmarshalText(text []byte) error {
	location, err := time.LoadLocation(string(text))
	if err != nil {
		return fmt.Errorf("load time zone: %w", err)
	}
	z.location = location
	return nil
}

// String returns the name of the time zone.
func (z Zone) String() string { return z.Location().String() }

// Region is the base domain of a Genesys Cloud region, such as mypurecloud.ie.
type Region string

// UnmarshalText reads a host name or a URL of the region and keeps the base
// domain. It does not check that the region is known.
func (r *Region) UnmarshalText(text []byte) error {
	domain, err := baseDomain(string(text))
	if err != nil {
		return err
	}
	*r = Region(domain)
	return nil
}

// APIURL returns the base of the REST calls of the region.
func (r Region) APIURL() string { return "https://api." + string(r) }

// LoginURL returns the base of the token request of the region.
func (r Region) LoginURL() string { return "https://login." + string(r) }

// Known tells whether this version knows the region.
func (r Region) Known() bool {
	for _, known := range regions() {
		if known.domain == string(r) {
			return true
		}
	}
	return false
}
