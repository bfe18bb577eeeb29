package genesys

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// request is one REST call. Path holds ids, template does not: it is what errors show.
type request struct {
	method   string
	template string
	id       string // replaces {id} in template
	query    url.Values
	body     any
	priority Priority
	// once is set for calls that must not be repeated when their outcome is unknown.
	once bool
}

// answer is the body of a successful call and when it was asked for.
type answer struct {
	body            []byte
	asked, received time.Time
	token           *token
}

// client makes REST calls.
type client struct {
	base    string
	http    *http.Client
	tokens  *tokens
	gate    *gate
	timings Timings
	maxBody int64
	missing *regexp.Regexp // finds the names of permissions in the platform's words

	offset   atomic.Int64 // clock of the platform less ours, ns
	requests atomic.Uint64
	failures atomic.Uint64
	retries  atomic.Uint64
	limited  atomic.Uint64
}

func newClient(o *Options, transport http.RoundTripper, t *tokens) *client {
	g := newGate()
	t.replaced = g.renewed
	return &client{
		base:    strings.TrimSuffix(o.APIURL, "/"),
		http:    &http.Client{Transport: transport, CheckRedirect: sameHost},
		tokens:  t,
		gate:    g,
		timings: o.Timings,
		maxBody: o.MaxBody,
		missing: regexp.MustCompile(`[A-Za-z]+:[A-Za-z]+:[A-Za-z*]+`),
	}
}

// call makes a call and repeats it when that may help.
func (c *client) call(ctx context.Context, r request) (answer, error) {
	var err error
	reauthorized := false
	for try := 0; ; {
		var a answer
		if a, err = c.try(ctx, r); err == nil {
			return a, nil
		}
		c.failures.Add(1)
		if ctx.Err() != nil {
			return answer{}, err
		}
		var refused *APIError
		if errors.As(err, &refused) && refused.Status == http.StatusUnauthorized && !reauthorized {
			reauthorized = true
			c.tokens.invalidate(ctx, a.token.access)
			continue
		}
		if try >= c.timings.Retries || !worthRetry(err, r.once) {
			return answer{}, err
		}
		c.retries.Add(1)
		if refused == nil || refused.Status != http.StatusTooManyRequests { // the gate waits for those
			if err := sleep(ctx, backoff(try, c.timings.BackoffMin, c.timings.BackoffMax)); err != nil {
				return answer{}, err
			}
		}
		try++
	}
}

// worthRetry reports whether the same call may succeed soon.
func worthRetry(err error, once bool) bool {
	if refused, ok := errors.AsType[*APIError](err); ok {
		switch s := refused.Status; {
		case s == http.StatusTooManyRequests:
			return true
		case s == http.StatusNotImplemented:
			return false
		case s >= 500, s == http.StatusRequestTimeout:
			return !once
		}
		return false
	}
	var noToken *tokenError
	return !once && !errors.As(err, &noToken) && !errors.Is(err, ErrForeignHost)
}

// try makes a call once.
func (c *client) try(ctx context.Context, r request) (answer, error) {
	var a answer
	// Without a token nothing waits at the gate. There it may be replaced.
	if _, err := c.tokens.get(ctx); err != nil {
		return a, err
	}
	status, header := 0, http.Header(nil)
	ticket, err := c.gate.enter(ctx, r.priority)
	defer func() { c.gate.leave(ticket, status, header) }()
	if err != nil {
		return a, err
	}
	if a.token, err = c.tokens.get(ctx); err != nil {
		return a, err
	}
	httpRequest, err := c.build(ctx, r, a.token)
	if err != nil {
		return a, err
	}
	limited, cancel := context.WithTimeout(ctx, c.timings.Request)
	defer cancel()
	c.requests.Add(1)
	a.asked = time.Now()
	resp, err := c.http.Do(httpRequest.WithContext(limited))
	if err != nil {
		return a, fmt.Errorf("%s %s: %w", r.method, r.template, bare(err))
	}
	status, header = resp.StatusCode, resp.Header
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, c.maxBody+1))
	_ = resp.Body.Close()
	a.received = time.Now()
	if err != nil {
		return a, fmt.Errorf("%s %s: read answer: %w", r.method, r.template, err)
	}
	if int64(len(a.body)) > c.maxBody {
		return a, fmt.Errorf("%s %s: answer is longer than %d bytes", r.method, r.template, c.maxBody)
	}
	c.clock(header, a.asked, a.received)
	if status == http.StatusTooManyRequests {
		c.limited.Add(1)
	}
	return a, c.refusal(r, resp, a.body)
}

func (c *client) build(ctx context.Context, r request, t *token) (*http.Request, error) {
	address := c.base + strings.ReplaceAll(r.template, "{id}", url.PathEscape(r.id))
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	var body io.Reader
	if r.body != nil {
		b, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: encode: %w", r.method, r.template, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: build: %w", r.method, r.template, bare(err))
	}
	req.Header.Set("Authorization", "Bearer "+t.access)
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// bare takes the address off an error: it may hold ids and query values.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// errorBody is what the platform says when it refuses.
type errorBody struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// refusal turns an answer into an error where it is one: by its status, or by a body
// in the shape of an error that came with a good status.
func (c *client) refusal(r request, resp *http.Response, body []byte) error {
	good := resp.StatusCode >= 200 && resp.StatusCode < 300
	var e errorBody
	object := bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
	if object && (!good || len(body) < 64<<10 && bytes.Contains(body, []byte(`"code"`))) {
		_ = lenient(json.Unmarshal(body, &e)) // what cannot be read stays empty
	}
	if good && (e.Code == "" || e.Status < 400) {
		return nil
	}
	refused := &APIError{
		Method: r.method, Path: r.template, Status: resp.StatusCode, Code: clip(e.Code),
		CorrelationID: clip(resp.Header.Get("Inin-Correlation-Id")),
		RetryAfter:    retryAfter(resp.Header, time.Now()),
		genuine:       object && (e.Code != "" || e.Status == resp.StatusCode),
	}
	if good {
		refused.Status = e.Status
	}
	if refused.Status == http.StatusForbidden {
		refused.Permissions = c.missing.FindAllString(e.Message, -1)
	}
	return refused
}

// clock compares the platform's clock with ours.
func (c *client) clock(h http.Header, asked, received time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	// The header is cut to seconds: half of one is the best guess of the rest.
	middle := asked.Add(received.Sub(asked) / 2)
	c.offset.Store(int64(date.Add(time.Second / 2).Sub(middle)))
}

// now is the platform's clock.
func (c *client) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// lenient accepts values of the wrong type: encoding/json leaves them out and reads on.
func lenient(err error) error {
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err
}

// read makes a call and decodes its answer.
func (c *client) read(ctx context.Context, r request, v any) (answer, error) {
	a, err := c.call(ctx, r)
	if err != nil {
		return a, err
	}
	if len(bytes.TrimSpace(a.body)) == 0 {
		return a, nil // a success without words: nothing is known but that
	}
	if err := lenient(json.Unmarshal(a.body, v)); err != nil {
		return a, fmt.Errorf("%s %s: answer is not the expected JSON: %w", r.method, r.template, err)
	}
	return a, nil
}
