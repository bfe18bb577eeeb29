package publish

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	tailAPITimeout = 2 * time.Second
	// tailInactive is how long the server keeps a consumer nobody asks.
	tailInactive = 30 * time.Second
	// tailExpires is how long the server keeps one pull request.
	tailExpires = 30 * time.Second
	// tailGather is how long messages gather at the server under traffic, but not in haste. The tail wakes up once for many of them then, and so does
	// whoever it delivers to.
	tailGather = 20 * time.Millisecond
	// tailFew messages within that time are not worth it: the next tailTrickle ones are
	// delivered as they are stored.
	tailFew, tailTrickle = 2, 16
	// rewindChecks is how often a stream must look rewound before it is believed:
	// a server that has just started may not know its whole stream yet.
	rewindChecks = 5
	rewindPause  = 500 * time.Millisecond
)

var errReadOn = errors.New("consumer must be rebuilt")

// The library's own ordered consumer is as fast, but when the stream was created
// anew it reads on at the old sequence without a word, which is a silent hole.
// So the tail asks for messages itself and checks each delivery.

// pull is one consumer and its inbox.
type pull struct {
	name        string
	inbox       string
	next        string // subject of pull requests
	messages    chan *nats.Msg
	outstanding int    // requested and not delivered; 0: no request is open
	brought     int    // messages that the last request has brought
	atEnd       bool   // there were no more when it ended
	sequence    uint64 // of the consumer: the next one is this plus one
	remaining   uint64 // of what was stored when it was made
}

