package simulator

import "time"

// updateBusy lets the routing status of a person follow the leg; the caller
// holds the lock of the call.
func (l *Leg) updateBusy(correlation string) {
	busy := l.connectedNow() && l.hasCall
	if l.member == nil || busy == l.busy {
		return
	}
	l.busy = busy
	m, by := l.member, 1
	if !busy {
		by = -1
	}
	m.mu.Lock()
	m.calls += by
	if l.queue.ID != "" {
		m.acdCalls += by
	}
	before := m.routing
	switch {
	case m.acdCalls > 0:
		m.routing = "INTERACTING"
	case m.calls > 0:
		m.routing = "COMMUNICATING"
	default:
		m.routing = "IDLE"
	}
	changed := m.routing != before
	if changed {
		m.routingAt = now()
	}
	m.mu.Unlock()
	o := l.call.org
	if changed {
		o.emitRouting(m, correlation)
	}
	o.emit(m.topics.summary, func() []byte { return mustJSON(m.summary()) }, correlation, nil, 0)
}

func (o *Org) emitRouting(m *member, correlation string) {
	o.emit(m.topics.routing, func() []byte {
		return mustJSON(map[string]any{"id": m.fixed.ID, "routingStatus": m.routingView()})
	}, correlation, nil, 0)
	o.emit(m.topics.activity, func() []byte { return mustJSON(m.activity()) }, correlation, nil, 0)
}

// SetPresence changes the presence of a user, such as Available, Break or Meal.
func (o *Org) SetPresence(u User, systemPresence string) {
	m := o.mustMember(u)
	m.mu.Lock()
	m.presence, m.presenceAt = systemPresence, now()
	m.mu.Unlock()
	correlation := o.dice.uuid()
	o.emit(m.topics.presence, func() []byte { return mustJSON(m.presenceView(true)) }, correlation, nil, 0)
	o.emit(m.topics.activity, func() []byte { return mustJSON(m.activity()) }, correlation, nil, 0)
}

// SetOutOfOffice switches the out of office of a user on or off.
func (o *Org) SetOutOfOffice(u User, active bool) {
	m := o.mustMember(u)
	m.mu.Lock()
	m.away, m.awayAt = active, now()
	m.mu.Unlock()
	correlation := o.dice.uuid()
	o.emit(m.topics.outOfOffice, func() []byte {
		body := m.outOfOfficeView()
		body["user"] = map[string]any{"id": m.fixed.ID}
		return mustJSON(body)
	}, correlation, nil, 0)
	o.emit(m.topics.activity, func() []byte { return mustJSON(m.activity()) }, correlation, nil, 0)
}

func (m *member) outOfOfficeView() map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.awayAt
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	return map[string]any{"active": m.away, "indefinite": m.away, "modifiedDate": stamp(at)}
}

// SetRouting changes the routing status of a user, such as OFF_QUEUE or IDLE.
func (o *Org) SetRouting(u User, status string) {
	m := o.mustMember(u)
	m.mu.Lock()
	m.routing, m.routingAt = status, now()
	m.mu.Unlock()
	o.emitRouting(m, o.dice.uuid())
}

// SetStation moves a user to another phone; the zero Station logs the user off.
func (o *Org) SetStation(u User, station Station) {
	m := o.mustMember(u)
	m.mu.Lock()
	m.station = station
	m.mu.Unlock()
	o.emit(m.topics.station, func() []byte {
		body := map[string]any{}
		if view := m.stationView(); view != nil {
			body["associatedStation"] = view
		}
		return mustJSON(body)
	}, o.dice.uuid(), nil, 0)
}

// Stations returns every phone.
func (o *Org) Stations() []Station {
	o.directory.mu.RLock()
	defer o.directory.mu.RUnlock()
	return append([]Station(nil), o.directory.stations...)
}

func (m *member) routingView() map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	return map[string]any{"status": m.routing, "startTime": stamp(m.routingAt)}
}

// presenceView is the body of the presence topic; events shout what REST says.
func (m *member) presenceView(event bool) map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := m.presence
	if event {
		name = shout(name)
	}
	return map[string]any{
		"source": "PURECLOUD", "primary": true, "message": "", "modifiedDate": stamp(m.presenceAt),
		"presenceDefinition": map[string]any{"id": presenceID(m.presence), "systemPresence": name},
	}
}

func (m *member) activity() map[string]any {
	presence := m.presenceView(true)
	return map[string]any{
		"id": m.fixed.ID, "routingStatus": m.routingView(),
		"presence": map[string]any{
			"presenceDefinition": presence["presenceDefinition"], "modifiedDate": presence["modifiedDate"],
		},
		"outOfOffice":             m.outOfOfficeView(),
		"activeQueueIds":          m.fixed.Queues,
		"dateActiveQueuesChanged": stamp(time.Unix(0, 0)),
	}
}

func (m *member) stationView() map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.station.ID == "" {
		return nil
	}
	return map[string]any{
		"id": m.station.ID, "name": m.station.Name, "type": m.station.Type,
		"associatedUser": map[string]any{"id": m.fixed.ID},
	}
}

// summary counts the calls of a user, as conversationsummary shows them.
func (m *member) summary() map[string]any {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := func(n int) map[string]any { return map[string]any{"active": n, "acw": 0} }
	return map[string]any{
		"userId": m.fixed.ID,
		"call":   map[string]any{"contactCenter": count(m.acdCalls), "enterprise": count(m.calls - m.acdCalls)},
	}
}
