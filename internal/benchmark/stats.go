package benchmark

import (
	"slices"
	"time"
)

// tally compares what was stored with what was sent.
type tally struct {
	// Missing frames made no event, Doubled ones more than one. Disordered events
	// stand behind a later one of the same leg. Strange ones name no frame that was
	// sent.
	Missing    int `json:"missing"`
	Doubled    int `json:"doubled"`
	Disordered int `json:"disordered"`
	Strange    int `json:"strange"`
}

func (t tally) clean() bool { return t == tally{} }

// count counts the events of the frames 1 to last.
func count(all []arrival, last int) (t tally, stored []int64) {
	stored = make([]int64, last+1) // by frame
	latest := make(map[string]int)
	for _, a := range all {
		switch {
		case a.frame < 1 || a.frame > last:
			t.Strange++
			continue
		case stored[a.frame] != 0:
			t.Doubled++
			continue
		}
		stored[a.frame] = a.stored
		if a.frame < latest[a.leg] {
			t.Disordered++
		}
		latest[a.leg] = max(latest[a.leg], a.frame)
	}
	for _, at := range stored[1:] {
		if at == 0 {
			t.Missing++
		}
	}
	return t, stored
}

// perSecond is how many frames were stored per second, between the first and the last
// of them that was stored.
func perSecond(stored []int64) float64 {
	n, first, last := 0, int64(0), int64(0)
	for _, at := range stored {
		if at == 0 {
			continue
		}
		if n == 0 || at < first {
			first = at
		}
		last = max(last, at)
		n++
	}
	if n < 2 || last == first {
		return 0
	}
	return float64(n-1) / time.Duration(last-first).Seconds()
}

// latencies are the times from when each frame was due until it was stored. Those
// before from are warm-up. A frame that was never stored is left out: it is missing.
func latencies(stored []int64, begin int64, rate float64, from int) []time.Duration {
	all := make([]time.Duration, 0, len(stored))
	for i, at := range stored {
		if i >= from && at != 0 {
			all = append(all, time.Duration(at-begin)-time.Duration(float64(i)/rate*float64(time.Second)))
		}
	}
	return all
}

// spread is how late events were.
type spread struct {
	P50  time.Duration `json:"p50Nanos"`
	P99  time.Duration `json:"p99Nanos"`
	P999 time.Duration `json:"p999Nanos"`
}

// spreadOf sorts the durations and takes the nearest rank.
func spreadOf(all []time.Duration) spread {
	if len(all) == 0 {
		return spread{}
	}
	slices.Sort(all)
	rank := func(perMille int) time.Duration { return all[max((len(all)*perMille+999)/1000, 1)-1] }
	return spread{rank(500), rank(990), rank(999)}
}

// median of an even number of values is the mean of the two in the middle.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	m := len(all) / 2
	if len(all)%2 == 1 {
		return all[m]
	}
	return (all[m-1] + all[m]) / 2
}
