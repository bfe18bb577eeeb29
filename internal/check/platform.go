package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// Offsets between the clocks of this host and of the platform.
const (
	clockGood = 2 * time.Second
	clockBad  = 30 * time.Second
	clockJump = time.Second
)

// The permissions that the service needs, as the platform names them.
const (
	permissionCalls     = "conversation:communication:view"
	permissionAnalytics = "analytics:conversationDetail:view"
	permissionQueues    = "routing:queue:view"
)

func grant(permission, why string) string {
	return "grant " + permission + " to a role of the OAuth client, in the divisions of the agents" + why
}

// reach finds out whether a host of the region can be reached at all.
func (c *checker) reach(ctx context.Context, base, variable string) Result {
	r, err := c.probe.Reach(ctx, base)
	if err != nil {
		why, fix := unreachable(err, r.Host, variable)
		return failed(why, fix)
	}
	c.reached = append(c.reached, r)
	how := r.TLS
	if how == "" {
		how = "plain http"
	}
	return passed("%s answers, %s", r.Host, how)
}

// clock compares the clock of this host with that of the platform, and with itself.
func (c *checker) clock(context.Context) Result {
	now := time.Now()
	// Without its monotonic part a time shows what was done to the clock.
	if jump := now.Round(0).Sub(c.begun.Round(0)) - now.Sub(c.begun); jump.Abs() > clockJump {
		return failed(fmt.Sprintf("the clock of this host was moved by %v during the check", jump.Round(time.Millisecond)),
			"let one time service keep the clock of this host; it must slew the clock, not set it")
	}
	i := slices.IndexFunc(c.reached, func(r genesys.Reached) bool { return !r.Date.IsZero() })
	if len(c.reached) == 0 {
		return skipped("needs login host or api host")
	}
	if i < 0 {
		return skipped("no answer has told the time")
	}
	r := c.reached[len(c.reached)-1]
	if r.Date.IsZero() {
		r = c.reached[i]
	}
	// The header is cut to seconds: half of one is the best guess of the rest.
	off := r.Date.Add(time.Second / 2).Sub(r.Asked.Add(r.Received.Sub(r.Asked) / 2)).Round(100 * time.Millisecond)
	text := fmt.Sprintf("this host is %v behind Genesys", off)
	if off < 0 {
		text = fmt.Sprintf("this host is %v ahead of Genesys", -off)
	}
	const fix = "synchronise the clock of this host with a time service (NTP): times in events come from both"
	switch {
	case off.Abs() <= clockGood:
		return passed("agrees with Genesys within %v", clockGood)
	case off.Abs() <= clockBad:
		return warned(text, fix)
	}
	return failed(text, fix)
}

func (c *checker) token(ctx context.Context) Result {
	life, err := c.probe.Token(ctx)
	c.notes.take()
	if err == nil {
		return passed("lives %v", life)
	}
	text := err.Error()
	fix := "the login host does not answer as Genesys does: look at GENESYS_REGION_HOST, GENESYS_LOGIN_URL and the proxy"
	switch {
	case strings.Contains(text, "client not found"):
		fix = "GENESYS_CLIENT_ID names no OAuth client of this region: correct it, or GENESYS_REGION_HOST"
	case strings.Contains(text, "disabled"):
		fix = "enable the OAuth client in Genesys Cloud"
	case strings.Contains(text, "unauthorized_client"), strings.Contains(text, "grant"):
		fix = "the OAuth client must be enabled and have the grant type Client Credentials"
	case strings.Contains(text, "invalid_client"):
		fix = "set GENESYS_CLIENT_SECRET or GENESYS_CLIENT_SECRET_FILE to the present secret of this OAuth client"
	}
	return failed(text, fix)
}

// topics looks whether the organization offers what is going to be subscribed to.
func (c *checker) topics(ctx context.Context) Result {
	offered, err := c.probe.Topics(ctx)
	if err != nil {
		return c.refused(err, Failed, "")
	}
	wanted := c.probe.WantedTopics()
	missing := func(topic string) bool { return !offered[topic].Socket }
	var aspects []string
	for _, topic := range wanted[2:] {
		if missing(topic) {
			aspects = append(aspects, topic)
		}
	}
	switch {
	case missing(wanted[0]) && missing(wanted[1]):
		return failed("the organization offers neither "+wanted[0]+" nor "+wanted[1],
			"ask Genesys for the notification topics of calls: without them nothing can be observed")
	case missing(wanted[0]):
		return warned("the organization does not offer "+wanted[0]+", "+wanted[1]+" is used instead",
			"set GENESYS_TOPIC to the other kind to make this the rule")
	case len(aspects) > 0:
		return warned("the organization does not offer "+strings.Join(aspects, ", "), "set AGENT_EVENTS=false, or do without these states")
	}
	return passed("all %d kinds are offered", len(wanted)-1)
}

