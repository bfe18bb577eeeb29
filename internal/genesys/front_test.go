package genesys_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// front stands between the platform's REST and the client: handle answers a request
// itself and returns true, change alters an answer. Sockets go straight.
type front struct {
	handle func(w http.ResponseWriter, r *http.Request) bool
	change func(resp *http.Response, body map[string]any)
}

// before puts a front before an organization and returns its address.
func (f front) before(t *testing.T, org *simulator.Org) string {
	t.Helper()
	target, err := url.Parse(org.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		ErrorLog:       log.New(io.Discard, "", 0),
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: f.modify,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.handle == nil || !f.handle(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (f front) modify(resp *http.Response) error {
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	var body map[string]any
	if f.change != nil && json.Unmarshal(data, &body) == nil {
		f.change(resp, body)
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(data))
	resp.ContentLength = int64(len(data))
	resp.Header.Del("Content-Length")
	return nil
}

// through connects to an organization by way of a front, without waiting.
func through(t *testing.T, org *simulator.Org, f front, change func(*genesys.Options)) *rig {
	t.Helper()
	o := options(org)
	o.APIURL = f.before(t, org)
	o.LoginURL = o.APIURL
	if change != nil {
		change(&o)
	}
	return connect(t, org, o)
}

// The clocks of platform and host are hours apart.
func TestClocksHoursApart(t *testing.T) {
	for name, offset := range map[string]time.Duration{"ahead": 5 * time.Hour, "behind": -5 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shift := func(v any) string {
				text, _ := v.(string)
				at, err := time.Parse(time.RFC3339, text)
				if err != nil {
					t.Error(err)
				}
				return at.Add(offset).Format("2006-01-02T15:04:05.000Z")
			}
			f := front{change: func(resp *http.Response, body map[string]any) {
				resp.Header.Set("Date", time.Now().Add(offset).UTC().Format(http.TimeFormat))
				if v, ok := body["expires"]; ok {
					body["expires"] = shift(v)
				}
			}}
			org := organization(t, simulator.Options{Users: 3})
			store := &memory{}
			withStore := func(o *genesys.Options) { o.Store = store }
			r := through(t, org, f, withStore)
			r.ready(t)
			r.call(t)
			s := r.platform.Status()
			if d := s.ClockOffset - offset; d > 3*time.Second || d < -3*time.Second {
				t.Errorf("clock offset %s, want %s", s.ClockOffset, offset)
			}
			if left := time.Until(s.Channels[0].Expires) - offset; left < 23*time.Hour || left > 25*time.Hour {
				t.Errorf("the channel expires at %s", s.Channels[0].Expires)
			}
			// What is missing is judged by the platform's clock.
			r.platform.Missed(org.Users()[0].ID, time.Now().Add(offset).Add(-time.Minute))
			if n := r.platform.Stats().Requests; n > 20 {
				t.Errorf("%d requests: something is repeated", n)
			}
			r.stop()
			again := through(t, org, f, withStore)
			again.ready(t)
			again.call(t)
			if n := org.ChannelsCreated(); n != 1 {
				t.Errorf("%d channels: the remembered one was not used", n)
			}
			if got := again.causes(); len(got) != 1 {
				t.Errorf("somebody was down: %v", got)
			}
		})
	}
}

// Answers may hold more than is known here, at every level.
func TestUnknownFields(t *testing.T) {
	odd := map[string]any{"new": []any{1, nil, map[string]any{"deep": true}}}
	org := organization(t, simulator.Options{Users: 3})
	r := through(t, org, front{change: func(_ *http.Response, body map[string]any) {
		body["zz"] = odd
		if list, ok := body["entities"].([]any); ok {
			for _, e := range list {
				if m, ok := e.(map[string]any); ok {
					m["aa"], m["selfUri"] = odd, 17
				}
			}
		}
	}}, nil)
	r.ready(t)
	r.call(t)
}

// A page that is cut off, missing, or of a proxy, drops nobody.
func TestPartOfTheUsers(t *testing.T) {
	org := organization(t, simulator.Options{Users: 250, RateLimit: 1_000_000})
	answers := []string{
		`{"entities":[{"id":"`, `<html>busy</html>`, `{"message":"x","code":"internal.server.error","status":500}`, `{"entities":[]}`, ``,
	}
	bad := make(chan string, 64)
	r := through(t, org, front{handle: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v2/users" || r.URL.Query().Get("pageNumber") != "2" {
			return false
		}
		select {
		case body := <-bad:
			write(w, http.StatusOK, body)
			return true
		default:
			return false
		}
	}}, func(o *genesys.Options) { o.Timings.Discovery, o.Timings.Retries = 20*time.Millisecond, 1 })
	r.ready(t)
	r.mu.Lock()
	reports := len(r.feeds)
	r.mu.Unlock()
	for _, body := range answers {
		for range 3 {
			bad <- body
		}
		found := r.platform.Stats().Discoveries
		waitFor(t, "discoveries", func() bool { return len(bad) == 0 && r.platform.Stats().Discoveries > found+3 })
		if s := r.platform.Status(); s.Users != 250 || !s.Ready {
			t.Fatalf("after %q: %d users, %d observed", body, s.Users, s.Observed)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.feeds[reports:] {
		if !f.Up {
			t.Errorf("%d users were down: they had been dropped", len(f.Users))
		}
	}
}

// Answers that come after nobody waits for them any more.
func TestLateAnswers(t *testing.T) {
	org := organization(t, simulator.Options{Users: 3})
	slow := make(chan struct{}, 8)
	r := through(t, org, front{handle: func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-slow:
			timer := time.NewTimer(300 * time.Millisecond)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.Context().Done():
			}
		default:
		}
		return false
	}}, func(o *genesys.Options) { o.Timings.Request = 100 * time.Millisecond })
	r.ready(t)
	for range 4 {
		slow <- struct{}{}
	}
	r.inject(t, simulator.Fault{Kind: simulator.FaultCut})
	r.back(t, genesys.CauseSocketLost)
	r.call(t)
	if n := org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels", n)
	}
}

