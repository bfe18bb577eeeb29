// Package genschema generates the JSON Schemas of api/schema from the Go types of
// api/recording.
//
// Three sources come together. Reflection gives names, types and what may be
// absent. The comments of the Go source become the descriptions. The tables in
// rules.go add what types cannot say: patterns, limits, and the rules between
// fields. The rest follows from the rule of the contract that a field is absent
// rather than null or empty: no text is empty, no list is empty, a number that may
// be absent is not 0, a switch that may be absent is true when it is there.
package genschema
