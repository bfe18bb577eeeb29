package genesys

import (
	"hash/maphash"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// lastFrame is what the last notification of a topic said. Each repeats the whole
// conversation, of which little has changed: a participant with the same text as the one at
// its place before is not read again, and a string that is the same is not made again.
//
// Texts are compared by length and a keyed checksum of 64 bits: to keep them would take
// more memory, and to fetch that more time than to read them.
type lastFrame struct {
	topic        string
	conversation string
	participants []call.Participant // with those behind the end of a shorter list
	texts        []texts            // of the participants, as far as they are known
	memory       call.Memory
	// monitored is what was found in users about the user of the topic.
	monitored bool
	users     *map[string]bool
}

// texts are those of a participant, and of the attributes in it.
type texts struct{ whole, attributes text }

// text stands for the JSON of a value, the zero text for none.
type text struct {
	sum    uint64
	length int
}

const (
	// lastFrames is more than the platform allows topics on one channel.
	lastFrames = 1024
	// lastParticipants: of a conversation with more, which all its agents may be sent, nothing is kept.
	lastParticipants  = 16
	usualParticipants = 4
)

// topic reads the name of a topic and finds its last frame.
func (d *decoder) topic() string {
	name := d.bytes()
	if d.last = d.topics[string(name)]; d.last != nil {
		return d.last.topic
	}
	return d.pool.string(name)
}

// lastOf is the last frame of a topic: an empty one when there is none, which is kept
// by a decoder that lasts.
func (d *decoder) lastOf(topic string) *lastFrame {
	switch {
	case d.last != nil && d.last.topic == topic:
		return d.last
	case d.topics == nil:
		return new(lastFrame)
	case len(d.topics) >= lastFrames:
		clear(d.topics) // those of the channel were exchanged
	}
	d.last = &lastFrame{topic: topic}
	d.topics[topic] = d.last
	return d.last
}

// room is where the participants of this frame are read.
func (l *lastFrame) room() []call.Participant {
	if l.participants == nil {
		l.participants = make([]call.Participant, 0, usualParticipants)
	}
	return l.participants[:0]
}

// known are the texts of the participant at a place, to be filled in.
func (l *lastFrame) known(place int) *texts {
	switch {
	case place >= lastParticipants:
		return new(texts)
	case place == len(l.texts):
		l.texts = append(l.texts, texts{})
	}
	return &l.texts[place]
}

// keep takes the participants of this frame.
func (l *lastFrame) keep(list []call.Participant) {
	if cap(list) > lastParticipants {
		list, l.texts = nil, nil
	}
	l.participants = list
}

// again passes over the value here if it has a text that was read before.
func (d *decoder) again(t text) bool {
	end := d.i + t.length
	if t.length == 0 || end >= len(d.b) || !follows(d.b[end]) || maphash.Bytes(d.pool.seed, d.b[d.i:end]) != t.sum {
		return false
	}
	d.i = end
	return true
}

// follows reports whether a value may end before c: most have another length when they change,
// and need not be summed up to know that.
func follows(c byte) bool { return c == ',' || c == ']' || c == '}' || c <= ' ' }

// since is the text from a place to here, none for a decoder that does not last.
func (d *decoder) since(start int) text {
	if d.pool == nil || d.err != nil {
		return text{}
	}
	return text{sum: maphash.Bytes(d.pool.seed, d.b[start:d.i]), length: d.i - start}
}

// like is [decoder.str] for what was the same before, most likely.
func (d *decoder) like(before string) string {
	b := d.bytes()
	if string(b) == before {
		return before
	}
	return d.pool.string(b)
}
