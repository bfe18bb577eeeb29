package bridge

import (
	"fmt"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Observation says that a scope can, or cannot, be observed.
type Observation struct {
	Up    bool
	Cause recording.GapCause // of a down
	// From is the last moment surely observed (down) or the first observed again.
	From time.Time
	// Users are the ids concerned; nil means all.
	Users []string
	// Complete is set on an up when nobody is down any more, but for those whose topic
	// is not permitted.
	Complete bool
}

// gaps keeps account of what this instance cannot observe.
type gaps struct {
	instance string
	open     []*gap
	count    int
	// past are gaps that were over before this instance led: whether they matter is
	// known when it does.
	past []*gap
}

// gap is one stretch without observation.
type gap struct {
	recording.Gap
	all   bool
	users map[string]bool
	// announced: it is in the stream, and so must its end be.
	announced bool
	// restored: observing again; closed once REST has been asked what was missed.
	restored bool
}

func newGaps(instance string) gaps { return gaps{instance: instance} }

// observe takes an observation and reports whether something was restored, so that
// REST has to be asked.
func (g *gaps) observe(o Observation) bool {
	if !o.Up {
		g.down(o)
		return false
	}
	restored := false
	for _, p := range g.open {
		for _, u := range o.Users {
			delete(p.users, u)
		}
		back := (o.Complete || o.Users == nil) && p.Cause != recording.GapTopicRejected || !p.all && len(p.users) == 0
		if back && !p.restored {
			p.restored, restored = true, true
			p.To = recording.At(o.From)
		}
	}
	return restored
}

// down opens a gap, unless one that covers it is open already.
func (g *gaps) down(o Observation) {
	for _, p := range g.open {
		if p.restored || (p.Cause == recording.GapTopicRejected) != (o.Cause == recording.GapTopicRejected) {
			continue // what is not permitted stays open when the rest is back
		}
		if p.all || o.Users != nil && covers(p.users, o.Users) {
			return
		}
	}
	g.count++
	n := &gap{all: o.Users == nil, users: make(map[string]bool, len(o.Users))}
	for _, u := range o.Users {
		n.users[u] = true
	}
	n.ID = fmt.Sprintf("%s-%d-%d", recording.Token(g.instance), o.From.UnixMilli(), g.count)
	n.From, n.Cause = recording.At(o.From), o.Cause
	n.Scope = &recording.GapScope{All: n.all, Users: len(o.Users)}
	ids := slices.Sorted(slices.Values(o.Users))
	n.Scope.UserIDs = ids[:min(len(ids), recording.MaxGapUsers)]
	g.open = append(g.open, n)
}

func covers(known map[string]bool, users []string) bool {
	for _, u := range users {
		if !known[u] {
			return false
		}
	}
	return len(users) > 0
}

// unannounced returns the gaps of which the stream does not know, and takes them as
// announced.
func (g *gaps) unannounced() []recording.Gap {
	var out []recording.Gap
	for _, p := range g.open {
		if !p.announced {
			p.announced = true
			said := p.Gap
			said.To = recording.Time{}
			out = append(out, said)
		}
	}
	return out
}

// restoredNow returns the gaps that a comparison with REST that begins now closes.
func (g *gaps) restoredNow() []*gap {
	var out []*gap
	for _, p := range g.open {
		if p.restored {
			out = append(out, p)
		}
	}
	return out
}

// close ends gaps and returns those that the stream knows of.
func (g *gaps) close(these []*gap, found findings) []recording.Gap {
	var out []recording.Gap
	g.open = slices.DeleteFunc(g.open, func(p *gap) bool { return slices.Contains(these, p) })
	for _, p := range these {
		found.fill(&p.Gap)
		if p.announced {
			out = append(out, p.Gap)
		} else if len(g.past) < maxPast {
			g.past = append(g.past, p)
		}
	}
	return out
}

const maxPast = 64

// missed returns the gaps that were over before this instance led and that nobody
// covered: observed was the last sign of another leader.
func (g *gaps) missed(observed time.Time) []recording.Gap {
	var out []recording.Gap
	for _, p := range g.past {
		if observed.Before(p.To.Time) {
			out = append(out, p.Gap)
		}
	}
	g.past = nil
	return out
}

// mine reports whether a gap is one that this process has to close.
func (g *gaps) mine(id string) bool {
	return slices.ContainsFunc(g.open, func(p *gap) bool { return p.ID == id })
}

// findings are what a comparison with REST found.
type findings struct {
	recovered, lost           []string
	recoveredCount, lostCount int
}

func (f findings) fill(g *recording.Gap) {
	g.Recovered, g.RecoveredCount = f.recovered, f.recoveredCount
	g.PossiblyLost, g.PossiblyLostCount = f.lost[:min(len(f.lost), recording.MaxGapLegs)], f.lostCount
}

// blind reports whether anything is not observed now.
func (g *gaps) blind() bool {
	return slices.ContainsFunc(g.open, func(p *gap) bool { return !p.restored })
}
