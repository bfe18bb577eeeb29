package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxBody is the largest request body that is read.
const maxBody = 4 << 20

type systemMessage struct {
	ChannelID       string `json:"channelId,omitempty"`
	SystemTopicType string `json:"systemTopicType,omitempty"`
	OAuthClientID   string `json:"oauthClientId,omitempty"`
	Reason          string `json:"reason,omitempty"`
	Message         string `json:"message,omitempty"`
}

type systemFrame struct {
	TopicName string        `json:"topicName"`
	Version   string        `json:"version,omitempty"`
	EventBody systemMessage `json:"eventBody"`
}

// mustJSON encodes a wire type of this package; these always encode.
func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic("simulator: encode: " + err.Error())
	}
	return data
}

type channelEntity struct {
	ConnectURI string `json:"connectUri"`
	ID         string `json:"id"`
	Expires    string `json:"expires"`
}

func (o *Org) channelEntity(ch *channel) channelEntity {
	return channelEntity{
		ConnectURI: "ws" + strings.TrimPrefix(o.URL(), "http") + "/channels/" + ch.id,
		ID:         ch.id, Expires: stamp(ch.expires),
	}
}

func (o *Org) channelRoutes(api func(pattern, permission string, handler apiHandler)) {
	const base = "/api/v2/notifications/"
	api("POST "+base+"channels", "", func(w http.ResponseWriter, _ *http.Request, who caller) {
		ch := o.createChannel(who)
		writeJSON(w, http.StatusOK, o.channelEntity(ch))
	})
	api("GET "+base+"channels", "", o.listChannels)
	api(base+"channels/{id}", "", o.headChannel)
	api(base+"channels/{id}/subscriptions", "", o.serveSubscriptions)
	api("GET "+base+"availabletopics", "", o.listTopics)
}

// listChannels shows the channels of the token, or of the client with hidden ids.
func (o *Org) listChannels(w http.ResponseWriter, r *http.Request, who caller) {
	include := r.URL.Query().Get("includechannels")
	if include != "" && include != "token" && include != "oauthclient" {
		o.writeError(w, errBadRequest("includechannels must be token or oauthclient"))
		return
	}
	entities := []channelEntity{}
	o.channels.mu.Lock()
	for _, ch := range o.channels.byID {
		switch {
		case ch.client != who.client.ID:
		case slices.Contains(ch.tokens, who.token):
			entities = append(entities, o.channelEntity(ch))
		case include == "oauthclient":
			entities = append(entities, channelEntity{Expires: stamp(ch.expires)})
		}
	}
	o.channels.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"entities": entities})
}

// headChannel answers HEAD only: there is no call that reads or deletes a channel.
func (o *Org) headChannel(w http.ResponseWriter, r *http.Request, who caller) {
	if r.Method != http.MethodHead {
		o.writeError(w, errMethod)
		return
	}
	id := r.PathValue("id")
	o.channels.mu.Lock()
	alive := o.living(id, who.client) != nil
	o.channels.mu.Unlock()
	if !alive {
		o.writeError(w, errNotFound("channel", id))
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (o *Org) serveSubscriptions(w http.ResponseWriter, r *http.Request, who caller) {
	id := r.PathValue("id")
	switch r.Method {
	case http.MethodGet:
		o.channels.mu.Lock()
		ch := o.living(id, who.client)
		var topics []channelTopic
		if ch != nil {
			topics = slices.Clone(ch.topics)
		}
		o.channels.mu.Unlock()
		if ch == nil {
			o.writeError(w, errNotFound("channel", id))
			return
		}
		writeTopics(w, topics)
	case http.MethodDelete:
		if _, failure := o.subscribe(id, who, nil, false, true); failure != nil {
			o.writeError(w, *failure)
			return
		}
		w.WriteHeader(http.StatusOK)
	case http.MethodPost, http.MethodPut:
		var wanted []struct {
			ID string `json:"id"`
		}
		if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&wanted); err != nil {
			o.writeError(w, errBadRequest("The request body is not a list of topics"))
			return
		}
		ids := make([]string, len(wanted))
		for i, topic := range wanted {
			ids[i] = topic.ID
		}
		ignore := r.URL.Query().Get("ignoreErrors") == "true"
		topics, failure := o.subscribe(id, who, ids, r.Method == http.MethodPost, ignore)
		if failure != nil {
			o.writeError(w, *failure)
			return
		}
		writeTopics(w, topics)
	default:
		o.writeError(w, errMethod)
	}
}

func writeTopics(w http.ResponseWriter, topics []channelTopic) {
	if topics == nil {
		topics = []channelTopic{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"entities": topics})
}

// listTopics is GET availabletopics. Details appear only when expanded.
func (o *Org) listTopics(w http.ResponseWriter, r *http.Request, _ caller) {
	expand := r.URL.Query().Get("expand")
	entities := []map[string]any{}
	for _, kind := range o.topicKinds() {
		entity := map[string]any{"id": kind.template}
		if strings.Contains(expand, "description") {
			entity["description"] = kind.description
		}
		if strings.Contains(expand, "transports") {
			entity["transports"] = []string{"All"}
		}
		if strings.Contains(expand, "visibility") {
			entity["visibility"] = "Public"
		}
		if strings.Contains(expand, "enforced") {
			entity["enforced"] = kind.permission != ""
		}
		if strings.Contains(expand, "requiresPermissions") {
			permissions := []string{}
			if kind.permission != "" {
				permissions = append(permissions, kind.permission)
			}
			entity["requiresPermissions"] = permissions
			entity["requiresDivisionPermissions"] = kind.permission != ""
			entity["requiresCurrentUser"] = o.opts.RejectFlatTopic && kind.template == "v2.users.{id}.conversations.calls"
		}
		if strings.Contains(expand, "topicParameters") {
			entity["topicParameters"] = []string{"id"}
		}
		entities = append(entities, entity)
	}
	writeJSON(w, http.StatusOK, map[string]any{"entities": entities})
}

// closeAfter closes a socket unless it has gone by then.
func (o *Org) closeAfter(s *socket, wait time.Duration, reason string) {
	o.delayer.at(time.Now().Add(wait), func() { s.kill(closeGoingAway, reason) })
}
