// Package sandbox runs the whole service on one machine and judges it.
//
// It starts a NATS server with JetStream, a simulated Genesys Cloud organization
// with live calls, and one or two ingestors as processes of their own; it shows what
// a recorder sees, disturbs whatever it is told to disturb, and at the end compares
// what is stored in the stream with what the simulator knows to be true.
//
// # The promise
//
// [Judge] is a pure function of the evidence: truth, stream and what was done to the
// parts. A verdict is clean when
//
//   - every leg that talked has exactly one start and one stop, and is stopped at
//     the end; nothing is told that is not true
//   - every secure pause, hold, mute and park is told once, at the right leg
//   - no leg is told to record while its secure pause is on, beyond a short time
//   - revisions have no hole, ids and revisions do not repeat, every event keeps the
//     contract of api/recording
//   - every gap that was opened is closed, a time in which no ingestor was there is
//     announced as one, and no process died by itself
//
// What nobody was sent and REST could not show any more is not counted as missing.
// It is counted as unseen, in a column of its own, with the number of those that lie
// within an announced gap. A frame that was sent within a moment before its socket
// broke counts as not sent: nobody knows whether it arrived. So does a hold, mute, park or
// pause that only one channel was shown while one of the instances was away, or went away
// before an outage of NATS was over, since it may have been that one's; of starts and stops
// this is no excuse. What a leg began with may be
// told as late as an incident lasts.
//
// # Less formally
//
// [Run] is the conductor, one goroutine per musician. Processes are real: they are
// killed, frozen and asked to restart from outside, as an operator or a failing host
// would do it. The simulator shares no code with the ingestor, hence a
// misunderstanding of the platform on either side shows as a difference.
package sandbox
