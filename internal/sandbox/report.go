package sandbox

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// verdict shows the verdict.
func (s *screen) verdict(v *Verdict) {
	v.Seed, v.Took = s.seed, time.Since(s.begin)
	s.object("verdict", v)
	if s.json {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "\n%s", v.Table())
	word := s.paint(green, "clean")
	if !v.Clean {
		word = s.paint(red, "NOT CLEAN")
	}
	fmt.Fprintf(s.out, "\nVerdict: %s (%d events, seed %d, %v)\n", word, v.Events, v.Seed, v.Took.Round(time.Second))
}

// maxViolations is how many violations are shown one by one.
const maxViolations = 25

// Table is the verdict as text, without its last word.
func (v *Verdict) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-16s %7s %7s %8s %6s %7s %7s %6s\n", "", "truth", "stored", "missing", "twice", "untrue", "unseen", "brief")
	for i := range v.Rows {
		r := &v.Rows[i]
		if r.Truth+r.Stored == 0 {
			continue
		}
		fmt.Fprintf(&b, "%-16s %7d %7d %8d %6d %7d %7d %6d\n", r.Name, r.Truth, r.Stored, r.Missing, r.Twice, r.Untrue, r.Unseen, r.Brief)
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-13s"+format+"\n", append([]any{name}, args...)...)
	}
	b.WriteString("\n")
	line("messages", "%d lost, %d doubled, %d out of order, %d against the contract, %d legs with a wrong end",
		v.Lost(), v.Doubled(), v.Holes, v.OffContract, v.WrongFinals)
	line("latency", "frame to stored %s; moment to stored %s", v.FrameToStored, v.TruthToStored)
	if v.PauseDelay.Count+v.Exposures.Count > 0 {
		line("secure pause", "told after %s; longest told to record during one %s", v.PauseDelay, v.Exposures.Max)
	}
	unseen, inGap := v.Unseen()
	line("gaps", "%d opened, %d closed; %d events learned from REST; %d steps shown to nobody, %d of them in an announced gap",
		v.Gaps.Opened, v.Gaps.Closed, v.Reconciled, unseen, inGap)
	v.changes(line)
	for i := range v.Usage {
		line("ingestor "+v.Usage[i].Instance, "%s", &v.Usage[i])
	}
	if len(v.Faults)+len(v.Incidents) > 0 {
		line("disturbed by", "%s", strings.Join(slices.Concat(tally(v.Incidents), tally(v.Faults)), ", "))
	}
	if len(v.Losses) > 0 {
		line("not sent", "frames: %s", strings.Join(tally(v.Losses), ", "))
	}
	for i, x := range v.Violations {
		if i == maxViolations {
			fmt.Fprintf(&b, "… and %d more\n", len(v.Violations)-i)
			break
		}
		fmt.Fprintf(&b, "! %-11s %s %s\n", x.Kind, x.Leg, x.Text)
	}
	return b.String()
}

// changes shows how the lead went from one instance to the other.
func (v *Verdict) changes(line func(name, format string, args ...any)) {
	after, gaps := make(map[IncidentKind][]time.Duration), make(map[IncidentKind][]time.Duration)
	for _, t := range v.Terms {
		after[t.Cause] = append(after[t.Cause], time.Duration(t.After))
		gaps[t.Cause] = append(gaps[t.Cause], time.Duration(t.Gap))
	}
	for _, k := range slices.Sorted(maps.Keys(after)) {
		a, g := spreadOf(after[k]), spreadOf(gaps[k])
		switch k {
		case Kill, Pause, NATSCut, NATSFrozen, GenesysCut, GenesysFrozen:
			line("fail-over", "%d after a %s: new leader after %s (median), %s (longest)", a.Count, k, a.P50, a.Max)
		case "":
			line("hand-over", "%d unasked: last event of the old leader to first of the new %s (median), %s (longest)", g.Count, g.P50, g.Max)
		case Stop, Restart, Outage, NodeKill:
			line("hand-over", "%d after a %s: last event of the old leader to first of the new %s (median), %s (longest)", g.Count, k, g.P50, g.Max)
		}
	}
	if len(v.Restarts) > 0 {
		all := make([]time.Duration, len(v.Restarts))
		for i, d := range v.Restarts {
			all[i] = time.Duration(d)
		}
		r := spreadOf(all)
		line("restarts", "%d of the session: %s (median), %s (longest)", r.Count, r.P50, r.Max)
	}
}

// String returns the median and the tail.
func (s Spread) String() string {
	if s.Count == 0 {
		return "none"
	}
	return fmt.Sprintf("p50 %s, p99 %s, max %s", s.P50, s.P99, s.Max)
}

// tally lists counts by name.
func tally[K ~string](counts map[K]int) []string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("%d %s", counts[k], k))
	}
	return list
}
