// Package bridge is the engine: it compares what is observed with what is
// published, leg by leg, and publishes the difference.
//
// # The promise
//
// [Core] holds both sides. Observed is the fold of notifications and REST answers
// (package call); published is the fold of the stream itself, whoever wrote it. The
// difference is a short list of pending edges per leg. Retry, fail-over, restart,
// reconnect and recovery are all this one comparison:
//
//   - One event of a leg is in flight at a time, and it is stored only if the leg's
//     last stream sequence is the one we know (compare-and-set). So revisions are
//     contiguous and nothing is stored twice, whoever else is writing.
//   - An edge leaves the pending list when it is seen stored: by our own
//     acknowledgement or by the tail of the stream. An outcome that is not known is
//     not guessed: the same bytes are sent again, until the stream says what it has.
//   - A conflict is news, not an error: the stored event is read, compared, and what
//     is still missing is published after it.
//   - A standby does all of this except sending. It sends what must not wait, a secure
//     pause, and what a leader that works was not shown.
//
// # What two instances see
//
// Both fold the same notifications, at slightly different times. An edge that one
// sees published before it has observed it is remembered as ahead, and swallowed
// when the notification comes; if none comes the published level is believed,
// because somebody has seen it. After a freeze, notifications come late and all at
// once: what they show is judged when the stream is read, and matched with what was told
// long ago by the id of its change, or by its time where the platform gives one. Where that
// leaves a doubt REST is asked before the levels are compared, at the latest by whoever
// leads then.
//
// # Less formally
//
// [Core] is pure: no clock, no network, no log; time comes in with each call. The
// model tests drive it through crashes, lost acknowledgements and two leaders.
// [Engine] is the shell around it: one lock, under which whoever brings a snapshot,
// stored events or outcomes also sends what follows. Nothing under it waits for the
// broker: while it is away, edges gather, bounded by leg.
package bridge
