package app

import (
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// A comparison of hundreds of calls must leave requests for those that contradict themselves, and
// these for those in a secure pause.
func TestDoubtsComeBeforeComparisons(t *testing.T) {
	order := []bridge.Why{bridge.WhyPause, bridge.WhyDoubt, bridge.WhyGap, bridge.WhyPeriodic}
	for i, why := range order[1:] {
		if priority(order[i]) >= priority(why) {
			t.Errorf("reason %d does not come before %d", order[i], why)
		}
	}
}

// A conflict with nothing is told as what it is: there is nothing to read then.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		result publish.Result
		want   bridge.Verdict
	}{
		{publish.Result{Outcome: publish.Stored}, bridge.Stored},
		{publish.Result{Outcome: publish.Conflict, Sequence: 7}, bridge.Conflict},
		{publish.Result{Outcome: publish.Conflict}, bridge.Conflict},
		{publish.Result{Outcome: publish.Conflict, Vacant: true}, bridge.Vacant},
		{publish.Result{Outcome: publish.Busy}, bridge.Unsure},
		{publish.Result{Outcome: publish.Unknown}, bridge.Unsure},
		{publish.Result{Outcome: publish.Refused}, bridge.Refused},
	} {
		c.result.Token = 3
		if got := outcomes(nil, []publish.Result{c.result}); got[0].Verdict != c.want || got[0].Sequence != c.result.Sequence || got[0].Token != 3 {
			t.Errorf("%+v: %+v", c.result, got[0])
		}
	}
}
