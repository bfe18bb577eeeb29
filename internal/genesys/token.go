package genesys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// defaultLife is assumed when the platform does not tell; it is its default.
const defaultLife = 24 * time.Hour

// token is an access token with its life by the local clock.
type token struct {
	access  string
	since   time.Time
	expires time.Time
}

// due is when the token should be replaced.
func (t *token) due(margin time.Duration) time.Time {
	return t.expires.Add(-min(margin, t.expires.Sub(t.since)/4))
}

// tokenError says why there is no token. It is logged where it arises.
type tokenError struct {
	refused bool // trying again soon will not help
	err     error
}

func (e *tokenError) Error() string        { return "get token: " + e.err.Error() }
func (e *tokenError) Unwrap() error        { return e.err }
func (e *tokenError) Is(target error) bool { return target == ErrUnauthorized }

// tokens keeps one token and replaces it before it expires, when it is refused, or on
// demand. A refusal is repeated to callers until the next try is due, so many callers
// make no storm.
type tokens struct {
	config  clientcredentials.Config
	http    *http.Client
	timings Timings
	log     *slog.Logger
	// replaced is told of each new token.
	replaced func()

	busy     chan struct{} // held while the fields below are used
	current  *token
	failures int
	// rejections counts tokens in a row that were refused soon after they were issued.
	rejections int
	next       time.Time // no try before
	last       *tokenError

	shown   atomic.Pointer[token] // current, for status
	issued  atomic.Uint64
	refused atomic.Uint64
}

func newTokens(o *Options, transport http.RoundTripper) *tokens {
	return &tokens{
		config: clientcredentials.Config{
			ClientID:     o.ClientID,
			ClientSecret: o.ClientSecret,
			TokenURL:     strings.TrimSuffix(o.LoginURL, "/") + "/oauth/token",
			AuthStyle:    oauth2.AuthStyleInHeader,
		},
		http:     &http.Client{Transport: jsonTransport{transport}, CheckRedirect: sameHost, Timeout: o.Timings.Request},
		timings:  o.Timings,
		log:      o.Logger,
		replaced: func() {},
		busy:     make(chan struct{}, 1),
	}
}

// get returns a token that is good now.
func (t *tokens) get(ctx context.Context) (*token, error) {
	if err := t.lock(ctx); err != nil {
		return nil, err
	}
	defer t.unlock()
	now := time.Now()
	if t.current != nil && now.Before(t.current.due(t.timings.TokenMargin)) {
		return t.current, nil
	}
	var err error
	if now.Before(t.next) {
		err = t.last
	} else {
		err = t.fetch(ctx)
	}
	if err != nil && (t.current == nil || !time.Now().Before(t.current.expires)) {
		return nil, err
	}
	return t.current, nil
}

// renew gets a new token although the present one may be good.
func (t *tokens) renew(ctx context.Context) (*token, error) {
	if err := t.lock(ctx); err != nil {
		return nil, err
	}
	defer t.unlock()
	if err := t.fetch(ctx); err != nil {
		return nil, err
	}
	return t.current, nil
}

// invalidate drops a token that the platform refused, unless it was replaced already.
func (t *tokens) invalidate(ctx context.Context, access string) {
	if t.lock(ctx) != nil {
		return
	}
	defer t.unlock()
	if t.current == nil || access != "" && t.current.access != access {
		return
	}
	// A platform that refuses each fresh token is not asked for them without end.
	const tolerated = 3
	now := time.Now()
	if t.rejections++; now.Sub(t.current.since) > t.timings.BackoffMax {
		t.rejections = 0
	}
	if t.rejections > tolerated {
		t.next = now.Add(backoff(t.rejections-tolerated, t.timings.BackoffMin, t.timings.BackoffMax))
		t.last = &tokenError{err: errors.New("the platform refuses the tokens it has just issued")}
	}
	t.current = nil
	t.shown.Store(nil)
}

// revoked drops a token that was issued before it was said to be revoked.
func (t *tokens) revoked(ctx context.Context, at time.Time) {
	if shown := t.shown.Load(); shown != nil && shown.since.Before(at) {
		t.invalidate(ctx, shown.access)
	}
}

func (t *tokens) lock(ctx context.Context) error {
	select {
	case t.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *tokens) unlock() { <-t.busy }

func (t *tokens) fetch(ctx context.Context) error {
	now := time.Now()
	answer, err := t.config.Token(context.WithValue(ctx, oauth2.HTTPClient, t.http))
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return t.failed(err)
	}
	expires := answer.Expiry
	if expires.IsZero() || !expires.After(now) {
		expires = now.Add(defaultLife)
	}
	t.current = &token{access: answer.AccessToken, since: now, expires: expires}
	t.shown.Store(t.current)
	t.replaced()
	t.issued.Add(1)
	if t.last != nil {
		t.log.Info("token obtained again", "expires", expires)
	}
	t.failures, t.next, t.last = 0, time.Time{}, nil
	return nil
}

// failed schedules the next try and logs the reason when it is a new one.
func (t *tokens) failed(err error) error {
	const quickTries = 3
	t.refused.Add(1)
	e := describeToken(err, t.config.ClientSecret)
	pause := backoff(t.failures, t.timings.BackoffMin, t.timings.BackoffMax)
	if e.refused && t.failures >= quickTries {
		pause = backoff(t.failures-quickTries, 2*t.timings.RefusedMin, t.timings.RefusedMax)
	}
	if t.last == nil || t.last.Error() != e.Error() {
		t.log.Error("no token from the platform", "error", e.err, "refused", e.refused)
	}
	t.failures++
	t.next = time.Now().Add(pause)
	t.last = e
	return e
}

// describeToken puts the platform's words into an error, without the secret.
func describeToken(err error, secret string) *tokenError {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		return &tokenError{err: bare(err)}
	}
	status := 0
	if answer.Response != nil {
		status = answer.Response.StatusCode
	}
	words := fmt.Sprintf("status %d", status)
	for _, w := range []string{answer.ErrorCode, answer.ErrorDescription} {
		if w != "" {
			words += ": " + clip(w)
		}
	}
	if secret != "" {
		words = strings.ReplaceAll(words, secret, "***")
	}
	return &tokenError{
		refused: status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests,
		err:     errors.New(words),
	}
}

// clip keeps foreign words short and on one line.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}

// sameHost follows redirects within one host only: credentials stay where they belong.
func sameHost(r *http.Request, via []*http.Request) error {
	if r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
		return fmt.Errorf("redirect to %s: %w", r.URL.Host, ErrForeignHost)
	}
	if len(via) > 5 {
		return errors.New("too many redirects")
	}
	return nil
}

// jsonTransport names the content of answers that gateways label as plain text: the
// OAuth library would read those as forms.
type jsonTransport struct{ http.RoundTripper }

func (t jsonTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	const limit = 1 << 20
	resp, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		resp.Header.Set("Content-Type", "application/json")
	}
	return resp, nil
}
