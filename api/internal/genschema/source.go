package genschema

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
)

// source is what the Go files say in words, which reflection cannot see.
type source struct {
	types  map[string]string // type → comment
	fields map[string]string // Type.Field → comment
	json   map[string]string // Type.Field → name on the wire
	consts map[string]constant
	order  []string // names of constants as written
}

type constant struct{ typ, value, doc string }

// parse reads the package in dir without its tests.
func parse(dir string) (*source, error) {
	//nolint:staticcheck // one directory without build tags is all there is to read
	pkgs, err := parser.ParseDir(token.NewFileSet(), dir, func(f fs.FileInfo) bool {
		return !strings.HasSuffix(f.Name(), "_test.go")
	}, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	pkg, ok := pkgs["recording"]
	if !ok {
		return nil, fmt.Errorf("read the contract: no package recording in %s", dir)
	}
	s := &source{types: map[string]string{}, fields: map[string]string{}, json: map[string]string{}, consts: map[string]constant{}}
	for _, file := range pkg.Files {
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					s.addType(g, spec)
				case *ast.ValueSpec:
					s.addConst(spec)
				}
			}
		}
	}
	return s, nil
}

func (s *source) addType(g *ast.GenDecl, t *ast.TypeSpec) {
	s.types[t.Name.Name] = plain(t.Doc)
	if t.Doc == nil && len(g.Specs) == 1 {
		s.types[t.Name.Name] = plain(g.Doc)
	}
	st, ok := t.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range st.Fields.List {
		for _, name := range f.Names {
			at := t.Name.Name + "." + name.Name
			s.fields[at] = plain(f.Doc)
			if f.Tag != nil {
				if _, tag, ok := strings.Cut(f.Tag.Value, `json:"`); ok {
					s.json[at] = strings.FieldsFunc(tag, func(r rune) bool { return r == ',' || r == '"' })[0]
				}
			}
		}
	}
}

func (s *source) addConst(v *ast.ValueSpec) {
	typ := ""
	if id, ok := v.Type.(*ast.Ident); ok {
		typ = id.Name
	}
	for i, name := range v.Names {
		if i >= len(v.Values) {
			continue
		}
		lit, ok := v.Values[i].(*ast.BasicLit)
		if !ok || !name.IsExported() {
			continue
		}
		value := lit.Value
		if text, err := strconv.Unquote(value); err == nil {
			value = text
		}
		s.consts[name.Name] = constant{typ: typ, value: value, doc: plain(v.Comment)}
		s.order = append(s.order, name.Name)
	}
}

// plain is a comment as one paragraph.
func plain(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return strings.Join(strings.Fields(c.Text()), " ")
}

// see is a hint for readers of Go only.
var see = regexp.MustCompile(`, see \[[\w.]+\]`)

var link = regexp.MustCompile(`\[\*?([A-Z]\w*)(?:\.([A-Z]\w*))?\]`)

// words turns a Go comment into a description for somebody who reads JSON: the
// name that the comment begins with becomes the name on the wire, and a link to a
// constant becomes its value.
func (s *source) words(comment, goName, wireName string) string {
	if rest, ok := strings.CutPrefix(comment, goName+" "); ok && wireName != "" {
		comment = wireName + " " + rest
	}
	comment = see.ReplaceAllString(comment, "")
	return link.ReplaceAllStringFunc(comment, func(l string) string {
		m := link.FindStringSubmatch(l)
		if c, ok := s.consts[m[1]]; ok && m[2] == "" {
			return c.value
		}
		if name, ok := s.json[m[1]+"."+m[2]]; ok {
			return name
		}
		return strings.Trim(l, "[*]")
	})
}
