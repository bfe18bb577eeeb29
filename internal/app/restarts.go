package app

import (
	"context"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/restart"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

// renewLimit bounds one renewal; when it is over the old session is still there.
const renewLimit = 2 * time.Minute

// restartPause is left before a restart that failed is tried again.
const restartPause = 10 * time.Second

// restarts does the daily restart, and those that were asked for.
func (a *App) restarts(ctx context.Context) error {
	for ctx.Err() == nil {
		plan := a.plan()
		var reason string
		var requested bool
		t := time.NewTimer(min(max(time.Until(plan.At), 0), time.Second))
		select {
		case <-ctx.Done():
		case reason = <-a.renewals:
			requested = true
		case <-t.C:
			if plan.IsDue(time.Now()) && !a.renewedAt().IsZero() {
				reason = string(plan.Reason)
			}
		}
		t.Stop()
		if reason == "" || ctx.Err() != nil {
			continue
		}
		if err := a.restart(ctx, reason); err != nil && ctx.Err() == nil {
			a.log.Error("restart failed, the old session goes on", "error", err)
			a.metrics.restartFailures.Inc()
			a.fail(err)
			pause(ctx, restartPause)
			if requested { // else it is still due
				a.Restart(reason)
			}
		}
	}
	return nil
}

// plan is the next restart by what is known now.
func (a *App) plan() restart.Plan {
	_, accompanied := a.peers.other(time.Now())
	st := a.platform.Status()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.nextRestart = a.schedule.Due(restart.Facts{
		Now: time.Now(), Renewed: a.renewed, Expires: st.TokenExpires, Primary: a.role == recording.Primary,
		PrimarySince: a.primarySince, Alone: !accompanied,
	})
	return a.nextRestart
}

// restart hands over when somebody is ready to take over, renews token and channels
// with overlap, and says so in the stream. In process mode the process ends instead.
func (a *App) restart(ctx context.Context, reason string) error {
	begin := time.Now()
	a.log.Info("restarting the session", "reason", reason)
	a.engine.Announce(recording.FeedData{Event: recording.FeedRestarting, Reason: reason})
	if other, ok := a.peers.other(time.Now()); ok && other.Ready && a.leads() {
		a.yield("restart")
		a.awaitRole(ctx, recording.Secondary)
	}
	if a.set.RestartMode == settings.RestartProcess {
		a.log.Info("leaving, to be started again by the orchestrator")
		a.Stop()
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, renewLimit)
	defer cancel()
	if err := a.platform.Renew(bounded); err != nil {
		return err
	}
	a.setRenewed(begin)
	a.fail(nil)
	a.engine.Reconcile()
	a.engine.Announce(recording.FeedData{Event: recording.FeedRestarted, Reason: reason})
	a.metrics.restarts.WithLabelValues(reason).Inc()
	a.log.Info("restarted the session", "reason", reason, "took", time.Since(begin).String())
	return nil
}

// awaitRole waits for a role, for a few seconds at most: a renewal is safe in any
// role.
func (a *App) awaitRole(ctx context.Context, want recording.InstanceRole) {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; {
		a.mu.Lock()
		is := a.role
		a.mu.Unlock()
		if is == want {
			return
		}
		pause(ctx, time.Millisecond)
	}
}

// Restart asks for a restart of the session now.
func (a *App) Restart(reason string) {
	select {
	case a.renewals <- reason:
	default: // one is asked for already
	}
}

func (a *App) setRenewed(t time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.renewed = t
}

func (a *App) renewedAt() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.renewed
}

func (a *App) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lastError = ""
	if err != nil {
		a.lastError = err.Error()
	}
}
