package restart_test

import (
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/restart"
)

// The tables below are about a restart at 02:00 UTC on the 10th.
func at(day, hour, minute, second int) time.Time {
	return time.Date(2026, 6, day, hour, minute, second, 0, time.UTC)
}

func TestDue(t *testing.T) {
	const handOver, inPlace = true, false
	day := 24 * time.Hour
	for name, test := range map[string]struct {
		facts    restart.Facts
		want     time.Time
		reason   restart.Reason
		handOver bool
	}{
		"primary": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 3, 0, 1), Primary: true, PrimarySince: at(9, 3, 0, 0)},
			at(10, 2, 0, 0), restart.Daily, handOver,
		},
		"secondary, one hour later": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 2, 0, 1)},
			at(10, 3, 0, 0), restart.DailySecond, inPlace,
		},
		"alone, in place": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 3, 0, 1), Primary: true, Alone: true},
			at(10, 2, 0, 0), restart.Daily, inPlace,
		},
		"old primary after its restart": {
			restart.Facts{Now: at(10, 2, 0, 9), Renewed: at(10, 2, 0, 2)},
			at(11, 3, 0, 0), restart.DailySecond, inPlace,
		},
		"new primary waits for its turn": {
			restart.Facts{Now: at(10, 2, 0, 9), Renewed: at(9, 3, 0, 2), Primary: true, PrimarySince: at(10, 2, 0, 0)},
			at(10, 3, 0, 0), restart.DailySecond, handOver,
		},
		"new primary whose clock is behind": {
			restart.Facts{Now: at(10, 2, 0, 9), Renewed: at(9, 3, 0, 2), Primary: true, PrimarySince: at(10, 1, 59, 58)},
			at(10, 3, 0, 0), restart.DailySecond, handOver,
		},
		"new primary that is alone for a moment": {
			restart.Facts{Now: at(10, 2, 0, 9), Renewed: at(9, 3, 0, 2), Primary: true, PrimarySince: at(10, 2, 0, 0), Alone: true},
			at(10, 2, 5, 0), restart.Daily, inPlace,
		},
		"primary that took over long before": {
			restart.Facts{Now: at(10, 1, 59, 0), Renewed: at(9, 3, 0, 2), Primary: true, PrimarySince: at(10, 1, 55, 0)},
			at(10, 2, 0, 0), restart.Daily, handOver,
		},
		"overdue primary that has just taken over": {
			restart.Facts{Now: at(10, 6, 0, 1), Renewed: at(9, 2, 0, 0), Primary: true, PrimarySince: at(10, 6, 0, 0)},
			at(10, 6, 5, 0), restart.DailySecond, handOver,
		},
		"restart that is late stays due": {
			restart.Facts{Now: at(10, 9, 0, 0), Renewed: at(9, 3, 0, 0), Primary: true},
			at(10, 2, 0, 0), restart.Daily, handOver,
		},
		"started after the time": {
			restart.Facts{Now: at(10, 2, 0, 1), Renewed: at(10, 2, 0, 1), Primary: true},
			at(11, 2, 0, 0), restart.Daily, handOver,
		},
		"started just before the time: fresh": {
			restart.Facts{Now: at(10, 1, 59, 59), Renewed: at(10, 1, 55, 0), Primary: true},
			at(11, 2, 0, 0), restart.Daily, handOver,
		},
		"started a little earlier: not fresh": {
			restart.Facts{Now: at(10, 1, 59, 59), Renewed: at(10, 1, 54, 59), Primary: true},
			at(10, 2, 0, 0), restart.Daily, handOver,
		},
		"clock set back over the time after the restart": {
			restart.Facts{Now: at(10, 1, 0, 0), Renewed: at(10, 2, 0, 5), Primary: true},
			at(11, 2, 0, 0), restart.Daily, handOver,
		},
		"clock set forward over five days": {
			restart.Facts{Now: at(15, 12, 0, 0), Renewed: at(9, 12, 0, 0), Primary: true},
			at(10, 2, 0, 0), restart.Daily, handOver,
		},
		"renewed by a clock that was wrong by years": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 12, 0, 0).AddDate(4, 0, 0), Primary: true},
			at(8, 2, 0, 0), restart.Daily, handOver,
		},
		"primary by a clock that was wrong by years": {
			restart.Facts{Now: at(10, 12, 0, 0), Renewed: at(9, 12, 0, 0), Primary: true, PrimarySince: at(9, 12, 0, 0).AddDate(4, 0, 0)},
			at(10, 2, 0, 0), restart.Daily, handOver,
		},
		"no session yet": {
			restart.Facts{Now: at(9, 12, 0, 0), Primary: true},
			at(10, 2, 0, 0), restart.Daily, handOver,
		},
		"token of a day, in a pair": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 2, 0, 0), Expires: at(9, 2, 0, 0).Add(day), Primary: true},
			at(10, 2, 0, 0), restart.Daily, handOver,
		},
		"token of a day, alone: it must outlive the restart": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 2, 0, 1), Expires: at(9, 2, 0, 1).Add(day), Primary: true, Alone: true},
			at(10, 1, 50, 1), restart.TokenExpiry, inPlace,
		},
		"token of two days, alone": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 2, 0, 1), Expires: at(9, 2, 0, 1).Add(2 * day), Primary: true, Alone: true},
			at(10, 2, 0, 0), restart.Daily, inPlace,
		},
		"token that outlives the restart by the overlap, alone": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 2, 0, 0), Expires: at(10, 2, 2, 0), Primary: true, Alone: true},
			at(10, 2, 0, 0), restart.Daily, inPlace,
		},
		"token of an hour: a tenth before its end": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 12, 0, 0), Expires: at(9, 13, 0, 0), Primary: true},
			at(9, 12, 54, 0), restart.TokenExpiry, handOver,
		},
		"token of an hour of the secondary": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 12, 0, 0), Expires: at(9, 13, 0, 0)},
			at(9, 12, 54, 0), restart.TokenExpiry, inPlace,
		},
		"token that ends just after the restart, alone: the restart comes first": {
			restart.Facts{Now: at(10, 1, 57, 0), Renewed: at(10, 1, 51, 0), Expires: at(10, 2, 1, 0), Primary: true, Alone: true},
			at(10, 2, 0, 0), restart.Daily, inPlace,
		},
		"token that has ended": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 11, 0, 0), Expires: at(9, 11, 10, 0), Primary: true},
			at(9, 11, 9, 0), restart.TokenExpiry, handOver,
		},
		"token that ended before it began": {
			restart.Facts{Now: at(9, 12, 0, 0), Renewed: at(9, 11, 0, 0), Expires: at(9, 10, 0, 0), Primary: true},
			at(9, 10, 0, 0), restart.TokenExpiry, handOver,
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := schedule(t, 2, 0, time.UTC).Due(test.facts)
			if !plan.At.Equal(test.want) || plan.Reason != test.reason || plan.HandOver != test.handOver {
				t.Errorf("plan %s %s, hand over %t; want %s %s, %t", plan.At, plan.Reason, plan.HandOver, test.want, test.reason, test.handOver)
			}
			if plan.IsDue(plan.At.Add(-1)) || !plan.IsDue(plan.At) || !plan.IsDue(plan.At.Add(1)) {
				t.Error("the plan must be due from its time on, and not before")
			}
		})
	}
}
