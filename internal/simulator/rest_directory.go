package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func shout(presence string) string {
	return strings.ToUpper(strings.ReplaceAll(presence, " ", "_"))
}

func presences() []string {
	return []string{"Available", "Busy", "Away", "Break", "Meal", "Meeting", "Training", "On Queue", "Offline", "Idle"}
}

// presenceID is the stable id of a presence definition.
func presenceID(presence string) string {
	i := slices.Index(presences(), presence)
	return fmt.Sprintf("6a3af858-942f-489d-9700-5f9bcdcd%04d", i+1)
}

func (o *Org) directoryRoutes(api func(pattern, permission string, handler apiHandler)) {
	const v2 = "GET /api/v2/"
	api(v2+"users", "", o.listUsers)
	api(v2+"users/me", "", func(w http.ResponseWriter, _ *http.Request, _ caller) { o.writeError(w, errUserOnly) })
	api(v2+"users/{id}", "", o.withMember(func(w http.ResponseWriter, r *http.Request, m *member) {
		writeJSON(w, http.StatusOK, o.userEntity(m, r.URL.Query().Get("expand")))
	}))
	api(v2+"users/{id}/station", PermissionStationView, o.withMember(func(w http.ResponseWriter, _ *http.Request, m *member) {
		writeJSON(w, http.StatusOK, m.stations())
	}))
	api(v2+"users/{id}/routingstatus", "", o.withMember(func(w http.ResponseWriter, _ *http.Request, m *member) {
		view := m.routingView()
		view["userId"] = m.fixed.ID
		writeJSON(w, http.StatusOK, view)
	}))
	api(v2+"users/{id}/presences/purecloud", "", o.withMember(func(w http.ResponseWriter, _ *http.Request, m *member) {
		writeJSON(w, http.StatusOK, m.presenceView(false))
	}))
	api(v2+"users/{id}/queues", PermissionQueueView, o.withMember(func(w http.ResponseWriter, r *http.Request, m *member) {
		var queues []any
		for _, id := range m.fixed.Queues {
			if q, ok := o.directory.queue(id); ok {
				queues = append(queues, queueEntity(q))
			}
		}
		o.writePage(w, r, queues, 100)
	}))
	api(v2+"routing/queues", PermissionQueueView, func(w http.ResponseWriter, r *http.Request, who caller) {
		var queues []any
		for _, q := range o.directory.queues {
			if who.client.sees(q.Division) {
				queues = append(queues, queueEntity(q))
			}
		}
		o.writePage(w, r, queues, 500)
	})
	api(v2+"routing/queues/{id}/members", PermissionQueueView, o.listQueueMembers)
	api(v2+"groups", "", func(w http.ResponseWriter, r *http.Request, _ caller) {
		o.writePage(w, r, namedEntities(o.directory.groups, "/api/v2/groups/"), 500)
	})
	api(v2+"groups/{id}/members", "", o.listGroupMembers)
	api(v2+"authorization/divisions", "", func(w http.ResponseWriter, r *http.Request, _ caller) {
		o.writePage(w, r, namedEntities(o.directory.divisions, "/api/v2/authorization/divisions/"), 500)
	})
	api(v2+"stations", "", o.listStations)
	api(v2+"presence/definitions", PermissionPresenceView, func(w http.ResponseWriter, r *http.Request, _ caller) {
		var list []any
		for _, name := range presences() {
			list = append(list, map[string]any{"id": presenceID(name), "systemPresence": name, "primary": true})
		}
		o.writePage(w, r, list, 500)
	})
	api(v2+"organizations/me", "", func(w http.ResponseWriter, _ *http.Request, _ caller) {
		writeJSON(w, http.StatusOK, map[string]any{"id": o.id(), "name": "Simulated organization", "domain": o.opts.Domain})
	})
}

// id of the organization: that of its first division, which never changes.
func (o *Org) id() string { return o.directory.divisions[0].ID }

// writePage writes one page of a list, as every list of the API is written.
func (o *Org) writePage(w http.ResponseWriter, r *http.Request, all []any, maxSize int) {
	query := r.URL.Query()
	size, page := 25, 1
	for name, target := range map[string]*int{"pageSize": &size, "pageNumber": &page} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || name == "pageSize" && n > maxSize {
			o.writeError(w, errBadRequest("%s %s is out of range 1..%d", name, text, maxSize))
			return
		}
		*target = n
	}
	from := min((page-1)*size, len(all))
	to := min(from+size, len(all))
	entities := all[from:to]
	if entities == nil {
		entities = []any{}
	}
	pages := (len(all) + size - 1) / size
	uri := func(n int) string { return fmt.Sprintf("%s?pageSize=%d&pageNumber=%d", r.URL.Path, size, n) }
	body := map[string]any{
		"entities": entities, "pageSize": size, "pageNumber": page, "total": len(all), "pageCount": pages,
		"firstUri": uri(1), "selfUri": uri(page), "lastUri": uri(max(pages, 1)),
	}
	if page < pages {
		body["nextUri"] = uri(page + 1)
	}
	if page > 1 {
		body["previousUri"] = uri(page - 1)
	}
	writeJSON(w, http.StatusOK, body)
}

