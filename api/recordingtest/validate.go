package recordingtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/api/schema"
)

// Names of the NATS headers that are looked at.
const (
	headerContentType = "Content-Type"
	headerMsgID       = "Nats-Msg-Id"
)

// Validate reports everything that is wrong with a message, nil when it keeps the
// contract. The header is a nats.Header or another map of that shape.
//
// It checks the body against the strict schema, the subject and the source
// attribute against the ids in the body, the sequence against the revision, the
// header Nats-Msg-Id against the id, and the header Content-Type.
func Validate(subject string, header map[string][]string, data []byte) error {
	problems := checkHeader(header)
	where, err := recording.ParseSubject(subject)
	problems = append(problems, err)
	event, err := recording.Decode(data)
	if err != nil {
		return wrap(subject, append(problems, err))
	}
	var envelope recording.Envelope
	switch e := event.(type) {
	case *recording.CallEvent:
		envelope = e.Envelope
		problems = append(problems, checkSchema(schema.Call, data), checkRevision(&envelope, e.Data.Revision))
		problems = append(problems, checkCall(where, e)...)
	case *recording.AgentEvent:
		envelope = e.Envelope
		problems = append(problems, checkSchema(schema.Agent, data), checkRevision(&envelope, e.Data.Revision))
		problems = append(problems,
			same("subject of the event", e.Subject, e.Data.Agent.UserID),
			same("kind in the subject", where.Kind, "agent"),
			same("user in the subject", where.UserID, recording.Token(e.Data.Agent.UserID)),
			same("time", text(e.Time), text(e.Data.Timing.Occurred)))
	case *recording.FeedEvent:
		envelope = e.Envelope
		problems = append(problems, checkSchema(schema.Feed, data), checkRevision(&envelope, e.Data.Revision),
			same("kind in the subject", where.Kind, "feed"), checkGap(&e.Data.Gap))
	}
	if !strings.HasSuffix(envelope.Source, "/"+where.Adapter) {
		problems = append(problems, fmt.Errorf("source %q does not end in the adapter %q of the subject", envelope.Source, where.Adapter))
	}
	if id := get(header, headerMsgID); id != envelope.ID {
		problems = append(problems, fmt.Errorf("header %s is %q, the id of the event is %q", headerMsgID, id, envelope.ID))
	}
	return wrap(subject, problems)
}

func checkCall(where recording.Subject, e *recording.CallEvent) []error {
	d := &e.Data
	user := ""
	if d.Agent != nil {
		user = d.Agent.UserID
	}
	problems := []error{
		same("subject of the event", e.Subject, d.Conversation.ID+"/"+d.Leg.ID),
		same("kind in the subject", where.Kind, "call"),
		same("user in the subject", where.UserID, recording.Token(user)),
		same("conversation in the subject", where.ConversationID, recording.Token(d.Conversation.ID)),
		same("leg in the subject", where.LegID, recording.Token(d.Leg.ID)),
		same("time", text(e.Time), text(d.Timing.Occurred)),
	}
	if d.Leg.SecurePause && d.State == recording.Paused && (d.Pause == nil || !slices.Contains(d.Pause.Reasons, recording.PauseSecure)) {
		problems = append(problems, fmt.Errorf("a secure pause is on, and %s is not among the reasons", recording.PauseSecure))
	}
	if d.Pause != nil && !slices.IsSorted(d.Pause.Reasons) {
		problems = append(problems, fmt.Errorf("the reasons %q are not in alphabetical order", d.Pause.Reasons))
	}
	return problems
}

func checkGap(g *recording.Gap) error {
	if !g.To.IsZero() && g.To.Before(g.From.Time) {
		return fmt.Errorf("the gap ends at %s, before it begins at %s", text(g.To), text(g.From))
	}
	if g.RecoveredCount < len(g.Recovered) || g.PossiblyLostCount < len(g.PossiblyLost) {
		return fmt.Errorf("recoveredCount %d or possiblyLostCount %d is less than the legs named: %d, %d",
			g.RecoveredCount, g.PossiblyLostCount, len(g.Recovered), len(g.PossiblyLost))
	}
	return nil
}

func checkHeader(header map[string][]string) []error {
	return []error{same("header "+headerContentType, get(header, headerContentType), recording.ContentType)}
}

func checkRevision(e *recording.Envelope, revision uint64) error {
	return same("sequence", e.Sequence, recording.SequenceOf(revision))
}

// get is nats.Header.Get: NATS header names keep their case.
func get(header map[string][]string, name string) string {
	if v := header[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

func same(what, got, want string) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s is %q, want %q", what, got, want)
}

func text(t recording.Time) string {
	b, err := t.MarshalText()
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func wrap(subject string, problems []error) error {
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("message on %s breaks the contract: %w", subject, err)
	}
	return nil
}

func checkSchema(name string, data []byte) error {
	all, err := schemas()
	if err != nil {
		return err
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	return all[name].Validate(body)
}

// schemas compiles the embedded schemas, once: they never change while the program
// runs, and compiling takes longer than validating a thousand events.
var schemas = sync.OnceValues(compile) //nolint:gochecknoglobals // written once, by sync

func compile() (map[string]*jsonschema.Schema, error) {
	all := map[string]*jsonschema.Schema{}
	for _, name := range []string{schema.Call, schema.Agent, schema.Feed} {
		b, err := schema.Files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read schema %s: %w", name, err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("read schema %s: %w", name, err)
		}
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource(name, doc); err != nil {
			return nil, fmt.Errorf("read schema %s: %w", name, err)
		}
		if all[name], err = c.Compile(name); err != nil {
			return nil, fmt.Errorf("compile schema %s: %w", name, err)
		}
	}
	return all, nil
}
