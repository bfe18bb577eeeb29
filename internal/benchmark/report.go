package benchmark

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// WriteJSON writes everything that was measured, and the medians.
func (r *Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(struct {
		*Result
		Rows []row `json:"medians,omitempty"`
	}{r, r.rows()}); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// row is one measured value, the median of the rounds by contestant.
type row struct {
	Name   string             `json:"name"`
	Unit   string             `json:"unit"`
	Higher bool               `json:"higherIsBetter"`
	Of     map[string]float64 `json:"of"`
}

// contestants are those that were measured, in the order of the turns.
func (r *Result) contestants() (names []string) {
	for _, t := range r.Trials {
		if !slices.Contains(names, t.Contestant) {
			names = append(names, t.Contestant)
		}
	}
	return names
}

// rows takes the medians.
func (r *Result) rows() []row {
	if len(r.Trials) == 0 {
		return nil
	}
	var rows []row
	add := func(name, unit string, higher bool, value func(*trial) float64) {
		w := row{name, unit, higher, make(map[string]float64)}
		for _, c := range r.contestants() {
			var all []float64
			for i := range r.Trials {
				if r.Trials[i].Contestant == c {
					all = append(all, value(&r.Trials[i]))
				}
			}
			w.Of[c] = median(all)
		}
		rows = append(rows, w)
	}
	for i, p := range r.Trials[0].Phases {
		of := func(f func(*phase) float64) func(*trial) float64 {
			return func(t *trial) float64 { return f(&t.Phases[i]) }
		}
		at := "full speed"
		if p.Rate > 0 {
			at = fmt.Sprintf("%g/s", p.Rate)
		} else {
			add("throughput", "events/s", true, of(func(p *phase) float64 { return p.PerSecond }))
		}
		add(at+": CPU", "s/100k", false, of(func(p *phase) float64 { return p.CPU }))
		add(at+": CPU of NATS", "s/100k", false, of(func(p *phase) float64 { return p.NATSCPU }))
		if p.Rate > 0 {
			add(at+": p50", "ms", false, of(func(p *phase) float64 { return millis(p.Latency.P50) }))
			add(at+": p99", "ms", false, of(func(p *phase) float64 { return millis(p.Latency.P99) }))
			add(at+": p99.9", "ms", false, of(func(p *phase) float64 { return millis(p.Latency.P999) }))
		}
	}
	add("resident memory, ready", "MB", false, func(t *trial) float64 { return float64(t.Ready) / 1e6 })
	add("resident memory", "MB", false, func(t *trial) float64 { return float64(t.RSS) / 1e6 })
	add("resident memory, peak", "MB", false, func(t *trial) float64 { return float64(t.Peak) / 1e6 })
	add("missing", "events", false, func(t *trial) float64 { return float64(t.Missing) })
	add("doubled", "events", false, func(t *trial) float64 { return float64(t.Doubled) })
	add("out of order", "events", false, func(t *trial) float64 { return float64(t.Disordered) })
	return rows
}

// WriteTable writes the medians as one table, with the ratio of the ingestor to the
// floor and to the better of the plain bridges.
func (r *Result) WriteTable(w io.Writer) {
	var table [][]string
	names := r.contestants()
	if rows := r.rows(); len(rows) > 0 {
		table = append(table, append(append([]string{"median", ""}, names...), "to floor", "to plain"))
		for _, v := range rows {
			line := []string{v.Name, v.Unit}
			for _, c := range names {
				line = append(line, number(v.Of[c]))
			}
			table = append(table, append(line, v.ratio("floor"), v.ratio("plain", "node")))
		}
	}
	for _, f := range r.Figures {
		table = append(table, []string{f.Name, f.Unit, number(f.Value)})
	}
	if len(r.Minutes) > 0 {
		table = append(table, []string{"minute", "", "MB", "goroutines", "CPU s/100k", "p50 ms", "p99 ms"})
		for i, m := range r.Minutes {
			table = append(table, []string{
				fmt.Sprint(i + 1), "", number(float64(m.RSS) / 1e6), number(m.Goroutines), number(m.CPU),
				number(millis(m.Latency.P50)), number(millis(m.Latency.P99)),
			})
		}
	}
	write(w, table)
	if t := r.Lost; !t.clean() {
		fmt.Fprintf(w, "%d missing, %d doubled, %d out of order, %d unknown\n", t.Missing, t.Doubled, t.Disordered, t.Strange)
	}
	for _, t := range r.Trials {
		if !t.clean() {
			fmt.Fprintf(w, "%s, round %d: %d missing, %d doubled, %d out of order, %d unknown\n",
				t.Contestant, t.Round, t.Missing, t.Doubled, t.Disordered, t.Strange)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, n)
	}
}

// ratio is the ingestor's value in units of the best of others; empty when there is
// none of both.
func (v *row) ratio(others ...string) string {
	mine, ok := v.Of[ingestor]
	best, found := 0.0, false
	for _, c := range others {
		if n, has := v.Of[c]; has && n > 0 && (!found || (n > best) == v.Higher) {
			best, found = n, true
		}
	}
	if !ok || !found || v.Unit == "events" {
		return ""
	}
	return fmt.Sprintf("%.2f", mine/best)
}

// number keeps three digits that mean something.
func number(f float64) string {
	switch {
	case f == 0:
		return "0"
	case f >= 100 || f == float64(int64(f)):
		return fmt.Sprintf("%.0f", f)
	case f >= 10:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.2f", f)
	}
}

// write aligns words to the left in the first two columns, and numbers to the right.
func write(w io.Writer, table [][]string) {
	var widths []int
	for _, line := range table {
		for i, cell := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, line := range table {
		var b strings.Builder
		for i, cell := range line {
			if i < 2 {
				fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
			} else {
				fmt.Fprintf(&b, "%*s  ", widths[i], cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
