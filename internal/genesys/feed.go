package genesys

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// feed keeps who is down since when, and tells the sink about changes.
type feed struct {
	sink Sink
	mu   sync.Mutex
	// everybody is set until the first discovery: nobody is known yet.
	everybody bool
	cause     Cause // of everybody, when it is more than the start
	since     time.Time
	down      map[string]outage

	numbers atomic.Pointer[numbers]
}

type numbers struct {
	down, refused int
	known         bool
}

type outage struct {
	from  time.Time
	cause Cause
}

func newFeed(sink Sink) *feed {
	f := &feed{sink: sink, everybody: true, since: time.Now(), down: make(map[string]outage)}
	f.note()
	return f
}

// started reports everybody down, before anybody is known.
func (f *feed) started() {
	f.sink.Feed(FeedStatus{Cause: CauseStarted, From: f.since})
}

// unreachable repeats that everybody is down, with the cause that is known now.
func (f *feed) unreachable(cause Cause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.everybody && f.cause != cause {
		f.cause = cause
		f.sink.Feed(FeedStatus{Cause: cause, From: f.since})
	}
}

// known replaces "everybody" by the users that are monitored.
func (f *feed) known(users []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.everybody {
		return
	}
	f.everybody = false
	for _, u := range users {
		f.down[u] = outage{f.since, CauseStarted}
	}
	f.note()
	if len(users) == 0 {
		f.sink.Feed(FeedStatus{Up: true, From: time.Now(), Users: []string{}, Complete: true})
	}
}

// lose reports users down for a cause; those already down for it are not repeated.
func (f *feed) lose(cause Cause, from time.Time, users []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var news []string
	for _, u := range users {
		o, was := f.down[u]
		if was && o.cause == cause {
			continue
		}
		if was && o.from.Before(from) {
			from = o.from
		}
		f.down[u] = outage{from, cause}
		news = append(news, u)
	}
	f.note()
	if len(news) > 0 {
		f.sink.Feed(FeedStatus{Cause: cause, From: from, Users: news})
	}
}

// regain reports users up. Those that were not down are named all the same: a
// subscription was confirmed again.
func (f *feed) regain(users []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range users {
		delete(f.down, u)
	}
	f.note()
	if len(users) > 0 {
		f.sink.Feed(FeedStatus{Up: true, From: time.Now(), Users: slices.Clone(users), Complete: f.complete()})
	}
}

// blink reports a moment in which something was missed, for users that are up.
func (f *feed) blink(cause Cause, from time.Time, users []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var up []string
	for _, u := range users {
		if _, down := f.down[u]; !down {
			up = append(up, u)
		}
	}
	if len(up) > 0 {
		f.sink.Feed(FeedStatus{Cause: cause, From: from, Users: up})
		f.sink.Feed(FeedStatus{Up: true, From: time.Now(), Users: up, Complete: f.complete()})
	}
}

// complete reports whether everybody is observed whose topic is permitted. The caller
// holds the lock.
func (f *feed) complete() bool {
	for _, o := range f.down {
		if o.cause != CauseTopicRejected {
			return false
		}
	}
	return true
}

// forget drops users who left the selection; nothing is reported about them.
func (f *feed) forget(monitored func(user string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for u := range f.down {
		if !monitored(u) {
			delete(f.down, u)
		}
	}
	f.note()
}

// note keeps the numbers for count; the caller holds the lock.
func (f *feed) note() {
	refused := 0
	for _, o := range f.down {
		if o.cause == CauseTopicRejected {
			refused++
		}
	}
	f.numbers.Store(&numbers{down: len(f.down), refused: refused, known: !f.everybody})
}

// count returns how many users are down, how many of them because their topic is
// refused, and whether anybody is known. It takes no lock: the sink may be in a call.
func (f *feed) count() numbers { return *f.numbers.Load() }
