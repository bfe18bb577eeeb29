package settings

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// field is one setting as its tags describe it.
type field struct {
	index    int    // of the field in Settings
	name     string // of the field in Settings
	variable string
	kind     string // as the reference names it
	preset   string // default, as text
	shown    string // what stands for the default where it depends on others
	required bool
	secret   bool
	file     bool // a variant with _FILE exists
	oneOf    []string
	min, max string
	why      string
	form     string
	allowed  string
	doc      string
	group    string
}

// fields returns all settings in the order of the reference.
func fields() []field {
	structure := reflect.TypeFor[Settings]()
	var all []field
	group := ""
	for structField := range structure.Fields() {
		tag := structField.Tag
		variable, options, _ := strings.Cut(tag.Get("env"), ",")
		if variable == "-" {
			continue
		}
		if title := tag.Get("group"); title != "" {
			group = title
		}
		one := field{
			index:    structField.Index[0],
			name:     structField.Name,
			variable: variable,
			kind:     kindOf(structField.Type),
			preset:   tag.Get("envDefault"),
			shown:    tag.Get("shown"),
			required: options == "notEmpty",
			secret:   structField.Type == reflect.TypeFor[Secret](),
			file:     tag.Get("file") == "true",
			oneOf:    strings.Fields(tag.Get("oneof")),
			min:      tag.Get("min"),
			max:      tag.Get("max"),
			why:      tag.Get("why"),
			form:     tag.Get("form"),
			allowed:  tag.Get("allowed"),
			doc:      tag.Get("doc"),
			group:    group,
		}
		if one.allowed == "" {
			one.allowed = one.derivedAllowed()
		}
		all = append(all, one)
	}
	return all
}

// derivedAllowed says what is allowed where the type and the bounds say it all.
func (f field) derivedAllowed() string {
	switch {
	case len(f.oneOf) > 0:
		return strings.Join(f.oneOf[:len(f.oneOf)-1], ", ") + " or " + f.oneOf[len(f.oneOf)-1]
	case f.kind == "boolean":
		return "true or false"
	case f.kind == "duration":
		return fmt.Sprintf("a duration from %s to %s, such as %s", f.min, f.max, f.preset)
	default:
		return fmt.Sprintf("a number from %s to %s", f.min, f.max)
	}
}

// demand is the message of a problem: what is allowed, and the reason.
func (f field) demand() string {
	message := "must be " + f.allowed
	if f.why != "" {
		message += ": " + f.why
	}
	return message
}

// kindOf names a type for the reference.
func kindOf(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Secret]():
		return "secret"
	case reflect.TypeFor[[]string]():
		return "list"
	case reflect.TypeFor[bool]():
		return "boolean"
	case reflect.TypeFor[int]():
		return "number"
	default:
		return "text"
	}
}

// within tells whether a value respects the min and max tags. A value of a
// type without bounds always does.
func (f field) within(value any) bool {
	if f.min == "" {
		return true
	}
	switch value := value.(type) {
	case int:
		least, _ := strconv.Atoi(f.min)
		most, _ := strconv.Atoi(f.max)
		return least <= value && value <= most
	case time.Duration:
		least, _ := time.ParseDuration(f.min)
		most, _ := time.ParseDuration(f.max)
		return least <= value && value <= most
	default:
		return true
	}
}
