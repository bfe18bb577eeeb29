// Package recordingtest says whether what stands in a stream keeps the contract of
// api/recording. It is for tests and for the sandbox: of this project, and of any
// recorder that wants to prove what it was given.
//
// # The promise
//
// [Validate] looks at one message by itself: subject, headers and body against the
// JSON Schema and against each other. An independent library does the schema part.
//
// [History] looks at all messages of a stream in their order: revisions without a
// hole, ids that are unique, and verbs that follow each other as the contract says,
// for example one start and one stop for a leg. What it accepts is what a recorder
// may rely on.
//
// Both name what is wrong with the subject and the place in the body. They are as
// strict as the version that they come with: they refuse fields and values that
// only a later version knows.
package recordingtest
