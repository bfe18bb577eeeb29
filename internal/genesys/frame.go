package genesys

import (
	"errors"
	"slices"
	"strings"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// Kind is what a frame is about.
type Kind uint8

// The kinds of frames.
const (
	KindUnknown      Kind = iota // a topic that is not known here
	KindConversation             // Frame.Snapshot is set
	KindAgent                    // Frame.Agent is set
	KindHeartbeat                // heartbeat
	KindPong                     // the answer to a ping
	KindReply                    // an answer to something sent on the socket
	KindSystem                   // Frame.System is set
)

// SystemTopic is what a system message is about.
type SystemTopic string

// The system messages that are acted upon.
const (
	SystemSocketClosing      SystemTopic = "socket_closing"
	SystemNoLongerSubscribed SystemTopic = "no_longer_subscribed"
	SystemTokenRevoked       SystemTopic = "token_revoked"
)

// Frame is one decoded notification. Received is left to the caller.
type Frame struct {
	Kind          Kind
	Topic         string
	CorrelationID string
	Snapshot      *call.Snapshot
	Agent         AgentUpdate
	System        SystemTopic
	// Reply is the result of a [KindReply], such as 200 or 404.
	Reply string
}

var errNoConversation = errors.New("conversation without an id")

const (
	userTopic          = "v2.users."
	callsSuffix        = ".conversations.calls"
	conversationSuffix = ".conversations"
	systemTopic        = "v2.system."
	metadataTopic      = "channel.metadata"
)

// DecodeFrame decodes one websocket message of any kind.
func DecodeFrame(b []byte) (Frame, error) { return newDecoder(nil).frame(b) }

// decoder decodes frames one after the other. It is not safe for concurrent use.
type decoder struct {
	scanner
	all        bool     // take all attributes
	attributes []string // otherwise these
	// What lasts from one frame to the next; nil for a decoder that is used once.
	pool   *pool
	used   *call.Snapshot
	topics map[string]*lastFrame
	last   *lastFrame       // of the topic that was read last, where it is known
	party  call.Participant // the one that is read
}

func newDecoder(attributes []string) *decoder {
	return &decoder{all: attributes == nil, attributes: slices.Clone(attributes)}
}

// newSocketDecoder returns a decoder for the frames of one socket. What it returns holds
// until the next frame.
func newSocketDecoder(attributes []string) *decoder {
	d := newDecoder(attributes)
	d.pool, d.topics = newPool(), make(map[string]*lastFrame)
	return d
}

func (d *decoder) reset(b []byte) {
	d.scanner = scanner{b: b}
	d.pool.next()
}

// snapshot returns an empty snapshot: that of the last frame, whose time is over.
func (d *decoder) snapshot() *call.Snapshot {
	if d.pool == nil || d.used == nil {
		d.used = new(call.Snapshot)
	}
	*d.used = call.Snapshot{}
	return d.used
}

// str returns the string here. It shares no memory with the frame.
func (d *decoder) str() string { return d.pool.string(d.bytes()) }

// frame decodes the envelope. The order of its members is not fixed: a body that comes
// before its topic is read when the topic is known.
func (d *decoder) frame(b []byte) (Frame, error) {
	d.reset(b)
	var f Frame
	if d.peek() != '{' {
		return f, errNotJSON
	}
	d.open('{')
	body := -1
	topicSeen, early := false, false
	var bodyErr error
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "topicName":
			f.Topic, topicSeen = d.topic(), true
			early = body >= 0
		case "eventBody":
			d.peek()
			body, early = d.i, !topicSeen
			if early {
				d.skip()
			} else {
				bodyErr = d.body(&f)
			}
		case "metadata":
			f.CorrelationID = d.correlation()
		case "result":
			f.Reply = d.result()
		default:
			d.skip()
		}
	}
	d.end()
	if d.err != nil {
		return Frame{Topic: f.Topic}, d.err
	}
	switch {
	case f.Topic == "" && body < 0:
		f.Kind = KindReply
	case body < 0:
		bodyErr = d.bodyless(&f)
	case early:
		d.depth, d.i = 1, body
		bodyErr = d.body(&f)
	}
	if bodyErr != nil {
		return Frame{Topic: f.Topic}, bodyErr
	}
	f.Agent.CorrelationID = f.CorrelationID
	if f.Snapshot != nil {
		f.Snapshot.CorrelationID = f.CorrelationID
	}
	return f, nil
}

func (d *decoder) correlation() (id string) {
	if !d.open('{') {
		return ""
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		if string(key) == "CorrelationId" {
			id = d.pool.once(d.bytes())
		} else {
			d.skip()
		}
	}
	return id
}

func (d *decoder) message() (text string) {
	if !d.open('{') {
		return ""
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		if string(key) == "message" {
			text = d.word()
		} else {
			d.skip()
		}
	}
	return text
}

// result reads a code that is a string or a number.
func (d *decoder) result() string {
	if c := d.peek(); c == '-' || c >= '0' && c <= '9' {
		return string(d.number())
	}
	return d.str()
}

// bodyless handles a frame without a body, which only some kinds may lack.
func (d *decoder) bodyless(f *Frame) error {
	d.reset([]byte("null"))
	return d.body(f)
}

// body decodes the body that starts here, by the topic.
func (d *decoder) body(f *Frame) error {
	*f = Frame{Topic: f.Topic, CorrelationID: f.CorrelationID, Reply: f.Reply}
	switch {
	case f.Topic == metadataTopic:
		f.Kind = KindHeartbeat
		if d.message() == "pong" {
			f.Kind = KindPong
		}
	case strings.HasPrefix(f.Topic, systemTopic):
		f.Kind = KindSystem
		f.System = d.system(f.Topic)
	case strings.HasSuffix(f.Topic, callsSuffix), strings.HasSuffix(f.Topic, conversationSuffix):
		f.Kind = KindConversation
		nested := strings.HasSuffix(f.Topic, conversationSuffix)
		f.Snapshot = d.conversation(d.lastOf(f.Topic), nested)
		f.Snapshot.Topic = f.Topic
		f.Snapshot.View = viewOf(f.Topic)
		if f.Snapshot.ConversationID == "" {
			return errNoConversation
		}
	case strings.HasPrefix(f.Topic, userTopic):
		rest := f.Topic[len(userTopic):]
		dot := max(0, strings.LastIndexByte(rest, '.'))
		f.Agent = AgentUpdate{UserID: rest[:dot], Topic: f.Topic}
		if d.agent(strings.TrimPrefix(rest[dot:], "."), &f.Agent) && f.Agent.UserID != "" {
			f.Kind = KindAgent
		}
	default:
		d.skip()
	}
	return nil
}

// viewOf returns the user of a topic, or the topic where it is not a user's.
func viewOf(topic string) string {
	id, ok := strings.CutPrefix(topic, userTopic)
	if !ok {
		return topic
	}
	if v, ok := strings.CutSuffix(id, callsSuffix); ok {
		return v
	}
	return strings.TrimSuffix(id, conversationSuffix)
}

// system reads a system message. The topic names it; the body does where the topic
// holds ids only.
func (d *decoder) system(topic string) SystemTopic {
	kind, _, _ := strings.Cut(strings.TrimPrefix(topic, systemTopic), ".")
	found := SystemTopic(kind)
	if !d.open('{') {
		return found
	}
	known := func(t SystemTopic) bool {
		return t == SystemSocketClosing || t == SystemNoLongerSubscribed || t == SystemTokenRevoked
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		if string(key) == "systemTopicType" {
			if t := SystemTopic(d.word()); !known(found) {
				found = t
			}
		} else {
			d.skip()
		}
	}
	return found
}
