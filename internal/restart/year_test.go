package restart_test

import (
	"hash/fnv"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/recorderbridge/genesys-ingestor/internal/restart"
)

// instance is one of a pair that does what its plan says.
type instance struct {
	restart.Facts
	life time.Duration // of its tokens, or 0 for tokens that never end
	// restarts that the schedule caused, and renewals because of the token
	restarts, renewals []time.Time
	expired            bool // a token ended while it was in use
}

// world has a clock that can be wrong, and a pair or a single instance.
type world struct {
	schedule  restart.Schedule
	instances []*instance
	now       time.Time // what the clock shows
}

func newWorld(s restart.Schedule, begin time.Time, life time.Duration, count int) *world {
	w := &world{schedule: s, now: begin}
	for i := range count {
		one := &instance{life: life, Facts: restart.Facts{Primary: i == 0, PrimarySince: begin, Alone: count == 1}}
		one.begin(begin)
		w.instances = append(w.instances, one)
	}
	return w
}

func (i *instance) begin(now time.Time) {
	i.Renewed = now
	if i.life > 0 {
		i.Expires = now.Add(i.life)
	}
}

// request is the time from the beginning of a restart to its token.
const request = 3 * time.Second

// act restarts whoever is due, and returns the time of the next plan.
func (w *world) act() time.Time {
	var next time.Time
	for index, one := range w.instances {
		one.Now = w.now
		if !one.Expires.IsZero() && w.now.After(one.Expires) {
			one.expired = true
		}
		plan := w.schedule.Due(one.Facts)
		if plan.IsDue(w.now) {
			if plan.HandOver {
				other := w.instances[1-index]
				one.Primary, other.Primary, other.PrimarySince = false, true, w.now
			}
			if plan.Reason == restart.TokenExpiry {
				one.renewals = append(one.renewals, w.now)
			} else {
				one.restarts = append(one.restarts, w.now)
			}
			one.begin(w.now.Add(request))
			plan = w.schedule.Due(one.Facts)
		}
		if next.IsZero() || plan.At.Before(next) {
			next = plan.At
		}
	}
	return next
}

// run lets the clock tick every minute. Where no plan is near it skips ahead:
// without new facts a plan stays as it is.
func (w *world) run(until time.Time) {
	for w.now.Before(until) {
		next := w.act()
		step := max(next.Sub(w.now)-2*time.Minute, time.Minute).Truncate(time.Minute)
		w.now = w.now.Add(step)
	}
}

// days counts the dates in a time zone for which the clock on the wall shows a
// time from begin until end, by looking every quarter of an hour.
func days(zone *time.Location, begin, end time.Time) int {
	seen := map[string]bool{}
	for now := begin; now.Before(end); now = now.Add(15 * time.Minute) {
		seen[now.In(zone).Format(time.DateOnly)] = true
	}
	return len(seen)
}

// TestOncePerLocalDayInEveryZone runs a pair and a single instance for a year in
// every time zone.
func TestOncePerLocalDayInEveryZone(t *testing.T) {
	for index, name := range zones() {
		if testing.Short() && index%8 != 0 {
			continue // under the race detector one in eight is enough
		}
		zone := load(t, name)
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(name))
		sum := int(hash.Sum32())
		// Each zone has its own year and time of day, most of them in the
		// hours in which clocks are set.
		year, hour, minute := 1973+sum%64, []int{0, 1, 2, 3, 23, 0, 12}[index%7], sum/64%60
		s := schedule(t, hour, minute, zone)
		// From noon to noon, so that both turns of a day are inside.
		begin := time.Date(year, 1, 1, 12, 0, 0, 0, zone)
		end := time.Date(year+1, 1, 1, 12, 0, 0, 0, zone)
		want := days(zone, begin, end) - 1
		if hour == 12 {
			begin, end = begin.Add(-6*time.Hour), end.Add(-6*time.Hour)
		}

		pair := newWorld(s, begin, 48*time.Hour, 2)
		pair.run(end)
		single := newWorld(s, begin, 0, 1)
		single.run(end)
		for who, one := range map[string]*instance{"first": pair.instances[0], "second": pair.instances[1], "single": single.instances[0]} {
			if len(one.restarts) != want || len(one.renewals) != 0 || one.expired {
				t.Errorf("%s in %d: the %s restarted %d times and renewed %d times, want %d and 0", s, year, who, len(one.restarts), len(one.renewals), want)
			}
		}
		if !pair.instances[0].Primary || pair.instances[1].Primary {
			t.Errorf("%s in %d: the roles did not return", s, year)
		}
	}
}

