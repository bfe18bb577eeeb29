package genesys

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// ChannelBudget tells how the channels of the OAuth client are used. The platform
// keeps at most Limit of them for everybody who uses the client, and removes one
// without a word when another is created.
type ChannelBudget struct {
	Limit int
	Total int // that exist
	Own   int // of this instance: in use, kept for later, and left behind
	Peer  int // that the other instances remember, see [PeerStore]
	// Foreign are those of somebody else who uses the same OAuth client.
	Foreign int
	// Needed is how many this instance will create when it renews its session.
	Needed  int
	Counted time.Time // zero: never
}

// short reports whether a renewal would remove somebody's channel.
func (b ChannelBudget) short() bool { return b.Total+b.Needed > b.Limit }

// PeerStore is a [ChannelStore] that can also tell what the other instances have
// saved, so that their channels are not taken for those of strangers.
type PeerStore interface {
	ChannelStore
	Others(ctx context.Context) ([][]byte, error)
}

// countChannels asks for the channels of the OAuth client, those of others too, and
// warns when the next ones will push others out.
func (p *Platform) countChannels(ctx context.Context, prio Priority) error {
	var list struct {
		Entities []struct {
			ID      string          `json:"id"`
			Expires json.RawMessage `json:"expires"`
		} `json:"entities"`
	}
	_, err := p.client.read(ctx, request{
		method: http.MethodGet, template: channelsTemplate,
		query: url.Values{"includechannels": {"oauthclient"}}, priority: prio,
	}, &list)
	if err != nil {
		return err
	}
	now := time.Now()
	b := ChannelBudget{Limit: channelLimit, Total: len(list.Entities), Counted: now}
	// The platform hides the ids of channels of other tokens: these can be counted only.
	visible, hidden := make(map[string]bool), 0
	for _, e := range list.Entities {
		if e.ID == "" {
			hidden++
		} else {
			visible[e.ID] = true
		}
	}
	take := func(ch *channel) bool {
		switch {
		case visible[ch.ID]:
			delete(visible, ch.ID)
		case hidden > 0 && now.Before(ch.Bound):
			hidden--
		default:
			return false
		}
		return true
	}
	for _, ch := range p.known() {
		if take(ch) {
			b.Own++
		}
	}
	for _, ch := range p.peerChannels(ctx) {
		if take(ch) {
			b.Peer++
		}
	}
	b.Foreign = hidden + len(visible)
	p.mu.Lock()
	b.Needed = max(0, len(p.slots)-len(p.remembered))
	before := p.budget
	p.budget = b
	p.mu.Unlock()
	p.reportBudget(ctx, before, b)
	return nil
}

// reportBudget warns once for each change.
func (p *Platform) reportBudget(ctx context.Context, before, b ChannelBudget) {
	changed := before.Total != b.Total || before.Foreign != b.Foreign || before.Needed != b.Needed
	switch {
	case b.short() && (changed || !before.short()):
		p.log.Warn("the channels of this OAuth client run out: another one pushes out the oldest without a connection, somebody's events stop without a word",
			"channels", b.Total, "limit", b.Limit, "own", b.Own, "peer", b.Peer, "foreign", b.Foreign, "needed_for_a_renewal", b.Needed)
	case before.short() && !b.short() && !before.Counted.IsZero():
		p.log.Info("the channels of this OAuth client suffice again", "channels", b.Total, "limit", b.Limit)
	}
	if b.Foreign > 0 && b.Foreign != before.Foreign {
		level := slog.LevelWarn
		if _, ok := p.opts.Store.(PeerStore); !ok {
			level = slog.LevelInfo // the other instance may be meant
		}
		p.log.Log(ctx, level, "somebody else uses channels of this OAuth client: give this program a client of its own",
			"foreign", b.Foreign, "channels", b.Total, "limit", b.Limit)
	}
}

// peerChannels are those that the other instances remember.
func (p *Platform) peerChannels(ctx context.Context) []*channel {
	store, ok := p.opts.Store.(PeerStore)
	if !ok {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	saved, err := store.Others(limited)
	if err != nil {
		p.failed(p.log, "load the channels of the other instance", err)
		return nil
	}
	var all []*channel
	for _, data := range saved {
		list, err := decodeChannels(data)
		if err != nil {
			p.failed(p.log, "load the channels of the other instance", err)
			continue
		}
		all = append(all, list...)
	}
	return all
}

// lookAhead counts the channels before another one is created, unless that was done
// lately: who is going to be pushed out should be warned about before, not after.
func (p *Platform) lookAhead(ctx context.Context) {
	const fresh, patience = time.Minute, 3 * time.Second
	p.looking.Lock() // all slots may want channels at the same time
	defer p.looking.Unlock()
	p.mu.Lock()
	b := p.budget
	p.mu.Unlock()
	if time.Since(b.Counted) > fresh {
		limited, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := p.countChannels(limited, PriorityChannels); err != nil {
			p.notCounted(err)
			return
		}
		p.mu.Lock()
		b = p.budget
		p.mu.Unlock()
	}
	if b.Total >= b.Limit {
		p.log.Warn("creating a channel although the OAuth client has used up all of them: the platform removes the oldest without a connection",
			"channels", b.Total, "limit", b.Limit, "foreign", b.Foreign)
	}
}

func (p *Platform) notCounted(err error) {
	if !errors.Is(err, context.Canceled) {
		p.log.Debug("channels cannot be counted", "error", err)
	}
}