// consume makes a consumer behind what was delivered and delivers from it until
// anything is odd, or it is not needed ([errOwn]). It never returns nil.
func (t *Tail) consume(ctx context.Context, origin *time.Time, deliver func([]Entry)) error {
	ctx, end := t.whileConnected(ctx)
	defer end()
	if err := t.checkStream(ctx, origin); err != nil {
		return err
	}
	p, sub, err := t.create(ctx)
	if err != nil {
		return err
	}
	defer t.remove(p, sub)
	t.noteCaughtUp(p.remaining == 0)

	silence := time.NewTicker(t.options.Heartbeat)
	defer silence.Stop()
	spare := time.NewTicker(ownAfter)
	defer spare.Stop()
	missed, began := 0, time.Now()
	var batch []Entry
	gather := time.NewTimer(0)
	defer gather.Stop()
	<-gather.C
	gathering := false
	for {
		switch {
		case p.outstanding > 0 && p.remaining >= uint64(p.outstanding+halfPull) && p.outstanding <= halfPull:
			// What is requested now is there: the server need not wait for the next request.
			if err := t.request(p, halfPull); err != nil {
				return err
			}
		case p.outstanding > 0 || gathering:
		case p.atEnd && p.brought > tailFew && !t.options.Haste.on.Load():
			gathering = true
			gather.Reset(tailGather)
		default:
			n := defaultPull
			if p.atEnd {
				n = tailTrickle
			}
			if err := t.request(p, n); err != nil {
				return err
			}
		}
		select {
		case <-t.options.Haste.began:
			if gathering {
				gather.Reset(0)
			}
		case <-gather.C:
			gathering = false
			p.atEnd = false
		case m := <-p.messages:
			missed = 0
			var err error
			batch, err = t.collect(p, batch[:0], m)
			if len(batch) > 0 {
				t.delivered.Add(uint64(len(batch)))
				t.own.delivered(batch)
				t.handed.Store(batch[len(batch)-1].Sequence)
				deliver(batch)
				clear(batch)
				t.noteCaughtUp(p.remaining == 0)
			}
			if err != nil {
				return err
			}
		case <-spare.C:
			if t.caughtUp.Load() && t.own.enough(began) {
				return errOwn
			}
		case <-silence.C:
			if missed++; missed > 2 {
				return fmt.Errorf("%w: the server is silent", errReadOn)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// whileConnected is a context that also ends when the connection is lost: answers
// under way cannot come any more, and the server may have forgotten the consumer's
// pull request. end waits for its goroutine.
func (t *Tail) whileConnected(ctx context.Context) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	status := t.conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-status:
			cancel(nats.ErrDisconnected)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
		t.conn.RemoveStatusListener(status)
	}
}

// checkStream sees to it that we read on in the stream in which we began.
func (t *Tail) checkStream(ctx context.Context, origin *time.Time) error {
	for check := 1; ; check++ {
		info, err := t.streamInfo(ctx)
		if err != nil {
			return err
		}
		if origin.IsZero() {
			*origin = info.Created
		}
		last := max(t.last.Load(), t.options.After)
		switch {
		case !info.Created.Equal(*origin):
			return ErrStreamRecreated
		case info.State.LastSeq >= last:
			return nil
		case check == rewindChecks:
			return fmt.Errorf("%w: it ends at %d, delivered was %d", ErrStreamRewound, info.State.LastSeq, last)
		}
		select {
		case <-time.After(rewindPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (t *Tail) streamInfo(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, tailAPITimeout)
	defer cancel()
	stream, err := t.js.Stream(ctx, t.options.Stream)
	if err != nil {
		return nil, fmt.Errorf("look up stream: %w", err)
	}
	info := stream.CachedInfo()
	t.replicated.Store(info.Config.Replicas > 1)
	return info, nil
}

// create makes an ordered consumer: one replica in memory, no acknowledgements,
// nothing delivered twice. The client checks order and completeness itself.
func (t *Tail) create(ctx context.Context) (*pull, *nats.Subscription, error) {
	ctx, cancel := context.WithTimeout(ctx, tailAPITimeout)
	defer cancel()
	config := jetstream.ConsumerConfig{
		Name:              "tail_" + rand.Text(),
		FilterSubject:     t.options.Subject,
		AckPolicy:         jetstream.AckNonePolicy,
		MaxDeliver:        1,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: tailInactive,
	}
	after := max(t.last.Load(), t.options.After)
	switch {
	case after > 0:
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, after+1
	case !t.options.Since.IsZero():
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &t.options.Since
	default:
		config.DeliverPolicy = jetstream.DeliverAllPolicy
	}
	consumer, err := t.js.CreateConsumer(ctx, t.options.Stream, config)
	if err != nil {
		return nil, nil, fmt.Errorf("create consumer: %w", err)
	}
	p := &pull{
		name:      config.Name,
		inbox:     t.conn.NewInbox(),
		next:      apiPrefix(t.js) + "CONSUMER.MSG.NEXT." + t.options.Stream + "." + config.Name,
		remaining: consumer.CachedInfo().NumPending,
		// Never more is requested than fits, so the client never drops any; the
		// rest is room for status messages.
		messages: make(chan *nats.Msg, defaultPull+64),
	}
	sub, err := t.conn.ChanSubscribe(p.inbox, p.messages)
	if err != nil {
		return nil, nil, fmt.Errorf("subscribe to deliveries: %w", err)
	}
	return p, sub, nil
}

// apiPrefix begins the subjects of the JetStream API.
func apiPrefix(js jetstream.JetStream) string {
	switch o := js.Options(); {
	case o.APIPrefix != "":
		return strings.TrimSuffix(o.APIPrefix, ".") + "."
	case o.Domain != "":
		return "$JS." + o.Domain + ".API."
	default:
		return jetstream.DefaultAPIPrefix
	}
}

// remove ends the consumer; a server that is away forgets it by itself.
func (t *Tail) remove(p *pull, sub *nats.Subscription) {
	if err := sub.Unsubscribe(); err != nil && !t.conn.IsClosed() {
		t.options.Logger.Debug("unsubscribe the tail", "error", err.Error())
	}
	if !t.conn.IsConnected() {
		return
	}
	// Fire and forget: nothing depends on the answer.
	if err := t.conn.Publish(apiPrefix(t.js)+"CONSUMER.DELETE."+t.options.Stream+"."+p.name, nil); err != nil {
		t.options.Logger.Debug("delete the tail's consumer", "error", err.Error())
	}
}

// request asks for more messages, so many at most. Usually for all there are, or else for
// the next one as soon as it is stored; the server ends that request when it has no more to
// give, so that messages can gather before the next one. When few came that way, for the
// next few as they are stored.
func (t *Tail) request(p *pull, n int) error {
	body, err := json.Marshal(struct {
		Batch     int           `json:"batch"`
		NoWait    bool          `json:"no_wait"`
		Expires   time.Duration `json:"expires"`
		Heartbeat time.Duration `json:"idle_heartbeat"`
	}{n, !p.atEnd, tailExpires, t.options.Heartbeat})
	if err != nil {
		return fmt.Errorf("encode pull request: %w", err)
	}
	if err := t.conn.PublishRequest(p.next, p.inbox, body); err != nil {
		return fmt.Errorf("request messages: %w", err)
	}
	p.outstanding += n
	p.brought = 0
	return nil
}

// collect turns m and all that has come meanwhile into entries. The entries are
// good even when the error says that the consumer is not.
func (t *Tail) collect(p *pull, batch []Entry, m *nats.Msg) ([]Entry, error) {
	for {
		if m.Reply == "" || len(m.Data) == 0 && m.Header.Get("Status") != "" {
			if err := p.control(m); err != nil {
				return batch, err
			}
		} else {
			d, ok := parseDelivery(m.Reply)
			if !ok {
				return batch, fmt.Errorf("%w: unknown form of delivery %q", errReadOn, m.Reply)
			}
			if d.consumer != p.sequence+1 {
				return batch, fmt.Errorf("%w: delivery %d followed %d", errReadOn, d.consumer, p.sequence)
			}
			p.sequence = d.consumer
			p.outstanding--
			p.brought++
			if p.remaining > 0 {
				p.remaining--
			}
			if d.pending == 0 {
				p.remaining = 0
			}
			t.pending.Store(d.pending)
			seq, last := d.stream, t.last.Load()
			if last != 0 && seq > last+1 {
				t.missing.Add(seq - last - 1)
			}
			t.last.Store(seq)
			batch = append(batch, Entry{
				Subject: m.Subject, Sequence: seq, Time: time.Unix(0, d.nanoseconds), ID: m.Header.Get(jetstream.MsgIDHeader),
				Data: m.Data, Header: m.Header,
			})
		}
		select {
		case m = <-p.messages:
		default:
			return batch, nil
		}
	}
}

// control handles a message of the server about the pull request.
func (p *pull) control(m *nats.Msg) error {
	switch m.Header.Get("Status") {
	case "100": // heartbeat
		return nil
	case "404", "408": // the request is over; nothing is wrong
		p.outstanding, p.atEnd = 0, true
		return nil
	default: // consumer deleted, leader moved, limit exceeded, no responders
		return fmt.Errorf("%w: %s %s", errReadOn, m.Header.Get("Status"), m.Header.Get("Description"))
	}
}

func (t *Tail) noteCaughtUp(now bool) {
	if !now || t.caughtUp.Load() {
		return
	}
	t.caughtUp.Store(true)
	t.pending.Store(0)
	if t.options.CaughtUp != nil {
		t.options.CaughtUp()
	}
}
