package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// askTimeout bounds one question to NATS.
const askTimeout = 5 * time.Second

// connect opens the connection of all further steps.
func (c *checker) connect(ctx context.Context) Result {
	nc, err := c.Dial(ctx)
	if err != nil {
		return failed(noBroker(err))
	}
	c.nc = nc
	c.denials.follow(nc)
	if c.js, err = jetstream.New(nc); err != nil {
		return failed(err.Error(), "report it")
	}
	if err = c.permitted(ctx, func(ctx context.Context) error {
		_, err := nc.RequestWithContext(ctx, "recorder.check.nobody.listens", nil)
		if errors.Is(err, nats.ErrNoResponders) {
			return nil
		}
		return err
	}); err != nil {
		// Only replies matter here: the subject itself need not be permitted.
		if d, ok := errors.AsType[*deniedError](err); ok && d.subscribe() {
			return failed(err.Error(), "grant the user subscribe on "+nc.Opts.InboxPrefix+".>: replies come there")
		}
	}
	text := "connected to " + nc.ConnectedUrlRedacted() + ", version " + nc.ConnectedServerVersion()
	if tls, err := nc.TLSConnectionState(); err == nil && tls.HandshakeComplete {
		text += ", TLS"
	}
	return passed("%s", text)
}

// stream verifies the stream.
func (c *checker) stream(ctx context.Context) Result {
	return c.asset(ctx, "stream "+c.Stream.Name, c.Stream.Name, c.Stream.Replicas, func(ctx context.Context) error {
		return publish.Verify(ctx, c.js, c.Stream)
	})
}

// bucket verifies a bucket.
func (c *checker) bucket(ctx context.Context, o publish.BucketOptions) Result {
	return c.asset(ctx, "bucket "+o.Name, "KV_"+o.Name, o.Replicas, func(ctx context.Context) error {
		return publish.VerifyBucket(ctx, c.js, o)
	})
}

// asset verifies a stream, and when there is none whether the service may make it.
func (c *checker) asset(ctx context.Context, what, stream string, replicas int, verify func(context.Context) error) Result {
	err := c.permitted(ctx, verify)
	different, isDifferent := errors.AsType[*publish.DifferenceError](err)
	switch {
	case err == nil:
		c.there[stream] = true
		return passed("%s is as it must be", what)
	case isDifferent:
		var found, fixes []string
		for _, d := range different.Differences {
			found = append(found, fmt.Sprintf("%s is %s, wanted %s", d.Setting, d.Found, d.Wanted))
			fixes = append(fixes, d.Fix)
		}
		return failed(what+": "+strings.Join(found, "; "), strings.Join(fixes, "; "))
	case errors.Is(err, publish.ErrMissing) && replicas > 1 && c.nc.ConnectedClusterName() == "":
		// Nobody could make it there: such a server refuses more than one replica.
		return failed(fmt.Sprintf("%s does not exist, and cannot be made with %d replicas: %s is in no cluster", what, replicas, c.nc.ConnectedUrlRedacted()),
			"set NATS_REPLICAS=1, or let NATS_URL name the servers of a cluster")
	case errors.Is(err, publish.ErrMissing) && !c.Provision:
		return failed(what+" does not exist", "run `ingestor provision` as a NATS user who may create streams, or set NATS_PROVISION=true")
	case errors.Is(err, publish.ErrMissing):
		return c.creatable(ctx, what, stream)
	}
	if d, ok := errors.AsType[*deniedError](err); ok {
		return failed(d.Error(), "grant the user "+d.wanted())
	}
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return failed("JetStream does not answer: "+err.Error(), "enable JetStream in the server and for the account of this user")
	}
	return failed(err.Error(), "look at the NATS server: it is connected, and does not answer this")
}

// creatable finds out whether the service may create what is missing, by a request that
// names nothing to create: the server refuses it for that, unless it refuses the user.
func (c *checker) creatable(ctx context.Context, what, stream string) Result {
	err := c.permitted(ctx, func(ctx context.Context) error {
		_, err := c.nc.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+"STREAM.CREATE."+stream, []byte("{}"))
		return err
	})
	if d, ok := errors.AsType[*deniedError](err); ok {
		return failed(what+" does not exist, and "+d.Error(),
			"run `ingestor provision` as a NATS user who may create streams, and set NATS_PROVISION=false here")
	}
	if err != nil {
		return failed(what+" does not exist, and it could not be found out whether it may be created: "+reason(err), "check again")
	}
	return passed("%s does not exist yet: the service creates it at its start", what)
}

// answer is what JetStream says to a message.
type answer struct {
	Sequence uint64 `json:"seq"`
	Error    *struct {
		Code        int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

// wrongLastSequence is JetStream's code for a message that does not follow the one it
// names, which is what the check is after.
const wrongLastSequence = 10071

// publish finds out whether the instance may write where it has to. Each message names
// a predecessor that cannot exist: the server looks at the rights first, and then
// refuses to store it.
func (c *checker) publish(ctx context.Context) Result {
	base := strings.TrimSuffix(c.Stream.Subjects[0], ">")
	targets := []struct {
		stream   string
		subjects []string
	}{
		{c.Stream.Name, []string{base + "feed", base + "agent._", base + "call._._._"}},
		{"KV_" + c.Lease.Name, []string{"$KV." + c.Lease.Name + "." + c.LeaseKey}},
		{"KV_" + c.State.Name, prefixed("$KV."+c.State.Name+".", c.StateKeys)},
	}
	var refused []string
	tried := 0
	for _, target := range targets {
		if !c.there[target.stream] {
			continue
		}
		for _, subject := range target.subjects {
			tried++
			if err := c.tryPublish(ctx, subject); err != nil {
				if d, ok := errors.AsType[*deniedError](err); ok {
					refused = append(refused, d.subjects()...)
					continue
				}
				return failed(subject+": "+reason(err), "look at the stream and its limits")
			}
		}
	}
	switch {
	case len(refused) > 0:
		return failed("NATS refuses to take messages on "+strings.Join(refused, ", "), "grant the user publish on them")
	case tried == 0:
		return skipped("needs the stream or a bucket")
	}
	return passed("all %d subjects are permitted; nothing was stored", tried)
}

// tryPublish returns nil when the server would store a message on the subject.
func (c *checker) tryPublish(ctx context.Context, subject string) error {
	return c.permitted(ctx, func(ctx context.Context) error {
		m := nats.NewMsg(subject)
		const never = "9007199254740991" // no stream gets that far
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, never)
		r, err := c.nc.RequestMsgWithContext(ctx, m)
		if err != nil {
			return err
		}
		var a answer
		if json.Unmarshal(r.Data, &a) != nil || a.Error == nil {
			return errors.New("the answer is not that of a stream")
		}
		if a.Error.Code != wrongLastSequence {
			return errors.New(a.Error.Description)
		}
		return nil
	})
}

func prefixed(prefix string, list []string) []string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = prefix + s
	}
	return all
}
