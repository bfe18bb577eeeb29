package app_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	alertsFile    = "../../deploy/prometheus/alerts.yaml"
	alertsTest    = "../../deploy/prometheus/alerts_test.yaml"
	dashboardFile = "../../deploy/grafana/ingestor.json"
	runbookFile   = "../../deploy/runbook.md"
	runbookURL    = "https://github.com/recorderbridge/genesys-ingestor/blob/main/deploy/runbook.md#"
)

func contents(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// alert is one rule of the file of alerts.
type alert struct{ name, expression, severity, summary, description, runbook string }

// alerts reads the file line by line: each value stands on the line of its key, or alone
// on the next one.
func alerts(t *testing.T) []alert {
	t.Helper()
	var all []alert
	for block := range strings.SplitSeq(contents(t, alertsFile), "- alert: ") {
		name, rest, _ := strings.Cut(block, "\n")
		if strings.HasPrefix(block, "#") {
			continue
		}
		value := func(key string) string {
			found := regexp.MustCompile(`(?m)^ +` + key + `: (?:[|>]-\n +)?(.+)$`).FindStringSubmatch(rest)
			if found == nil {
				t.Errorf("alert %s has no %s", name, key)
				return ""
			}
			return strings.Trim(found[1], `"`)
		}
		all = append(all, alert{
			name: name, expression: value("expr"), severity: value("severity"), summary: value("summary"),
			description: value("description"), runbook: value("runbook_url"),
		})
		value("for")
	}
	if len(all) < 30 {
		t.Fatalf("%d alerts: the test reads the file wrongly", len(all))
	}
	return all
}

// Whoever is called at night finds what to do: each alert says how bad it is, what it
// means and where its section of the runbook is, and no section is without an alert.
func TestAlertsHaveARunbook(t *testing.T) {
	var sections []string
	for _, match := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(contents(t, runbookFile), -1) {
		sections = append(sections, match[1])
	}
	tests := contents(t, alertsTest)
	var names []string
	for _, a := range alerts(t) {
		names = append(names, a.name)
		if !slices.Contains([]string{"critical", "warning", "info"}, a.severity) {
			t.Errorf("%s: severity %q", a.name, a.severity)
		}
		if len(a.summary) < 15 || len(a.description) < 60 {
			t.Errorf("%s: summary %q, description %q", a.name, a.summary, a.description)
		}
		if want := runbookURL + strings.ToLower(a.name); a.runbook != want {
			t.Errorf("%s: runbook_url %s, want %s", a.name, a.runbook, want)
		}
		if strings.Count(tests, "alertname: "+a.name+"\n") < 2 {
			t.Errorf("%s is not tested in alerts_test.yaml, when it fires and when it does not", a.name)
		}
	}
	slices.Sort(names)
	slices.Sort(sections)
	if !slices.Equal(names, sections) {
		t.Errorf("alerts\n%q\nsections of the runbook\n%q", names, sections)
	}
}

// panel is one panel of the dashboard.
type panel struct {
	ID          int
	Type, Title string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct{ Expr, LegendFormat string }
}

func dashboard(t *testing.T) (panels []panel, others []string) {
	t.Helper()
	var d struct {
		Panels      []panel
		Annotations struct{ List []struct{ Expr string } }
		Templating  struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	if err := json.Unmarshal([]byte(contents(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	for _, a := range d.Annotations.List {
		others = append(others, a.Expr)
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			others = append(others, v.Definition)
		}
	}
	return d.Panels, others
}

// Panels have an id, a meaning and a place of their own.
func TestDashboard(t *testing.T) {
	panels, _ := dashboard(t)
	ids, cells := make(map[int]bool), make(map[[2]int]string)
	for _, p := range panels {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("%s has no description, or no query", p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies over %q, or outside", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
}

// What rules and dashboard ask for is what an instance exports, with the labels that it
// exports.
func TestQueriesNameWhatIsExported(t *testing.T) {
	known := map[string][]string{"up": nil}
	for _, f := range exported(t) {
		known[f.name] = f.labels
		if f.kind == "histogram" {
			known[f.name+"_bucket"] = append([]string{"le"}, f.labels...)
			known[f.name+"_sum"], known[f.name+"_count"] = f.labels, f.labels
		}
	}
	asked := make(map[string]bool)
	check := func(where, query, legend string) {
		t.Helper()
		names, labels := inspect(t, where, query, known)
		for _, name := range names {
			asked[name] = true
		}
		for _, match := range regexp.MustCompile(`{{ *(\w+) *}}`).FindAllStringSubmatch(legend, -1) {
			if !slices.Contains(labels, match[1]) {
				t.Errorf("%s: the legend names %s, which the query does not have", where, match[1])
			}
		}
	}
	for _, a := range alerts(t) {
		check(a.name, a.expression, strings.NewReplacer("$labels.", "").Replace(a.summary+a.description))
	}
	panels, others := dashboard(t)
	for _, p := range panels {
		for _, target := range p.Targets {
			check("panel "+p.Title, target.Expr, target.LegendFormat)
		}
	}
	for _, query := range others {
		check("dashboard", query, "")
	}
	for _, match := range regexp.MustCompile(`series: '([^']+)'`).FindAllStringSubmatch(contents(t, alertsTest), -1) {
		check("alerts_test.yaml", match[1], "")
	}
	if len(asked) < 50 {
		t.Errorf("only %d metrics are asked for: the test reads the queries wrongly", len(asked))
	}
	for _, name := range regexp.MustCompile("`(ingestor_[a-z_]+)`").FindAllStringSubmatch(contents(t, runbookFile), -1) {
		if _, ok := known[name[1]]; !ok {
			t.Errorf("the runbook names %s, which is not exported", name[1])
		}
	}
}

// inspect checks one query and returns its metrics, and the labels that they have.
func inspect(t *testing.T, where, query string, known map[string][]string) (names, labels []string) {
	t.Helper()
	labels = []string{"job", "instance"} // of the target
	for _, name := range regexp.MustCompile(`\b(?:ingestor|go|process|promhttp)_\w+|\bup\b`).FindAllString(query, -1) {
		own, ok := known[name]
		if !ok {
			t.Errorf("%s asks for %s, which is not exported: %s", where, name, query)
		}
		names, labels = append(names, name), append(labels, own...)
	}
	if len(names) == 0 {
		t.Errorf("%s asks for nothing: %s", where, query)
	}
	for _, match := range regexp.MustCompile(`([a-z_]+)\{([^}]*)\}`).FindAllStringSubmatch(query, -1) {
		for _, label := range regexp.MustCompile(`(\w+) *(?:=~|!~|!=|=)`).FindAllStringSubmatch(match[2], -1) {
			if l := label[1]; l != "job" && l != "instance" && !slices.Contains(known[match[1]], l) {
				t.Errorf("%s: %s has no label %s", where, match[1], l)
			}
		}
	}
	for _, match := range regexp.MustCompile(`\b(?:by|on|group_left|without|ignoring) *\(([^)]*)\)`).FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(match[1], ",") {
			if l := strings.TrimSpace(label); !slices.Contains(labels, l) {
				t.Errorf("%s: nothing has the label %s: %s", where, l, query)
			}
		}
	}
	return names, labels
}
