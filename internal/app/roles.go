package app

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/lease"
)

// behindAfter is how long the leader may leave a change unpublished that the standby
// has seen, before the standby says so.
const behindAfter = 2 * time.Second

// mayLead is the gate of the lease: an instance campaigns when it has read the
// stream and observes, or when nobody else could do better.
func (a *App) mayLead() bool {
	select {
	case <-a.leave:
		return false
	case <-a.connect:
	default:
		return false // told not to connect yet
	}
	now := time.Now()
	other, ok := a.peers.other(now)
	better := ok && other.Ready && !other.Yielding
	if !a.caughtUp.Load() {
		return false
	}
	ready := a.platform.Status().Ready
	if ready {
		a.readySince.CompareAndSwap(0, now.UnixNano())
	} else {
		a.readySince.Store(0)
	}
	// One that seems better off would take a free lease at once. It has died, or cannot,
	// when it has let the lease expire itself, or when the lease stays free.
	free := a.lease.Holder()
	vacant := func(wait time.Duration) bool { return free.Free && now.Sub(free.Since) >= wait }
	expired := free.Free && free.Before == other.Instance
	switch {
	case !better:
		return true
	case a.yielding():
		return expired || vacant(a.set.LeaseTTL)
	case !ready:
		return vacant(courtesy)
	default:
		// One that has just come lets the one go first that has observed all the while.
		young := now.Sub(a.since()) < 2*a.set.LeaseTTL
		return !young || a.since().Before(other.ReadySince) || expired || vacant(courtesy)
	}
}

// courtesy is how long a free lease is left to an instance that seems better off.
const courtesy = 300 * time.Millisecond

// lead campaigns for the lease and leads while it is held, again and again, until
// this instance leaves or ctx ends.
func (a *App) lead(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-a.leave:
			cancel()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		err := a.lease.Hold(ctx, a.term)
		a.haste.Set(false)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, lease.ErrLost):
			a.log.Warn("lost the lead")
		case errors.Is(err, lease.ErrResigned):
			a.log.Info("handed the lead over")
		case err != nil:
			a.log.Warn("the term ended", "error", err)
			pause(ctx, a.set.LeaseTTL/5)
		}
	}
	if a.leaving() {
		return nil
	}
	return context.Cause(ctx)
}

// term is one term of leadership: announce it, wait until the own tail shows it, so
// that everything older has been seen, publish the difference, and go on until the
// lease is over.
func (a *App) term(ctx context.Context, t lease.Term) error {
	begin := time.Now()
	a.handing.Store(0) // if the lead was let go, nobody took it: that is over
	before := uint64(0)
	a.engine.Do(func(c *bridge.Core, _ time.Time) { before = c.LeaderEvent() })
	a.haste.Set(true) // every leg waits
	a.engine.Announce(recording.FeedData{Event: recording.FeedLeader})
	err := a.engine.Wait(ctx, func(c *bridge.Core, tail uint64) bool {
		return c.LeaderEvent() > before && tail >= c.LeaderEvent()
	})
	a.haste.Set(false)
	if err != nil {
		return err
	}
	var epoch uint64
	a.engine.Do(func(c *bridge.Core, _ time.Time) {
		epoch = c.LeaderEvent()
		c.Lead(epoch)
	})
	a.tail.Own(true)
	a.engine.Reconcile()
	a.setRole(recording.Primary, epoch)
	a.metrics.promotions.Inc()
	a.log.Info("leading", "epoch", epoch, "term", t.Number, "took", time.Since(begin).String())
	<-ctx.Done()
	if errors.Is(context.Cause(ctx), lease.ErrLost) {
		a.follower()
		return nil
	}
	a.handOver() //nolint:contextcheck // the context has ended: that is why
	return nil
}

// handOver lets what is pending out before the lease is released, so that the next
// leader has nothing to repair. What does not make it is the next leader's work.
func (a *App) handOver() {
	begin := time.Now()
	a.haste.Set(true) // until the lease is released
	if a.leaving() {
		a.engine.Announce(recording.FeedData{Event: recording.FeedStopping, Reason: "leaving"})
	}
	bounded, cancel := context.WithTimeout(context.Background(), handOverLimit)
	defer cancel()
	err := a.engine.HandOver(bounded)
	a.follower()
	a.log.Info("handing over", "took", time.Since(begin).String(), "complete", err == nil)
}

