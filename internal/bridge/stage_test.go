package bridge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A stage writes the in.jsonl of a story: what the platform sends while people call
// each other. The frames have the shape of the year 2026: address and securePause,
// no startTime, no ani, ids only where a name might be.

// The cast. Every id, name and number is invented.
const (
	alice = "a11ce000-0000-4000-8000-000000000001"
	bob   = "b0b00000-0000-4000-8000-000000000002"
	carol = "ca401000-0000-4000-8000-000000000003"
	queue = "93500000-0000-4000-8000-000000000009"

	conversationID = "c0440000-0000-4000-8000-00000000c001"
	far            = "tel:+15550100"
)

// party is one participant as the platform shows it.
type party2026 struct {
	Muted          *bool  `json:"muted,omitempty"`
	Confined       *bool  `json:"confined,omitempty"`
	Recording      *bool  `json:"recording,omitempty"`
	RecordingState string `json:"recordingState,omitempty"`
	TransferSource string `json:"transferSource,omitempty"`
	SecurePause    *bool  `json:"securePause,omitempty"`
	ID             string `json:"id,omitempty"`
	Name           string `json:"name,omitempty"`
	Address        string `json:"address,omitempty"`
	ANI            string `json:"ani,omitempty"`
	DNIS           string `json:"dnis,omitempty"`
	StartTime      string `json:"startTime,omitempty"`
	ConnectedTime  string `json:"connectedTime,omitempty"`
	EndTime        string `json:"endTime,omitempty"`
	StartHoldTime  string `json:"startHoldTime,omitempty"`
	ParkTime       string `json:"parkTime,omitempty"`
	ResumeTime     string `json:"resumeTime,omitempty"`
	BargedTime     string `json:"bargedTime,omitempty"`
	StartACW       string `json:"startAcwTime,omitempty"`
	EndACW         string `json:"endAcwTime,omitempty"`
	Purpose        string `json:"purpose,omitempty"`
	State          string `json:"state,omitempty"`
	InitialState   string `json:"initialState,omitempty"`
	Direction      string `json:"direction,omitempty"`
	DisconnectType string `json:"disconnectType,omitempty"`

	DisconnectReasons []map[string]any `json:"disconnectReasons,omitempty"`

	Held           *bool             `json:"held,omitempty"`
	WrapupRequired *bool             `json:"wrapupRequired,omitempty"`
	User           *reference        `json:"user,omitempty"`
	Queue          *reference        `json:"queue,omitempty"`
	Attributes     map[string]string `json:"attributes,omitempty"`
	ErrorInfo      map[string]any    `json:"errorInfo,omitempty"`
	Provider       string            `json:"provider,omitempty"`
	Wrapup         map[string]any    `json:"wrapup,omitempty"`
	Peer           string            `json:"peer,omitempty"`

	Consults string `json:"consultParticipantId,omitempty"`
	Monitors string `json:"monitoredParticipantId,omitempty"`
	Coaches  string `json:"coachedParticipantId,omitempty"`
	Barges   string `json:"bargedParticipantId,omitempty"`
}

type reference struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

type body2026 struct {
	RecordingState string       `json:"recordingState,omitempty"`
	SecurePause    *bool        `json:"securePause,omitempty"`
	Participants   []*party2026 `json:"participants"`
	Address        string       `json:"address,omitempty"`
	ID             string       `json:"id"`
}

