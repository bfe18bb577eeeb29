// Package benchmark measures the ingestor beside plain bridges that do the same
// without any guarantee: how much it moves, what that costs, and how late events are.
//
// Everything runs in processes of its own on this machine: a source of frames, a NATS
// server with a fresh file store, and one contestant at a time. Contestants take turns,
// so that a disturbance of the machine meets all of them; what counts is the median of
// the rounds, and the ratio to the others of the same run.
package benchmark
