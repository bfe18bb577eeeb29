package genesys

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"
)

// loadChannels takes over the channels of an earlier run. Whether one still exists is
// asked when it is needed: the platform's clock decides, not ours.
func (p *Platform) loadChannels(ctx context.Context) {
	if p.opts.Store == nil {
		return
	}
	data, err := p.opts.Store.Load(ctx)
	if err != nil {
		p.failed(p.log, "load remembered channels", err)
		return
	}
	list, err := decodeChannels(data)
	if err != nil {
		p.failed(p.log, "load remembered channels", err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ch := range list {
		if ch.Left {
			p.left = append(p.left, ch)
		} else if p.checkConnectURI(ch.ConnectURI) == nil {
			p.remembered = append(p.remembered, ch)
		}
	}
}

// decodeChannels reads what a store holds. The content is secret, so is what an error
// about it would quote.
func decodeChannels(data []byte) ([]*channel, error) {
	var list []*channel
	if len(data) > 0 && json.Unmarshal(data, &list) != nil {
		return nil, errors.New("not the expected JSON")
	}
	return slices.DeleteFunc(list, func(ch *channel) bool { return ch == nil || ch.ID == "" }), nil
}

// remember notes the channel of a slot, nil for none.
func (p *Platform) remember(slot int, ch *channel) {
	p.mu.Lock()
	if ch == nil {
		delete(p.channels, slot)
	} else {
		p.channels[slot] = ch
	}
	p.mu.Unlock()
	p.changed()
}

// changed asks for the memory to be saved and for the channels to be counted.
func (p *Platform) changed() {
	select {
	case p.dirty <- struct{}{}:
	default:
	}
}

// recall returns a remembered channel that is not in use; nil when there is none that
// lives for at least that long. One that has outlived its token is returned too, when
// its topics were put with a later one: whether that saved it only the platform knows.
func (p *Platform) recall(least time.Duration) *channel {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	var kept []*channel
	var best *channel
	for _, ch := range p.remembered {
		if !now.Before(ch.Bound) && !now.Before(ch.Rebound) {
			continue // dead with its last token
		}
		if life := ch.life(now, least); life >= least && (best == nil || life > best.life(now, least)) {
			best = ch
		}
		kept = append(kept, ch)
	}
	if i := slices.Index(kept, best); best != nil && i >= 0 {
		kept = slices.Delete(kept, i, i+1)
	}
	p.remembered = kept
	return best
}

// life is for how long a channel may live on, as far as its tokens go. Where the last
// token counts, that will be the next one: long enough.
func (c *channel) life(now time.Time, enough time.Duration) time.Duration {
	if now.Before(c.Bound) && !c.Rebinds {
		return c.Bound.Sub(now)
	}
	return max(enough, c.Bound.Sub(now))
}

// giveBack puts a channel that is not in use among the remembered ones.
func (p *Platform) giveBack(ch *channel) {
	p.mu.Lock()
	p.remembered = append(p.remembered, ch)
	if n := len(p.remembered); n > channelLimit {
		p.remembered = slices.Delete(p.remembered, 0, n-channelLimit)
	}
	p.mu.Unlock()
	p.changed()
}

// leave notes a channel that exists but is of no use: it counts against the limit of
// the OAuth client until it expires.
func (p *Platform) leave(ch *channel) {
	v := *ch
	v.Left, v.ConnectURI = true, ""
	p.mu.Lock()
	p.left = append(p.left, &v)
	if n := len(p.left); n > channelLimit {
		p.left = slices.Delete(p.left, 0, n-channelLimit)
	}
	p.mu.Unlock()
	p.changed()
}

// bear notes a channel that was created just now. It is ours before it is in use, also
// when the program ends in between.
func (p *Platform) bear(ch *channel) {
	p.mu.Lock()
	p.born = append(p.born, birth{ch, time.Now()})
	p.mu.Unlock()
	p.changed()
}

// birth is a new channel, noted until it has found its place.
type birth struct {
	*channel
	at time.Time
}

// known returns every channel of this instance that may exist.
func (p *Platform) known() []*channel {
	const infancy = time.Minute
	now := p.client.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.born = slices.DeleteFunc(p.born, func(b birth) bool { return time.Since(b.at) > infancy })
	p.left = slices.DeleteFunc(p.left, func(ch *channel) bool { return now.After(ch.Expires) })
	list := slices.Clone(p.remembered)
	list = append(list, p.left...)
	for _, i := range slices.Sorted(maps.Keys(p.channels)) {
		list = append(list, p.channels[i])
	}
	for _, b := range p.born {
		if !slices.ContainsFunc(list, func(ch *channel) bool { return ch.ID == b.ID }) {
			list = append(list, b.channel)
		}
	}
	return list
}

func (p *Platform) saveChannels(ctx context.Context) {
	if p.opts.Store == nil {
		return
	}
	data, err := json.Marshal(p.known())
	if err == nil {
		limited, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		err = p.opts.Store.Save(limited, data)
	}
	if err != nil {
		p.failed(p.log, "save channels", err)
		p.unsaved.Store(true)
		return
	}
	p.unsaved.Store(false)
}
