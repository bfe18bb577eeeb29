package simulator

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

type detailsQuery struct {
	Interval            string         `json:"interval"`
	Order               string         `json:"order"`
	Paging              detailsPaging  `json:"paging"`
	ConversationFilters []detailFilter `json:"conversationFilters"`
	SegmentFilters      []detailFilter `json:"segmentFilters"`
}

type detailsPaging struct {
	PageSize   int `json:"pageSize"`
	PageNumber int `json:"pageNumber"`
}

type detailFilter struct {
	Type       string `json:"type"`
	Predicates []struct {
		Type      string `json:"type"`
		Dimension string `json:"dimension"`
		Operator  string `json:"operator"`
		Value     string `json:"value"`
	} `json:"predicates"`
}

type detailsConversation struct {
	ConversationID       string               `json:"conversationId"`
	ConversationStart    string               `json:"conversationStart"`
	ConversationEnd      string               `json:"conversationEnd,omitempty"`
	OriginatingDirection string               `json:"originatingDirection"`
	DivisionIDs          []string             `json:"divisionIds"`
	Participants         []detailsParticipant `json:"participants"`
}

type detailsParticipant struct {
	ParticipantID   string           `json:"participantId"`
	ParticipantName string           `json:"participantName,omitempty"`
	Purpose         string           `json:"purpose"`
	UserID          string           `json:"userId,omitempty"`
	Sessions        []detailsSession `json:"sessions"`
}

type detailsSession struct {
	SessionID      string           `json:"sessionId"`
	MediaType      string           `json:"mediaType"`
	Direction      string           `json:"direction"`
	ANI            string           `json:"ani,omitempty"`
	DNIS           string           `json:"dnis,omitempty"`
	PeerID         string           `json:"peerId,omitempty"`
	Provider       string           `json:"provider"`
	ProtocolCallID string           `json:"protocolCallId,omitempty"`
	Segments       []detailsSegment `json:"segments"`
}

type detailsSegment struct {
	SegmentStart   string `json:"segmentStart"`
	SegmentEnd     string `json:"segmentEnd,omitempty"`
	SegmentType    string `json:"segmentType"`
	DisconnectType string `json:"disconnectType,omitempty"`
	QueueID        string `json:"queueId,omitempty"`
}

// queryDetails answers from a store that is behind by the lag. The interval
// selects conversations that started on a day touched by it.
func (o *Org) queryDetails(w http.ResponseWriter, r *http.Request, who caller) {
	var q detailsQuery
	if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&q); err != nil {
		o.writeError(w, errBadRequest("The request body is not a query"))
		return
	}
	from, to, failure := q.check()
	if failure != nil {
		o.writeError(w, *failure)
		return
	}
	asOf := time.Now().Add(-o.opts.AnalyticsLag)
	var hits []detailsConversation
	for _, c := range o.calls.all() {
		if c.started.Before(from) || !c.started.Before(to) || c.started.After(asOf) || !c.visible(who.client) {
			continue
		}
		if details := c.details(asOf); q.matches(details) {
			hits = append(hits, details)
		}
	}
	slices.SortStableFunc(hits, func(a, b detailsConversation) int {
		if strings.EqualFold(q.Order, "desc") {
			a, b = b, a
		}
		return cmp.Or(strings.Compare(a.ConversationStart, b.ConversationStart), strings.Compare(a.ConversationID, b.ConversationID))
	})
	start := min((q.Paging.PageNumber-1)*q.Paging.PageSize, len(hits))
	page := hits[start:min(start+q.Paging.PageSize, len(hits))]
	body := map[string]any{"totalHits": len(hits)}
	// An empty answer has no list at all.
	if len(page) > 0 {
		body["conversations"] = page
	}
	writeJSON(w, http.StatusOK, body)
}

