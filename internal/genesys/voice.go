package genesys

import (
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// voice is one of the calls of a nested participant. A participant may have several,
// one after the other.
type voice struct {
	call.Participant
	found       bool
	self, other string
	acwStart    time.Time
	acwEnd      time.Time
}

// ended reports whether the call is over, by its state or by its time.
func (v *voice) ended() bool {
	switch v.State {
	case "disconnected", "terminated":
		return true
	case "":
		return !v.End.IsZero()
	}
	return false
}

// calls returns the current call: the last one that has not ended, else the last one.
func (d *decoder) calls() (current voice) {
	if !d.open('[') {
		return voice{}
	}
	for ok := d.element(true); ok; ok = d.element(false) {
		v := d.voice()
		if v.found && (!current.found || !v.ended() || current.ended()) {
			current = v
		}
	}
	return current
}

func (d *decoder) voice() (v voice) {
	if !d.open('{') {
		return v
	}
	v.found = true
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "startAlertingTime", "startTime":
			v.Start = d.time()
		case "parkTime":
			v.Park = d.time()
		case "self":
			v.self = d.address()
		case "other":
			v.other = d.address()
		case "wrapup":
			v.Wrapup = d.wrapup()
		case "afterCallWork":
			v.acwStart, v.acwEnd = d.afterCallWork()
		default:
			if !d.leg(key, &v.Participant) {
				d.skip()
			}
		}
	}
	return v
}

func (d *decoder) address() (normalized string) {
	if !d.open('{') {
		return ""
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		if string(key) == "addressNormalized" {
			normalized = d.str()
		} else {
			d.skip()
		}
	}
	return normalized
}

func (d *decoder) afterCallWork() (start, end time.Time) {
	if !d.open('{') {
		return start, end
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "startTime":
			start = d.time()
		case "endTime":
			end = d.time()
		default:
			d.skip()
		}
	}
	return start, end
}

// onto lays the call over its participant. The participant's own times are those of
// all of its media together: they stand in only where they cannot mislead.
func (v *voice) onto(p *call.Participant) {
	connected, end := p.Connected, p.End
	p.State, p.Initial, p.Direction = v.State, v.Initial, v.Direction
	p.Connected, p.End = v.Connected, v.End
	if p.Connected.IsZero() && p.State == "connected" {
		p.Connected = connected
	}
	if p.End.IsZero() && v.ended() {
		p.End = end
	}
	p.StartHold, p.Barge = v.StartHold, v.Barge
	p.Held, p.Muted, p.Confined = v.Held, v.Muted, v.Confined
	if v.SecurePause != call.Absent {
		p.SecurePause = v.SecurePause
	}
	p.DisconnectType, p.DisconnectReasons = v.DisconnectType, v.DisconnectReasons
	p.ErrorCode = v.ErrorCode
	p.Start = earlier(p.Start, v.Start)
	p.Park = earlier(p.Park, v.Park)
	p.StartACW = earlier(p.StartACW, v.acwStart)
	p.EndACW = earlier(p.EndACW, v.acwEnd)
	if p.Wrapup == nil {
		p.Wrapup = v.Wrapup
	}
	fill(&p.ANI, v.self)
	fill(&p.DNIS, v.other)
	fill(&p.Address, v.self)
}

// earlier returns the first of the two that is known.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

func fill(v *string, s string) {
	if *v == "" {
		*v = s
	}
}
