package sandbox

import (
	"encoding/json"
	"slices"
	"time"
)

// Millis is a duration that is written in milliseconds.
type Millis time.Duration

// MarshalJSON writes the milliseconds as a number with three digits after the point.
func (m Millis) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Duration(m).Microseconds()) / 1000)
}

// UnmarshalJSON reads what [Millis.MarshalJSON] writes.
func (m *Millis) UnmarshalJSON(data []byte) error {
	var ms float64
	if err := json.Unmarshal(data, &ms); err != nil {
		return err
	}
	*m = Millis(ms * float64(time.Millisecond))
	return nil
}

// String returns the duration rounded to what a reader can use.
func (m Millis) String() string {
	d := time.Duration(m)
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(100 * time.Microsecond).String()
	}
}

// Spread is how a number of durations are spread.
type Spread struct {
	Count int    `json:"count"`
	P50   Millis `json:"p50Millis"`
	P99   Millis `json:"p99Millis"`
	Max   Millis `json:"maxMillis"`
}

// spreadOf sorts the durations and takes the nearest rank. Clocks may differ by less
// than a millisecond between two stamps of the same moment: nothing is negative.
func spreadOf(all []time.Duration) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	rank := func(p int) Millis { return Millis(max(all[(len(all)*p+99)/100-1], 0)) }
	return Spread{Count: len(all), P50: rank(50), P99: rank(99), Max: rank(100)}
}