// check validates the query and returns the days that it covers.
func (q *detailsQuery) check() (from, to time.Time, failure *apiError) {
	fail := func(format string, args ...any) (time.Time, time.Time, *apiError) {
		e := errBadRequest(format, args...)
		return time.Time{}, time.Time{}, &e
	}
	first, last, ok := strings.Cut(q.Interval, "/")
	a, errA := time.Parse(time.RFC3339Nano, first)
	b, errB := time.Parse(time.RFC3339Nano, last)
	if !ok || errA != nil || errB != nil || !a.Before(b) {
		return fail("Invalid interval: %s", q.Interval)
	}
	if b.Sub(a) > 31*24*time.Hour {
		return fail("The interval is longer than 31 days")
	}
	orDefault(&q.Paging.PageSize, 25)
	orDefault(&q.Paging.PageNumber, 1)
	if q.Paging.PageSize < 1 || q.Paging.PageSize > 100 || q.Paging.PageNumber < 1 {
		return fail("Paging is out of range: pageSize must be within 1..100, pageNumber at least 1")
	}
	known := map[string]bool{
		"conversationEnd": true, "conversationId": true, "originatingDirection": true,
		"mediaType": true, "userId": true, "purpose": true,
	}
	for _, filter := range slices.Concat(q.ConversationFilters, q.SegmentFilters) {
		if filter.Type != "and" && filter.Type != "or" {
			return fail("Invalid filter type: %s", filter.Type)
		}
		for _, p := range filter.Predicates {
			if !known[p.Dimension] {
				return fail("Unknown dimension: %s", p.Dimension)
			}
			if p.Operator != "" && p.Operator != "matches" && p.Operator != "exists" && p.Operator != "notExists" {
				return fail("Invalid operator: %s", p.Operator)
			}
		}
	}
	return a.UTC().Truncate(24 * time.Hour), b.UTC().Add(24*time.Hour - 1).Truncate(24 * time.Hour), nil
}

// matches applies the filters; all filters must hold.
func (q *detailsQuery) matches(c detailsConversation) bool {
	for _, filter := range slices.Concat(q.ConversationFilters, q.SegmentFilters) {
		all, some := true, false
		for _, p := range filter.Predicates {
			values := c.values(p.Dimension)
			var ok bool
			switch p.Operator {
			case "exists":
				ok = len(values) > 0
			case "notExists":
				ok = len(values) == 0
			default:
				ok = slices.Contains(values, p.Value)
			}
			all, some = all && ok, some || ok
		}
		if filter.Type == "and" && !all || filter.Type == "or" && !some {
			return false
		}
	}
	return true
}

func (c *detailsConversation) values(dimension string) []string {
	var values []string
	add := func(v string) {
		if v != "" {
			values = append(values, v)
		}
	}
	switch dimension {
	case "conversationEnd":
		add(c.ConversationEnd)
	case "conversationId":
		add(c.ConversationID)
	case "originatingDirection":
		add(c.OriginatingDirection)
	}
	for _, p := range c.Participants {
		switch dimension {
		case "userId":
			add(p.UserID)
		case "purpose":
			add(p.Purpose)
		case "mediaType":
			for _, s := range p.Sessions {
				add(s.MediaType)
			}
		}
	}
	return values
}

// details renders the conversation as it was known at a moment.
func (c *Call) details(asOf time.Time) detailsConversation {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := detailsConversation{
		ConversationID: c.id, ConversationStart: stamp(c.started), OriginatingDirection: c.direction,
		DivisionIDs: []string{c.org.directory.divisions[0].ID},
	}
	if !c.ended.IsZero() && !c.ended.After(asOf) {
		d.ConversationEnd = stamp(c.ended)
	}
	for _, leg := range c.legs {
		if leg.start.After(asOf) {
			continue
		}
		p := detailsParticipant{ParticipantID: leg.id, Purpose: leg.purpose, UserID: leg.UserID(), ParticipantName: leg.name}
		if leg.callback != nil {
			p.Sessions = append(p.Sessions, detailsSession{
				SessionID: leg.callback.id, MediaType: "callback", Direction: leg.callback.direction, Provider: "PureCloud Callback",
				Segments: []detailsSegment{},
			})
		}
		if leg.hasCall {
			s := detailsSession{
				SessionID: leg.commID, MediaType: "voice", Direction: leg.direction, ANI: leg.ani, DNIS: leg.dnis,
				PeerID: leg.peer, Provider: "Edge", ProtocolCallID: strings.ReplaceAll(leg.commID, "-", "") + "@sim",
			}
			for _, part := range leg.segments() {
				s.Segments = append(s.Segments, detailsSegment{
					SegmentStart: part.StartTime, SegmentEnd: part.EndTime, SegmentType: part.Type,
					DisconnectType: camel(part.DisconnectType), QueueID: leg.queue.ID,
				})
			}
			p.Sessions = append(p.Sessions, s)
		}
		d.Participants = append(d.Participants, p)
	}
	return d
}

// camel turns transfer.consult into consultTransfer, as analytics spells it.
func camel(disconnectType string) string {
	first, second, ok := strings.Cut(disconnectType, ".")
	if !ok || first != "transfer" {
		return disconnectType
	}
	return second + "Transfer"
}
