package sandbox

import (
	"slices"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// witness says what the clients of the platform can have seen.
type witness struct {
	conversations map[string]*simulator.ConversationTruth
	broken        map[string][]time.Time // when the sockets of a channel ended
}

func newWitness(t *simulator.Truth) witness {
	w := witness{
		conversations: make(map[string]*simulator.ConversationTruth, len(t.Conversations)),
		broken:        make(map[string][]time.Time),
	}
	for i := range t.Conversations {
		w.conversations[t.Conversations[i].ID] = &t.Conversations[i]
	}
	for _, s := range t.Sockets {
		w.broken[s.Channel] = append(w.broken[s.Channel], s.ClosedAt)
	}
	return w
}

// moment is how long before the end of a socket a frame may be on its way: nobody
// knows whether it arrived.
const moment = time.Second

// arrived tells whether what was written to a channel at a time surely arrived.
func (w *witness) arrived(channel string, at time.Time) bool {
	return !slices.ContainsFunc(w.broken[channel], func(end time.Time) bool {
		return !end.Before(at) && end.Sub(at) <= moment
	})
}

// saw tells whether a version of a conversation, from first up to but not including
// past, was surely shown to some client. A user restricts it to the user's topics.
func (w *witness) saw(conversation, user string, first, past int, at time.Time) bool {
	return w.channels(conversation, user, first, past, at, time.Time{}) > 0
}

// channels counts those that such a version was surely shown on, before a time if there is
// one: the most for any topic, since an instance has each topic on one of its channels.
func (w *witness) channels(conversation, user string, first, past int, at, before time.Time) int {
	shown := make(map[string]map[string]bool) // topic, channel
	most := 0
	if c := w.conversations[conversation]; c != nil {
		for _, s := range c.Sightings {
			if !strings.Contains(s.Topic, user) || !w.arrived(s.Channel, at) {
				continue
			}
			for i, v := range s.Versions {
				late := !before.IsZero() && i < len(s.At) && !time.UnixMilli(s.At[i]).Before(before)
				if v < first || v >= past || late {
					continue
				}
				if shown[s.Topic] == nil {
					shown[s.Topic] = make(map[string]bool)
				}
				shown[s.Topic][s.Channel] = true
				most = max(most, len(shown[s.Topic]))
			}
		}
	}
	return most
}

// agreed returns when every topic that had shown a conversation before a version had shown
// it, or a later one before past: a pause is on as long as one topic says so. It is past
// where one never did before the end.
func (w *witness) agreed(conversation string, first, past int, end time.Time) time.Time {
	c := w.conversations[conversation]
	if c == nil {
		return end
	}
	shown := make(map[string]time.Time) // by topic, zero as long as it has not
	for _, s := range c.Sightings {
		if !slices.ContainsFunc(s.Versions, func(v int) bool { return v < first }) {
			continue
		}
		known := shown[s.Topic]
		for i, v := range s.Versions {
			if v < first || v >= past || i >= len(s.At) {
				continue
			}
			if at := time.UnixMilli(s.At[i]); known.IsZero() || at.Before(known) {
				known = at
			}
		}
		shown[s.Topic] = known
	}
	var last time.Time
	for _, at := range shown {
		if at.IsZero() {
			return end
		}
		last = later(last, at)
	}
	return last
}

// sawLast tells whether some client was surely shown the last version of the
// conversation of a leg, which is after its end.
func (w *witness) sawLast(l *simulator.LegTruth) bool {
	c, channels := w.conversations[l.ConversationID], 0
	if c == nil {
		return false
	}
	for _, s := range c.Sightings {
		if !strings.Contains(s.Topic, l.UserID) || !slices.Contains(s.Versions, c.Versions) {
			continue
		}
		channels++
		broke := slices.ContainsFunc(w.broken[s.Channel], func(end time.Time) bool {
			return end.After(c.EndedAt) && end.Sub(c.EndedAt) < addedLater
		})
		if channels > 1 || !broke {
			return true
		}
	}
	return false
}

// addedLater is within what time after the end most wrap-ups are given. The truth
// does not say when.
const addedLater = 6 * time.Second

const forever = int(^uint(0) >> 1)
