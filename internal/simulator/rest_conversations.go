package simulator

import "net/http"

func (o *Org) conversationRoutes(api func(pattern, permission string, handler apiHandler)) {
	const base = "/api/v2/conversations"
	api("GET "+base+"/calls/{id}", "", o.getConversation(func(c *Call) any { return c.flat(shapeREST) }))
	api("GET "+base+"/{id}", PermissionConversationView, o.getConversation(func(c *Call) any { return c.nested(true) }))
	// Both lists are of the conversations of the logged-in user, and a client has none.
	api("GET "+base+"/calls", "", o.listNothing)
	api("GET "+base, "", o.listNothing)
	api("POST /api/v2/analytics/conversations/details/query", PermissionAnalyticsView, o.queryDetails)
}

func (o *Org) listNothing(w http.ResponseWriter, r *http.Request, _ caller) {
	o.writePage(w, r, nil, 100)
}

func (o *Org) getConversation(render func(*Call) any) apiHandler {
	return func(w http.ResponseWriter, r *http.Request, who caller) {
		id := r.PathValue("id")
		c := o.calls.get(id)
		if c == nil || !c.visible(who.client) {
			o.writeError(w, errNotFound("conversation", id))
			return
		}
		c.mu.Lock()
		body := mustJSON(render(c))
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		// The client has gone when this fails; there is nobody to tell.
		_, _ = w.Write(body)
	}
}

// visible tells whether a client may see the conversation: it must see the
// division of one of the people, or there are none.
func (c *Call) visible(client *Client) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	people := false
	for _, leg := range c.legs {
		if leg.member != nil {
			people = true
			if client.sees(leg.member.fixed.Division) {
				return true
			}
		}
	}
	return !people
}
