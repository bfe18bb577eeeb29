package simulator

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// inject does what happens at once and returns how much it reached.
func (o *Org) inject(f Fault) int {
	switch f.Kind {
	case FaultDelay, FaultReorder, FaultDuplicate, FaultDrop, FaultREST:
		o.faults.stand(f)
		return 0
	case FaultClear:
		o.faults.clear()
		return o.eachChannel(f, func(ch *channel, s *socket) bool {
			ch.mu.Lock()
			ch.starved = false
			ch.mu.Unlock()
			if s != nil {
				s.silent.Store(false)
			}
			return true
		})
	case FaultCut:
		return o.eachSocket(f, func(s *socket) { s.kill(closeAbrupt, "cut") })
	case FaultSilence:
		return o.eachSocket(f, func(s *socket) {
			s.silent.Store(true)
			o.undo(f.For, func() { s.silent.Store(false) })
		})
	case FaultStarve:
		return o.eachChannel(f, func(ch *channel, _ *socket) bool {
			set := func(starved bool) {
				ch.mu.Lock()
				ch.starved = starved
				ch.mu.Unlock()
			}
			set(true)
			o.undo(f.For, func() { set(false) })
			return true
		})
	case FaultEvict:
		return o.eachChannel(f, func(ch *channel, _ *socket) bool {
			o.evict(ch)
			return true
		})
	case FaultUnsubscribe:
		return o.eachChannel(f, func(ch *channel, _ *socket) bool {
			o.hub.replace(ch, ch.topics, nil)
			ch.topics = nil
			o.tell(ch, "v2.system.no_longer_subscribed."+ch.id, systemMessage{
				ChannelID: ch.id, SystemTopicType: "no_longer_subscribed", OAuthClientID: ch.client, Reason: "another_channel_subscribed",
			})
			return true
		})
	case FaultExpireTokens, FaultRevokeTokens:
		how := tokenExpired
		if f.Kind == FaultRevokeTokens {
			how = tokenRevoked
		}
		return o.endTokens(func(t *token) bool { return cmp.Or(f.Client, t.client) == t.client }, how)
	case FaultMaintenance:
		return o.eachSocket(f, func(s *socket) {
			s.push(mustJSON(systemFrame{TopicName: "v2.system.socket_closing", EventBody: systemMessage{
				Message: "WebSocket Closing", ChannelID: s.ch.id,
			}}))
			o.closeAfter(s, o.opts.CloseWarning, "maintenance")
		})
	case FaultMalformed:
		return o.eachSocket(f, func(s *socket) {
			for _, data := range malformed(f.topicFor(s)) {
				s.push(data)
			}
		})
	case FaultOversized:
		return o.eachSocket(f, func(s *socket) { s.push(oversized(f.topicFor(s), f.Bytes)) })
	}
	return 0
}

// undo runs fn after a time, or never when it is zero.
func (o *Org) undo(after time.Duration, fn func()) {
	if after > 0 {
		o.delayer.at(time.Now().Add(after), fn)
	}
}

// eachChannel calls fn for every chosen channel under the lock of channels.
func (o *Org) eachChannel(f Fault, fn func(ch *channel, s *socket) bool) int {
	o.channels.mu.Lock()
	defer o.channels.mu.Unlock()
	n := 0
	for _, ch := range slices.Collect(maps.Values(o.channels.byID)) {
		if !f.chooses(ch) {
			continue
		}
		ch.mu.Lock()
		s := ch.socket
		ch.mu.Unlock()
		if fn(ch, s) {
			n++
		}
	}
	return n
}

func (o *Org) eachSocket(f Fault, fn func(*socket)) int {
	return o.eachChannel(f, func(_ *channel, s *socket) bool {
		if s != nil {
			fn(s)
		}
		return s != nil
	})
}

// topicFor finds a topic that the socket is subscribed to, to make a bad frame
// look good from outside. The caller holds the lock of channels.
func (f *Fault) topicFor(s *socket) string {
	for _, topic := range s.ch.topics {
		for _, name := range topic.expanded {
			if strings.Contains(name, cmp.Or(f.Topic, ".conversations")) {
				return name
			}
		}
	}
	return "v2.users.00000000-0000-4000-8000-000000000000.conversations.calls"
}

// mute is an answer of which only the status and the headers arrive.
type mute struct{ http.ResponseWriter }

func (m mute) Write(b []byte) (int, error) { return len(b), nil }

// answerWithFault answers the request with a fault if one is in force for it. next
// obeys the request; nil when it is a websocket.
func (o *Org) answerWithFault(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) bool {
	f := &o.faults
	f.mu.Lock()
	if len(f.rest) == 0 {
		f.mu.Unlock()
		return false
	}
	at := time.Now()
	f.prune(at)
	i := slices.IndexFunc(f.rest, func(s *standingFault) bool { return s.concerns(r) })
	if i < 0 {
		f.mu.Unlock()
		return false
	}
	fault := f.rest[i]
	fault.left--
	until, cleared := fault.until, f.cleared
	f.mu.Unlock()
	if fault.Mode == ModeEmpty && next != nil {
		next(mute{w}, r)
		return true
	}
	o.misanswer(w, r, fault.Fault, until, cleared)
	return true
}

// concerns reports whether a request is among those that a FaultREST chooses.
func (f *Fault) concerns(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, f.Path) && (f.Method == "" || f.Method == r.Method)
}

func (o *Org) misanswer(w http.ResponseWriter, r *http.Request, f Fault, until time.Time, cleared <-chan struct{}) {
	e := apiError{status: f.Status, code: "simulated.failure", message: "Simulated failure"}
	switch f.Status {
	case http.StatusTooManyRequests:
		e = tooMany(f.RetryAfter)
	case http.StatusUnauthorized:
		e = errLogin
	case http.StatusForbidden:
		e = errForbidden("simulated:permission:view")
	case http.StatusNotFound:
		e = errNoRoute
	case http.StatusServiceUnavailable:
		e.code, e.message = "service.unavailable", "The service is unavailable"
	case http.StatusInternalServerError:
		e.code, e.message = "internal.server.error", "The server encountered an unexpected condition"
	}
	switch f.Mode {
	case ModeHang:
		var over <-chan time.Time
		if !until.IsZero() {
			over = time.After(time.Until(until))
		}
		select {
		case <-r.Context().Done():
		case <-o.ctx.Done():
		case <-cleared:
		case <-over:
		}
		// Whoever still waits sees the connection end without an answer.
		panic(http.ErrAbortHandler)
	case ModeHTML:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte("<html><head><title>Unavailable</title></head><body><h1>Unavailable</h1></body></html>"))
	case ModeOKError:
		e.status = http.StatusInternalServerError
		writeJSON(w, http.StatusOK, o.errorBody(e))
	case ModeGarbage:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"entities":[{"id":"`))
	default:
		o.writeError(w, e)
	}
}
