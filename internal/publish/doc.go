// Package publish speaks to NATS JetStream: it connects, checks the stream,
// writes messages in lanes and reads the stream back. It handles subjects, ids
// and bytes and does not know what they mean.
//
// # Lanes
//
// A lane is a subject with at most one message in flight. [Lanes] carries many
// of them in parallel over one connection. It promises:
//
//  1. [Lanes.Send] and [Lanes.Flush] never wait for the network.
//  2. Each accepted Send yields exactly one [Result], also when the connection
//     is lost, the server is down or the lanes are closed.
//  3. A message is stored only as the direct successor of the message its sender
//     named ([Message].Expect). The server checks that, so it holds with two
//     writers, a paused writer and any length of outage.
//
// As long as nobody else writes, the server is asked for something that is cheaper to
// check and implies it, see [Lanes.Trust].
//
// Less formally: after [Stored] go on with the next message. After [Unknown] the
// message may or may not be stored; send the very same message again. The server
// recognises its id as long as its duplicate window lasts and its expected
// sequence for ever, so the repetition is answered with Stored or [Conflict].
// After Conflict somebody else wrote, or our own earlier try was stored after
// all: read the subject's last message with [Reader.Load] and decide anew.
// [Busy] asks for a pause and then the same message. [Refused] will not get
// better by repeating.
//
// A caller that follows these rules gets each message stored once and in order
// per subject, on one server and on a cluster, while leaders move.
//
// # Tail
//
// [Tail.Run] delivers everything in the stream from a point in time onwards, in
// stream order, without a hole and without a repetition, over reconnects, server
// restarts and lost consumers. It says when it has caught up with what was
// stored when it began. Of a process that writes alone it does not read the messages
// back, see [Tail.Own].
//
// # What it does not promise
//
// A stored message is as durable as the server's settings make it: with the
// default sync interval of the server a power failure can take acknowledged
// messages away. [Tail.Run] notices that as [ErrStreamRewound].
package publish
