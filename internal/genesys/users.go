package genesys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// roster is the outcome of one discovery.
type roster struct {
	users     map[string]User
	monitored []string // sorted
	states    []AgentUpdate
	directory *Directory
	asked     time.Time
}

// usersTemplate lists users.
const usersTemplate = "/api/v2/users"

// findUsers finds who is monitored now. It fails rather than return a part: whoever
// is missing from the result loses the subscription.
func (p *Platform) findUsers(ctx context.Context) (*roster, error) {
	found := &roster{users: make(map[string]User)}
	selected, err := p.selected(ctx)
	if err != nil {
		return nil, err
	}
	if selected == nil {
		err = p.allUsers(ctx, found)
	} else {
		err = p.namedUsers(ctx, found, selected)
	}
	if err != nil {
		return nil, err
	}
	for id, u := range found.users {
		u.Monitored = (selected == nil || selected[id]) && p.inDivision(u) && p.inShard(id)
		found.users[id] = u
		if u.Monitored {
			found.monitored = append(found.monitored, id)
		}
	}
	slices.Sort(found.monitored)
	return found, nil
}

// selected returns the union of the named users, groups and queues; nil when nothing
// is named.
func (p *Platform) selected(ctx context.Context) (map[string]bool, error) {
	o := &p.opts
	if len(o.UserIDs)+len(o.GroupIDs)+len(o.QueueIDs) == 0 {
		return nil, nil
	}
	ids := make(map[string]bool)
	for _, id := range o.UserIDs {
		ids[id] = true
	}
	members := func(template, what string, of []string) error {
		for _, id := range of {
			list, err := p.client.list(ctx, request{
				method: http.MethodGet, template: template, id: id, priority: PriorityDiscovery,
			})
			if errors.Is(err, ErrNotFound) || errors.Is(err, ErrForbidden) {
				// A wrong id stays wrong: the others are still monitored.
				p.log.Error("members cannot be listed", "of", what, "id", id, "error", err)
				continue
			}
			if err != nil {
				return fmt.Errorf("list the members of a %s: %w", what, err)
			}
			for _, e := range list {
				ids[memberID(e)] = true
			}
		}
		return nil
	}
	return ids, errors.Join(
		members("/api/v2/groups/{id}/members", "group", o.GroupIDs),
		members("/api/v2/routing/queues/{id}/members", "queue", o.QueueIDs),
	)
}

// memberID returns the user of a member: its own id, or that of the user in it.
func memberID(e entity) string {
	var member struct {
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	_ = lenient(json.Unmarshal(e.raw, &member)) // e was read from the same bytes
	if member.User.ID != "" {
		return member.User.ID
	}
	return e.ID
}

// allUsers lists the active users. Pages shift when users change in between: who was
// monitored and is missing now is asked for by id before being dropped.
func (p *Platform) allUsers(ctx context.Context, found *roster) error {
	list, err := p.listUsers(ctx, nil)
	if err != nil {
		return err
	}
	p.take(found, list)
	var missing []string
	for _, id := range p.monitoredUsers() {
		if _, ok := found.users[id]; !ok {
			missing = append(missing, id)
		}
	}
	for ids := range slices.Chunk(missing, idsPerRequest) {
		if list, err = p.listUsers(ctx, ids); err != nil {
			return err
		}
		p.take(found, list)
	}
	return nil
}

// namedUsers reads the selected users in bulk, and one by one those which that did not
// return. A user that the platform does not tell about is monitored all the same,
// unless it says that there is no such user.
func (p *Platform) namedUsers(ctx context.Context, found *roster, selected map[string]bool) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(selected)), idsPerRequest) {
		list, err := p.listUsers(ctx, ids)
		if err != nil {
			return err
		}
		p.take(found, list)
	}
	named := make(map[string]bool)
	for _, id := range p.opts.UserIDs {
		named[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(selected)) {
		// Members of groups and queues that the list of active users lacks are inactive.
		if _, ok := found.users[id]; ok || !named[id] {
			continue
		}
		a, err := p.client.call(ctx, request{
			method: http.MethodGet, template: usersTemplate + "/{id}", id: id,
			query: p.expand(), priority: PriorityDiscovery,
		})
		switch {
		case errors.Is(err, ErrNotFound):
			p.log.Error("no such user", "user_id", id)
			continue
		case errors.Is(err, ErrForbidden):
			found.users[id] = User{ID: id}
			continue
		case err != nil:
			return fmt.Errorf("read a user: %w", err)
		}
		p.take(found, []entity{{ID: id, raw: a.body, from: a}})
	}
	return nil
}

