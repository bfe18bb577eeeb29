package genesys

import (
	"fmt"
	"strings"
	"testing"
)

// What is kept of the last frames is bounded: by the number of topics, and by the size of a
// conversation, which all of its agents are told of.
func TestLastFramesAreBounded(t *testing.T) {
	d := newSocketDecoder(nil)
	read := func(topic string, parties int) *lastFrame {
		list := strings.TrimSuffix(strings.Repeat(`{"id":"p"},`, parties), ",")
		f, err := d.frame([]byte(`{"topicName":"` + topic + `","eventBody":{"id":"c","participants":[` + list + `]}}`))
		if err != nil || len(f.Snapshot.Participants) != parties {
			t.Fatal(err, parties)
		}
		return d.topics[topic]
	}
	const topic = "v2.users.u.conversations.calls"
	if l := read(topic, lastParticipants); cap(l.participants) > lastParticipants || len(l.texts) != lastParticipants {
		t.Errorf("%d participants: room for %d is kept, and %d texts", lastParticipants, cap(l.participants), len(l.texts))
	}
	for _, n := range []int{lastParticipants + 1, 5000} {
		if l := read(topic, n); l.participants != nil || l.texts != nil {
			t.Errorf("%d participants: room for %d is kept, and %d texts", n, cap(l.participants), len(l.texts))
		}
	}
	for n := range 3 * lastFrames {
		read(fmt.Sprintf("v2.users.u%d.conversations.calls", n), 1)
	}
	if n := len(d.topics); n > lastFrames {
		t.Errorf("%d topics are kept, at most %d are wanted", n, lastFrames)
	}
}

// The strings of a chunk lie one behind the other, and those that are there stay as they are.
func TestChunkCopies(t *testing.T) {
	var c chunk
	var made []string
	for n := range 200 {
		b := fmt.Appendf(nil, "%0*d", 1+n%poolString, n)
		made = append(made, c.copy(b))
		clear(b)
	}
	for n, s := range made {
		if want := fmt.Sprintf("%0*d", 1+n%poolString, n); s != want {
			t.Errorf("text %d is %q, want %q", n, s, want)
		}
	}
	if n := c.Cap(); n >= 2*poolChunk {
		t.Errorf("a chunk has %d bytes, %d are wanted", n, poolChunk)
	}
	if n := testing.AllocsPerRun(100, func() { c.copy([]byte("twenty bytes of text")) }); n > 0 {
		t.Errorf("%.1f allocations for a string", n)
	}
}
