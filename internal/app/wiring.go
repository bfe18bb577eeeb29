package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/publish"
	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

func leaseBucket(s settings.Settings) string {
	return recording.StreamName(s.AdapterName) + "_LEASE"
}

func stateBucket(s settings.Settings) string {
	return recording.StreamName(s.AdapterName) + "_STATE"
}

// connection translates the settings for publish.
func (a *App) connection() publish.ConnectOptions {
	o := connectOptions(a.set)
	o.State, o.Haste, o.Logger = a.natsUp, a.haste, a.log
	return o
}

func connectOptions(s settings.Settings) publish.ConnectOptions {
	return publish.ConnectOptions{
		Servers: strings.Join(s.NATSURLs, ","), Name: "genesys-ingestor-" + s.InstanceID, InboxName: "ingestor",
		CredsFile: s.NATSCredsFile, NKeySeedFile: s.NATSNKeySeedFile, User: s.NATSUser, Password: s.NATSPassword.Reveal(),
		Token: s.NATSToken.Reveal(), TLSCAFile: s.NATSTLSCAFile, TLSCertFile: s.NATSTLSCertFile, TLSKeyFile: s.NATSTLSKeyFile,
	}
}

// Assets are the stream and the buckets of an adapter.
type Assets struct {
	Stream       publish.StreamOptions
	Lease, State publish.BucketOptions
}

// AssetsOf returns what an adapter needs in JetStream.
func AssetsOf(s settings.Settings) Assets {
	return Assets{
		Stream: publish.StreamOptions{
			Name: publish.StreamName(s.AdapterName), Subjects: []string{recording.AllSubjects(s.AdapterName)},
			Replicas: s.NATSReplicas, MaxAge: s.NATSMaxAge, Description: "Recorder control events of " + s.AdapterName,
		},
		Lease: publish.BucketOptions{
			Name: leaseBucket(s), Replicas: s.NATSReplicas, TTL: s.LeaseTTL, LimitMarkerTTL: time.Second, History: 1,
			Description: "Who publishes for " + s.AdapterName,
		},
		State: publish.BucketOptions{
			Name: stateBucket(s), Replicas: s.NATSReplicas, History: 1,
			Description: "Reports and notification channels of the instances of " + s.AdapterName,
		},
	}
}

// provision creates or verifies the stream and the buckets. What differs or is
// missing is final; what cannot be asked is asked again.
func (a *App) provision(ctx context.Context) error {
	assets := AssetsOf(a.set)
	stream, bucket := publish.Verify, publish.VerifyBucket
	if a.set.NATSProvision {
		stream, bucket = publish.Provision, publish.ProvisionBucket
	}
	final, err := retry(ctx, a, "check stream and buckets", func(ctx context.Context) (error, error) {
		// At the same time, so that one without an answer takes the others' time from nobody.
		var errs [3]error
		var all sync.WaitGroup
		all.Go(func() { errs[0] = stream(ctx, a.js, assets.Stream) })
		all.Go(func() { errs[1] = bucket(ctx, a.js, assets.Lease) })
		all.Go(func() { errs[2] = bucket(ctx, a.js, assets.State) })
		all.Wait()
		err := errors.Join(errs[:]...)
		if errors.Is(err, publish.ErrDifferent) || errors.Is(err, publish.ErrMissing) {
			return err, nil
		}
		return nil, err
	})
	return errors.Join(final, err)
}

// genesysOptions translates the settings for genesys.
func (a *App) genesysOptions() genesys.Options {
	s := a.set
	return genesys.Options{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), APIURL: s.APIURL, LoginURL: s.LoginURL,
		Domain: string(s.Region), AllowInsecure: s.AllowInsecure, ProxyURL: s.ProxyURL.Reveal(), Topic: string(s.Topic),
		AgentEvents: s.AgentEvents, Attributes: append([]string{"consultInitiator"}, s.RecordTags...),
		UserIDs: s.UserIDs, GroupIDs: s.GroupIDs, DivisionIDs: s.DivisionIDs, QueueIDs: s.QueueIDs,
		ShardIndex: s.Shard.Index - 1, ShardCount: s.Shard.Count, MaxChannels: s.MaxChannels,
		Store: channelStore{kv: a.state, key: "channels." + recording.Token(s.InstanceID)}, Logger: a.log,
	}
}

// engineOptions translates the settings for bridge.
func (a *App) engineOptions(events *publish.Reader) bridge.EngineOptions {
	s := a.set
	return bridge.EngineOptions{
		Core: bridge.CoreOptions{
			Adapter: s.AdapterName, Source: recording.SourceOf(string(s.Region), s.AdapterName), Instance: s.InstanceID,
			Policy:    control.Policy{Purposes: s.RecordPurposes, PauseOnHold: s.RecordPauseOnHold, DataSource: s.DataSource},
			Names:     a.names,
			Monitored: a.names.Monitored,
			Tracker:   call.Options{Subscribed: a.names.Monitored, Attributes: s.RecordTags},
			Refresh:   s.RefreshInterval, Retention: s.NATSMaxAge,
		},
		Publisher: lanes{a.lanes}, Loader: reader{events}, Platform: questions{a.platform},
		Reconcile: s.ReconcileInterval, Health: a.currentHealth, Suspect: a.platform.Missed, Logger: a.log, Observer: a.metrics,
	}
}

// currentHealth is what the connection says about itself.
func (a *App) currentHealth() bridge.Health {
	st := a.platform.Status()
	h := bridge.Health{TokenExpiry: st.TokenExpires, ClockOffset: st.ClockOffset, Version: a.opts.Version}
	for _, c := range st.Channels {
		h.Channels = append(h.Channels, recording.Channel{Topics: c.Topics, LastHeartbeat: recording.At(c.LastHeartbeat)})
	}
	return h
}

// checkAccount refuses to run beside an instance of another OAuth client or region.
func (a *App) checkAccount(ctx context.Context) error {
	// An error means an empty bucket, or one that cannot be listed: then the reports of
	// a living instance tell, a little later.
	known, _ := a.state.Keys(ctx)
	if !slices.ContainsFunc(known, func(k string) bool {
		return strings.HasPrefix(k, "instance.") && k != key(a.set.InstanceID)
	}) {
		return nil // nobody else was ever here
	}
	// A living instance reports every second.
	for deadline := time.Now().Add(2 * reportEvery); time.Now().Before(deadline) && ctx.Err() == nil; pause(ctx, 20*time.Millisecond) {
		r, ok := a.peers.other(time.Now())
		if ok && r.Account != a.account {
			return a.otherAccount(r)
		}
		if ok {
			break
		}
	}
	return nil
}

func (a *App) otherAccount(r Report) error {
	return fmt.Errorf("instance %q of adapter %q: %w; give this one another ADAPTER_NAME, or the same GENESYS_CLIENT_ID and GENESYS_REGION_HOST",
		r.Instance, a.set.AdapterName, ErrOtherAccount)
}
