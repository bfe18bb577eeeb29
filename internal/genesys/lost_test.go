package genesys_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// Somebody opens a second socket on the channel: the platform closes ours. It is
// taken back, and a thief who insists gets the channel.
func TestStolenSocket(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	stolen := r.org.Channels()[0].ID
	address := "ws" + strings.TrimPrefix(r.org.URL(), "http") + "/channels/" + stolen
	steal := func() {
		connects := r.platform.Stats().Connects
		conn, _, err := websocket.Dial(t.Context(), address, nil) //nolint:bodyclose // the library says that it never needs closing
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.CloseNow() }()
		waitFor(t, "another socket", func() bool { return r.platform.Stats().Connects > connects })
		r.until(t, "observation", func() bool { return len(r.down) == 0 })
	}
	steal()
	r.back(t, genesys.CauseSocketLost)
	r.call(t)
	if n := r.org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels after one theft", n)
	}
	for range 6 {
		steal()
		if slices.ContainsFunc(r.org.Channels(), func(c simulator.ChannelInfo) bool { return c.ID != stolen && c.Connected }) {
			break
		}
	}
	r.call(t)
	if n := r.org.ChannelsCreated(); n != 2 {
		t.Errorf("%d channels: the thief can have the first one", n)
	}
}

// The platform takes the topics away and says so; the socket stays.
func TestNoLongerSubscribedAlone(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, nil)
	for n := range 3 {
		r.inject(t, simulator.Fault{Kind: simulator.FaultUnsubscribe})
		r.until(t, "the loss", func() bool {
			lost := 0
			for _, f := range r.feeds {
				if !f.Up && f.Cause == genesys.CauseChannelLost {
					lost++
				}
			}
			return lost > n && len(r.down) == 0
		})
		r.call(t)
	}
	if s := r.platform.Stats(); s.Connects != 1 || r.org.ChannelsCreated() != 1 {
		t.Errorf("%d sockets, %d channels", s.Connects, r.org.ChannelsCreated())
	}
}

// While no new token can be had, the old one serves to its end.
func TestTokenThatCannotBeRenewed(t *testing.T) {
	r := start(t, simulator.Options{Users: 3, TokenLife: 3 * time.Second}, nil)
	login := simulator.Fault{Kind: simulator.FaultREST, Path: "/oauth/", Status: 503}
	r.inject(t, login)
	first := r.platform.Status().TokenExpires
	waitFor(t, "failing renewals", func() bool { return r.platform.Stats().TokenErrors > 3 })
	r.call(t)
	if _, err := r.platform.OpenConversations(t.Context(), time.Time{}); err != nil {
		t.Errorf("the old token is still good: %v", err)
	}
	r.inject(t, simulator.Fault{Kind: simulator.FaultClear})
	waitFor(t, "the renewal", func() bool {
		return r.platform.Status().TokenExpires.After(first) && r.platform.Stats().Replacements > 0
	})
	r.call(t)
	if got := r.causes(); len(got) != 1 {
		t.Errorf("somebody was down although the token lived: %v", got)
	}

	// Until its end, and after it.
	r.inject(t, login)
	r.until(t, "the end of the token", func() bool {
		return len(r.down) == 3
	})
	r.inject(t, simulator.Fault{Kind: simulator.FaultClear})
	r.until(t, "recovery", func() bool { return len(r.down) == 0 })
	r.call(t)
	if !slices.Contains(r.causes(), genesys.CauseTokenLost) {
		t.Errorf("causes %v", r.causes())
	}
}

// A disabled client has its tokens revoked and gets no new one.
func TestClientIsDisabledAndEnabled(t *testing.T) {
	r := start(t, simulator.Options{Users: 3}, func(o *genesys.Options) {
		o.Timings.RefusedMin, o.Timings.RefusedMax = 50*time.Millisecond, 100*time.Millisecond
	})
	r.org.AddClient(simulator.Client{ID: "sim-client", Secret: "sim-secret", Disabled: true})
	r.until(t, "the loss", func() bool { return len(r.down) == 3 })
	waitFor(t, "refusals", func() bool { return r.platform.Stats().TokenErrors > 4 && !r.platform.Status().Ready })
	if n := r.org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels", n)
	}
	r.org.AddClient(simulator.Client{ID: "sim-client", Secret: "sim-secret"})
	r.until(t, "recovery", func() bool { return len(r.down) == 0 })
	r.call(t)
	if !slices.Contains(r.causes(), genesys.CauseTokenLost) {
		t.Errorf("causes %v", r.causes())
	}
}

// Out of office has a topic of its own; an organization without it keeps the rest.
func TestOutOfOffice(t *testing.T) {
	for name, unknown := range map[string][]string{"known": nil, "unknown": {"v2.users.{id}.outofoffice"}} {
		t.Run(name, func(t *testing.T) {
			var out logs
			r := start(t, simulator.Options{Users: 30, UnknownTopics: unknown}, func(o *genesys.Options) {
				o.Logger, o.Timings.Discovery = out.logger(), 200*time.Millisecond
			})
			user := r.org.Users()[0]
			r.org.SetOutOfOffice(user, true)
			r.org.SetPresence(user, "Meal")
			seen := func(what string, ok func(genesys.AgentUpdate) bool) {
				r.until(t, what, func() bool {
					return slices.ContainsFunc(r.agents, func(u genesys.AgentUpdate) bool {
						return u.UserID == user.ID && ok(u)
					})
				})
			}
			seen("the presence", func(u genesys.AgentUpdate) bool { return u.Topic != "" && u.HasPresence && u.Presence.System == "meal" })
			seen("out of office", func(u genesys.AgentUpdate) bool {
				return u.HasOutOfOffice && u.OutOfOffice && (u.Topic == "") == (unknown != nil)
			})
			if got := strings.Contains(out.String(), "by REST only"); got != (unknown != nil) {
				t.Errorf("log:\n%s", out.String())
			}
			if v := r.platform.Status(); len(v.Rejected) != 0 {
				t.Errorf("rejected: %v", v.Rejected)
			}
		})
	}
}
