// Package architecture holds no code, only tests of the shape of this
// repository:
//
//   - imports point inward only, as its import matrix says, and the linter's
//     lists in .golangci.yml say the same
//   - every package says in its documentation what it promises
//   - no file is so long that nobody reads it
//   - nothing is left open in the text
//
// When one of them fails, the shape is discussed, not the test: each message
// gives the reason.
package architecture
