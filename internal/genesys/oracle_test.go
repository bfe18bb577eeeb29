package genesys_test

import (
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// oracle reads a conversation with encoding/json and maps: slowly, plainly, and
// without a line in common with the decoder.
func oracle(body any, nested bool) (call.Snapshot, error) {
	c, _ := body.(map[string]any)
	s := call.Snapshot{ConversationID: text(c["id"]), SecurePause: flag(c["securePause"])}
	if s.ConversationID == "" {
		return s, errors.New("no id")
	}
	list, _ := c["participants"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		if p, ok := oracleParticipant(m, nested); ok {
			s.Participants = append(s.Participants, p)
		}
	}
	return s, nil
}

func oracleParticipant(m map[string]any, nested bool) (call.Participant, bool) {
	p := call.Participant{
		ID: text(m["id"]), Purpose: word(m["purpose"]), Name: text(m["name"]), Address: text(m["address"]),
		UserID: text(object(m["user"])["id"]), UserName: text(object(m["user"])["name"]),
		QueueID: text(object(m["queue"])["id"]), QueueName: text(object(m["queue"])["name"]),
		ANI: text(m["ani"]), DNIS: text(m["dnis"]),
		Start: when(m["startTime"]), StartACW: when(m["startAcwTime"]), EndACW: when(m["endAcwTime"]), Park: when(m["parkTime"]),
		Monitored: text(m["monitoredParticipantId"]), Coached: text(m["coachedParticipantId"]),
		Barged: text(m["bargedParticipantId"]), ConsultParticipantID: text(m["consultParticipantId"]),
		WrapupRequired: m["wrapupRequired"] == true, Wrapup: wrapup(m["wrapup"]), Attributes: attributes(m["attributes"]),
	}
	if p.UserID == "" {
		p.UserID = text(m["userId"])
	}
	if p.QueueID == "" {
		p.QueueID = text(m["queueId"])
	}
	oracleLeg(m, &p)
	current := currentCall(m["calls"])
	if current != nil {
		overlay(current, &p)
	}
	return p, p.ID != "" && (current != nil || !nested)
}

func oracleLeg(m map[string]any, p *call.Participant) {
	p.State, p.Initial, p.Direction = word(m["state"]), word(m["initialState"]), word(m["direction"])
	p.Connected, p.StartHold, p.Barge = when(m["connectedTime"]), when(m["startHoldTime"]), when(m["bargedTime"])
	p.End = when(m["endTime"])
	if _, ok := m["disconnectedTime"]; ok {
		p.End = when(m["disconnectedTime"])
	}
	p.Held, p.Muted, p.Confined = flag(m["held"]), flag(m["muted"]), flag(m["confined"])
	p.SecurePause = flag(m["securePause"])
	p.DisconnectType = word(m["disconnectType"])
	p.ErrorCode = text(object(m["errorInfo"])["code"])
	p.DisconnectReasons = nil
	list, _ := m["disconnectReasons"].([]any)
	for _, v := range list {
		r := object(v)
		reason := call.DisconnectReason{Type: word(r["type"]), Code: whole(r["code"]), Phrase: text(r["phrase"])}
		if reason != (call.DisconnectReason{}) {
			p.DisconnectReasons = append(p.DisconnectReasons, reason)
		}
	}
}

func currentCall(v any) map[string]any {
	list, _ := v.([]any)
	var current map[string]any
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			continue
		}
		if current == nil || !over(m) || over(current) {
			current = m
		}
	}
	return current
}

func over(m map[string]any) bool {
	var p call.Participant
	oracleLeg(m, &p)
	return p.State == "disconnected" || p.State == "terminated" || p.State == "" && !p.End.IsZero()
}

func overlay(m map[string]any, p *call.Participant) {
	outer := *p
	oracleLeg(m, p)
	if p.Connected.IsZero() && p.State == "connected" {
		p.Connected = outer.Connected
	}
	if p.End.IsZero() && over(m) {
		p.End = outer.End
	}
	if p.SecurePause == call.Absent {
		p.SecurePause = outer.SecurePause
	}
	start := when(m["startTime"])
	if _, ok := m["startAlertingTime"]; ok {
		start = when(m["startAlertingTime"])
	}
	acw := object(m["afterCallWork"])
	for _, t := range []struct {
		v *time.Time
		d time.Time
	}{{&p.Start, start}, {&p.Park, when(m["parkTime"])}, {&p.StartACW, when(acw["startTime"])}, {&p.EndACW, when(acw["endTime"])}} {
		if t.v.IsZero() {
			*t.v = t.d
		}
	}
	if p.Wrapup == nil {
		p.Wrapup = wrapup(m["wrapup"])
	}
	self, other := text(object(m["self"])["addressNormalized"]), text(object(m["other"])["addressNormalized"])
	for _, t := range []struct {
		v *string
		d string
	}{{&p.ANI, self}, {&p.DNIS, other}, {&p.Address, self}} {
		if *t.v == "" {
			*t.v = t.d
		}
	}
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func text(v any) string           { s, _ := v.(string); return s }
func word(v any) string           { return strings.ToLower(text(v)) }

func flag(v any) call.Flag {
	if b, ok := v.(bool); ok {
		return call.FlagOf(b)
	}
	return call.Absent
}

func whole(v any) int {
	if n, ok := v.(json.Number); ok {
		i, err := strconv.Atoi(n.String())
		if err == nil {
			return i
		}
	}
	return 0
}

func wrapup(v any) *call.Wrapup {
	m, ok := v.(map[string]any)
	w := call.Wrapup{Code: text(m["code"]), DurationSeconds: whole(m["durationSeconds"]), End: when(m["endTime"])}
	if !ok || w == (call.Wrapup{}) {
		return nil
	}
	return &w
}

func attributes(v any) map[string]string {
	var found map[string]string
	for k, a := range object(v) {
		var s string
		switch a := a.(type) {
		case string:
			s = a
		case bool:
			s = strconv.FormatBool(a)
		case json.Number:
			s = a.String()
		default:
			continue
		}
		if found == nil {
			found = make(map[string]string)
		}
		found[k] = s
	}
	return found
}

var moments = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(?:[.,](\d+))?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?$`)

func when(v any) time.Time {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil || f <= 0 || f > 253402300799999 {
			return time.Time{}
		}
		return time.UnixMilli(int64(math.Trunc(f))).UTC()
	case string:
		if n, err := strconv.ParseUint(v, 10, 62); err == nil && len(v) < 19 {
			return when(json.Number(strconv.FormatUint(n, 10)))
		}
		m := moments.FindStringSubmatch(v)
		if m == nil {
			return time.Time{}
		}
		second, extra := m[3], time.Duration(0)
		if second == "60" {
			second, extra = "59", time.Second
		}
		t, err := time.Parse("2006-01-02T15:04:05", m[1]+"T"+m[2]+second)
		if err != nil {
			return time.Time{}
		}
		if m[4] != "" {
			n, _ := strconv.Atoi((m[4] + "000000000")[:9])
			extra += time.Duration(n)
		}
		hours, _ := strconv.Atoi(m[6])
		minutes, _ := strconv.Atoi(m[7])
		zone := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
		if m[5] == "+" {
			zone = -zone
		}
		return t.Add(extra + zone)
	}
	return time.Time{}
}
