package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// How often a standby looks whether it may write the lease. A right that is missing
// is looked for more often, as somebody may be granting it.
const (
	rightsEvery   = 30 * time.Second
	rightsMissing = 5 * time.Second
)

// leaseSubject is what an instance must be allowed to publish to so that it can lead.
func (a *App) leaseSubject() string { return "$KV." + leaseBucket(a.set) + "." + a.leaseKey }

// rights finds out, before it is needed, whether this instance may take the lease.
// Without that right it is no standby, whatever it observes: it is not ready, says why,
// and nobody hands over to it.
func (a *App) rights(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := rightsEvery
		if a.Report().Role != recording.Primary && !a.probe(ctx) {
			wait = rightsMissing
		}
		pause(ctx, wait)
	}
	return nil
}

// probe tries the right and reports whether the server looked at the try. A refusal
// comes apart from the request, which merely has no answer.
func (a *App) probe(ctx context.Context) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before := a.natsUp.Denied(a.leaseSubject())
	answer := make(chan error, 1)
	go func() { answer <- a.lease.Probe(ctx) }()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-answer:
			if err == nil {
				if a.powerless.Swap(false) {
					a.log.Info("this instance may take the lease now")
				}
				return true
			}
			if ctx.Err() == nil || a.natsUp.Denied(a.leaseSubject()) {
				a.refused(err)
			}
			return false
		case <-look.C:
			if !before && a.natsUp.Denied(a.leaseSubject()) {
				cancel() // why wait for an answer
			}
		}
	}
}

// refused takes note of a probe without an answer: only a refusal is one.
func (a *App) refused(err error) {
	if !a.natsUp.Denied(a.leaseSubject()) {
		a.log.Debug("it could not be found out whether this instance may take the lease", "error", err)
		return
	}
	if !a.powerless.Swap(true) {
		a.log.Error("this instance can never lead: grant it the right", "missing", "publish "+a.leaseSubject())
	}
}

// powerlessText is why an instance that observes everybody is not ready.
func (a *App) powerlessText() string {
	return "NATS refuses " + a.leaseSubject() + ": this instance can never lead"
}

// startup shows what holds a start up: in the log, in the status and as the reason why
// this instance is not ready. A right that NATS refuses looks like silence to whoever
// asked, and is named.
func (a *App) startup(what string, err error) {
	if err != nil {
		if denied := a.natsUp.Status().Denied; len(denied) > 0 {
			err = fmt.Errorf("NATS refuses %s: %w", strings.Join(denied, ", "), err)
		}
		err = fmt.Errorf("%s: %w", what, err)
	}
	a.fail(err)
}
