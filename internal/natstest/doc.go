// Package natstest runs real NATS servers inside a test process and breaks
// the wire between them and their clients.
//
// It promises four things.
//
//   - The peers are real. [Run] starts the NATS server with JetStream on a
//     file store, [RunCluster] starts several that form one cluster, and both
//     listen on loopback TCP. Nothing is mocked, so a test that passes here has
//     spoken the protocol.
//   - A server that is stopped with [Server.Stop] comes back with
//     [Server.Start] on the same port with the same store, as after a crash or
//     an upgrade.
//   - A [Proxy] in front of a server can cut, refuse, hold, delay and half-close
//     connections in each direction. Holding one direction yields the two cases
//     a client cannot tell apart: a request that was carried out and whose answer
//     is lost, and a request that never arrived.
//   - [NewProcesses] starts a cluster of real processes, of which each can be killed.
//
// [Run], [RunCluster] and [NewProxy] are ordinary constructors without a test,
// so that a sandbox program may use them as well. The helpers that take a
// testing.TB ([New], [NewCluster], [Connect], [JetStream], [Eventually]) fail
// the test on error and clean up after it.
//
// The package is for tests and for the sandbox only. Nothing in the deployed
// program imports it, hence the server code is not linked into it.
package natstest
