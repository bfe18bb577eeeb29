// Package control turns what is known about a leg into what a recorder is told.
//
// # The promise
//
// [Policy.Event] is a pure function: a leg, a step of its level and the state that
// was told before give one event with the complete desired state. [Recover] is
// its inverse: from the last event of a leg it rebuilds the belief, so that the
// stream is the only state. For every leg, Level(Event(leg)) is the leg's level.
//
// Two rules stand above the others:
//
//   - The state told is never looser than what is true now. When a backlog is
//     published after an outage and the leg is in a secure pause by now, an older
//     resume in the backlog is told as an update, and the leg stays paused.
//   - Pause reasons are a set. A leg resumes when the set is empty, never because
//     one reason went away.
//
// Genesys' own recording flags are not looked at: they describe its recorder.
package control
