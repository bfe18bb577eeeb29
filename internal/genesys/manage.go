package genesys

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// manage finds users and gives them to slots, for ever.
func (p *Platform) manage(ctx context.Context) {
	p.loadChannels(ctx)
	p.wait.Go(func() { p.save(ctx) })
	p.wait.Go(func() { p.report(ctx) })
	for n := 0; ; n++ {
		err := p.discover(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		p.failed(p.log, "find users", err)
		p.feed.unreachable(causeOf(err, CauseUnreachable))
		if sleep(ctx, backoff(n, p.opts.Timings.BackoffMin, p.opts.Timings.BackoffMax)) != nil {
			return
		}
	}
	p.wait.Go(func() { p.checkTopics(ctx) })
	discovery := time.NewTimer(p.opts.Timings.Discovery)
	defer discovery.Stop()
	// All slots connect at about the same time: they are counted together.
	const countAfter = 2 * time.Second
	count, counting := time.NewTimer(countAfter), true
	defer count.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.uncounted:
			if !counting {
				counting = true
				count.Reset(countAfter)
			}
		case <-count.C:
			counting = false
			if err := p.countChannels(ctx, PriorityPeriodic); err != nil {
				p.notCounted(err)
			}
		case <-p.stale:
			// What changed before the subscription was not told: ask soon, not at once.
			soon := last.Add(p.opts.Timings.Discovery / 5)
			discovery.Reset(max(p.opts.Timings.BackoffMin, time.Until(soon)))
		case <-discovery.C:
			if err := p.discover(ctx); err != nil {
				p.failed(p.log, "find users", err)
			}
			last = time.Now()
			discovery.Reset(p.opts.Timings.Discovery)
			if err := p.countChannels(ctx, PriorityPeriodic); err != nil {
				p.notCounted(err)
			}
			for _, s := range p.allSlots() {
				s.poke()
			}
		}
	}
}

// save saves the channels whenever they change. Neither this nor the reports wait for the
// platform's answers, as whoever finds users and counts channels does, nor for each other.
func (p *Platform) save(ctx context.Context) {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.dirty:
			p.saveChannels(ctx)
			select {
			case p.uncounted <- struct{}{}:
			default:
			}
		case <-again.C:
			if p.unsaved.Load() { // the store was away
				p.saveChannels(ctx)
			}
		}
	}
}

// report tells of rejected frames once a second.
func (p *Platform) report(ctx context.Context) {
	for sleep(ctx, time.Second) == nil {
		for _, s := range p.allSlots() {
			s.reportRejected()
		}
	}
}

func (p *Platform) allSlots() []*slot {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.slots)
}

// refresh asks for the state of the users to be read again soon.
func (p *Platform) refresh() {
	select {
	case p.stale <- struct{}{}:
	default:
	}
}

// Prepare begins to read what [Platform.Run] needs first, and tells nobody: for a time in
// which the sink must not be called yet. It returns at once. What fails is left to Run.
func (p *Platform) Prepare(ctx context.Context) {
	found := make(chan *roster, 1)
	p.prepared = found
	p.wait.Go(func() {
		r, err := p.read(ctx)
		if err != nil {
			p.log.Debug("find users ahead", "error", err)
		}
		found <- r
	})
}

// freshFor is how long what was prepared is good enough to begin with.
const freshFor = time.Minute

// look finds the users, or has found them.
func (p *Platform) look(ctx context.Context) (*roster, error) {
	if p.prepared != nil {
		found := <-p.prepared
		p.prepared = nil
		if found != nil && time.Since(found.asked) < freshFor {
			return found, nil
		}
	}
	return p.read(ctx)
}

// read finds the users, and the names of what they have to do with.
func (p *Platform) read(ctx context.Context) (*roster, error) {
	asked := time.Now()
	found, err := p.findUsers(ctx)
	if err != nil {
		return nil, err
	}
	found.asked, found.directory = asked, p.describe(ctx, found)
	return found, nil
}

// discover finds the users, tells the directory, and divides them among the slots.
func (p *Platform) discover(ctx context.Context) error {
	found, err := p.look(ctx)
	if err != nil {
		return err
	}
	p.counters.discoveries.Add(1)
	if p.replaces(found.directory) {
		p.sink.Directory(found.directory)
	}
	monitored := make(map[string]bool, len(found.monitored))
	for _, u := range found.monitored {
		monitored[u] = true
	}
	before := p.monitored.Swap(&monitored)
	p.feed.known(found.monitored)
	p.feed.forget(func(u string) bool { return monitored[u] })
	if before != nil {
		var news []string
		for _, u := range found.monitored {
			if !(*before)[u] {
				news = append(news, u)
			}
		}
		p.feed.lose(CauseStarted, time.Now(), news)
		if len(news) > 0 || len(*before) != len(monitored)-len(news) {
			p.log.Info("the monitored users changed", "users", len(monitored), "new", len(news))
		}
	} else {
		p.log.Info("users found", "known", len(found.users), "monitored", len(monitored))
	}
	p.divide(ctx, found.monitored)
	for _, state := range found.states {
		if monitored[state.UserID] && p.opts.AgentEvents {
			p.sink.Agent(state)
		}
	}
	return nil
}

