// Package lease holds a lease on one key of a NATS key-value bucket, as a context
// that dies with the lease.
//
// # Promise
//
//  1. By the server's order of writes the key has at most one holder at a time:
//     [Lease.Hold] runs its function only after a write that the server accepted
//     as the successor of "no holder".
//  2. The context of the function ends as soon as this process learns that the
//     key is not its own any more: somebody else wrote it, it expired, or it was
//     deleted. The cause is [ErrLost].
//  3. A key is only ever deleted by its holder, at the revision it wrote last. An
//     instance that never held the lease, or lost it, deletes nothing.
//  4. Hold returns after its function returned, and the key is released before
//     Hold returns, so that the next holder does not wait for an expiry.
//
// # Not promised
//
// That at most one process believes it holds the lease. A paused process, or one
// whose packets are under way, learns late. Whatever the holder writes elsewhere
// must be safe by itself, for example by compare-and-set; the lease is there for
// politeness and speed.
//
// # The deadline
//
// The holder renews every fifth of the TTL. After four fifths of the TTL without
// a confirmed renewal, counted on the local monotonic clock from the moment the
// last successful request was sent, the lease is suspect: the server may let it
// expire soon. What happens then is a choice.
//
//   - By default the context lives on. While only the bucket is unreachable nobody
//     else can take the lease either, and ending the work would be a loss without
//     a gain. The context ends when the key is seen lost, not merely by time. This
//     needs a holder whose writes are safe by themselves.
//   - With [Options].StrictDeadline the context ends at that moment, which is
//     before the server can let the key expire, whatever the network does.
//
// An answer that does not come, and the server's "another write is in flight", are
// no proof of a loss: they are asked again every twentieth of the TTL. A conflict
// is one only when the key's present value is not ours; our own timed-out write
// may have been stored after all, and is recognised by its nonce.
//
// # The bucket
//
// Its TTL must be [Options].TTL, its history 1, and it needs limit markers:
// without them nobody is told of an expiry.
//
// # How long a dead holder stands in the way
//
// The server lets the key expire up to 0.25 s after its TTL has passed since the last
// renewal, and tells that by a marker. A standby takes the key when it sees the
// marker. A standby that hears neither renewals nor a marker, because its watch
// stalls, tries by itself: a TTL after the last renewal it heard, and every 0.3 s to
// 0.6 s from then on. So the key changes hands within the TTL and a second, counted
// from the death of the holder; a cluster that has to elect a server first takes
// that time longer.
package lease
