package genesys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

const (
	flatTemplate      = "/api/v2/conversations/calls/{id}"
	nestedTemplate    = "/api/v2/conversations/{id}"
	analyticsTemplate = "/api/v2/analytics/conversations/details/query"

	// learnedFor is how long it is believed that a read is refused or of no use.
	learnedFor = 10 * time.Minute
	// defaultSince and longestSince bound the interval of analytics.
	defaultSince = 72 * time.Hour
	longestSince = 30 * 24 * time.Hour
)

// learned is a fact that holds for a while.
type learned struct{ until atomic.Int64 }

func (l *learned) now()        { l.until.Store(time.Now().Add(learnedFor).UnixNano()) }
func (l *learned) holds() bool { return time.Now().UnixNano() < l.until.Load() }

// Conversation reads one conversation. It asks for the flat shape, and for the nested
// one where the flat one is refused, unknown, or silent about secure pauses while a
// leg is open. The error is [ErrNotFound] only when the platform itself says that it
// knows no such conversation.
func (p *Platform) Conversation(ctx context.Context, id string, prio Priority) (call.Snapshot, error) {
	if p.flatRefused.holds() {
		return p.readConversation(ctx, nestedTemplate, id, prio)
	}
	flat, err := p.readConversation(ctx, flatTemplate, id, prio)
	if err == nil {
		if tellsPauses(flat) || p.nestedUseless.holds() {
			return flat, nil
		}
		return p.withPauses(ctx, flat, id, prio), nil
	}
	var refused *APIError
	if !errors.As(err, &refused) || refused.Status == http.StatusTooManyRequests || refused.Status == http.StatusUnauthorized {
		return call.Snapshot{}, err
	}
	nested, other := p.readConversation(ctx, nestedTemplate, id, prio)
	if other == nil {
		if errors.Is(err, ErrForbidden) {
			p.flatRefused.now()
		}
		return nested, nil
	}
	// A leg is ended on the word "not found": both have to say so, if both may speak.
	if errors.Is(err, ErrNotFound) && !errors.Is(other, ErrNotFound) && !errors.Is(other, ErrForbidden) {
		return call.Snapshot{}, other
	}
	if errors.Is(other, ErrNotFound) && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrForbidden) && refused.Status >= 500 {
		return call.Snapshot{}, err
	}
	if errors.Is(other, ErrNotFound) {
		return call.Snapshot{}, other
	}
	return call.Snapshot{}, err
}

func (p *Platform) readConversation(ctx context.Context, template, id string, prio Priority) (call.Snapshot, error) {
	a, err := p.client.call(ctx, request{method: http.MethodGet, template: template, id: id, priority: prio})
	if err != nil {
		return call.Snapshot{}, err
	}
	snapshot, err := newDecoder(p.opts.Attributes).rest(a.body, template == nestedTemplate)
	if err != nil {
		return call.Snapshot{}, fmt.Errorf("GET %s: %w", template, err)
	}
	if snapshot.ConversationID != id {
		return call.Snapshot{}, fmt.Errorf("GET %s: the answer is about another conversation", template)
	}
	snapshot.Asked, snapshot.Received = a.asked, a.received
	return snapshot, nil
}

// tellsPauses reports whether a view says anything about secure pauses, or need not
// because everybody has gone.
func tellsPauses(s call.Snapshot) bool {
	if s.SecurePause != call.Absent {
		return true
	}
	open := false
	for _, p := range s.Participants {
		if p.SecurePause != call.Absent {
			return true
		}
		open = open || p.State != "disconnected" && p.State != "terminated" && p.End.IsZero()
	}
	return !open
}

// withPauses completes a flat view by what the nested one says about secure pauses.
func (p *Platform) withPauses(ctx context.Context, flat call.Snapshot, id string, prio Priority) call.Snapshot {
	nested, err := p.readConversation(ctx, nestedTemplate, id, prio)
	if err != nil {
		if errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound) {
			p.nestedUseless.now()
		}
		return flat // the flat view is true as far as it goes
	}
	if !tellsPauses(nested) {
		p.nestedUseless.now()
		return flat
	}
	flat.SecurePause = nested.SecurePause
	for i := range flat.Participants {
		f := &flat.Participants[i]
		if j := slices.IndexFunc(nested.Participants, func(n call.Participant) bool { return n.ID == f.ID }); j >= 0 {
			f.SecurePause = nested.Participants[j].SecurePause
		}
	}
	return flat
}