// TestTokenNeverEndsInUse runs pairs and single instances with tokens of every
// life that the platform grants. The schedule is kept all the same.
func TestTokenNeverEndsInUse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := load(t, rapid.SampledFrom(zones()).Draw(t, "zone"))
		s := schedule(t, rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), zone)
		life := time.Duration(rapid.OneOf(
			rapid.Just(24*60), rapid.IntRange(30, 120), rapid.IntRange(120, 48*60),
		).Draw(t, "life in minutes")) * time.Minute
		begin := time.Date(rapid.IntRange(1990, 2036).Draw(t, "year"), 1, rapid.IntRange(1, 365).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		w := newWorld(s, begin, life, rapid.IntRange(1, 2).Draw(t, "instances"))
		w.run(begin.AddDate(0, 0, 10))
		for _, one := range w.instances {
			if one.expired {
				t.Fatalf("a token ended in use: renewed %v, restarted %v", one.renewals, one.restarts)
			}
		}
		if len(w.instances) == 2 {
			return // the restarts of a pair depend on the roles
		}
		// Each restart time is acted on, or came just after a renewal.
		one, restarts := w.instances[0], w.instances[0].restarts
		for at := s.After(begin.Add(restart.Settle)); at.Before(w.now.Add(-time.Minute)); at = s.After(at) {
			fresh := slices.ContainsFunc(one.renewals, func(renewed time.Time) bool {
				age := at.Sub(renewed.Add(request))
				return age <= restart.Settle && age > -time.Minute
			})
			if fresh {
				continue
			}
			if len(restarts) == 0 || restarts[0].Before(at) || restarts[0].Sub(at) > time.Minute {
				t.Fatalf("no restart at %s: renewals %v, restarts %v", at, one.renewals, one.restarts)
			}
			restarts = restarts[1:]
		}
		if len(restarts) > 0 {
			t.Fatalf("restarts without a reason: %v", restarts)
		}
	})
}

// TestClockSteps sets the clock at random. Whatever it does, each restart time
// is acted on at most once, unless the clock goes back by more than a day, and a
// restart time that stays passed is acted on.
func TestClockSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := load(t, rapid.SampledFrom(zones()).Draw(t, "zone"))
		s := schedule(t, rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), zone)
		begin := time.Date(rapid.IntRange(1990, 2036).Draw(t, "year"), 1, rapid.IntRange(1, 365).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		w := newWorld(s, begin, 0, 1)
		one := w.instances[0]

		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			w.run(w.now.Add(time.Duration(rapid.IntRange(1, 2000).Draw(t, "minutes of running")) * time.Minute))
			// Back by at most as much as keeps the last renewal within a day.
			back := max(0, min(23*60, 23*60-int(one.Renewed.Sub(w.now)/time.Minute)))
			w.now = w.now.Add(time.Duration(rapid.IntRange(-back, 5*24*60).Draw(t, "step in minutes")) * time.Minute)
			before := one.Renewed
			done := len(one.restarts)
			w.act()
			if due := s.After(before.Add(restart.Settle)); due.After(w.now) != (len(one.restarts) == done) {
				t.Fatalf("the clock shows %s and the last renewal was at %s: %d restarts", w.now, before, len(one.restarts)-done)
			}
		}
		previous := begin.Add(restart.Settle)
		for _, at := range one.restarts {
			// Before that, the only restart time that passed was acted on.
			if due := s.After(previous); at.Before(due) {
				t.Fatalf("restart at %s before the next restart time %s", at, due)
			}
			previous = at.Add(restart.Settle)
		}
	})
}

// TestWrongClockHeals: a session that was begun while the clock was wrong by
// years is renewed as soon as the clock is right, and then once per day.
func TestWrongClockHeals(t *testing.T) {
	s := schedule(t, 2, 0, time.UTC)
	w := newWorld(s, at(1, 12, 0, 0).AddDate(10, 0, 0), 0, 2)
	w.now = at(1, 12, 0, 0)
	w.run(at(11, 12, 0, 0))
	for index, one := range w.instances {
		if got := len(one.restarts); got != 11 {
			t.Errorf("instance %d restarted %d times in ten days, want once at first and then once per day: %v", index, got, one.restarts)
		}
	}
}
