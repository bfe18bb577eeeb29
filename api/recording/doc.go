// Package recording is the contract between the ingestor and call recorders:
// the words on the wire and nothing else. It imports the standard library only,
// so that a recorder can import it without importing the ingestor.
//
// # The promise
//
// The ingestor turns the call notifications of a Genesys Cloud organization into
// recorder control events and stores them in one NATS JetStream stream. For one
// call leg (one participant of one conversation) there is one subject, and on it:
//
//   - Order: revisions are stored as 1, 2, 3 … without a hole.
//   - Once: no revision and no event id is stored twice.
//   - Level-triggered: every event carries the complete desired state of its leg.
//     A recorder that missed ten events is right again after the eleventh.
//   - Honest gaps: when the ingestor could not observe, a feed event says so, from
//     when, to when and why; what it learned afterwards is marked [Reconciled].
//   - A secure pause reaches every leg of the conversation, a leg that starts
//     during one starts paused, and a resume is never guessed.
//
// # Less formally
//
// A recorder subscribes, and for each event makes its own state equal to
// [CallData.State]. Verb and cause say what changed and why; they are for logs,
// tags and people. The three kinds of events are [CallData], [AgentData] and
// [FeedData], each wrapped in a CloudEvents 1.0 [Envelope] in structured JSON.
//
// Subjects are built by [CallSubject], [AgentSubject] and [FeedSubject] and taken
// apart by [ParseSubject]. [Decode] reads any event of this version and keeps
// working when later versions add fields or values: unknown fields are ignored
// and unknown values are kept as they are.
//
// JSON keys are in lowerCamelCase, values of enumerations in snake_case; a field
// is absent rather than null or empty. Times are RFC 3339 in UTC with
// milliseconds.
package recording
