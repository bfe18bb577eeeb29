package benchmark

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// get reads a small page.
func get(ctx context.Context, url string) (status int, body string) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, ""
	}
	r.Close = true // no connection outlives the question
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, ""
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return 0, fmt.Sprint(err)
	}
	return resp.StatusCode, string(b)
}