// A 200 page of a proxy is nobody's answer, least of all a yes.
func TestPageOfAProxyIsNoAnswer(t *testing.T) {
	for name, f := range map[string]simulator.Fault{
		"200": {Mode: simulator.ModeHTML, Status: 200, Count: 6},
		"502": {Mode: simulator.ModeHTML, Status: 502, Count: 6},
		"404": {Mode: simulator.ModeHTML, Status: 404, Count: 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, simulator.Options{Users: 3}, nil)
			f.Kind, f.Path = simulator.FaultREST, "/api/v2/notifications/"
			r.inject(t, f)
			r.inject(t, simulator.Fault{Kind: simulator.FaultCut})
			r.back(t, genesys.CauseSocketLost)
			r.call(t)
			if n := r.org.ChannelsCreated(); n != 1 {
				t.Errorf("%d channels: a page says nothing about the channel", n)
			}
		})
	}
}

func TestUsersWithoutStations(t *testing.T) {
	org := organization(t, simulator.Options{Users: 3})
	for _, u := range org.Users() {
		org.SetStation(u, simulator.Station{})
	}
	r := through(t, org, front{handle: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/api/v2/stations" {
			return false
		}
		write(w, http.StatusOK, `{"entities":[],"pageSize":100,"pageNumber":1,"total":0,"pageCount":0}`)
		return true
	}}, nil)
	r.ready(t)
	r.until(t, "states without a phone", func() bool {
		n := 0
		for _, a := range r.agents {
			if a.HasStation && a.Station.ID == "" {
				n++
			}
		}
		return n >= 3 && r.directory != nil && len(r.directory.Stations) == 0
	})
	r.call(t)
	org.SetStation(org.Users()[0], simulator.Station{ID: "desk", Name: "Desk"})
	r.until(t, "the phone", func() bool {
		last := r.agents[len(r.agents)-1]
		return last.HasStation && last.Station.ID == "desk"
	})
}

// Participant data of a megabyte is carried whole, and left out where it is not wanted.
func TestAttributesOfAMegabyte(t *testing.T) {
	org := organization(t, simulator.Options{Users: 3})
	all := connect(t, org, options(org))
	o := options(org)
	o.Attributes = []string{"small"}
	few := connect(t, org, o)
	all.ready(t)
	few.ready(t)
	leg := org.Call(simulator.Inbound{}).Alert(org.Users()[0])
	leg.Answer()
	long := strings.Repeat("a \u00e4\"\\ ", 1<<17)
	leg.SetAttributes(map[string]string{"large": long, "small": "x"})
	for _, r := range []*rig{all, few} {
		r.until(t, "the attributes", func() bool {
			if len(r.snapshots) == 0 {
				return false
			}
			for _, p := range r.snapshots[len(r.snapshots)-1].Participants {
				if p.ID == leg.ID() && p.Attributes["small"] == "x" {
					want := ""
					if r == all {
						want = long
					}
					return p.Attributes["large"] == want
				}
			}
			return false
		})
		if s := r.platform.Stats(); s.Connects != 1 || s.FramesOversized+s.FramesMalformed != 0 {
			t.Errorf("stats: %+v", s)
		}
	}
	leg.Call().CustomerHangsUp()
	all.seen(t, leg, "terminated")
}
