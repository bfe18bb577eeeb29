// Package check tries for real whether an ingestor would work with its settings, and
// says what to do about each thing that does not.
//
// # The promise
//
//   - It asks the real parts with the code that the service uses: the platform for a
//     token, users, rights and channels, NATS for the stream, the buckets and the
//     rights on them.
//   - It disturbs nobody. It writes nothing to the stream: whether it may is tried
//     with messages that the server has to refuse. It creates neither stream nor
//     bucket. It never uses a channel of an instance, and takes one of its own only
//     while enough are free; that one is remembered and used again.
//   - A check that fails does not keep those from running that do not depend on it.
//     Those that do are skipped and say what they need.
//   - No result holds a secret, a phone number or the name of a person.
//
// # What it does not promise
//
// A right is tried on few things: a role that covers only some divisions shows in the
// number of users and of refused topics. The platform's permissions for what is not
// asked for at that moment stay unknown. The check says what is so now.
//
// # Less formally
//
// [Run] goes through the steps in order and returns a [Report]. A [Warned] result is
// something an operator may live with; only [Failed] ones make the report fail. The
// only thing that is ever written is one key of the state bucket, which remembers the
// channel of the check.
package check
