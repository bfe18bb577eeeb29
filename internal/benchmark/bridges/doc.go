// Package bridges holds the contestants of the benchmark: what a user could
// write instead of running the ingestor, and what nobody could beat.
//
// Each bridge reads notifications from one websocket and stores one event for
// each conversation frame with an agent in it, in the order of the frames, on
// "<subject>call.<userId>.<conversationId>.<legId>". It ignores other frames.
// The event has the form of the contract's call event, about one kilobyte of
// JSON, and its data.source.correlationId is that of the frame. All bridges derive
// the same event from a frame (the Node one lives in internal/benchmark/node).
//
//   - [Floor] is the physical floor: what the wire and the broker's client cost
//     when everything else is left out.
//   - [Plain] is what an ordinary engineer writes in an afternoon.
//
// Less formally: no bridge keeps a promise of the contract. There is no state
// of a leg, so each frame is an event, repeats too, with revision 1. There is no
// reconnect to the platform, no REST, no leadership, no recovery, no policy. The
// ids of Genesys become subject tokens unchecked. Nobody should run them; they
// show what the guarantees cost.
package bridges
