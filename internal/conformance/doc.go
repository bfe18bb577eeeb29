// Package conformance says whether a call recorder does what the contract of
// api/recording asks of it.
//
// # The promise
//
// [Run] writes scenes into a stream of its own, one event at a time, waits until the
// recorder under test says what it does now, and compares. A recorder passes a
// requirement when every check of it holds; each check that does not is reported with
// scene, leg, revision, what should be and what is. The scenes hold every verb, cause
// and gap, every order in which pauses overlap, and what only goes wrong in bad
// moments: restarts, redelivery, holes, words of a later version, things that are no
// events.
//
// It also says, for each leg, what should have been recorded: intervals, pauses, tags.
//
// # The protocol
//
// The recorder under test writes lines of JSON, see [Report]: one when it is ready
// after a start, one after each call event, one when what it does with a leg changes
// for another reason. They come on the NATS subject [ReportSubject], from the standard
// output of a command, or from a file. api/CONFORMANCE.md is the guide for whoever
// writes a recorder.
//
// # Less formally
//
// The stream is scripted and not the output of an ingestor, because only a script can
// leave a revision out, speak of what is not invented yet, and know at each moment what
// is right. That ingestors write such streams is tested elsewhere, with the same checks
// of the contract which the tests apply to the scenes.
//
// [Run] trusts what the recorder says of itself. Whether there is sound in the file is
// for the recorder's own tests.
package conformance