// handOverLimit bounds the wait for a busy leg at hand-over; the compare-and-set
// makes an early hand-over safe, only not as smooth.
const handOverLimit = 500 * time.Millisecond

func (a *App) follower() {
	a.engine.Do(func(c *bridge.Core, _ time.Time) { c.Follow() })
	if !a.leaving() { // nothing is read any more then
		a.tail.Own(false)
	}
	a.setRole(recording.Secondary, 0)
}

func (a *App) setRole(r recording.InstanceRole, epoch uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.role = r
	if epoch != 0 {
		a.epoch, a.primarySince = epoch, time.Now()
	}
}

// report tells the others about this instance, and hands the lead over when the other
// one observes more.
func (a *App) report(ctx context.Context) error {
	var heard complaints
	var pair redundancy
	for ctx.Err() == nil {
		r := a.Report()
		heard.note(r.Read, r.At)
		if r.Role == recording.Primary {
			a.consider(r, &heard)
			if e, changed := pair.observe(a.peers.other(time.Now())); changed {
				a.engine.Announce(e)
			}
		}
		if data, err := json.Marshal(r); err == nil {
			bounded, cancel := context.WithTimeout(ctx, reportEvery)
			_, err = a.state.Put(bounded, key(r.Instance), data)
			cancel()
			a.reportWritten(ctx, err)
		}
		t := time.NewTimer(reportEvery)
		select {
		case <-ctx.Done():
		case <-a.tell:
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

// storeSilence is how long JetStream may not answer before this instance is not ready.
const storeSilence = 5 * time.Second

// reportWritten follows whether JetStream works, not only the connection to the server.
func (a *App) reportWritten(ctx context.Context, err error) {
	now := time.Now()
	silent := now.Sub(time.Unix(0, a.reported.Load()))
	switch {
	case err == nil:
		if a.reported.Swap(now.UnixNano()) != 0 && silent > storeSilence {
			a.log.Info("JetStream answers again", "silent", silent.Round(time.Second).String())
		}
	case ctx.Err() != nil:
	case silent > storeSilence && silent <= storeSilence+2*reportEvery:
		a.log.Error("JetStream does not answer: events are kept, and published when it does", "error", err)
	default:
		a.log.Debug("report could not be written", "error", err)
	}
}

// stored reports whether JetStream has answered lately.
func (a *App) stored() bool {
	return time.Since(time.Unix(0, a.reported.Load())) < storeSilence
}

// consider hands over to a standby that is better off: it is ready while this
// instance is not, or it has said twice in a row that it has seen more than this one, which
// is not late with what it has to publish.
func (a *App) consider(own Report, heard *complaints) {
	other, ok := a.peers.other(time.Now())
	switch {
	case ok && other.Ready && !own.Ready:
		heard.row = 0
		a.yield("this instance does not observe everybody")
	case !ok || !other.Ready || !other.Behind:
		heard.row = 0
	case !heard.news(&other): // that was considered
	case !heard.kept(other.Read) || a.late():
		heard.row = 0
	case heard.row == 0:
		heard.row = 1
	default:
		heard.row = 0
		a.yield("the other instance has seen more")
	}
}

// listen has what another instance complains of considered at once. Of two that do not lead, each
// would only make the other one complain again.
func (a *App) listen() {
	if a.leads() {
		a.reportNow()
	}
}

// leads reports whether this instance is the primary.
func (a *App) leads() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.role == recording.Primary
}

// complaints are what another instance says of what this one does not tell.
type complaints struct {
	pace
	row   int       // so many one after the other
	last  time.Time // when it said so, by its clock
	stood uint64    // how often it had told what this one was not shown
}

// news reports whether a report complains of something new. A busy machine is late now and then.
func (h *complaints) news(r *Report) bool {
	if r.At.Equal(h.last) || r.StoodIn != 0 && r.StoodIn == h.stood {
		return false
	}
	h.last, h.stood = r.At, r.StoodIn
	return true
}

// pace is how far this instance knew the stream some seconds ago. One that has not read as far does not
// keep up, and cannot say what was not told.
type pace struct {
	at        time.Time
	now, then uint64
}

func (p *pace) note(read uint64, at time.Time) {
	if at.Sub(p.at) >= behindAfter {
		p.at, p.then, p.now = at, p.now, read
	}
}

func (p *pace) kept(read uint64) bool { return read == 0 || read >= p.then }

// late reports whether this instance has something to publish for so long that the standby may
// mean just that. There is always something that was observed a moment ago.
func (a *App) late() (is bool) {
	a.engine.Do(func(c *bridge.Core, now time.Time) {
		n, oldest := c.Pending()
		is = n > 0 && now.Sub(oldest) > behindAfter/2
	})
	return is
}

// blinded is told that something cannot be observed any more. A standby that can
// takes over at once: a hand-over costs milliseconds, a hold that nobody tells is
// lost.
func (a *App) blinded(cause recording.GapCause) {
	if cause == recording.GapTopicRejected || cause == recording.GapFrameRejected || cause == recording.GapStarted {
		return // the other instance has the same rights and gets the same frames
	}
	if other, ok := a.peers.other(time.Now()); ok && other.Ready && a.leads() {
		a.yield(string(cause))
	}
}

// yield lets the other instance lead. For a while this one does not campaign, unless
// nobody else does. Without NATS nobody would hear of it, and who leads then may be back before
// the lease is over.
func (a *App) yield(why string) bool {
	if !a.natsUp.Connected() {
		return false
	}
	until := a.handing.Load()
	now := time.Since(a.started)
	if until > int64(now) || !a.handing.CompareAndSwap(until, int64(now+2*a.set.LeaseTTL)) {
		return true // it is on its way
	}
	if !a.lease.Resign() {
		a.handing.Store(0)
		return false
	}
	a.reportNow()
	a.log.Warn("letting the other instance lead", "why", why)
	return true
}

// yielding reports whether this instance lets the other one lead.
func (a *App) yielding() bool { return a.handing.Load() > int64(time.Since(a.started)) }

// reportNow sends a report at once.
func (a *App) reportNow() {
	select {
	case a.tell <- struct{}{}:
	default:
	}
}

// redundancy follows whether another instance could take over. It is told once it was
// lost, not while there has never been one.
type redundancy struct {
	had, degraded bool
	missing       int
}

func (p *redundancy) observe(other Report, there bool) (recording.FeedData, bool) {
	if there && other.Ready {
		p.had, p.missing = true, 0
		if p.degraded {
			p.degraded = false
			return recording.FeedData{Event: recording.FeedRecovered, Reason: "another instance is ready to take over"}, true
		}
		return recording.FeedData{}, false
	}
	if p.missing++; p.had && !p.degraded && p.missing > 3 {
		p.degraded = true
		return recording.FeedData{Event: recording.FeedDegraded, Reason: "no other instance is ready to take over"}, true
	}
	return recording.FeedData{}, false
}

// since is when this instance became ready, zero while it is not.
func (a *App) since() time.Time {
	if n := a.readySince.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// Report is what this instance knows about itself.
func (a *App) Report() Report {
	a.mu.Lock()
	r := Report{
		Instance: a.set.InstanceID, Role: a.role, Epoch: a.epoch, Version: a.opts.Version, Process: a.process, Started: a.started,
		Established: a.established.Load(),
		At:          time.Now(), Account: a.account, ReadySince: a.since(), Yielding: a.yielding() || a.leaving(), Renewed: a.renewed, NextRestart: a.nextRestart.At, Error: a.lastError,
	}
	a.mu.Unlock()
	if !a.opened.Load() {
		return r
	}
	st := a.platform.Status()
	powerless := a.powerless.Load()
	r.Ready = st.Ready && a.caughtUp.Load() && a.natsUp.Connected() && (a.stored() || a.reported.Load() == 0) && !powerless
	switch {
	case r.Error != "" || r.Ready:
	case powerless:
		r.Error = a.powerlessText()
	case st.Ready && a.caughtUp.Load():
		r.Error = "JetStream does not answer"
	case len(st.Rejected) > 0 && st.Observed == 0:
		r.Error = "the platform refuses the topics of all users"
	default:
		r.Error = st.LastError
	}
	a.engine.Do(func(c *bridge.Core, now time.Time) {
		r.OpenLegs, r.Read = c.OpenLegs(), c.LastSequence()
		n, oldest := c.Pending()
		switch {
		case r.Role != recording.Secondary:
		case n > 0 && now.Sub(oldest) > behindAfter:
			r.Behind = true
			a.log.Warn("the leader has not told what was seen here", "pending", n, "oldest", now.Sub(oldest).String(), "what", c.Waiting())
		case c.StandsIn(now):
			r.Behind, r.StoodIn = true, c.Stats().StoodIn
			a.log.Warn("telling what the leader was not shown", "events", r.StoodIn)
		}
	})
	return r
}
