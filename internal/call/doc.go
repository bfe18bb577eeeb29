// Package call folds snapshots of Genesys conversations into call legs.
//
// # The promise
//
// [Tracker.Fold] takes snapshots in any order, as often as they come, and returns
// the edges by which the observed state of each leg moved. It is pure: the same
// snapshots give the same edges, and it knows no clock, no network and no log.
//
//   - Monotone: a leg goes unknown → armed → connected → ended and never back;
//     times once set stay set. A repeated snapshot changes nothing, and one that
//     is provably late (a party that we know has left is still there) changes
//     nothing that has a newer value.
//   - One source per leg: a leg is folded from the topic of its own user, where
//     that user is subscribed. Each topic is in order by itself, topics among each
//     other are not, so two agents on one call cannot reorder each other's legs.
//   - Pause is the exception, because it is sacred: a conversation is in a secure
//     pause when the latest view of any topic says so. When views disagree the
//     pause stays and the conversation is reported as doubtful, to be asked about
//     over REST. A resume so soon after its pause that the two may have changed
//     places is doubtful too.
//   - REST fills in: an answer counts for all that no notification has said since
//     the question was asked, and its edges are marked as reconciled.
//
// # Less formally
//
// [Leg] is what we believe about a leg, [Level] the part of it that decides what a
// recorder does, [Edge] one step of a level. Facts that decide nothing (other
// parties, tags, wrap-up) change without an edge; [Change.Facts] says that they
// did.
package call
