package restart

import "time"

const (
	// Stagger is the time from the restart of the primary to that of the other
	// instance.
	Stagger = time.Hour
	// Settle is the age below which a session is not renewed again by the daily
	// restart, and below which a primary does not hand over.
	Settle = 5 * time.Minute
	// Overlap is the time for which the token of an instance that is alone must
	// outlive the planned restart.
	Overlap = 2 * time.Minute

	// maxMargin bounds the time before the end of a token at which it is renewed.
	maxMargin = 10 * time.Minute
	// maxAhead is how far a renewal may lie ahead of the clock, after the clock
	// was set back, and still count.
	maxAhead = 24 * time.Hour
	// unknownAge is the age of a session whose stamp cannot be right. It is more
	// than two days, because a day may have been skipped.
	unknownAge = 50 * time.Hour
)

// Reason says why a restart is planned.
type Reason string

const (
	// Daily is the restart of the primary at the restart time.
	Daily Reason = "daily"
	// DailySecond is the restart, one hour later, of whoever has not renewed.
	DailySecond Reason = "daily_second"
	// TokenExpiry is a renewal because the token ends before the next restart.
	TokenExpiry Reason = "token_expiry"
)

// Facts is what a plan depends on.
type Facts struct {
	// Now is the time on the clock.
	Now time.Time
	// Renewed is when the session in use was begun, by the start of the process
	// or by a renewal: the time of its token request. The zero value means that
	// there is no session yet.
	Renewed time.Time
	// Expires is when the token ends. The zero value means unknown.
	Expires time.Time
	// Primary tells whether this instance publishes.
	Primary bool
	// PrimarySince is when this instance became primary. The zero value means
	// long ago.
	PrimarySince time.Time
	// Alone tells that there is no other instance that could take over.
	Alone bool
}

// Plan is the next restart of an instance.
type Plan struct {
	// At is when it is due, in the time zone of the schedule. It may have passed.
	At time.Time
	// Reason says why.
	Reason Reason
	// HandOver tells that the other instance takes over first. Otherwise the
	// session is renewed in place, the new one before the old one ends.
	HandOver bool
}

// IsDue tells whether it is time to restart.
func (p Plan) IsDue(now time.Time) bool { return !now.Before(p.At) }

// Due returns the plan of an instance. It depends on the facts alone, so ask
// again whenever one of them changes, and at least every minute: the clock may
// be set, and a timer for a far instant would not notice. A plan stays due until
// Renewed changes.
func (s Schedule) Due(f Facts) Plan {
	// Readings of the monotonic clock would hide that the clock was set.
	now, renewed, since := f.Now.Round(0), f.Renewed.Round(0), f.PrimarySince.Round(0)
	switch {
	case renewed.IsZero():
		renewed = now // nothing to renew: the plan is for later
	case renewed.Sub(now) > maxAhead:
		renewed = now.Add(-unknownAge) // overdue, and with a new stamp right again
	}
	if since.After(now) {
		since = time.Time{}
	}

	at := s.After(renewed.Add(Settle))
	plan := Plan{At: at, Reason: Daily, HandOver: f.Primary && !f.Alone}
	if !f.Primary || !f.Alone && since.After(at.Add(-Settle)) {
		plan.At, plan.Reason = at.Add(Stagger), DailySecond
	}
	if settled := since.Add(Settle); f.Primary && plan.At.Before(settled) {
		plan.At = settled.In(s.zone())
	}
	return s.beforeExpiry(plan, f)
}

// beforeExpiry replaces a plan that would come too late for the token.
func (s Schedule) beforeExpiry(plan Plan, f Facts) Plan {
	if f.Expires.IsZero() {
		return plan
	}
	needed := plan.At
	if f.Alone {
		needed = needed.Add(Overlap)
	}
	expires, renewed := f.Expires.Round(0), f.Renewed.Round(0)
	margin := min(max(expires.Sub(renewed)/10, 0), maxMargin)
	if early := expires.Add(-margin); expires.Before(needed) && early.Before(plan.At) {
		plan.At, plan.Reason = early.In(s.zone()), TokenExpiry
	}
	return plan
}
