package main_test

import (
	"fmt"
	"maps"
	"time"
)

// object is a JSON object as the platform sends it.
type object = map[string]any

// at is a time on the wire, d from now.
func at(d time.Duration) string {
	return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05.000Z")
}

// uuid makes an id that is the same each time: of a kind of thing, and its number.
func uuid(kind string, n int) string {
	h := uint32(2166136261)
	for _, c := range kind {
		h = (h ^ uint32(c)) * 16777619
	}
	return fmt.Sprintf("%08x-0000-4000-8000-%012d", h, n)
}

// party is one participant, in the words of the flat topic. What is empty is absent.
type party struct {
	ID, Purpose, User, Queue, Name, Address         string
	State, Initial, Direction, Disconnect           string
	Start, Connected, End, HoldStart, Acw, AcwEnd   string
	Held, Muted, Confined, Secure                   bool
	Consult, Monitored, Coached, Barged, BargedTime string
	Attributes                                      map[string]string
	Wrapup                                          object
	Extra                                           object
}

// talk is one conversation, moved along by hand.
type talk struct {
	ID      string
	Secure  bool
	Parties []*party
}

// The personal data that the frames carry, which must show up in events only.
const (
	callerNumber = "tel:+15550142"
	callerName   = "Mallory Caller"
	agentName    = "Secretname"
	wrapupNotes  = "the customer was angry"
)

// inbound is a customer's call that has passed the menu and waits in the queue.
func inbound(n int) *talk {
	queue := uuid("queue", 1)
	return &talk{ID: uuid("conversation", n), Parties: []*party{
		{
			ID: uuid("customer", n), Purpose: "customer", Name: callerName, Address: callerNumber, Direction: "inbound", Queue: queue,
			State: "connected", Initial: "offering", Start: at(-9 * time.Second), Connected: at(-9 * time.Second),
		},
		{
			ID: uuid("ivr", n), Purpose: "ivr", Name: "ivr-name", Address: "sip:ivr@example.invalid", Direction: "inbound", Disconnect: "transfer",
			State: "terminated", Initial: "offering", Start: at(-9 * time.Second), Connected: at(-9 * time.Second), End: at(-5 * time.Second),
		},
		{
			ID: uuid("acd", n), Purpose: "acd", Name: "acd-name", Address: "sip:acd@example.invalid", Direction: "inbound", Disconnect: "transfer", Queue: queue,
			State: "terminated", Initial: "offering", Start: at(-5 * time.Second), Connected: at(-5 * time.Second), End: at(-time.Second),
		},
	}}
}

// leg adds a leg of a user, in no state yet.
func (c *talk) leg(user string) *party {
	p := &party{
		ID: uuid(fmt.Sprintf("leg%d", len(c.Parties)), int(hash(c.ID))), Purpose: "agent", User: user, Direction: "inbound",
		Address: "sip:agent@example.invalid", Attributes: map[string]string{},
	}
	c.Parties = append(c.Parties, p)
	return p
}

func hash(s string) (h uint16) {
	for _, c := range s {
		h = h*31 + uint16(c)
	}
	return h
}

func (c *talk) customer() *party { return c.Parties[0] }

// Steps of a party, as the platform shows them.

func (p *party) alert() { p.State, p.Initial, p.Start = "alerting", "alerting", at(0) }

func (p *party) connect() { p.State, p.Initial, p.Connected = "connected", "alerting", at(0) }

func (p *party) hold(on bool) {
	p.Held, p.HoldStart = on, ""
	if on {
		p.HoldStart = at(0)
	}
}

func (p *party) end(disconnect string) {
	p.State, p.Disconnect, p.End = "terminated", disconnect, at(0)
	p.Held, p.HoldStart, p.Confined = false, "", false
}

func put(o object, key, value string) {
	if value != "" {
		o[key] = value
	}
}

func (p *party) outside() bool { return p.Purpose == "customer" || p.Purpose == "external" }