type frame2026 struct {
	TopicName string            `json:"topicName"`
	Version   string            `json:"version"`
	EventBody any               `json:"eventBody"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// stage holds the conversation that is on and the lines written so far.
type stage struct {
	given given
	lines []string
	now   time.Time
	body  body2026
	count int // of frames
}

// given is the first line of a story, where it departs from the defaults.
type given struct {
	PauseOnHold bool     `json:"pauseOnHold,omitempty"`
	Purposes    []string `json:"purposes,omitempty"` // default agent and user
	Tags        []string `json:"tags,omitempty"`
	// Unsubscribed are users whose topics are not subscribed.
	Unsubscribed []string `json:"unsubscribed,omitempty"`
	// Open is set when legs are still open at the end of the story.
	Open bool `json:"open,omitempty"`
}

func newStage() *stage {
	return &stage{now: start, body: body2026{
		RecordingState: "none", SecurePause: new(bool), ID: conversationID, Address: "tel:+15550199",
	}}
}

func (s *stage) line(v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	s.lines = append(s.lines, strings.TrimSpace(b.String()))
}

func (s *stage) text() string {
	var first []string
	if b, err := json.Marshal(map[string]given{"given": s.given}); err != nil {
		panic(err)
	} else if string(b) != `{"given":{}}` {
		first = []string{string(b)}
	}
	return strings.Join(append(first, s.lines...), "\n") + "\n"
}

// at moves the clock to a number of seconds after the beginning.
func (s *stage) at(seconds float64) {
	s.now = start.Add(time.Duration(seconds*1000) * time.Millisecond)
	s.line(map[string]string{"at": stamp(s.now)})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// party adds a participant that is there from now on.
func (s *stage) party(purpose, state, direction string) *party2026 {
	n := len(s.body.Participants) + 1
	p := &party2026{
		Muted: new(bool), Confined: new(bool), Recording: new(bool), RecordingState: "none", SecurePause: new(bool),
		ID: fmt.Sprintf("%08d-0000-4000-8000-0000000000f%d", n, n%10), Purpose: purpose, State: state,
		InitialState: state, Direction: direction, Held: new(bool), WrapupRequired: new(bool), Provider: "Edge",
	}
	if state == "connected" {
		p.ConnectedTime, p.InitialState = stamp(s.now), "offering"
	}
	s.body.Participants = append(s.body.Participants, p)
	return p
}

// customer is on the call already, and waits in the queue.
func (s *stage) customer() *party2026 {
	c := s.party("customer", "connected", "inbound")
	c.Address, c.Name, c.Queue = far, "Caller One", &reference{ID: queue}
	return c
}

// inbound is the beginning of a call to a queue: caller, menu, queue.
func (s *stage) inbound() *party2026 {
	c := s.customer()
	for _, purpose := range []string{"ivr", "acd"} {
		p := s.party(purpose, "connected", "inbound")
		p.Address = "sip:" + purpose + "@example.invalid"
		s.now = s.now.Add(time.Second)
		p.State, p.EndTime, p.DisconnectType = "terminated", stamp(s.now), "transfer"
		if purpose == "acd" {
			p.Queue = &reference{ID: queue}
		}
	}
	return c
}

// staff adds a person of the organization.
func (s *stage) staff(user, purpose, state string) *party2026 {
	p := s.party(purpose, state, "inbound")
	p.User, p.Address = &reference{ID: user}, "sip:"+user[:5]+"@example.invalid"
	if purpose == "agent" {
		p.Queue, *p.WrapupRequired, p.TransferSource = &reference{ID: queue}, true, "ACD"
	}
	return p
}

// alert adds an agent whose phone rings, and tells it.
func (s *stage) alert(user string) *party2026 {
	p := s.staff(user, "agent", "alerting")
	s.tell()
	return p
}

func (s *stage) connect(p *party2026) { p.State, p.ConnectedTime = "connected", stamp(s.now) }

func (s *stage) answer(p *party2026) {
	s.connect(p)
	s.tell()
}

func (s *stage) leave(p *party2026, state, disconnectType string) {
	p.State, p.DisconnectType = state, disconnectType
	if p.EndTime == "" {
		p.EndTime = stamp(s.now)
	}
}

// end ends one party as the platform does: disconnected, then terminated.
func (s *stage) end(p *party2026, disconnectType string) {
	s.leave(p, "disconnected", disconnectType)
	s.tell()
	s.later(0.1)
	s.leave(p, "terminated", disconnectType)
	s.tell()
}

// hangup ends the far end, and the agents with it.
func (s *stage) hangup(c *party2026, agents ...*party2026) {
	s.leave(c, "disconnected", "endpoint")
	s.tell()
	s.later(0.2)
	for _, a := range agents {
		s.leave(a, "disconnected", "peer")
	}
	s.tell()
	s.later(0.1)
	for _, p := range append(agents, c) {
		p.State = "terminated"
	}
	s.tell()
}

func (s *stage) later(seconds float64) { s.at(s.now.Sub(start).Seconds() + seconds) }

// tell sends the conversation on the topic of every person who is or was in it.
func (s *stage) tell() {
	var told []string
	for _, p := range s.body.Participants {
		if p.User != nil && !slices.Contains(told, p.User.ID) {
			told = append(told, p.User.ID)
		}
	}
	s.count++
	s.on(told...)
}

// on sends the conversation on the topics of some users.
func (s *stage) on(users ...string) {
	for _, u := range users {
		s.line(frame2026{
			TopicName: "v2.users." + u + ".conversations.calls", Version: "2", EventBody: s.body,
			Metadata: map[string]string{"CorrelationId": fmt.Sprintf("e4e40000-0000-4000-8000-%012d", s.count)},
		})
	}
}

// again sends the last frame once more.
func (s *stage) again() { s.lines = append(s.lines, s.lines[len(s.lines)-1]) }

// rest lets REST answer, as it does: with everything.
func (s *stage) rest() { s.line(map[string]any{"rest": s.body}) }

// raw sends a frame as it is.
func (s *stage) raw(format string, args ...any) {
	s.lines = append(s.lines, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func (s *stage) hold(agent, held *party2026) {
	*agent.Held, agent.StartHoldTime, *held.Confined = true, stamp(s.now), true
	s.tell()
}

func (s *stage) retrieve(agent, held *party2026) {
	*agent.Held, agent.StartHoldTime, *held.Confined = false, "", false
	s.tell()
}

// pause sets the secure pause as a person does: on the leg and the conversation.
func (s *stage) pause(agent *party2026, on bool) {
	*agent.SecurePause, *s.body.SecurePause = on, on
	s.tell()
}
