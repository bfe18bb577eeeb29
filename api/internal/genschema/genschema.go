package genschema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// base is where the schemas have their identity.
const base = "https://raw.githubusercontent.com/recorderbridge/genesys-ingestor/main/api/schema/"

// Generate returns the schemas by file name. The directory is the one with the
// source of api/recording.
func Generate(dir string) (map[string][]byte, error) {
	src, err := parse(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range events() {
		g := &generator{src: src, event: e, defs: &properties{}}
		root := g.root()
		if g.err != nil {
			return nil, fmt.Errorf("generate %s: %w", e.file, g.err)
		}
		b, err := marshal(root)
		if err != nil {
			return nil, fmt.Errorf("generate %s: %w", e.file, err)
		}
		var out bytes.Buffer
		if err := json.Indent(&out, b, "", "  "); err != nil {
			return nil, fmt.Errorf("generate %s: %w", e.file, err)
		}
		out.WriteByte('\n')
		files[e.file] = out.Bytes()
	}
	return files, nil
}

type generator struct {
	src   *source
	event eventRule
	defs  *properties
	err   error
}

func (g *generator) root() *node {
	t := g.event.typ
	root := g.object(t)
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.ID = base + g.event.file
	root.Title = g.event.title
	root.Description = g.src.words(g.src.types[t.Name()], "", "") + " " +
		"This schema is strict: it says what this version publishes. Consumers must ignore fields that they do not know " +
		"and accept values that they do not know, because a later minor version may add some."
	root.Defs = g.defs
	return root
}

// object is the schema of a struct. The fields of an embedded struct are its own.
func (g *generator) object(t reflect.Type) *node {
	n := &node{Type: "object", Properties: &properties{}, AdditionalProperties: false}
	g.fields(t, n)
	if rule, ok := objectRules()[t]; ok {
		rule(n)
	}
	return n
}

func (g *generator) fields(t reflect.Type, n *node) {
	for f := range t.Fields() {
		if f.Anonymous {
			g.fields(f.Type, n)
			continue
		}
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		at := t.Name() + "." + f.Name
		optional := opts == "omitempty" || opts == "omitzero"
		p := g.value(f.Type, optional)
		if rule, ok := g.event.fields[at]; ok {
			rule(p)
		} else if rule, ok := fieldRules()[at]; ok {
			rule(p)
		}
		if p.Description = g.src.words(g.src.fields[at], f.Name, name); p.Description == "" {
			g.fail("%s has no comment", at)
		}
		n.Properties.add(name, p)
		if !optional {
			n.Required = append(n.Required, name)
		}
	}
}

// value is the schema of a field or list item. What is optional is not empty.
func (g *generator) value(t reflect.Type, optional bool) *node {
	if t == reflect.TypeFor[recording.Time]() {
		return g.ref("Time", timeNode)
	}
	if values, ok := enums()[t]; ok {
		return g.ref(t.Name(), func() *node { return g.enum(t, values) })
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.value(t.Elem(), false)
	case reflect.Struct:
		return g.ref(t.Name(), func() *node {
			n := g.object(t)
			n.Description = g.src.words(g.src.types[t.Name()], "", "")
			return n
		})
	case reflect.String:
		return &node{Type: "string", MinLength: 1}
	case reflect.Bool:
		if optional {
			return &node{Type: "boolean", Const: true}
		}
		return &node{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		n := &node{Type: "integer"}
		if t.Kind() == reflect.Uint64 || optional {
			n.Minimum = new(int)
		}
		if optional {
			*n.Minimum = 1
		}
		return n
	case reflect.Slice:
		return &node{Type: "array", Items: g.value(t.Elem(), false), MinItems: 1}
	case reflect.Map:
		return &node{
			Type: "object", PropertyNames: &node{MinLength: 1},
			AdditionalProperties: &node{Type: "string", MinLength: 1}, MinProperties: 1,
		}
	default:
		g.fail("no schema for a %s", t)
		return &node{}
	}
}

// ref makes the definition once and refers to it.
func (g *generator) ref(name string, def func() *node) *node {
	if _, ok := g.defs.nodes[name]; !ok {
		g.defs.add(name, nil) // keeps its place, and ends recursion
		g.defs.nodes[name] = def()
	}
	return &node{Ref: "#/$defs/" + name}
}

// enum describes each value by the comment of its constant.
func (g *generator) enum(t reflect.Type, values []string) *node {
	said := map[string]string{}
	for _, name := range g.src.order {
		if c := g.src.consts[name]; c.typ == t.Name() {
			said[c.value] = c.doc
		}
	}
	about := []string{g.src.words(g.src.types[t.Name()], "", "")}
	for _, v := range values {
		if doc, ok := said[v]; !ok {
			g.fail("%s has no constant for %q", t.Name(), v)
		} else if doc != "" {
			about = append(about, v+": "+doc+".")
		}
		delete(said, v)
	}
	for v := range said {
		g.fail("the constant %q of %s is missing in its list", v, t.Name())
	}
	return &node{Description: strings.Join(about, " "), Type: "string", Enum: values}
}

func (g *generator) fail(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}