// flat is what the flat shapes of all years share.
func (p *party) flat() object {
	attributes := object{}
	for k, v := range p.Attributes {
		attributes[k] = v
	}
	o := object{
		"id": p.ID, "purpose": p.Purpose, "state": p.State, "direction": p.Direction, "held": p.Held, "muted": p.Muted, "confined": p.Confined,
		"recording": false, "recordingState": "none", "wrapupRequired": p.Purpose == "agent", "attributes": attributes, "provider": "Edge",
	}
	for key, value := range map[string]string{
		"name": p.Name, "connectedTime": p.Connected, "endTime": p.End, "startHoldTime": p.HoldStart, "disconnectType": p.Disconnect,
		"startAcwTime": p.Acw, "endAcwTime": p.AcwEnd, "consultParticipantId": p.Consult, "monitoredParticipantId": p.Monitored,
		"coachedParticipantId": p.Coached, "bargedParticipantId": p.Barged, "bargedTime": p.BargedTime,
	} {
		put(o, key, value)
	}
	if p.User != "" {
		o["user"] = object{"id": p.User}
	}
	if p.Queue != "" {
		o["queue"] = object{"id": p.Queue}
	}
	if p.Wrapup != nil {
		o["wrapup"] = p.Wrapup
	}
	if !p.outside() {
		o["peer"] = uuid("call", 0)
	}
	maps.Copy(o, p.Extra)
	return o
}

// flat2026 is the body of v2.users.{id}.conversations.calls as captured in 2026:
// address in place of ani and dnis, no start time, queue and user without names.
func (c *talk) flat2026() object {
	parts := []any{}
	for _, p := range c.Parties {
		parts = append(parts, p.flat2026())
	}
	return object{"id": c.ID, "recordingState": "none", "securePause": c.Secure, "address": callerNumber, "participants": parts}
}

func (p *party) flat2026() object {
	o := p.flat()
	o["securePause"] = p.Secure
	put(o, "initialState", p.Initial)
	put(o, "address", p.Address)
	return o
}

// flat2022 is the same topic as captured in 2022: ani in place of address, no word
// about a secure pause, and machines reduced to purpose and state, without an id.
func (c *talk) flat2022() object {
	parts := []any{}
	for _, p := range c.Parties {
		if p.Purpose == "ivr" || p.Purpose == "acd" {
			parts = append(parts, object{"purpose": p.Purpose, "state": p.State})
			continue
		}
		o := p.flat()
		put(o, "ani", p.Address)
		parts = append(parts, o)
	}
	return object{"id": c.ID, "recordingState": "none", "participants": parts}
}

// restFlat is what GET /api/v2/conversations/calls/{id} answers.
func (c *talk) restFlat() object {
	parts := []any{}
	for _, p := range c.Parties {
		o := p.flat2026()
		put(o, "startTime", p.Start)
		parts = append(parts, o)
	}
	return object{
		"id": c.ID, "recordingState": "none", "securePause": c.Secure, "participants": parts, "otherMediaUris": []any{},
		"selfUri": "/api/v2/conversations/calls/" + c.ID,
	}
}

// nested is the body of v2.users.{id}.conversations, and what
// GET /api/v2/conversations/{id} answers.
func (c *talk) nested() object {
	parts := []any{}
	for i, p := range c.Parties {
		call := object{
			"id": uuid("call"+c.ID, i), "state": p.State, "direction": p.Direction, "held": p.Held, "muted": p.Muted, "confined": p.Confined,
			"securePause": p.Secure, "recording": false, "recordingState": "none", "provider": "Edge",
			"self": object{"addressNormalized": p.Address, "addressRaw": p.Address},
		}
		for key, value := range map[string]string{
			"initialState": p.Initial, "connectedTime": p.Connected, "disconnectedTime": p.End, "startHoldTime": p.HoldStart,
			"disconnectType": p.Disconnect, "bargedTime": p.BargedTime,
		} {
			put(call, key, value)
		}
		if !p.outside() {
			call["peerId"] = uuid("call"+c.ID, 0)
		}
		o := object{"id": p.ID, "purpose": p.Purpose, "attributes": p.flat()["attributes"], "calls": []any{call}}
		for key, value := range map[string]string{
			"userId": p.User, "queueId": p.Queue, "name": p.Name, "address": p.Address, "connectedTime": p.Connected, "endTime": p.End,
			"monitoredParticipantId": p.Monitored, "coachedParticipantId": p.Coached, "consultParticipantId": p.Consult,
		} {
			put(o, key, value)
		}
		if p.Wrapup != nil {
			o["wrapup"] = p.Wrapup
		}
		parts = append(parts, o)
	}
	return object{"id": c.ID, "participants": parts, "recordingState": "NONE", "securePause": c.Secure}
}
