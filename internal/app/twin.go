package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrSameInstance says that another running process has the same INSTANCE_ID.
var ErrSameInstance = errors.New("the INSTANCE_ID is in use by another running process")

// Two processes of one INSTANCE_ID would take each other's notification channels away
// and answer each other's commands. They know each other by news under the own key
// from another process: a report that was there before may be from one that has died.
// A process that is met answers with a report of its own at once, so that a new one
// need not wait for the next ordinary report.
const (
	// admission is how long a new process listens for another one.
	admission = 500 * time.Millisecond
	// admissionLimit is how long it waits for one that is leaving.
	admissionLimit = 15 * time.Second
	// twinLogEvery is how often the one that stays says so.
	twinLogEvery = time.Minute
)

// wasHere reports whether a process of this INSTANCE_ID may be there: it has reported
// and not said farewell.
func (a *App) wasHere(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, reportEvery)
	defer cancel()
	_, err := a.state.Get(ctx, key(a.set.InstanceID))
	return !errors.Is(err, jetstream.ErrKeyNotFound)
}

// admit waits until it is known that no other process of this INSTANCE_ID runs, and
// refuses when one does. It connects to nothing that the other one has.
func (a *App) admit(ctx context.Context) error {
	select {
	case <-a.peers.watching:
	case <-time.After(2 * reportEvery): // news comes late: it is acted on all the same
	case <-ctx.Done():
		return ctx.Err()
	}
	a.reportNow() // whoever is there answers
	limit := time.Now().Add(admissionLimit)
	listen := time.NewTimer(admission)
	defer listen.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-listen.C:
			return nil
		case r := <-a.peers.twins:
			if err := a.judge(r); err != nil {
				return err
			}
			if r.Yielding && time.Now().Before(limit) {
				listen.Reset(reportEvery + admission) // until it is heard no more
			}
		}
	}
}

// meet goes on looking for another process of this INSTANCE_ID: both may have started
// at the same moment, or one was frozen while the other one started.
func (a *App) meet(ctx context.Context) error {
	var said time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case r := <-a.peers.twins:
			if err := a.judge(r); err != nil {
				return err
			}
			if !r.Yielding && time.Since(said) > twinLogEvery {
				said = time.Now()
				a.log.Error("another process has the same INSTANCE_ID; this one was first and goes on, the other one has to leave",
					"started", r.Started, "version", r.Version)
			}
		}
	}
}

// judge decides which of two processes of one INSTANCE_ID leaves: the one that is not
// established yet, else the one that started later. One that is leaving disturbs
// nobody.
func (a *App) judge(r Report) error {
	if r.Yielding {
		return nil
	}
	established := r.Established || r.Process == "" // an older version says neither
	leave := established
	if own := a.established.Load(); own == established {
		leave = a.started.After(r.Started) || a.started.Equal(r.Started) && a.process > r.Process
	}
	switch {
	case !leave:
		a.reportNow()
		return nil
	case r.Account != a.account:
		return a.otherAccount(r)
	default:
		return fmt.Errorf("instance %q of adapter %q, started at %s: %w; give each instance an INSTANCE_ID of its own",
			r.Instance, a.set.AdapterName, r.Started.UTC().Format(time.RFC3339), ErrSameInstance)
	}
}

// farewell takes the report back, so that the next process of this INSTANCE_ID need not
// listen for this one.
func (a *App) farewell() {
	if !a.established.Load() || !a.natsUp.Connected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), reportEvery)
	defer cancel()
	if err := a.state.Delete(ctx, key(a.set.InstanceID)); err != nil {
		a.log.Debug("the report could not be taken back", "error", err)
	}
}
