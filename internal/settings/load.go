package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// errEmpty is the reason why a file cannot be used.
var errEmpty = errors.New("it is empty")

// maxSecretFile bounds what is read from a file that should hold one secret.
const maxSecretFile = 64 << 10

// Load reads and checks the settings in environ, which has the form of
// os.Environ: "NAME=value". The last of several entries with one name counts.
//
// The error is an *Error with every problem, and never holds a secret. The
// settings are complete only when it is nil; otherwise they hold what could be
// read, so that a caller can still honour LOG_FORMAT and LOG_LEVEL.
func Load(environ []string) (Settings, error) {
	loader := &loader{fields: fields(), given: parse(environ), values: map[string]string{}}
	loader.collect()
	loader.decode()
	loader.check()
	loader.settings.Warnings = warnings(loader.given, loader.fields)

	if len(loader.problems) == 0 {
		return loader.settings, nil
	}
	// In the order of the reference, whatever step found them.
	order := func(p Problem) int {
		return slices.IndexFunc(loader.fields, func(f field) bool {
			return f.variable == p.Variable || f.variable+"_FILE" == p.Variable
		})
	}
	slices.SortStableFunc(loader.problems, func(a, b Problem) int { return order(a) - order(b) })
	return loader.settings, &Error{Problems: loader.problems, Unused: loader.settings.Warnings}
}

// parse turns the form of os.Environ into a map.
func parse(environ []string) map[string]string {
	given := make(map[string]string, len(environ))
	for _, entry := range environ {
		if name, value, found := strings.Cut(entry, "="); found {
			given[name] = value
		}
	}
	return given
}

// loader carries the state from one step of Load to the next.
type loader struct {
	fields   []field
	given    map[string]string // the environment
	values   map[string]string // what the settings are decoded from
	settings Settings
	problems []Problem
}

// collect picks the settings from the environment and reads secrets from files.
// A value that is known to be wrong is left out, so that it is reported once.
func (l *loader) collect() {
	for _, f := range l.fields {
		value := l.given[f.variable]
		if f.secret {
			if f.file {
				value = l.collectSecret(f, value)
			}
		} else {
			value = strings.TrimSpace(value)
		}
		if value != "" && len(f.oneOf) > 0 {
			value = strings.ToLower(value)
			if !slices.Contains(f.oneOf, value) {
				l.reject(f)
				continue
			}
		}
		l.values[f.variable] = value
	}
}

// collectSecret returns the value of a secret from its variable or its file.
func (l *loader) collectSecret(f field, value string) string {
	variable := f.variable + "_FILE"
	path := strings.TrimSpace(l.given[variable])
	if path == "" {
		return value
	}
	if value != "" {
		l.problem(variable, path, "must not be set together with "+f.variable+": only one of them can be meant")
		return value
	}
	value, err := readSecret(path)
	if err != nil {
		l.problem(variable, path, "must be a file with "+f.allowed+": "+err.Error())
	}
	return value
}

// readSecret returns the content of a file without one line break at its end.
func readSecret(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", plain(err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	switch {
	case err != nil:
		return "", plain(err)
	case len(content) > maxSecretFile:
		return "", fmt.Errorf("it is larger than %d bytes", maxSecretFile)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if value == "" {
		return "", errEmpty
	}
	return value, nil
}

// plain drops the operation and the path from an error about a file: the
// problem names the path already.
func plain(err error) error {
	if pathError, found := errors.AsType[*fs.PathError](err); found {
		return pathError.Err
	}
	return err
}

// decode fills the settings from the values, and turns the errors of the parser
// into problems.
func (l *loader) decode() {
	err := env.ParseWithOptions(&l.settings, env.Options{Environment: l.values})
	if err == nil {
		return
	}
	aggregate, found := errors.AsType[env.AggregateError](err)
	if !found {
		aggregate.Errors = []error{err}
	}
	for _, err := range aggregate.Errors {
		if empty, found := errors.AsType[env.EmptyVarError](err); found {
			l.missing(empty.Key)
			continue
		}
		parse, found := errors.AsType[env.ParseError](err)
		if !found {
			// Only a mistake in the tags of Settings ends here.
			l.problem("settings", "", "cannot be decoded")
			continue
		}
		l.reject(l.byName(parse.Name))
	}
}

// missing reports a setting that is required, unless the attempt to read it
// has been reported already.
func (l *loader) missing(variable string) {
	if l.reported(variable) || l.reported(variable+"_FILE") {
		return
	}
	f := l.byVariable(variable)
	alternative := ""
	if f.file {
		alternative = " (or " + variable + "_FILE, a file that holds it)"
	}
	l.problem(variable, "", "is required: "+f.allowed+alternative)
}

// reject reports a value that is not allowed.
func (l *loader) reject(f field) { l.problem(f.variable, l.given[f.variable], f.demand()) }

// problem reports a problem. The value is shown only where it is none.
func (l *loader) problem(variable, value, message string) {
	if l.byVariable(variable).secret {
		value = ""
	}
	l.problems = append(l.problems, Problem{Variable: variable, Value: show(value), Message: message})
}

// reported tells whether there is a problem with a variable.
func (l *loader) reported(variable string) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Variable == variable })
}

// byVariable returns the field of a variable, or the zero field.
func (l *loader) byVariable(variable string) field {
	return l.find(func(f field) bool { return f.variable == variable })
}

// byName returns the field of a field of Settings, or the zero field.
func (l *loader) byName(name string) field {
	return l.find(func(f field) bool { return f.name == name })
}

func (l *loader) find(matches func(field) bool) field {
	if i := slices.IndexFunc(l.fields, matches); i >= 0 {
		return l.fields[i]
	}
	return field{}
}
