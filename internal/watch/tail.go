package watch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// From says where a tail begins.
type From int

// The beginnings.
const (
	FromNow  From = iota // with what is stored from now on
	FromTime             // with what was stored at a time or later
	FromOpen             // with the last event of each open leg, then like FromNow
)

// TailOptions say what to show.
type TailOptions struct {
	Source
	Filter Filter
	From   From
	// Ago and At are the time of FromTime: before the server's present, or where Ago is
	// 0 the time itself.
	Ago time.Duration
	At  time.Time
	// JSON shows each event as it is stored, one per line, heartbeats included. As text
	// heartbeats are shown only where the filter chooses the feed by name.
	JSON bool
	Out  io.Writer
}

// errOut ends a tail whose output cannot be written.
var errOut = errors.New("write")

// Tail shows events until ctx ends or nobody reads the output any more; both are no
// errors.
func Tail(ctx context.Context, o TailOptions) error {
	named := o.Filter.Feed
	o.Filter = o.Filter.kinds()
	ctx, cancel, r, err := o.open(ctx)
	defer cancel(nil)
	if err != nil {
		return ignored(ctx, err)
	}
	v := &viewer{options: o, heartbeats: named || o.JSON, out: bufio.NewWriter(o.Out), fail: cancel}
	from, subject := r.fromNow(), o.Filter.subject(o.Adapter)
	caughtUp := func() {}
	switch o.From {
	case FromNow:
	case FromTime:
		from = start{since: o.At}
		if o.Ago > 0 {
			from.since = r.now().Add(-o.Ago)
		}
	case FromOpen:
		if from, err = r.fromWindow(ctx); err != nil {
			return ignored(ctx, err)
		}
		v.picture = newPicture()
		caughtUp = v.showOpen
	}
	return ignored(ctx, r.follow(ctx, from, subject, caughtUp, v.take))
}

// ignored drops the errors of an end that was wanted.
func ignored(ctx context.Context, err error) error {
	if c := cause(ctx, nil); c != nil {
		err = c
	}
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// viewer writes events.
type viewer struct {
	options    TailOptions
	heartbeats bool
	picture    *picture // while open legs are looked for
	out        *bufio.Writer
	fail       context.CancelCauseFunc
}

func (v *viewer) take(entries []publish.Entry) {
	for _, e := range entries {
		event, err := recording.Decode(e.Data)
		if err != nil {
			event = nil
		}
		if v.picture != nil {
			v.picture.take(e, event)
			continue
		}
		v.show(e, event)
	}
	v.flush()
}

// showOpen shows the last event of each open leg, and open gaps where the feed is
// chosen; then it goes on with what comes.
func (v *viewer) showOpen() {
	p := v.picture
	v.picture = nil
	if p == nil {
		return
	}
	for _, e := range p.openEntries() {
		if event, err := recording.Decode(e.Data); err == nil {
			v.show(e, event)
		}
	}
	v.flush()
}

func (v *viewer) show(e publish.Entry, event any) {
	if event != nil && !v.options.Filter.chooses(event) {
		return
	}
	if f, ok := event.(*recording.FeedEvent); ok && f.Data.Event == recording.FeedHeartbeat && !v.heartbeats {
		return
	}
	if !v.options.JSON {
		v.write([]byte(line(e, event, time.Now())))
		return
	}
	if event == nil {
		v.options.Logger.Warn("a message is not an event of this contract", "sequence", e.Sequence)
		return
	}
	if !bytes.ContainsRune(e.Data, '\n') {
		v.write(e.Data)
		return
	}
	var compact bytes.Buffer
	if json.Compact(&compact, e.Data) == nil {
		v.write(compact.Bytes())
	}
}

func (v *viewer) write(text []byte) {
	_, _ = v.out.Write(text) // flush tells
	_ = v.out.WriteByte('\n')
}

func (v *viewer) flush() {
	if err := v.out.Flush(); err != nil {
		v.fail(fmt.Errorf("%w: %w", errOut, err))
	}
}
