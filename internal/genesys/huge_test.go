package genesys_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// A conversation of thousands of participants, as one that was offered all night to
// agents who did not answer, arrives as a whole: over the socket and over REST.
func TestThousandsOfParticipants(t *testing.T) {
	const declined = 5000
	var b strings.Builder
	fmt.Fprint(&b, `{"id":"c","securePause":false,"participants":[{"id":"customer","purpose":"customer","state":"connected","dnis":"tel:1"}`)
	for i := range declined {
		fmt.Fprintf(&b, `,{"id":"p%05d","purpose":"agent","state":"terminated","user":{"id":"u"},"disconnectType":"client",`+
			`"endTime":"2026-11-22T08:00:00.000Z","attributes":{"note":"%s"}}`, i, strings.Repeat("x", 200))
	}
	fmt.Fprint(&b, `,{"id":"last","purpose":"agent","state":"connected","user":{"id":"u"},"connectedTime":"2026-11-22T09:00:00.000Z","dnis":"tel:1"}]}`)
	body := b.String()

	o := newOdd(t)
	o.token()
	o.handle(flatPath, body)
	o.handle("GET /api/v2/users", `{"entities":[{"id":"u"}]}`)
	o.handle("POST /api/v2/notifications/channels", `{"id":"x","connectUri":"ws`+strings.TrimPrefix(o.URL, "http")+`/channels/x"}`)
	subscribed := make(chan struct{})
	o.mux.HandleFunc("PUT /api/v2/notifications/channels/x/subscriptions", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, `{"entities":[{"id":"v2.users.u.conversations.calls","state":"Permitted"}]}`)
		close(subscribed)
	})
	o.mux.HandleFunc("/channels/x", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		<-subscribed
		for range 3 {
			frame := `{"topicName":"v2.users.u.conversations.calls","version":"2","eventBody":` + body + `}`
			if conn.Write(r.Context(), websocket.MessageText, []byte(frame)) != nil {
				return
			}
		}
		_, _, _ = conn.Read(r.Context()) // until the client goes
	})
	options := o.options()
	options.AgentEvents = false
	r := newRecorder()
	began := time.Now()
	p := run(t, options, r)
	r.until(t, "the frames", func() bool { return len(r.snapshots) == 3 })
	t.Logf("three frames of %d bytes after %s", len(body), time.Since(began).Round(time.Millisecond))
	s, err := p.Conversation(t.Context(), "c", genesys.PriorityLegs)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, got := range append(r.snapshots, s) {
		n := len(got.Participants)
		if n != declined+2 || got.Participants[n-1].ID != "last" || got.Participants[n-1].State != "connected" {
			t.Errorf("%d participants, want %d", n, declined+2)
		}
	}
	if v := p.Stats(); v.FramesOversized+v.FramesMalformed != 0 || v.Connects != 1 {
		t.Errorf("stats: %+v", v)
	}
}
