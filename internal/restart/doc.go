// Package restart says when an instance renews its session: token, channels and
// sockets. It is time arithmetic and nothing else. It reads no clock, keeps no
// state and cannot fail: the same facts give the same plan.
//
// What it promises, for a restart time T and a time zone:
//
//   - Once per day. Each local day has one T. An instance that acts when its
//     plan is due renews exactly once for each T.
//   - Missing and doubled hours. Where the clocks go forward over T, T is the
//     first instant after the gap, even if that is midnight of the next day.
//     Where they go back over T, it is the first of the two. A day that a
//     region skipped altogether has no T, and a day that it lived twice has one.
//   - Clock steps. A step back over a T that was acted on does not bring it
//     back. A step forward over T makes it due once, however many days it spans.
//     A renewal that lies more than a day ahead of the clock was stamped by a
//     wrong clock: nobody knows the age of that session, so it is due at once.
//   - One at a time. The instance that is primary at T is due at T. Whoever has
//     not renewed since T is due one hour (60 minutes, whatever the clocks do)
//     later. As the first hands over to the second, and the second back to the
//     first, both have their roles again.
//   - Valid token. When the token ends before the planned restart, the renewal
//     comes before that end, with a margin of a tenth of its life, at most ten
//     minutes. It comes on top: T is acted on all the same, unless the renewal
//     is fresh by then.
//
// Less formally: who started after T is fresh and waits for tomorrow. So is who
// started or renewed within five minutes before T (Settle): a process that exits
// at T may be started again on a host whose clock is a little behind, and must
// not exit again. An instance that became primary within the same five minutes
// takes the second turn, because the one that handed over may have a clock that
// is a little ahead.
//
// An instance that is alone has nobody to observe calls while its token dies, so
// its token must outlive the planned restart by two minutes. With tokens of 24
// hours it therefore renews shortly before T and again at T. On the day of 25
// hours a pair does the same.
//
// Not promised: that only one of two instances is due at a time. When a primary
// took over less than five minutes before T, both take the second turn. Hand
// over only to a standby that is ready, and leave the plan due until it is.
package restart
