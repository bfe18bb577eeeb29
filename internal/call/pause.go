package call

import (
	"slices"
	"time"
)

// view is what one topic (or REST) said last about the secure pause of a
// conversation.
type view struct {
	name string
	flag Flag
	// recalled: only the stream has said so yet.
	recalled bool
	// denied: REST says No, and the view has said Yes too lately to be overruled.
	denied bool
	// told: it is REST that says Yes, and the view has not spoken since.
	told bool
	// seen is when the view last spoke.
	seen time.Time
	// doubt is when the view began to say No although it is too early to believe it.
	doubt time.Time
	// last is the last pause that it showed; most calls have none.
	last *shown
}

// shown is a pause as a view has shown it.
type shown struct {
	// since is when it began, affirmed when it was last said to be on.
	since, affirmed time.Time
	// words are the last changes, by their correlation ids, that the view showed with it.
	words []string
}

// on makes the view say Yes, at a time.
func (v *view) on(at, affirmed time.Time) {
	if v.last == nil {
		v.last = new(shown)
	}
	if v.flag != Yes {
		v.last.since = at
	}
	v.flag, v.last.affirmed = Yes, affirmed
}

// off makes it say No.
func (v *view) off() { v.flag, v.doubt, v.told = No, time.Time{}, false }

const maxWords = 8

// note notes a change that the view shows with the pause on.
func (s *shown) note(change string) {
	if change == "" || len(s.words) > 0 && s.words[len(s.words)-1] == change {
		return
	}
	if len(s.words) >= maxWords {
		s.words = slices.Delete(s.words, 0, 1)
	}
	s.words = append(s.words, change)
}

// pause is the secure pause of a conversation: the OR over the latest view of every
// topic. A missed pause stores a card number, a missed resume costs some seconds of
// audio: in doubt it stays.
type pause struct{ views []view }

// on reports whether any view says that the pause is on.
func (p *pause) on() bool {
	for i := range p.views {
		if p.views[i].flag == Yes {
			return true
		}
	}
	return false
}

// unsure reports whether somebody should ask: views disagree, or one changed its
// mind too soon to be believed.
func (p *pause) unsure() bool {
	var yes, no bool
	for i := range p.views {
		yes = yes || p.views[i].flag == Yes
		no = no || p.views[i].flag == No || !p.views[i].doubt.IsZero() || p.views[i].denied
	}
	return yes && no
}

// ending reports whether every view that says that the pause is on has said since that it
// is over, which is too early to be believed.
func (p *pause) ending() bool {
	on := false
	for i := range p.views {
		v := &p.views[i]
		if v.flag == Yes && (v.doubt.IsZero() || v.told) {
			return false
		}
		on = on || v.flag == Yes
	}
	return on
}

// passed reports whether another view has shown all that a view that says Yes has, and has
// said since that the pause is over.
func (p *pause) passed(v *view) bool {
	if len(v.last.words) == 0 {
		return false
	}
	last := v.last.words[len(v.last.words)-1]
	return slices.ContainsFunc(p.views, func(o view) bool {
		return o.flag == No && o.last != nil && slices.Contains(o.last.words, last)
	})
}

// say records what a view says at a time. A change from on to off within settle of
// the change to on may be two frames that changed places; it is held in doubt until
// it is confirmed, by REST, by a later frame that shows progress, or by time. So is
// the first word about a pause that is known from the stream: it may be older. What may
// have waited affirms nothing that came meanwhile.
func (p *pause) say(name, change string, flag Flag, at, waited time.Time, settle time.Duration, progress bool) {
	if flag == Absent {
		return
	}
	v := p.view(name)
	if v.told { // a doubt begins with its own word
		v.told, v.doubt = false, time.Time{}
	}
	v.seen, v.denied = at, false
	switch {
	case flag == Yes:
		v.on(at, earliest(at, waited))
		v.last.note(change)
		v.doubt, v.recalled = time.Time{}, false
	case v.flag == Yes && (v.recalled || !progress && at.Sub(v.last.since) < settle):
		if v.doubt.IsZero() {
			v.doubt = at
		}
	default:
		v.off()
		v.recalled = false
	}
}

// answer records what REST said to a question asked at a time. The read may lag behind
// the topics as the topics may lag behind it, so it overrules a view only when the
// view has been silent for trust before the question, or another view that has shown the
// same agrees. In doubt a yes wins, and the question stays open: it is asked again.
func (p *pause) answer(flag Flag, asked, received time.Time, trust time.Duration) {
	if flag == Absent {
		return
	}
	if len(p.views) == 0 {
		v := view{name: ViewREST, flag: flag, seen: asked}
		if flag == Yes {
			v.last = &shown{since: received, affirmed: asked}
		}
		p.views = append(p.views, v)
		return
	}
	for i := range p.views {
		v := &p.views[i]
		old := asked.Sub(v.seen) >= trust
		v.recalled = false
		switch {
		case flag == No && !v.doubt.IsZero() && !v.seen.After(asked):
			v.off() // frame and answer agree
		case flag == No && v.flag == Yes && (old || p.passed(v)):
			v.denied = false
			v.off()
		case flag == No && v.flag == Yes:
			v.denied = true
		case flag == Yes && old:
			v.on(received, asked)
			v.denied, v.doubt, v.told = false, time.Time{}, false
		case flag == Yes && v.flag == Yes && v.doubt.IsZero():
			v.on(received, asked)
		case flag == Yes:
			v.on(received, asked)
			v.doubt, v.told = received, true
		}
	}
}

// recall takes over what the stream says, as long as neither a topic nor REST has spoken.
func (p *pause) recall(legs []*legState) {
	if len(p.views) > 1 || len(p.views) == 1 && (p.views[0].name != ViewREST || !p.views[0].recalled) {
		return
	}
	flag := No
	for _, l := range legs {
		if l.SecurePause && l.Phase != Ended {
			flag = Yes
		}
	}
	v := view{name: ViewREST, flag: flag, recalled: true}
	if flag == Yes {
		v.last = new(shown)
	}
	p.views = []view{v}
}

// expire believes the views that have been in doubt for patience without being
// contradicted, for when nobody can be asked. What REST says only REST or a later word of
// the view takes back: the end of a pause is never guessed.
func (p *pause) expire(now time.Time, patience time.Duration) {
	for i := range p.views {
		v := &p.views[i]
		if !v.doubt.IsZero() && !v.told && now.Sub(v.doubt) >= patience {
			v.off()
			v.recalled = false
		}
	}
}

func (p *pause) view(name string) *view {
	for i := range p.views {
		if p.views[i].name == name {
			return &p.views[i]
		}
	}
	if len(p.views) == 1 && p.views[0].name == ViewREST {
		// The first topic to speak inherits what REST said.
		p.views[0].name = name
		return &p.views[0]
	}
	p.views = append(p.views, view{name: name})
	return &p.views[len(p.views)-1]
}
