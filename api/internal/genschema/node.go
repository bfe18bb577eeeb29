package genschema

import (
	"bytes"
	"encoding/json"
)

// node is a JSON Schema, with the keywords that the contract needs, in the order
// in which a person reads them.
type node struct {
	Schema               string      `json:"$schema,omitempty"`
	ID                   string      `json:"$id,omitempty"`
	Title                string      `json:"title,omitempty"`
	Description          string      `json:"description,omitempty"`
	Ref                  string      `json:"$ref,omitempty"`
	Type                 string      `json:"type,omitempty"`
	Const                any         `json:"const,omitempty"`
	Enum                 []string    `json:"enum,omitempty"`
	Format               string      `json:"format,omitempty"`
	Pattern              string      `json:"pattern,omitempty"`
	MinLength            int         `json:"minLength,omitempty"`
	Minimum              *int        `json:"minimum,omitempty"`
	Items                *node       `json:"items,omitempty"`
	MinItems             int         `json:"minItems,omitempty"`
	MaxItems             int         `json:"maxItems,omitempty"`
	UniqueItems          bool        `json:"uniqueItems,omitempty"`
	Properties           *properties `json:"properties,omitempty"`
	PropertyNames        *node       `json:"propertyNames,omitempty"`
	AdditionalProperties any         `json:"additionalProperties,omitempty"` // false or *node
	MinProperties        int         `json:"minProperties,omitempty"`
	Required             []string    `json:"required,omitempty"`
	Not                  *node       `json:"not,omitempty"`
	AnyOf                []*node     `json:"anyOf,omitempty"`
	AllOf                []*node     `json:"allOf,omitempty"`
	If                   *node       `json:"if,omitempty"`
	Then                 *node       `json:"then,omitempty"`
	Else                 *node       `json:"else,omitempty"`
	Defs                 *properties `json:"$defs,omitempty"`
}

// properties keeps its names in the order in which they were added.
type properties struct {
	names []string
	nodes map[string]*node
}

func (p *properties) add(name string, n *node) {
	if p.nodes == nil {
		p.nodes = map[string]*node{}
	}
	if _, ok := p.nodes[name]; !ok {
		p.names = append(p.names, name)
	}
	p.nodes[name] = n
}

// MarshalJSON writes an object in the order of the names.
func (p *properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range p.names {
		if i > 0 {
			b.WriteByte(',')
		}
		for _, v := range []any{name, p.nodes[name]} {
			part, err := marshal(v)
			if err != nil {
				return nil, err
			}
			b.Write(part)
			if v == any(name) {
				b.WriteByte(':')
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshal writes <, > and & as they are: the descriptions are for people.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
