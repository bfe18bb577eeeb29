package app

import (
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
)

// A comparison of hundreds of calls must leave requests for those that contradict themselves.
func TestDoubtsComeBeforeComparisons(t *testing.T) {
	if doubt, gap, periodic := priority(bridge.WhyDoubt), priority(bridge.WhyGap), priority(bridge.WhyPeriodic); doubt >= gap || gap >= periodic {
		t.Errorf("priorities %d, %d and %d", doubt, gap, periodic)
	}
}
