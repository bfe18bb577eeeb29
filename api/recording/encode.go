package recording

// AppendJSON appends the event as it is on the wire and returns the longer slice.
// It gives the bytes of encoding/json without HTML escaping, and does not allocate
// when b has room.
func (e *CallEvent) AppendJSON(b []byte) []byte {
	b = key(e.open(b), "data")
	b = e.Data.append(b)
	return append(b, '}')
}

// AppendJSON appends the event as it is on the wire, see [CallEvent.AppendJSON].
func (e *AgentEvent) AppendJSON(b []byte) []byte {
	b = key(e.open(b), "data")
	b = e.Data.append(b)
	return append(b, '}')
}

// AppendJSON appends the event as it is on the wire, see [CallEvent.AppendJSON].
func (e *FeedEvent) AppendJSON(b []byte) []byte {
	b = key(e.open(b), "data")
	b = e.Data.append(b)
	return append(b, '}')
}

// open writes the attributes and leaves the object open for data.
func (e *Envelope) open(b []byte) []byte {
	b = append(b, '{')
	b = text(b, "specversion", e.SpecVersion)
	b = text(b, "type", e.Type)
	b = text(b, "source", e.Source)
	b = text(b, "subject", e.Subject)
	b = text(b, "id", e.ID)
	b = moment(b, "time", e.Time)
	b = text(b, "datacontenttype", e.DataContentType)
	return text(b, "sequence", e.Sequence)
}

func (d *CallData) append(b []byte) []byte {
	b = append(b, '{')
	b = text(b, "verb", d.Verb)
	b = text(b, "cause", d.Cause)
	b = text(b, "state", d.State)
	b = number(b, "revision", d.Revision)
	b = number(b, "epoch", d.Epoch)
	b = text(b, "confidence", d.Confidence)
	b = text(b, "dataSource", d.DataSource)
	b = d.Conversation.append(key(b, "conversation"))
	b = d.Leg.append(key(b, "leg"))
	if d.Agent != nil {
		b = d.Agent.append(key(b, "agent"))
	}
	b = listOpt(b, "peers", d.Peers, (*Peer).append)
	if d.Pause != nil {
		b = d.Pause.append(key(b, "pause"))
	}
	b = mapOpt(b, "tags", d.Tags)
	b = d.Timing.append(key(b, "timing"))
	b = d.Origin.append(key(b, "source"))
	return append(b, '}')
}

func (c *Conversation) append(b []byte) []byte {
	b = append(b, '{')
	b = text(b, "id", c.ID)
	b = textOpt(b, "direction", c.Direction)
	b = textOpt(b, "kind", c.Kind)
	if c.Queue != nil {
		b = text(append(key(b, "queue"), '{'), "id", c.Queue.ID)
		b = append(textOpt(b, "name", c.Queue.Name), '}')
	}
	b = textOpt(b, "ani", c.ANI)
	b = textOpt(b, "dnis", c.DNIS)
	b = momentOpt(b, "startTime", c.StartTime)
	return append(b, '}')
}

func (l *Leg) append(b []byte) []byte {
	b = append(b, '{')
	b = text(b, "id", l.ID)
	b = text(b, "purpose", l.Purpose)
	b = text(b, "role", l.Role)
	b = textOpt(b, "direction", l.Direction)
	b = momentOpt(b, "alertingTime", l.AlertingTime)
	b = momentOpt(b, "connectedTime", l.ConnectedTime)
	b = momentOpt(b, "endTime", l.EndTime)
	b = boolean(b, "held", l.Held)
	b = boolean(b, "muted", l.Muted)
	b = boolean(b, "confined", l.Confined)
	b = boolean(b, "securePause", l.SecurePause)
	b = booleanOpt(b, "parked", l.Parked)
	b = booleanOpt(b, "conference", l.Conference)
	b = listOpt(b, "supervisors", l.Supervisors, (*Supervisor).append)
	b = textOpt(b, "supervises", l.Supervises)
	b = textOpt(b, "disconnectType", l.DisconnectType)
	b = listOpt(b, "disconnectReasons", l.DisconnectReasons, (*DisconnectReason).append)
	if l.Wrapup != nil {
		b = l.Wrapup.append(key(b, "wrapup"))
	}
	b = textOpt(b, "protocolCallId", l.ProtocolCallID)
	return append(b, '}')
}

func (s *Supervisor) append(b []byte) []byte {
	b = text(append(b, '{'), "legId", s.LegID)
	return append(text(b, "mode", s.Mode), '}')
}

func (r *DisconnectReason) append(b []byte) []byte {
	b = text(append(b, '{'), "type", r.Type)
	b = integer(b, "code", int64(r.Code))
	return append(textOpt(b, "phrase", r.Phrase), '}')
}

func (w *Wrapup) append(b []byte) []byte {
	b = textOpt(append(b, '{'), "code", w.Code)
	b = integerOpt(b, "durationSeconds", w.DurationSeconds)
	return append(momentOpt(b, "endTime", w.EndTime), '}')
}

