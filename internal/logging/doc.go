// Package logging holds two handlers for log/slog: one that keeps a storm of the same
// line short, and one that remembers the last warnings and errors for the status page.
//
// # The promise
//
//   - The first lines of a thing are written at once, and a storm of it costs a bounded
//     number of lines: [Limit] lets the first few of an interval pass, counts the rest,
//     and says at the end of the interval how many were left out. Nothing is left out
//     without being counted.
//   - Different things do not hide each other. What counts as the same is level and
//     message, and the attributes that say what it is about: error, what, part, cause,
//     why, reason. Ids, counts and times do not make a line another one, or a storm
//     over a thousand calls would be a thousand things.
//   - Debug lines pass: whoever asks for them wants them all.
//   - [Recent] keeps repetitions as a number beside the line, so that a storm does not
//     push everything else out. Its lines are shown on a page without authentication:
//     addresses of callers are masked in them, should one ever get into an error.
//
// Both are safe for concurrent use, own no goroutine, and hold a bounded number of
// lines. A line that is left out waits for a timer; [Limiter.Flush] tells at the end of
// a program what is still to be told.
package logging
