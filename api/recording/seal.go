package recording

import (
	"encoding/hex"
	"hash/crc32"
	"strconv"
)

// Whoever writes an event makes it of its data: the envelope follows from that. The id is
// that of the leg or agent, the revision, and a checksum of the whole event, so that two
// writers of the same revision have different ids unless they write the same bytes.

// AppendEvent appends the event with this data as it is on the wire, and returns the longer
// slice and the id of the event. It allocates nothing but the id when b has room.
func (d *CallData) AppendEvent(b []byte, source string) (event []byte, id string) {
	s := seal{kind: TypeCall, source: source, conversation: d.Conversation.ID, name: d.Leg.ID, revision: d.Revision, at: d.Timing.Occurred}
	return s.close(d.append(s.open(b)))
}

// AppendEvent appends the event with this data, see [CallData.AppendEvent].
func (d *AgentData) AppendEvent(b []byte, source string) (event []byte, id string) {
	s := seal{kind: TypeAgent, source: source, name: d.Agent.UserID, revision: d.Revision, at: d.Timing.Occurred}
	return s.close(d.append(s.open(b)))
}

// AppendEvent appends the event with this data that happened at a time, see
// [CallData.AppendEvent].
func (d *FeedData) AppendEvent(b []byte, source string, at Time) (event []byte, id string) {
	s := seal{kind: TypeFeed, source: source, name: feedName, revision: d.Revision, at: at}
	return s.close(d.append(s.open(b)))
}

// seal is the envelope of an event that is being written.
type seal struct {
	kind, source string
	conversation string // of a call: in the attribute subject it comes before the name
	name         string // of the leg, the agent or the feed: the id begins with it
	revision     uint64
	at           Time

	begin, id, digest int // where the event, its id and the checksum in it begin
	named             int // how long the name is as it is written
}

// feedName is the subject of every feed event, in the envelope.
const feedName = "feed"

// noDigest is what stands for the checksum while it is made.
const noDigest = "00000000"

// open writes the attributes; the data comes next.
func (s *seal) open(b []byte) []byte {
	s.begin = len(b)
	b = append(b, '{')
	b = text(b, "specversion", SpecVersion)
	b = text(b, "type", s.kind)
	b = text(b, "source", s.source)
	b = append(key(b, "subject"), '"')
	if s.kind == TypeCall {
		b = append(escaped(b, s.conversation), '/')
	}
	b = escaped(b, s.name)
	b = append(key(append(b, '"'), "id"), '"')
	s.id = len(b)
	b = escaped(b, s.name)
	s.named = len(b) - s.id
	b = strconv.AppendUint(append(b, '-'), s.revision, 10)
	b = append(b, '-')
	s.digest = len(b)
	b = append(append(b, noDigest...), '"')
	b = moment(b, "time", s.at)
	b = text(b, "datacontenttype", DataContentType)
	b = appendSequence(append(key(b, "sequence"), '"'), s.revision)
	return key(append(b, '"'), "data")
}

// close ends the event and puts the checksum into it.
func (s *seal) close(b []byte) (event []byte, id string) {
	b = append(b, '}')
	sum := crc32.ChecksumIEEE(b[s.begin:])
	hex.AppendEncode(b[s.digest:s.digest], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	id = string(b[s.id : s.digest+len(noDigest)])
	if s.named != len(s.name) { // it is written with escapes
		id = s.name + id[s.named:]
	}
	return b, id
}
