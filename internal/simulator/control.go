package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// MarshalJSON writes durations as text, such as 1m30s.
func (f Fault) MarshalJSON() ([]byte, error) {
	type plain Fault
	return json.Marshal(struct {
		plain
		For   string `json:"for,omitempty"`
		Delay string `json:"delay,omitempty"`
	}{plain(f), durationText(f.For), durationText(f.Delay)})
}

func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// UnmarshalJSON reads durations as text, and refuses unknown fields.
func (f *Fault) UnmarshalJSON(data []byte) error {
	type plain Fault
	wire := struct {
		*plain
		For   string `json:"for"`
		Delay string `json:"delay"`
	}{plain: (*plain)(f)}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wire); err != nil {
		return fmt.Errorf("%w: %w", ErrFault, err)
	}
	for text, target := range map[*string]*time.Duration{&wire.For: &f.For, &wire.Delay: &f.Delay} {
		if *text == "" {
			continue
		}
		d, err := time.ParseDuration(*text)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFault, err)
		}
		*target = d
	}
	return nil
}

// PlayRequest is the body of POST /simulator/play.
type PlayRequest struct {
	Story Story    `json:"story"`
	Users []string `json:"users,omitempty"`
	// Wait for the end and answer with the conversation. Otherwise the answer is
	// 202 at once.
	Wait bool `json:"wait,omitempty"`
}

// serveControl lets another process drive the organization. It asks for no
// credentials: the organization is on the loopback interface.
//
//	GET  /simulator/truth      Truth
//	GET  /simulator/open       []LegTruth
//	GET  /simulator/users      []User
//	GET  /simulator/channels   []ChannelInfo
//	GET  /simulator/stories    []Story
//	POST /simulator/faults     Fault, answers FaultRecord
//	POST /simulator/play       PlayRequest
func (o *Org) serveControl(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/simulator/") {
	case "GET truth":
		writeJSON(w, http.StatusOK, o.Truth())
	case "GET open":
		writeJSON(w, http.StatusOK, o.Open())
	case "GET users":
		writeJSON(w, http.StatusOK, o.Users())
	case "GET channels":
		writeJSON(w, http.StatusOK, o.Channels())
	case "GET stories":
		writeJSON(w, http.StatusOK, o.Stories())
	case "POST faults":
		var fault Fault
		if err := readControl(r, &fault); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		record, err := o.Inject(fault)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, http.StatusOK, record)
	case "POST play":
		o.servePlay(w, r)
	default:
		http.NotFound(w, r)
	}
}

func readControl(r *http.Request, into any) error {
	if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(into); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	return nil
}

func (o *Org) servePlay(w http.ResponseWriter, r *http.Request) {
	var request PlayRequest
	if err := readControl(r, &request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if request.Wait {
		id, err := o.Play(r.Context(), request.Story, request.Users...)
		switch {
		case errors.Is(err, ErrStory):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			writeJSON(w, http.StatusOK, map[string]string{"conversationId": id})
		}
		return
	}
	if _, ok := o.scripts[request.Story]; !ok {
		http.Error(w, fmt.Sprintf("there is no story %q", request.Story), http.StatusBadRequest)
		return
	}
	if !o.spawn(func() {
		if _, err := o.Play(o.ctx, request.Story, request.Users...); err != nil {
			o.log.Warn("story failed", "story", string(request.Story), "error", err)
		}
	}) {
		http.Error(w, ErrClosed.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
