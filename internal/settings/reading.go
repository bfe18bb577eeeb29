package settings

import (
	"errors"
	"slices"
	"strings"
)

// LoadReading is [Load] for commands that only read the stream. They need the adapter's
// name and the way to NATS; all other settings, those of Genesys Cloud above all, may be
// missing or wrong.
func LoadReading(environ []string) (Settings, error) {
	s, err := Load(environ)
	wrong, found := errors.AsType[*Error](err)
	if !found {
		return s, err
	}
	problems := slices.DeleteFunc(slices.Clone(wrong.Problems), func(p Problem) bool { return !reading(p.Variable) })
	if len(problems) == 0 {
		return s, nil
	}
	return s, &Error{Problems: problems, Unused: wrong.Unused}
}

// reading tells whether a setting matters to a command that only reads. The settings of
// the stream matter to whoever makes it.
func reading(variable string) bool {
	switch variable {
	case "ADAPTER_NAME", "INSTANCE_ID", "LOG_LEVEL", "LOG_FORMAT":
		return true
	case "NATS_PROVISION", "NATS_REPLICAS", "NATS_MAX_AGE":
		return false
	}
	return strings.HasPrefix(variable, "NATS_")
}
