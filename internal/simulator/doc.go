// Package simulator is a Genesys Cloud organization on the loopback interface:
// users, queues, stations and calls behind real HTTP and real websockets.
//
// # Promise
//
// It behaves as the platform is known to behave and is never kinder: a channel
// that nobody reads loses its frames, nothing is replayed, a subscription sends
// no initial state, the list of active conversations is empty for client
// credentials, the twenty-first channel evicts another, a dead token takes its
// channels along, a rate limit answers 429. Where the platform's behaviour is
// unknown it takes the harder reading, and an option names the softer one.
//
// It knows the truth. Every change of a conversation is made under the lock of
// that conversation, gets the next version number, is recorded, and is then sent
// as one full snapshot to every topic of every person who takes part. [Org.Truth]
// tells what happened, and for each leg and each change whether any client could
// have seen it, so that "lost by the client" and "never delivered" are different
// answers.
//
// # Order
//
// Without faults, the frames of one conversation reach one channel in the order
// of their versions. Frames of different conversations may pass each other.
// Faults (see [Fault]) break this on request only.
//
// # Back-pressure
//
// A change never waits for a reader. Each socket has one writer with a bounded
// queue; a reader that falls behind by more than the queue is disconnected and
// the frames it did not take are recorded as lost.
//
// # Use
//
//	org, err := simulator.New(simulator.Options{Seed: 1})
//	go org.Run(ctx)
//	call := org.Call(simulator.Inbound{})
//	leg := call.Alert(org.Users()[0])
//	leg.Answer()
//	call.CustomerHangsUp()
//
// or, for whole calls with human timing, [Org.Play] and [Org.Traffic].
//
// The package stands alone on purpose. It shares no code with the programs it
// tests: a misunderstanding in shared code would agree with itself.
package simulator
