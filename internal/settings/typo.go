package settings

import (
	"regexp"
	"slices"
	"strings"
)

// warnings names the variables that look like a setting but are none. It shows
// no values: a secret under a misspelt name is still a secret.
func warnings(given map[string]string, all []field) []string {
	var known []string
	for _, f := range all {
		known = append(known, f.variable)
		if f.file {
			known = append(known, f.variable+"_FILE")
		}
	}
	// An orchestrator describes a service called "nats" in variables such as
	// NATS_SERVICE_HOST and NATS_PORT_4222_TCP_ADDR: they are no settings.
	service := regexp.MustCompile(`(_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?|_PORT(_[0-9]+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)?)$`)

	var found []string
	for name := range given {
		upper := strings.ToUpper(name)
		if slices.Contains(known, name) || !looksLikeOurs(upper) || service.MatchString(name) {
			continue
		}
		warning := name + " is not a setting and has no effect"
		if near := nearest(upper, known); near != "" {
			warning += ": did you mean " + near + "?"
		}
		found = append(found, warning)
	}
	slices.Sort(found)
	return found
}

// looksLikeOurs tells whether a name begins like a setting. Names that others
// use as well, such as HTTP_PROXY, do not.
func looksLikeOurs(name string) bool {
	for _, prefix := range []string{
		"ADAPTER_", "AGENT_EVENT", "GENESYS_", "LEASE_", "NATS_", "RECONCILE_", "RECORD_", "REFRESH_", "RESTART_", "STARTUP_",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// nearest returns the candidate with the least edits from a name, or nothing
// when even that one differs in more than a third of its letters.
func nearest(name string, candidates []string) string {
	best, least := "", len(name)
	for _, candidate := range candidates {
		if edits := distance(name, candidate); edits < least {
			best, least = candidate, edits
		}
	}
	if least*3 > len(best) {
		return ""
	}
	return best
}

// distance counts the letters to insert, delete or replace to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			edits := diagonal
			if a[i] != b[j] {
				edits = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], edits
		}
	}
	return row[len(b)]
}
