// Package app builds one ingestor from its settings, runs it and takes it down.
//
// # The straight line
//
//	frame → genesys.Platform → call.Snapshot → call.Tracker → control.Policy → bridge.Core → publish.Lanes → ack
//	                              ↑ REST                          ↑ publish.Tail
//
// [New] checks and wires, [App.Run] blocks until its context ends or something says
// that going on makes no sense. There is no other state than that of the parts.
//
// # What happens when a part breaks
//
//   - NATS away: folding goes on, the difference goes out afterwards. Not ready.
//   - Genesys away: a gap is announced at once, and closed after REST was asked.
//     With a healthy standby the lead is handed over.
//   - The process dies: the other instance takes the lease when it expires and
//     publishes what is missing. The stream is the only state.
//   - A context that ends hands over: what is pending is published, the lease is
//     released, and the other instance leads within milliseconds.
//   - The stream or a bucket exists with other settings, or another organization
//     uses the same adapter name: [App.Run] refuses, and says what differs.
package app
