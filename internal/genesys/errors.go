package genesys

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Classes of errors.
var (
	// ErrNotFound is returned when the platform itself says that a thing does not
	// exist. A missing page of a proxy is not that.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized is returned when no usable token can be had.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden is returned when a permission is missing.
	ErrForbidden = errors.New("forbidden")
	// ErrRateLimited is returned when the platform refused a call for its limits more
	// often than is worth waiting for.
	ErrRateLimited = errors.New("rate limited")
	// ErrForeignHost is returned when an address leads outside the configured region.
	ErrForeignHost = errors.New("address is outside the configured region")
	// errNotRunning is returned by operations that need [Platform.Run].
	errNotRunning = errors.New("not running")
)

// APIError is a refused or failed REST call. It holds nothing personal: the path is a
// template, and the words of the platform are reduced to its code.
type APIError struct {
	Method        string
	Path          string // template, such as /api/v2/users/{id}
	Status        int    // HTTP status, or the one of the body when that says otherwise
	Code          string // the platform's code, such as too.many.requests
	CorrelationID string // ININ-Correlation-Id, for the platform's support
	Permissions   []string
	RetryAfter    time.Duration

	// genuine is set when the body has the shape of the platform's errors.
	genuine bool
}

// Error names the call, the status, the code and the correlation id.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: status %d", e.Method, e.Path, e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, ", code %s", e.Code)
	}
	if len(e.Permissions) > 0 {
		fmt.Fprintf(&b, ", missing permission %s", strings.Join(e.Permissions, ", "))
	}
	if !e.genuine {
		b.WriteString(", answer is not the platform's")
	}
	if e.CorrelationID != "" {
		fmt.Fprintf(&b, ", correlation id %s", e.CorrelationID)
	}
	return b.String()
}

// Is puts the error into its class.
func (e *APIError) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Status == 404 && e.genuine
	case ErrUnauthorized:
		return e.Status == 401
	case ErrForbidden:
		return e.Status == 403
	case ErrRateLimited:
		return e.Status == 429
	}
	return false
}