// findUsers finds whom the settings select.
func (c *checker) findUsers(ctx context.Context) Result {
	c.notes.take()
	users, err := c.probe.Users(ctx)
	doubts := c.notes.take()
	if err != nil {
		return c.refused(err, Failed, "")
	}
	c.users = users
	o := c.Platform
	filtered := len(o.UserIDs)+len(o.GroupIDs)+len(o.QueueIDs)+len(o.DivisionIDs) > 0 || o.ShardCount > 1
	if len(users) == 0 {
		fix := "give the role of the OAuth client the divisions of the agents: it sees no active user"
		if filtered {
			fix = "correct GENESYS_USER_IDS, GENESYS_GROUP_IDS, GENESYS_QUEUE_IDS, GENESYS_DIVISION_IDS and SHARD: they select nobody whom the OAuth client sees as active"
		}
		return failed(strings.Join(append([]string{"nobody is monitored"}, doubts...), "; "), fix)
	}
	channels, left := c.probe.ChannelsNeeded(users)
	text := plural(len(users), "user") + " on " + plural(channels, "channel")
	switch {
	case left > 0:
		return failed(fmt.Sprintf("%s; %d more do not fit", text, left), "raise GENESYS_MAX_CHANNELS, or divide the users with SHARD among several adapters")
	case len(doubts) > 0:
		return warned(text+"; "+strings.Join(doubts, "; "), "correct the id, or grant "+permissionQueues+" where the members of a queue are asked for")
	}
	return passed("%s", text)
}

func (c *checker) conversations(ctx context.Context) Result {
	if err := c.probe.Try(ctx, genesys.RightConversations); err != nil {
		return c.refused(err, Failed, grant(permissionCalls, ""))
	}
	return passed("calls can be read")
}

func (c *checker) analytics(ctx context.Context) Result {
	if err := c.probe.Try(ctx, genesys.RightAnalytics); err != nil {
		return c.refused(err, Failed, grant(permissionAnalytics, ": without it calls that began unseen stay unseen"))
	}
	return passed("open calls can be listed")
}

// queues are names, unless the settings select users by them.
func (c *checker) queues(ctx context.Context) Result {
	if err := c.probe.Try(ctx, genesys.RightQueues); err != nil {
		if len(c.Platform.QueueIDs) > 0 {
			return c.refused(err, Failed, grant(permissionQueues, ": GENESYS_QUEUE_IDS needs it"))
		}
		return c.refused(err, Warned, grant(permissionQueues, ", or do without the names of queues in events"))
	}
	return passed("names of queues can be read")
}

func (c *checker) presence(ctx context.Context) Result {
	if err := c.probe.Try(ctx, genesys.RightPresence); err != nil {
		return c.refused(err, Warned, "grant what the answer names, or set AGENT_EVENTS=false")
	}
	return passed("presence, routing status and station can be read")
}

func (c *checker) stations(ctx context.Context) Result {
	if err := c.probe.Try(ctx, genesys.RightStations); err != nil {
		return c.refused(err, Warned, "grant the permission that the answer names, or do without the names and types of some stations in events")
	}
	return passed("stations can be read")
}

// refused is the result of a REST call that failed: a refusal has the given status and
// fix, anything else is a failure of the host.
func (c *checker) refused(err error, status Status, fix string) Result {
	switch {
	case errors.Is(err, genesys.ErrForbidden):
		if fix == "" {
			fix = "grant the permission that the answer names to a role of the OAuth client"
		}
		return Result{Status: status, Detail: err.Error(), Fix: fix}
	case errors.Is(err, genesys.ErrRateLimited):
		return failed(err.Error(), "wait a minute and check again; if it stays, others use the same OAuth client")
	case errors.Is(err, genesys.ErrUnauthorized):
		return failed(err.Error(), "the API host does not accept the token of the login host: both must be of one region")
	}
	return failed(err.Error(), "the API host does not answer as Genesys does: check again, and look at GENESYS_API_URL and the proxy")
}

// countChannels compares the channels that exist with the limit of the platform.
func (c *checker) countChannels(ctx context.Context) Result {
	count, limit, err := c.probe.Channels(ctx)
	if err != nil {
		return c.refused(err, Failed, "")
	}
	c.channels, c.limit = count, limit
	text := fmt.Sprintf("%d of %d in use by all who use this OAuth client", count, limit)
	const fix = "give this adapter an OAuth client of its own, or lower GENESYS_MAX_CHANNELS; an unused channel goes 24 hours after its last use"
	switch {
	case count >= limit:
		return failed(text+": a further one pushes out another without a word", fix)
	case count > limit-channelReserve:
		return warned(text+": a renewal of both instances may need more", fix)
	}
	return passed("%s", text)
}
