// Package genesys connects to the Genesys Cloud platform: it obtains a token, finds
// the users to monitor, puts their topics on notification channels, reads the
// websockets, and turns what arrives into [call.Snapshot] values.
//
// # What it promises
//
//   - Every notification that reaches a socket is handed to the [Sink] in the order
//     of its channel, or counted and reported as rejected. Nothing waits for the sink.
//   - A user is reported up only when the platform has confirmed the subscription
//     and the socket is open: a REST answer asked for after that moment, together
//     with the notifications since, misses nothing.
//   - A user is reported down as soon as notifications may be missing, with the last
//     moment at which the connection was known to deliver.
//   - Whatever is replaced on purpose (token, channel, socket) is replaced new before
//     old. Frames that arrive on both sides of the overlap are handed over once.
//   - Channels are few: what fails does not take a new one as long as the old one
//     exists, renewals alternate between two, and the channels of strangers who use the
//     same OAuth client are counted, and warned about before one is pushed out.
//   - [Platform.Run] tries for ever. It never exceeds the number of channels it was
//     given, obeys the platform's rate limit across all of its calls, and leaves part
//     of that limit to the calls that matter most.
//   - The client secret goes to the login host only, the token to the API host only.
//     Neither they, nor the address of a channel, nor phone numbers or names are
//     written to a log or into an error.
//
// # What it does not promise
//
// The platform keeps no history: what happens while a user is down never arrives
// here. Notifications may be repeated, and those of different users may overtake each
// other. A socket that is alive and delivers nothing looks healthy from here; whoever
// knows better calls [Platform.Missed]. The channel then has a moment to show that it
// delivers: late is not lost.
//
// # How it is built
//
// A [Platform] owns a REST client, which passes every call through one gate, and a
// number of slots. A slot is a share of the users and the channel that carries them;
// each slot has one goroutine that decides, and each open socket has one that reads
// and one that watches for silence. Decoding is a pure function of the bytes.
package genesys