// OpenConversation is a voice conversation that the platform's analytics believe to
// be open. Analytics lag behind: ask [Platform.Conversation] for the truth.
type OpenConversation struct {
	ID      string
	Start   time.Time
	UserIDs []string
	// ProtocolCallIDs are SIP call ids by participant id, where known.
	ProtocolCallIDs map[string]string
}

// analyticsConversation is what is read of a conversation's details.
type analyticsConversation struct {
	ID           string          `json:"conversationId"`
	Start        json.RawMessage `json:"conversationStart"`
	End          json.RawMessage `json:"conversationEnd"`
	Participants []struct {
		ID       string `json:"participantId"`
		UserID   string `json:"userId"`
		Sessions []struct {
			MediaType      string `json:"mediaType"`
			ProtocolCallID string `json:"protocolCallId"`
		} `json:"sessions"`
	} `json:"participants"`
}

// OpenConversations returns the open voice conversations that started since then;
// the zero time means three days ago. More than 30 days ago is cut to that: the
// platform answers for 31 days at most.
func (p *Platform) OpenConversations(ctx context.Context, since time.Time) ([]OpenConversation, error) {
	now := p.client.now()
	if since.IsZero() {
		since = now.Add(-defaultSince)
	} else {
		since = since.Add(time.Duration(p.client.offset.Load()))
	}
	since = latest(since, now.Add(-longestSince))
	// A little of the future does no harm and covers clocks that differ.
	interval := stamp(since) + "/" + stamp(now.Add(time.Hour))
	var open []OpenConversation
	seen := make(map[string]bool)
	for number := 1; number <= mostPages; number++ {
		var reply struct {
			Conversations []analyticsConversation `json:"conversations"`
			TotalHits     int                     `json:"totalHits"`
		}
		_, err := p.client.read(ctx, request{
			method: http.MethodPost, template: analyticsTemplate, body: openQuery(interval, number), priority: PriorityDiscovery,
		}, &reply)
		if err != nil {
			return nil, fmt.Errorf("find open conversations: %w", err)
		}
		fresh := false
		for _, c := range reply.Conversations {
			if c.ID == "" || seen[c.ID] {
				continue
			}
			seen[c.ID], fresh = true, true
			if moment(c.End).IsZero() {
				open = append(open, c.open())
			}
		}
		more := len(reply.Conversations) >= pageSize
		if reply.TotalHits > 0 {
			more = len(seen) < reply.TotalHits
		}
		if !fresh || !more {
			break
		}
	}
	return open, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func moment(raw json.RawMessage) time.Time {
	s := scanner{b: raw}
	return s.time()
}

func (c *analyticsConversation) open() OpenConversation {
	o := OpenConversation{ID: c.ID, Start: moment(c.Start)}
	for _, participant := range c.Participants {
		if u := participant.UserID; u != "" && !slices.Contains(o.UserIDs, u) {
			o.UserIDs = append(o.UserIDs, u)
		}
		for _, session := range participant.Sessions {
			if session.ProtocolCallID == "" || participant.ID == "" {
				continue
			}
			if o.ProtocolCallIDs == nil {
				o.ProtocolCallIDs = make(map[string]string)
			}
			o.ProtocolCallIDs[participant.ID] = session.ProtocolCallID
		}
	}
	return o
}

// openQuery asks for voice conversations without an end.
func openQuery(interval string, number int) any {
	type predicate struct {
		Type      string `json:"type"`
		Dimension string `json:"dimension"`
		Operator  string `json:"operator"`
		Value     string `json:"value,omitempty"`
	}
	type filter struct {
		Type       string      `json:"type"`
		Predicates []predicate `json:"predicates"`
	}
	type paging struct {
		Size   int `json:"pageSize"`
		Number int `json:"pageNumber"`
	}
	return struct {
		Interval      string   `json:"interval"`
		Order         string   `json:"order"`
		OrderBy       string   `json:"orderBy"`
		Paging        paging   `json:"paging"`
		Conversations []filter `json:"conversationFilters"`
		Segments      []filter `json:"segmentFilters"`
	}{
		interval, "asc", "conversationStart",
		paging{pageSize, number},
		[]filter{{"and", []predicate{{"dimension", "conversationEnd", "notExists", ""}}}},
		[]filter{{"and", []predicate{{"dimension", "mediaType", "matches", "voice"}}}},
	}
}
