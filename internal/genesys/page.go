package genesys

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strconv"

	"golang.org/x/sync/errgroup"
)

const (
	pageSize      = 100
	mostPages     = 10000 // more is a server that does not know its end
	pagesAtOnce   = 4
	idsPerRequest = 50
)

// page is one page of a list. Servers fill in some of the fields, and choose a page
// size of their own.
type page struct {
	Entities   []json.RawMessage `json:"entities"`
	PageCount  int               `json:"pageCount"`
	PageSize   int               `json:"pageSize"`
	Total      int               `json:"total"`
	NextURI    string            `json:"nextUri"`
	received   answer
	pageNumber int
}

// entity is one element of a list.
type entity struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	raw  json.RawMessage
	from answer
}

// list reads all pages of a list. Each entity is returned once, whatever the pages
// repeat. Reading ends where the server says so, or where a page brings nothing new. A
// list that is shorter than the server said is read once more.
func (c *client) list(ctx context.Context, r request) ([]entity, error) {
	all, told, err := c.listOnce(ctx, r)
	if err == nil && len(all) < told {
		var again []entity
		if again, _, err = c.listOnce(ctx, r); len(again) > len(all) {
			all = again
		}
	}
	return all, err
}

// listOnce returns the list, and how long the server said that it is.
func (c *client) listOnce(ctx context.Context, r request) (_ []entity, told int, _ error) {
	seen := make(map[string]bool)
	var all []entity
	// take adds a page and reports whether it brought anything.
	take := func(p *page) bool {
		before := len(all)
		for _, raw := range p.Entities {
			e := entity{raw: raw, from: p.received}
			if lenient(json.Unmarshal(raw, &e)) == nil && e.ID != "" && !seen[e.ID] {
				seen[e.ID] = true
				all = append(all, e)
			}
		}
		return len(all) > before
	}
	last, err := c.page(ctx, r, 1)
	if err != nil {
		return nil, 0, err
	}
	fresh := take(last)
	told = last.Total
	// The rest of a list of known length is read side by side.
	if n := last.count(); fresh && n > 1 && n <= mostPages {
		pages := make([]*page, n-1)
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(pagesAtOnce)
		for i := range pages {
			group.Go(func() (err error) {
				pages[i], err = c.page(groupCtx, r, i+2)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return nil, 0, err
		}
		for _, last = range pages {
			fresh = take(last)
		}
	}
	for fresh && last.more(len(all)) && last.pageNumber < mostPages {
		if last, err = c.page(ctx, r, last.pageNumber+1); err != nil {
			return nil, 0, err
		}
		fresh = take(last)
	}
	return all, told, nil
}

func (c *client) page(ctx context.Context, r request, number int) (*page, error) {
	query := url.Values{}
	maps.Copy(query, r.query)
	query.Set("pageSize", strconv.Itoa(pageSize))
	query.Set("pageNumber", strconv.Itoa(number))
	r.query = query
	p := &page{pageNumber: number}
	a, err := c.read(ctx, r, p)
	a.body = nil
	p.received = a
	return p, err
}

// count returns the number of pages as far as the first one tells.
func (p *page) count() int {
	if p.PageCount > 0 {
		return p.PageCount
	}
	if n := len(p.Entities); n > 0 && p.Total > n {
		return (p.Total + n - 1) / n
	}
	return 1
}

// more reports whether a further page may exist after have entities.
func (p *page) more(have int) bool {
	switch {
	case p.Total > 0:
		return have < p.Total
	case p.PageCount > 0:
		return p.pageNumber < p.PageCount || p.NextURI != ""
	case p.NextURI != "":
		return true
	}
	// Nothing is said: a full page may have a successor.
	return len(p.Entities) >= pageSize || p.PageSize > 0 && len(p.Entities) >= p.PageSize
}