// divide gives the users to slots, new slots where they are needed.
func (p *Platform) divide(ctx context.Context, users []string) {
	slots := p.allSlots()
	before := make([]share, len(slots))
	for i, s := range slots {
		before[i] = s.current()
	}
	shares, left := plan(before, users, p.opts.AgentEvents, p.opts.MaxChannels)
	carried := 0
	for i, v := range shares {
		carried += len(v.agents)
		switch {
		case i >= len(slots):
			s := p.newSlot(i)
			s.share = v
			p.mu.Lock()
			p.slots = append(p.slots, s)
			p.mu.Unlock()
			p.wait.Go(func() { s.run(ctx) })
		case !reflect.DeepEqual(before[i], v):
			slots[i].assign(v)
		}
	}
	if len(left) > 0 {
		p.log.Error("more users than the channels can carry: raise the number of channels or divide the users into shards",
			"users", len(users), "not_monitored", len(left), "channels", p.opts.MaxChannels)
		p.feed.lose(CauseOverload, time.Now(), left)
	} else if p.opts.AgentEvents && carried < len(users) && len(slots) == 0 {
		p.log.Warn("more users than the channels can carry with presence, routing status and station: some are read by REST only",
			"users", len(users), "by_rest", len(users)-carried, "channels", p.opts.MaxChannels)
	}
}

// stationBook is the list of stations as last read.
type stationBook struct {
	read         time.Time
	byID, byUser map[string]Station
}

// describe completes the directory. What cannot be read now stays as it was: names are a
// luxury.
func (p *Platform) describe(ctx context.Context, found *roster) *Directory {
	const patience = 10 * time.Second
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p.mu.Lock()
	old, book := p.directory, p.stations
	p.mu.Unlock()
	queues, err := p.findQueues(limited)
	if err != nil {
		p.failed(p.log, "read queue names", err)
		if old != nil {
			queues = old.Queues
		}
	}
	if p.needStations(found, book) {
		byID, byUser, err := p.findStations(limited)
		if err != nil {
			p.failed(p.log, "read stations", err)
		} else {
			book.byID, book.byUser = byID, byUser
		}
		book.read = time.Now()
	}
	for id, u := range found.users {
		if u.Station.ID == "" {
			u.Station = book.byUser[id]
		}
		if u.Station.Type == "" {
			u.Station.Type = book.byID[u.Station.ID].Type
		}
		found.users[id] = u
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stations = book
	return &Directory{Generation: 1, Users: found.users, Queues: queues, Stations: book.byID}
}

// replaces takes a directory over, and reports whether it differs from the one before.
func (p *Platform) replaces(d *Directory) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old := p.directory; old != nil {
		if maps.Equal(old.Users, d.Users) && maps.Equal(old.Queues, d.Queues) && maps.Equal(old.Stations, d.Stations) {
			return false
		}
		d.Generation = old.Generation + 1
	}
	p.directory = d
	return true
}

// needStations reports whether the list of stations would tell something new.
func (p *Platform) needStations(found *roster, book stationBook) bool {
	if time.Since(book.read) < stationsEvery {
		return false
	}
	for _, u := range found.users {
		if u.Monitored && (u.Station.ID == "" || u.Station.Type == "") {
			return true
		}
	}
	return false
}

// checkTopics compares the wanted topics with those the organization offers. It is
// advice only: what counts is the answer to the subscription.
func (p *Platform) checkTopics(ctx context.Context) {
	var list struct {
		Entities []struct {
			ID          string   `json:"id"`
			Permissions []string `json:"requiresPermissions"`
		} `json:"entities"`
	}
	_, err := p.client.read(ctx, request{
		method: http.MethodGet, template: "/api/v2/notifications/availabletopics",
		query: url.Values{"expand": {"requiresPermissions"}}, priority: PriorityPeriodic,
	}, &list)
	if err != nil {
		p.log.Debug("available topics cannot be read", "error", err)
	}
	wanted := topicOf(p.opts.Topic, "{id}")
	offered := false
	for _, t := range list.Entities {
		if t.ID == wanted {
			offered = true
			p.log.Info("topic is available", "topic", wanted, "permissions", strings.Join(t.Permissions, " "))
		}
	}
	if len(list.Entities) > 0 && !offered {
		p.log.Warn("the organization does not list the topic as available", "topic", wanted)
	}
}
