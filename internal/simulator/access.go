package simulator

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Permissions that the simulator asks for.
const (
	PermissionConversationView = "conversation:communication:view"
	PermissionAnalyticsView    = "analytics:conversationDetail:view"
	PermissionQueueView        = "routing:queue:view"
	PermissionStationView      = "telephony:otherStationAssociation:view"
	PermissionPresenceView     = "presence:presenceDefinition:view"
	PermissionUserSearch       = "directory:user:view"
)

// AllPermissions returns every permission that the simulator asks for.
func AllPermissions() []string {
	return []string{
		PermissionConversationView, PermissionAnalyticsView, PermissionQueueView,
		PermissionStationView, PermissionPresenceView, PermissionUserSearch,
	}
}

// Client is an OAuth client of the organization.
type Client struct {
	ID, Secret string
	// Permissions of the client; nil means all of them, empty means none.
	Permissions []string
	// Divisions that the client may see; nil means all of them.
	Divisions []string
	// TokenLife of its tokens. Default: Options.TokenLife.
	TokenLife time.Duration
	// Disabled clients get no token, and those they have are invalid.
	Disabled bool
}

func (c *Client) may(permission string) bool {
	return permission == "" || c.Permissions == nil || slices.Contains(c.Permissions, permission)
}

func (c *Client) sees(division string) bool {
	return c.Divisions == nil || slices.Contains(c.Divisions, division)
}

// token is one access token. Fields other than the window never change.
type token struct {
	value   string
	client  string
	expires time.Time

	mu     sync.Mutex
	window time.Time // start of the current rate limit window
	count  int
}

type access struct {
	mu      sync.Mutex
	clients map[string]*Client
	tokens  map[string]*token
	issued  int
}

func (a *access) init() {
	a.clients = make(map[string]*Client)
	a.tokens = make(map[string]*token)
}

// AddClient adds an OAuth client, or replaces the one with the same id.
func (o *Org) AddClient(c Client) {
	orDefault(&c.TokenLife, o.opts.TokenLife)
	o.access.mu.Lock()
	o.access.clients[c.ID] = &c
	o.access.mu.Unlock()
	if c.Disabled {
		o.endTokens(func(t *token) bool { return t.client == c.ID }, tokenRevoked)
	}
}

// TokensIssued is how many tokens were issued so far.
func (o *Org) TokensIssued() int {
	o.access.mu.Lock()
	defer o.access.mu.Unlock()
	return o.access.issued
}

// client returns the token and its client if both are good now.
func (o *Org) client(bearer string) (*token, *Client) {
	value, ok := strings.CutPrefix(bearer, "Bearer ")
	if !ok {
		value, ok = strings.CutPrefix(bearer, "bearer ")
	}
	if !ok {
		return nil, nil
	}
	o.access.mu.Lock()
	defer o.access.mu.Unlock()
	t := o.access.tokens[strings.TrimSpace(value)]
	if t == nil || !time.Now().Before(t.expires) {
		return nil, nil
	}
	c := o.access.clients[t.client]
	if c == nil || c.Disabled {
		return nil, nil
	}
	return t, c
}

type tokenEnd string

const (
	tokenExpired tokenEnd = "expired"
	tokenRevoked tokenEnd = "revoked"
)

// endTokens takes the chosen tokens and their channels out of service. Only a
// revocation is announced on the socket; expiry is silent.
func (o *Org) endTokens(chosen func(*token) bool, how tokenEnd) int {
	o.access.mu.Lock()
	dead := make(map[*token]bool)
	for _, t := range o.access.tokens {
		if chosen(t) {
			dead[t] = true
		}
	}
	maps.DeleteFunc(o.access.tokens, func(_ string, t *token) bool { return dead[t] })
	o.access.mu.Unlock()
	if len(dead) == 0 {
		return 0
	}
	o.killChannels(func(ch *channel) bool {
		return slices.ContainsFunc(ch.tokens, func(t *token) bool { return dead[t] })
	}, how)
	return len(dead)
}

func (o *Org) expireTokens(at time.Time) {
	o.endTokens(func(t *token) bool { return !at.Before(t.expires) }, tokenExpired)
}

type oauthError struct {
	Error            string `json:"error"`
	Description      string `json:"description,omitempty"`
	ErrorDescription string `json:"error_description,omitempty"`
}

// serveToken is POST /oauth/token. Its errors are not the ErrorBody of the API.
func (o *Org) serveToken(w http.ResponseWriter, r *http.Request) {
	fail := func(code, text string) {
		writeJSON(w, http.StatusBadRequest, oauthError{code, text, text})
	}
	if r.Method != http.MethodPost {
		o.writeError(w, errMethod)
		return
	}
	if err := r.ParseForm(); err != nil {
		fail("invalid_request", "malformed form")
		return
	}
	if grant := r.PostForm.Get("grant_type"); grant != "client_credentials" {
		fail("unsupported_grant_type", "grant type not supported")
		return
	}
	id, secret, ok := r.BasicAuth()
	if !ok {
		fail("invalid_request", "client credentials are missing")
		return
	}
	o.access.mu.Lock()
	c := o.access.clients[id]
	var t *token
	if c != nil && c.Secret == secret && !c.Disabled {
		t = &token{value: o.dice.word(64), client: id, expires: time.Now().Add(c.TokenLife)}
		o.access.tokens[t.value] = t
		o.access.issued++
	}
	o.access.mu.Unlock()
	switch {
	case c == nil:
		fail("invalid_client", "client not found")
	case c.Secret != secret:
		fail("invalid_client", "authentication failed")
	case t == nil:
		fail("unauthorized_client", "client is disabled")
	default:
		writeJSON(w, http.StatusOK, map[string]any{
			"access_token": t.value, "token_type": "bearer", "expires_in": int(c.TokenLife.Seconds()),
		})
	}
}

// serveTokenMe is GET, HEAD and DELETE /api/v2/tokens/me.
func (o *Org) serveTokenMe(w http.ResponseWriter, r *http.Request, who caller) {
	switch r.Method {
	case http.MethodDelete:
		o.endTokens(func(t *token) bool { return t == who.token }, tokenRevoked)
		w.WriteHeader(http.StatusOK)
	case http.MethodHead:
		w.WriteHeader(http.StatusOK)
	case http.MethodGet:
		writeJSON(w, http.StatusOK, map[string]any{
			"organization": map[string]any{"id": o.id(), "name": o.opts.Domain},
			"OAuthClient":  map[string]any{"id": who.client.ID, "name": who.client.ID},
		})
	default:
		o.writeError(w, errMethod)
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client has gone when this fails; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(body)
}
