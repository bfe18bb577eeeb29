// Package schema holds the JSON Schemas (draft 2020-12) of the three events, one
// file each, complete in itself. They are generated from the Go types of
// api/recording and their comments; a test fails when they are out of date.
//
// # Strict for those who publish
//
// The schemas say exactly what this version of the ingestor publishes: every
// field, every value of every enumeration, and the rules between fields that the
// contract promises, for example that an event with the verb start has the state
// recording or paused, and that a leg in a secure pause is never recording. Every
// event that a test of this project publishes is validated against them.
//
// # Lenient for those who read
//
// A later minor version may add fields and values. A recorder therefore ignores
// fields and accepts values that it does not know. It may use these schemas to
// understand the events and to test itself, not to refuse events in production.
package schema

import "embed"

//go:generate go run ../internal/genschema/gen ../recording .

// Names of the schemas in [Files].
const (
	Call  = "call-event.json"
	Agent = "agent-event.json"
	Feed  = "feed-event.json"
)

// Files holds the schemas under the names [Call], [Agent] and [Feed].
//
//go:embed *.json
var Files embed.FS
