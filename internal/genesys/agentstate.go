package genesys

import (
	"strings"
	"time"
)

// agent reads the body of one of a user's topics; false when the topic is another one.
func (d *decoder) agent(aspect string, u *AgentUpdate) bool {
	switch aspect {
	case "presence":
		u.Presence, u.HasPresence = d.presence()
	case "routingStatus", "station", "activity", "outofoffice", "outOfOffice":
		d.aspects(aspect, u)
	default:
		d.skip()
		return false
	}
	return u.HasPresence || u.HasRouting || u.HasStation || u.HasOutOfOffice
}

// aspects reads an object that holds aspects of a user by name: a topic's body, or a
// user with expansions in a REST answer.
func (d *decoder) aspects(topic string, u *AgentUpdate) {
	if !d.open('{') {
		return
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "routingStatus":
			u.Routing, u.HasRouting = d.routing()
		case "presence":
			u.Presence, u.HasPresence = d.presence()
		case "associatedStation":
			if topic == "station" {
				u.Station, u.HasStation = d.station()
			} else {
				d.skip()
			}
		case "station":
			u.Station, u.HasStation = d.stations()
		case "outOfOffice":
			u.OutOfOffice, u.HasOutOfOffice = d.active()
		case "active":
			if strings.EqualFold(topic, "outofoffice") {
				u.OutOfOffice, u.HasOutOfOffice = d.boolean()
			} else {
				d.skip()
			}
		default:
			d.skip()
		}
	}
	// The station topic drops the key when the user has left the phone.
	if topic == "station" {
		u.HasStation = true
	}
}

func (d *decoder) presence() (p Presence, ok bool) {
	if !d.open('{') {
		return p, false
	}
	for key, more := d.member(true); more; key, more = d.member(false) {
		switch string(key) {
		case "presenceDefinition":
			p.ID, p.System = d.presenceDefinition()
		case "modifiedDate":
			p.Since = d.time()
		default:
			d.skip()
		}
	}
	return p, p.ID != "" || p.System != ""
}

func (d *decoder) presenceDefinition() (id, system string) {
	if !d.open('{') {
		return "", ""
	}
	for key, ok := d.member(true); ok; key, ok = d.member(false) {
		switch string(key) {
		case "id":
			id = d.str()
		case "systemPresence":
			// REST writes "On Queue", notifications "ON_QUEUE".
			system = strings.ReplaceAll(d.word(), " ", "_")
		default:
			d.skip()
		}
	}
	return id, system
}

func (d *decoder) routing() (r Routing, ok bool) {
	if !d.open('{') {
		return r, false
	}
	for key, more := d.member(true); more; key, more = d.member(false) {
		switch string(key) {
		case "status":
			r.Status = d.word()
		case "startTime":
			r.Since = d.time()
		default:
			d.skip()
		}
	}
	return r, r.Status != ""
}

// station reads one station; null means that there is none.
func (d *decoder) station() (s Station, ok bool) {
	if d.peek() == 'n' {
		d.skip()
		return s, true
	}
	if !d.open('{') {
		return s, false
	}
	for key, more := d.member(true); more; key, more = d.member(false) {
		switch string(key) {
		case "id":
			s.ID = d.str()
		case "name":
			s.Name = d.str()
		case "type":
			s.Type = d.str()
		default:
			d.skip()
		}
	}
	return s, true
}

// stations reads the stations of a user: the associated one counts, and where the
// platform leaves it out the effective one.
func (d *decoder) stations() (s Station, ok bool) {
	if !d.open('{') {
		return s, false
	}
	var effective Station
	for key, more := d.member(true); more; key, more = d.member(false) {
		switch string(key) {
		case "associatedStation":
			s, _ = d.station()
		case "effectiveStation":
			effective, _ = d.station()
		default:
			d.skip()
		}
	}
	if s.ID == "" {
		s = effective
	}
	return s, true
}

func (d *decoder) active() (value, ok bool) {
	if !d.open('{') {
		return false, false
	}
	for key, more := d.member(true); more; key, more = d.member(false) {
		if string(key) == "active" {
			value, ok = d.boolean()
		} else {
			d.skip()
		}
	}
	return value, ok
}

// received stamps an update and returns it.
func (u AgentUpdate) received(asked, now time.Time) AgentUpdate {
	u.Asked, u.Received = asked, now
	return u
}
