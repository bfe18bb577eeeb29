package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// apiError is an error that the API answers with, in the platform's ErrorBody.
type apiError struct {
	status     int
	code       string
	message    string
	entity     string
	missing    []string
	retryAfter int
}

//nolint:gochecknoglobals // Read-only: answers without parameters.
var (
	errMethod   = apiError{status: http.StatusMethodNotAllowed, code: "method.not.allowed", message: "HTTP method is not allowed for this resource"}
	errLogin    = apiError{status: http.StatusUnauthorized, code: "bad.credentials", message: "Invalid login credentials."}
	errNoRoute  = apiError{status: http.StatusNotFound, code: "not.found", message: "HTTP 404 Not Found"}
	errUserOnly = apiError{status: http.StatusBadRequest, code: "invalid.context", message: "This request requires a user context. Client credentials cannot be used for requests that require a user."}
)

func errBadRequest(format string, args ...any) apiError {
	return apiError{status: http.StatusBadRequest, code: "bad.request", message: fmt.Sprintf(format, args...)}
}

func errNotFound(kind, id string) apiError {
	return apiError{status: http.StatusNotFound, code: "not.found", message: "The requested " + kind + " could not be found.", entity: id}
}

func errForbidden(permissions ...string) apiError {
	return apiError{
		status: http.StatusForbidden, code: "missing.any.permissions", missing: permissions,
		message: "Unable to perform the requested action. You must have at least one of the following permissions assigned: [" +
			strings.Join(permissions, ", ") + "]",
	}
}

type errorBody struct {
	Message           string            `json:"message"`
	Code              string            `json:"code"`
	Status            int               `json:"status"`
	EntityID          string            `json:"entityId,omitempty"`
	MessageWithParams string            `json:"messageWithParams"`
	MessageParams     map[string]string `json:"messageParams"`
	ContextID         string            `json:"contextId"`
	Details           []any             `json:"details"`
	Errors            []any             `json:"errors"`
}

func (o *Org) errorBody(e apiError) errorBody {
	params := map[string]string{}
	if len(e.missing) > 0 {
		params["permissions"] = strings.Join(e.missing, ", ")
	}
	return errorBody{
		Message: e.message, Code: e.code, Status: e.status, EntityID: e.entity,
		MessageWithParams: e.message, MessageParams: params, ContextID: o.dice.uuid(),
		Details: []any{}, Errors: []any{},
	}
}

func (o *Org) writeError(w http.ResponseWriter, e apiError) {
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	writeJSON(w, e.status, o.errorBody(e))
}

// caller is who makes an API request.
type caller struct {
	token  *token
	client *Client
}

type apiHandler func(w http.ResponseWriter, r *http.Request, who caller)

// routes is the whole surface of the organization.
func (o *Org) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth/token", o.entry(o.serveToken))
	mux.HandleFunc("/channels/{id}", o.serveSocket)
	mux.HandleFunc("/simulator/", o.serveControl)
	mux.HandleFunc("/", o.entry(func(w http.ResponseWriter, _ *http.Request) { o.writeError(w, errNoRoute) }))
	api := func(pattern, permission string, handler apiHandler) {
		mux.HandleFunc(pattern, o.entry(o.authorized(permission, handler)))
	}
	o.directoryRoutes(api)
	o.channelRoutes(api)
	o.conversationRoutes(api)
	api("/api/v2/tokens/me", "", o.serveTokenMe)
	api("/api/v2/", "", func(w http.ResponseWriter, _ *http.Request, _ caller) { o.writeError(w, errNoRoute) })
	return mux
}

// entry is what every request passes first: correlation id, latency, REST faults.
func (o *Org) entry(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ININ-Correlation-Id", o.dice.uuid())
		if o.opts.Latency > 0 {
			select {
			case <-time.After(o.opts.Latency):
			case <-r.Context().Done():
				return
			}
		}
		if o.answerWithFault(w, r, next) {
			return
		}
		next(w, r)
	}
}

// authorized checks the token, the rate limit and the permission, in this order.
func (o *Org) authorized(permission string, next apiHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		t, c := o.client(r.Header.Get("Authorization"))
		if t == nil {
			o.writeError(w, errLogin)
			return
		}
		if limited, ok := o.spend(w.Header(), t); ok {
			o.writeError(w, limited)
			return
		}
		if !c.may(permission) {
			o.writeError(w, errForbidden(permission))
			return
		}
		next(w, r, caller{token: t, client: c})
	}
}

const rateWindow = time.Minute

// spend counts one request of the token and sets the headers of the limit. It
// reports the 429 to answer with when the window is used up.
func (o *Org) spend(header http.Header, t *token) (apiError, bool) {
	allowed := o.opts.RateLimit
	if allowed < 0 {
		return apiError{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at := time.Now()
	if at.Sub(t.window) >= rateWindow {
		t.window, t.count = at, 0
	}
	t.count++
	reset := int(rateWindow.Seconds()-at.Sub(t.window).Seconds()) + 1
	header.Set("inin-ratelimit-count", strconv.Itoa(t.count))
	header.Set("inin-ratelimit-allowed", strconv.Itoa(allowed))
	header.Set("inin-ratelimit-reset", strconv.Itoa(reset))
	if t.count <= allowed {
		return apiError{}, false
	}
	return tooMany(reset), true
}

func tooMany(retryAfter int) apiError {
	return apiError{
		status: http.StatusTooManyRequests, code: "too.many.requests", retryAfter: retryAfter,
		message: fmt.Sprintf("Rate limit exceeded the maximum. Retry the request in [%d] seconds", retryAfter),
	}
}
