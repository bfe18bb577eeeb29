package bridge

import (
	"bytes"
	"strings"
	"time"
)

// A start reads the whole refresh window: hundreds of thousands of events, each of which
// holds the complete state of its leg or agent. All but the last of a subject are history,
// so they are set aside unread until the next one replaces them.

// Recover begins the reading of a window. Until [Core.Recovered] nothing must be observed
// or sent.
func (c *Core) Recover() { c.backlog = make(map[string]Entry) }

// Recovered ends it: what was set aside is read now. The errors are those of events that
// could not be read; they are skipped.
func (c *Core) Recovered(now time.Time) (unreadable []error) {
	aside := c.backlog
	c.backlog = nil
	for subject, e := range aside {
		delete(aside, subject) // its memory is free for what is read from it
		if err := c.read(&e, now); err != nil {
			unreadable = append(unreadable, err)
		}
	}
	return unreadable
}

// setAside reports whether an event needs not be read now, because a later one may say it
// all.
func (c *Core) setAside(e *Entry, now time.Time) bool {
	kind := strings.Count(e.Subject, ".")
	switch {
	case c.backlog == nil || kind != dotsOfCall && kind != dotsOfAgent:
		return false
	case kind == dotsOfCall && now.Sub(e.Time) > c.opts.Grace && bytes.Contains(e.Data, []byte(`"state":"stopped"`)):
		delete(c.backlog, e.Subject) // of no interest any more: memory is for open legs
	default:
		if old, ok := c.backlog[e.Subject]; ok && kind == dotsOfCall {
			c.activity.count(old.Time) // nobody reads it
		}
		c.backlog[e.Subject] = *e
	}
	return true
}

// The kinds of subjects, by their dots.
const (
	dotsOfCall  = 6
	dotsOfAgent = 4
)
