package app

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	_ "embed" // the status page
)

// statusPage is one file without outside resources. It asks for /status.json every two
// seconds and writes what comes as text, never as markup.
//
//go:embed status.html
var statusPage string

// pageHandler serves the status page. Its policy lets the browser run the one script
// and the one style of the page, by their digests, and lets it ask this instance only:
// whatever else gets into the page is inert.
func pageHandler() http.HandlerFunc {
	policy := strings.Join([]string{
		"default-src 'none'", "script-src " + digest("script"), "style-src " + digest("style"), "connect-src 'self'", "img-src data:",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, "; ")
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		_, _ = w.Write([]byte(statusPage))
	}
}

// digest is the source expression for the one element of a name in the page.
func digest(element string) string {
	_, rest, _ := strings.Cut(statusPage, "<"+element+">")
	content, _, _ := strings.Cut(rest, "</"+element+">")
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