func (p *Platform) expand() url.Values {
	if p.opts.AgentEvents {
		return url.Values{"expand": {"presence,routingStatus,station,outOfOffice"}}
	}
	return url.Values{"expand": {"station"}}
}

// listUsers lists the active users, or those with the given ids. Expansions are a
// luxury: without them when the platform refuses them.
func (p *Platform) listUsers(ctx context.Context, ids []string) ([]entity, error) {
	r := request{method: http.MethodGet, template: usersTemplate, query: p.expand(), priority: PriorityDiscovery}
	r.query.Set("state", "active")
	if ids != nil {
		r.query["id"] = ids
	}
	list, err := p.client.list(ctx, r)
	var refused *APIError
	if errors.As(err, &refused) && (refused.Status == http.StatusBadRequest || refused.Status == http.StatusForbidden) {
		r.query.Del("expand")
		list, err = p.client.list(ctx, r)
	}
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return list, nil
}

// take adds users to the outcome, with their state where it came along.
func (p *Platform) take(found *roster, list []entity) {
	d := newDecoder(nil)
	for _, e := range list {
		var u struct {
			ID       string `json:"id"`
			Name     string `json:"name"`
			State    string `json:"state"`
			Division struct {
				ID string `json:"id"`
			} `json:"division"`
		}
		if lenient(json.Unmarshal(e.raw, &u)) != nil || u.ID == "" {
			continue
		}
		if lower([]byte(u.State)) == "inactive" || lower([]byte(u.State)) == "deleted" {
			continue
		}
		state := AgentUpdate{UserID: u.ID}
		d.reset(e.raw)
		d.aspects("", &state)
		found.users[u.ID] = User{ID: u.ID, Name: u.Name, DivisionID: u.Division.ID, Station: state.Station}
		if state.HasPresence || state.HasRouting || state.HasStation || state.HasOutOfOffice {
			found.states = append(found.states, state.received(e.from.asked, e.from.received))
		}
	}
}

func (p *Platform) inDivision(u User) bool {
	return len(p.opts.DivisionIDs) == 0 || slices.Contains(p.opts.DivisionIDs, u.DivisionID)
}

// inShard divides users by a hash that does not change between versions and machines.
func (p *Platform) inShard(id string) bool {
	if p.opts.ShardCount <= 1 {
		return true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return int(h.Sum32()%uint32(p.opts.ShardCount)) == p.opts.ShardIndex
}

// findQueues lists the names of the queues.
func (p *Platform) findQueues(ctx context.Context) (map[string]string, error) {
	list, err := p.client.list(ctx, request{
		method: http.MethodGet, template: "/api/v2/routing/queues", priority: PriorityDiscovery,
	})
	if errors.Is(err, ErrForbidden) {
		list, err = p.client.list(ctx, request{
			method: http.MethodGet, template: "/api/v2/routing/queues/divisionviews", priority: PriorityDiscovery,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	names := make(map[string]string, len(list))
	for _, e := range list {
		names[e.ID] = e.Name
	}
	return names, nil
}

// findStations lists the stations by id and by their user.
func (p *Platform) findStations(ctx context.Context) (byID, byUser map[string]Station, err error) {
	list, err := p.client.list(ctx, request{
		method: http.MethodGet, template: "/api/v2/stations", priority: PriorityPeriodic,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list stations: %w", err)
	}
	byID, byUser = make(map[string]Station, len(list)), make(map[string]Station)
	for _, e := range list {
		var s struct {
			Type       string `json:"type"`
			UserID     string `json:"userId"`
			WebRTCUser string `json:"webRtcUserId"`
		}
		_ = lenient(json.Unmarshal(e.raw, &s)) // e was read from the same bytes
		station := Station{ID: e.ID, Name: e.Name, Type: s.Type}
		byID[e.ID] = station
		if user := s.UserID; user != "" {
			byUser[user] = station
		} else if s.WebRTCUser != "" {
			if _, taken := byUser[s.WebRTCUser]; !taken {
				byUser[s.WebRTCUser] = station
			}
		}
	}
	return byID, byUser, nil
}

// stationsEvery is how often the list of stations is read: it changes seldom.
const stationsEvery = time.Hour
