// Package examples holds one event of every sort that is worth showing, as JSON
// files: the body of a message, indented. They tell one story: a call that is
// delivered, held, paused, monitored and transferred over a broken connection,
// with two calls beside it that are never answered.
//
// A test validates each of them, and all together as the history of a stream. The
// AsyncAPI document shows the same files.
package examples

import "embed"

// Files holds the events: <call|agent|feed>-<verb or event>[-<cause>][-…].json.
//
//go:embed *.json
var Files embed.FS
