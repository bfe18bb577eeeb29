package bridge

import (
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// feedLane carries the evidence about the feed itself. Both instances write it, so
// it is the one subject on which conflicts are ordinary.
type feedLane struct {
	*lane
	queue    []feedItem
	revision uint64
	// term is the sequence of the last leader event in the stream, mine that of the last
	// one that this instance wrote.
	term, mine uint64
	lost       uint64 // events dropped because the queue was full
	// gaps are those that the stream shows open.
	gaps map[string]foreignGap
	// closed are the ids of the gaps that it showed closed lately.
	closed []string
	// shown are the last gaps, for those who look.
	shown []ToldGap
}

// foreignGap is an open gap as the stream tells it.
type foreignGap struct {
	instance string
	gap      recording.Gap
	at       time.Time
	closing  bool // its end is announced
}

type feedItem struct {
	data recording.FeedData
	at   time.Time
}

// maxFeed bounds what waits for the broker. Heartbeats are replaced, not queued.
const maxFeed = 256

func newFeedLane(c *Core) *feedLane {
	f := &feedLane{gaps: make(map[string]foreignGap)}
	f.lane = &lane{owner: f, subject: recording.FeedSubject(c.opts.Adapter)}
	c.lanes[f.subject] = f.lane
	return f
}

// Announce queues a feed event. Instance, epoch, sequence and open legs are filled
// in when it is sent.
func (c *Core) Announce(d recording.FeedData, now time.Time) {
	f := c.feed
	if d.Event == recording.FeedHeartbeat {
		f.queue = slices.DeleteFunc(f.queue, func(i feedItem) bool { return i.data.Event == recording.FeedHeartbeat })
	}
	if len(f.queue) >= maxFeed {
		f.queue = slices.Delete(f.queue, 0, 1)
		f.lost++
	}
	f.queue = append(f.queue, feedItem{data: d, at: now})
	c.enqueue(f.lane)
}

// Announced reports whether everything announced is in the stream.
func (c *Core) Announced() bool { return len(c.feed.queue) == 0 }

// LeaderEvent returns the stream sequence of the last leader event of this instance,
// 0 while there is none.
func (c *Core) LeaderEvent() uint64 { return c.feed.mine }

func (f *feedLane) compose(c *Core, _ time.Time) *flight {
	// A gap that somebody else has closed meanwhile is not closed again.
	f.queue = slices.DeleteFunc(f.queue, func(i feedItem) bool {
		return i.data.Event == recording.FeedGapClosed && slices.Contains(f.closed, i.data.Gap.ID)
	})
	if len(f.queue) == 0 {
		return nil
	}
	item := &f.queue[0]
	d := item.data
	d.Instance = c.opts.Instance
	d.Role = recording.Secondary
	if c.leading || d.Event == recording.FeedLeader {
		d.Role = recording.Primary
	}
	d.Epoch, d.LastStreamSequence, d.OpenLegs = c.epoch, c.last, c.OpenLegs()
	d.RefreshInterval, d.Revision = int(c.opts.Refresh/time.Second), f.revision+1
	data, id := d.AppendEvent(make([]byte, 0, usualEvent), c.opts.Source, recording.At(item.at))
	return &flight{id: id, data: data, payload: d}
}

func (f *feedLane) settled(_ *Core, fl *flight, now time.Time) {
	f.revision++
	if d, ok := fl.payload.(recording.FeedData); ok {
		f.note(&d, now)
		if d.Event == recording.FeedLeader {
			f.mine, f.term = f.sequence, f.sequence
		}
	}
	if len(f.queue) > 0 {
		f.queue = slices.Delete(f.queue, 0, 1)
	}
}

// pends: what is queued is counted by itself.
func (*feedLane) pends() bool { return false }

func (f *feedLane) learned(c *Core, e *Entry, now time.Time) error {
	event, err := decode[recording.FeedEvent](e)
	if err != nil {
		return err
	}
	if f.revision, err = event.SequenceNumber(); err != nil {
		return err
	}
	if event.Data.Event == recording.FeedLeader {
		f.term = max(f.term, e.Sequence)
		if c.leaderBegan = e.Time; c.leaderBegan.After(now) {
			c.leaderBegan = now
		}
	}
	f.note(&event.Data, e.Time)
	if event.Data.Role == recording.Primary {
		c.witness(e)
		c.hears(event.Data.Instance, e.Time)
	}
	return nil
}

// passed takes an event that the lane is past already, because a later one was read
// first: what it says about gaps still counts.
func (f *feedLane) passed(e *Entry) {
	if event, err := decode[recording.FeedEvent](e); err == nil && !slices.Contains(f.closed, event.Data.Gap.ID) {
		f.note(&event.Data, e.Time)
	}
}

// note keeps what the stream shows about leaders and gaps.
func (f *feedLane) note(d *recording.FeedData, at time.Time) {
	switch d.Event {
	case recording.FeedGapOpened:
		f.show(d)
		if len(f.gaps) < maxFeed && !slices.Contains(f.closed, d.Gap.ID) {
			f.gaps[d.Gap.ID] = foreignGap{instance: d.Instance, gap: d.Gap, at: at}
		}
	case recording.FeedGapClosed:
		f.show(d)
		delete(f.gaps, d.Gap.ID)
		if len(f.closed) >= maxFeed {
			f.closed = slices.Delete(f.closed, 0, 1)
		}
		f.closed = append(f.closed, d.Gap.ID)
	default:
	}
}
