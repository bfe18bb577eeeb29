// Package examples holds one event of every sort that is worth showing, as JSON
// files: the body of a message, indented. They tell one story: a call that is
// delivered, held, paused, monitored and transferred while a connection breaks,
// with two calls beside it that are never answered.
//
// A test validates each of them, and all together as the history of a stream. The
// AsyncAPI document shows the same files. The recorders beside them, in Go,
// JavaScript and Python, print story.txt when they are given the story.
package examples

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// Files holds the events: <call|agent|feed>-<verb, cause or event>[-<cause>][-…].json.
//
//go:embed *.json
var Files embed.FS

// Transcript is what the recorders print when they are given the story.
//
//go:embed story.txt
var Transcript string

// Adapter is the adapter whose stream the story is.
const Adapter = "acme"

// Message is one event as it stands in the stream.
type Message struct {
	File    string // name in [Files]
	Subject string
	Header  map[string][]string
	Body    []byte
	// Event is the body decoded: *recording.CallEvent, *recording.AgentEvent or
	// *recording.FeedEvent.
	Event any

	published time.Time
}

// Story returns all events in the order in which they were published.
func Story() ([]Message, error) {
	names, err := fs.Glob(Files, "*.json")
	if err != nil {
		return nil, fmt.Errorf("list the examples: %w", err)
	}
	story := make([]Message, len(names))
	for i, name := range names {
		if story[i], err = load(name); err != nil {
			return nil, fmt.Errorf("load the example %s: %w", name, err)
		}
	}
	slices.SortStableFunc(story, func(a, b Message) int { return a.published.Compare(b.published) })
	return story, nil
}

func load(name string) (Message, error) {
	indented, err := Files.ReadFile(name)
	if err != nil {
		return Message{}, err
	}
	var body bytes.Buffer
	if err := json.Compact(&body, indented); err != nil {
		return Message{}, err
	}
	event, err := recording.Decode(body.Bytes())
	if err != nil {
		return Message{}, err
	}
	m := Message{File: name, Body: body.Bytes(), Event: event}
	id := ""
	switch e := event.(type) {
	case *recording.CallEvent:
		d := &e.Data
		agent := cmp.Or(d.Agent, &recording.Agent{})
		m.Subject = recording.CallSubject(Adapter, agent.UserID, d.Conversation.ID, d.Leg.ID)
		id, m.published = e.ID, d.Timing.Published.Time
	case *recording.AgentEvent:
		m.Subject = recording.AgentSubject(Adapter, e.Data.Agent.UserID)
		id, m.published = e.ID, e.Data.Timing.Published.Time
	case *recording.FeedEvent:
		m.Subject = recording.FeedSubject(Adapter)
		id, m.published = e.ID, e.Time.Time
	}
	m.Header = map[string][]string{"Content-Type": {recording.ContentType}, "Nats-Msg-Id": {id}}
	return m, nil
}
