// Package api is the place of the published event contract: what a recorder needs
// and nothing else. README.md is the guide, CONFORMANCE.md says how a recorder is tried,
// asyncapi.html is the reference to read and asyncapi.yaml the same for tools,
// schema the JSON Schemas, examples one event of every sort, recording the Go types
// and recordingtest the check of a message or a whole stream.
package api