func (o *Org) withMember(handler func(http.ResponseWriter, *http.Request, *member)) apiHandler {
	return func(w http.ResponseWriter, r *http.Request, who caller) {
		id := r.PathValue("id")
		m := o.directory.member(id)
		if m == nil || !who.client.sees(m.fixed.Division) {
			o.writeError(w, errNotFound("user", id))
			return
		}
		handler(w, r, m)
	}
}

// listUsers lists active users, or those of another state, or those with given ids.
func (o *Org) listUsers(w http.ResponseWriter, r *http.Request, who caller) {
	query := r.URL.Query()
	state := query.Get("state")
	switch state {
	case "":
		state = "active"
	case "active", "inactive", "deleted", "any":
	default:
		o.writeError(w, errBadRequest("state %s is not one of active, inactive, deleted, any", state))
		return
	}
	var ids []string
	for _, value := range query["id"] {
		ids = append(ids, strings.Split(value, ",")...)
	}
	expand := strings.Join(query["expand"], ",")
	var list []any
	for _, m := range o.directory.members() {
		if len(ids) > 0 && !slices.Contains(ids, m.fixed.ID) || !who.client.sees(m.fixed.Division) {
			continue
		}
		m.mu.Lock()
		matches := state == "any" || m.state == state
		m.mu.Unlock()
		if matches {
			list = append(list, lazyUser{o, m, expand})
		}
	}
	o.writePage(w, r, list, 500)
}

// lazyUser is rendered only when its page is.
type lazyUser struct {
	org    *Org
	member *member
	expand string
}

// MarshalJSON renders the user.
func (l lazyUser) MarshalJSON() ([]byte, error) {
	return mustJSON(l.org.userEntity(l.member, l.expand)), nil
}

func (o *Org) userEntity(m *member, expand string) map[string]any {
	u := m.user()
	body := map[string]any{
		"id": u.ID, "name": u.Name, "email": u.Email, "username": u.Email, "state": u.State, "version": 1,
		"division": map[string]any{"id": u.Division, "name": "", "selfUri": "/api/v2/authorization/divisions/" + u.Division},
		"chat":     map[string]any{"jabberId": strings.ReplaceAll(u.ID, "-", "") + "@" + o.opts.Domain},
		"selfUri":  "/api/v2/users/" + u.ID,
	}
	for name := range strings.SplitSeq(expand, ",") {
		switch name {
		case "presence":
			body["presence"] = m.presenceView(false)
		case "routingStatus":
			body["routingStatus"] = m.routingView()
		case "station":
			body["station"] = m.stations()
		case "outOfOffice":
			body["outOfOffice"] = m.outOfOfficeView()
		case "conversationSummary":
			body["conversationSummary"] = m.summary()
		}
	}
	return body
}

func (m *member) stations() map[string]any {
	body := map[string]any{}
	if view := m.stationView(); view != nil {
		body["associatedStation"], body["effectiveStation"] = view, view
	}
	return body
}

func queueEntity(q Queue) map[string]any {
	return map[string]any{
		"id": q.ID, "name": q.Name, "division": map[string]any{"id": q.Division},
		"selfUri": "/api/v2/routing/queues/" + q.ID,
	}
}

func namedEntities(list []Named, path string) []any {
	entities := make([]any, len(list))
	for i, item := range list {
		entities[i] = map[string]any{"id": item.ID, "name": item.Name, "selfUri": path + item.ID}
	}
	return entities
}

func (o *Org) listQueueMembers(w http.ResponseWriter, r *http.Request, who caller) {
	id := r.PathValue("id")
	if q, ok := o.directory.queue(id); !ok || !who.client.sees(q.Division) {
		o.writeError(w, errNotFound("queue", id))
		return
	}
	var list []any
	for _, m := range o.directory.members() {
		if slices.Contains(m.fixed.Queues, id) {
			list = append(list, map[string]any{
				"id": m.fixed.ID, "name": m.fixed.Name, "joined": true, "memberBy": "user",
				"user": map[string]any{"id": m.fixed.ID, "selfUri": "/api/v2/users/" + m.fixed.ID},
			})
		}
	}
	o.writePage(w, r, list, 100)
}

func (o *Org) listGroupMembers(w http.ResponseWriter, r *http.Request, _ caller) {
	id := r.PathValue("id")
	if !slices.ContainsFunc(o.directory.groups, func(g Named) bool { return g.ID == id }) {
		o.writeError(w, errNotFound("group", id))
		return
	}
	var list []any
	for _, m := range o.directory.members() {
		if slices.Contains(m.fixed.Groups, id) {
			list = append(list, lazyUser{o, m, ""})
		}
	}
	o.writePage(w, r, list, 100)
}

func (o *Org) listStations(w http.ResponseWriter, r *http.Request, _ caller) {
	users := make(map[string]string)
	for _, m := range o.directory.members() {
		users[m.user().Station.ID] = m.fixed.ID
	}
	var list []any
	for _, s := range o.Stations() {
		entity := map[string]any{"id": s.ID, "name": s.Name, "type": s.Type, "status": "AVAILABLE", "selfUri": "/api/v2/stations/" + s.ID}
		if user := users[s.ID]; user != "" {
			entity["status"], entity["userId"] = "ASSOCIATED", user
		}
		list = append(list, entity)
	}
	o.writePage(w, r, list, 100)
}