func (a *Agent) append(b []byte) []byte {
	b = text(append(b, '{'), "userId", a.UserID)
	b = textOpt(b, "name", a.Name)
	if s := a.Station; s != nil {
		b = text(append(key(b, "station"), '{'), "id", s.ID)
		b = textOpt(b, "name", s.Name)
		b = append(textOpt(b, "type", s.Type), '}')
	}
	return append(b, '}')
}

func (p *Peer) append(b []byte) []byte {
	b = text(append(b, '{'), "id", p.ID)
	b = text(b, "purpose", p.Purpose)
	b = textOpt(b, "address", p.Address)
	return append(textOpt(b, "name", p.Name), '}')
}

// append writes null for a set that was never made, as encoding/json does.
func (p *PauseInfo) append(b []byte) []byte {
	b = append(b, '{')
	if p.Reasons == nil {
		return append(key(b, "reasons"), "null}"...)
	}
	return append(texts(b, "reasons", p.Reasons), '}')
}

func (t *Timing) append(b []byte) []byte {
	b = moment(append(b, '{'), "occurred", t.Occurred)
	b = moment(b, "received", t.Received)
	b = moment(b, "published", t.Published)
	return append(booleanOpt(b, "estimated", t.Estimated), '}')
}

func (o *Origin) append(b []byte) []byte {
	b = textOpt(append(b, '{'), "topic", o.Topic)
	b = textOpt(b, "correlationId", o.CorrelationID)
	return append(text(b, "instance", o.Instance), '}')
}

func (d *AgentData) append(b []byte) []byte {
	b = append(b, '{')
	b = text(b, "state", d.State)
	b = text(b, "cause", d.Cause)
	b = number(b, "revision", d.Revision)
	b = number(b, "epoch", d.Epoch)
	b = text(b, "confidence", d.Confidence)
	b = text(b, "dataSource", d.DataSource)
	b = d.Agent.append(key(b, "agent"))
	if p := d.Presence; p != nil {
		b = text(append(key(b, "presence"), '{'), "system", p.System)
		b = textOpt(b, "definitionId", p.DefinitionID)
		b = textOpt(b, "message", p.Message)
		b = append(momentOpt(b, "since", p.Since), '}')
	}
	if r := d.RoutingStatus; r != nil {
		b = text(append(key(b, "routingStatus"), '{'), "status", r.Status)
		b = append(momentOpt(b, "since", r.Since), '}')
	}
	b = boolean(b, "outOfOffice", d.OutOfOffice)
	b = d.Timing.append(key(b, "timing"))
	b = d.Origin.append(key(b, "source"))
	return append(b, '}')
}

func (d *FeedData) append(b []byte) []byte {
	b = append(b, '{')
	b = text(b, "event", d.Event)
	b = number(b, "revision", d.Revision)
	b = text(b, "instance", d.Instance)
	b = text(b, "role", d.Role)
	b = numberOpt(b, "epoch", d.Epoch)
	b = numberOpt(b, "lastStreamSequence", d.LastStreamSequence)
	b = integer(b, "openLegs", int64(d.OpenLegs))
	b = integerOpt(b, "refreshInterval", d.RefreshInterval)
	b = listOpt(b, "channels", d.Channels, (*Channel).append)
	b = momentOpt(b, "tokenExpiry", d.TokenExpiry)
	if d.ClockOffsetMillis != nil {
		b = integer(b, "clockOffsetMillis", *d.ClockOffsetMillis)
	}
	b = textOpt(b, "version", d.Version)
	b = textOpt(b, "reason", d.Reason)
	b = d.Gap.append(b)
	return append(b, '}')
}

func (c *Channel) append(b []byte) []byte {
	b = integer(append(b, '{'), "topics", int64(c.Topics))
	return append(momentOpt(b, "lastHeartbeat", c.LastHeartbeat), '}')
}

// append adds the fields of the gap to the object that b is in.
func (g *Gap) append(b []byte) []byte {
	b = textOpt(b, "id", g.ID)
	b = momentOpt(b, "from", g.From)
	b = momentOpt(b, "to", g.To)
	b = textOpt(b, "cause", g.Cause)
	if s := g.Scope; s != nil {
		b = booleanOpt(append(key(b, "scope"), '{'), "all", s.All)
		b = integerOpt(b, "users", s.Users)
		b = append(textsOpt(b, "userIds", s.UserIDs), '}')
	}
	b = textsOpt(b, "recovered", g.Recovered)
	b = integerOpt(b, "recoveredCount", g.RecoveredCount)
	b = textsOpt(b, "possiblyLost", g.PossiblyLost)
	return integerOpt(b, "possiblyLostCount", g.PossiblyLostCount)
}

// listOpt appends a list of objects unless it is empty.
func listOpt[T any](b []byte, name string, list []T, one func(*T, []byte) []byte) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(key(b, name), '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(&list[i], b)
	}
	return append(b, ']')
}
