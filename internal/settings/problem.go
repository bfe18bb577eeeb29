package settings

import (
	"fmt"
	"strings"
)

// Problem is one wrong setting.
type Problem struct {
	// Variable is the name of the environment variable.
	Variable string
	// Value is what was set, shortened, and without credentials. It is empty
	// for a secret, and where nothing was set.
	Value string
	// Message says what is allowed, or what is wrong.
	Message string
}

// String returns the problem as one line.
func (p Problem) String() string {
	if p.Value == "" {
		return p.Variable + ": " + p.Message
	}
	return fmt.Sprintf("%s=%q: %s", p.Variable, p.Value, p.Message)
}

// Error holds every problem that Load found, in the order of the reference. It
// is safe to log.
type Error struct {
	Problems []Problem
	// Unused are the warnings about variables that are no settings: one of them may be
	// a setting that is missing, under a misspelt name.
	Unused []string
}

// Error returns one line for each problem and each warning.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("settings: 1 problem")
	if len(e.Problems) != 1 {
		text.Reset()
		fmt.Fprintf(&text, "settings: %d problems", len(e.Problems))
	}
	for _, problem := range e.Problems {
		text.WriteString("\n  " + problem.String())
	}
	for _, unused := range e.Unused {
		text.WriteString("\n  " + unused)
	}
	return text.String()
}

// maxShown is the number of characters of a value that a problem shows.
const maxShown = 120

// show makes a value fit to be shown: short, and without what may be secret in
// a URL, which is all before the last "@" and all after the first "?" or "#".
// When these overlap nothing is shown. A list of URLs is treated as one,
// because credentials may hold a comma.
func show(value string) string {
	begin, end := strings.LastIndex(value, "@"), strings.IndexAny(value, "?#")
	switch {
	case begin >= 0 && end >= 0 && end < begin:
		return "..."
	case end >= 0:
		value = value[:end+1] + "..."
	}
	if begin >= 0 {
		value = "..." + value[begin:]
	}
	if shown := []rune(value); len(shown) > maxShown {
		return string(shown[:maxShown]) + "..."
	}
	return value
}
