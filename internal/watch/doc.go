// Package watch shows people what a recorder sees: the events of an adapter as they
// are stored, and the legs that should be recorded now.
//
// # The promise
//
//   - It reads as a recorder does, with an ordered consumer that acknowledges nothing:
//     in stream order, without a hole and without a repetition, also over reconnects
//     and restarts of the server. It writes nothing.
//   - It needs the rights of a recorder and no more: to ask for the stream, to create a
//     consumer with a filter on the subjects of the adapter, and to ask that one for
//     messages.
//   - As text no telephone number is shown. As JSON an event is shown as it is stored.
//
// # Open legs
//
// An open leg is written again when nothing has happened to it for a refresh interval,
// which the feed tells. So [Legs], and [Tail] with [FromOpen], read back two intervals
// and a minute before the last event of the feed and know every open leg, whatever has
// happened to the instances meanwhile. An open gap is known as long as its beginning
// lies in that window.
//
// # What it does not promise
//
// The picture is as old as the last heartbeat, which is shown with it. A stream that
// was made anew, or that lost its end, is said and read on; the events that are gone
// stay gone.
package watch
