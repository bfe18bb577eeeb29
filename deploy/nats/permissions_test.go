package nats_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
)

const (
	stream = "RECORDER_ACME"
	feed   = "recorder.v1.acme.feed"
	api    = "$JS.API."
)

// forbidden are subjects that no role of deploy/nats may publish to.
func forbidden() []string {
	return []string{
		"recorder.v1.other.feed", "$KV.OTHER.key", "$SYS.REQ.SERVER.PING", "source.API.CONSUMER.CREATE.RECORDER_ACME",
		"deliver.recorders.x", api + "STREAM.DELETE." + stream, api + "STREAM.PURGE." + stream, api + "STREAM.MSG.DELETE." + stream,
		api + "STREAM.SNAPSHOT." + stream, api + "STREAM.RESTORE." + stream, api + "STREAM.LEADER.STEPDOWN." + stream,
		api + "STREAM.PEER.REMOVE." + stream, api + "STREAM.LIST", api + "STREAM.NAMES", api + "STREAM.CREATE.OTHER",
		api + "STREAM.INFO.OTHER", api + "CONSUMER.CREATE.OTHER.x", api + "STREAM.DELETE.KV_" + stream + "_LEASE",
		api + "STREAM.PURGE.KV_" + stream + "_LEASE", api + "META.LEADER.STEPDOWN", "_R_.x.y",
	}
}

// TestSubjects tries what each role may not do, subject by subject, and that the
// borders are not so narrow that a part of the work falls outside.
func TestSubjects(t *testing.T) {
	s := newSite(t, 1)
	for _, role := range []struct {
		name             string
		may, mayNot      []string // publish
		hear, mayNotHear []string // subscribe
	}{
		{
			name: "ingestor",
			may:  []string{feed, "recorder.v1.acme.call.u.c.l", "$KV.RECORDER_ACME_LEASE.leader", "$KV.RECORDER_ACME_STATE.instance.a"},
			mayNot: []string{
				api + "STREAM.CREATE." + stream, api + "STREAM.UPDATE." + stream, api + "STREAM.CREATE.KV_" + stream + "_LEASE",
				api + "CONSUMER.DURABLE.CREATE." + stream + ".x", api + "CONSUMER.CREATE." + stream + ".x", api + "INFO",
				"ingestor.acme.b.stop", "$SRV.PING", "_INBOX.x", "recorder.v1", "$KV.RECORDER_OTHER_LEASE.leader",
			},
			hear:       []string{"_INBOX_ingestor.>", "ingestor.acme.a.status", "$SRV.PING"},
			mayNotHear: []string{">", "recorder.v1.acme.>", "_INBOX.>", "$KV.>", "$JS.>", "deliver.recorders.>", "ingestor.other.>", "_R_.>"},
		},
		{
			name: "provisioner",
			may:  []string{api + "STREAM.INFO." + stream},
			mayNot: []string{
				feed, "$KV.RECORDER_ACME_LEASE.leader", api + "STREAM.UPDATE." + stream, api + "CONSUMER.CREATE." + stream + ".x." + feed,
				api + "DIRECT.GET." + stream + "." + feed, "ingestor.acme.a.stop",
			},
			hear:       []string{"_INBOX_ingestor.>"},
			mayNotHear: []string{">", "recorder.v1.acme.>", "_INBOX.>"},
		},
		{
			name: "recorder",
			may: []string{
				api + "STREAM.INFO." + stream, api + "CONSUMER.CREATE." + stream + ".x", api + "CONSUMER.NAMES." + stream,
				"$JS.ACK.RECORDER_ACME.x.1.1.1.1.1", "$JS.ACK.domain.account.RECORDER_ACME.x.1.1.1.1.1.x",
			},
			mayNot: []string{
				feed, "recorder.v1.acme.call.u.c.l", "$KV.RECORDER_ACME_LEASE.leader", api + "STREAM.CREATE." + stream,
				api + "STREAM.UPDATE." + stream, "ingestor.acme.a.stop", "$SRV.PING", "_INBOX.x", "$JS.ACK.OTHER.x", api + "INFO",
				api + "DIRECT.GET.KV_RECORDER_ACME_STATE.>", "ingestor.acme.a.step-down",
			},
			hear:       []string{"_INBOX.>", "_INBOX_ingestor.>"},
			mayNotHear: []string{">", "recorder.v1.acme.>", "deliver.recorders.>", "$JS.>", "$KV.>", "_R_.>"},
		},
		{
			name:       "recorders-provisioner",
			may:        []string{api + "INFO", api + "STREAM.INFO." + stream},
			mayNot:     []string{feed, "$JS.ACK.RECORDER_ACME.x", api + "CONSUMER.CREATE." + stream + ".x", "ingestor.acme.a.stop"},
			hear:       []string{"_INBOX.>"},
			mayNotHear: []string{">", "deliver.recorders.>"},
		},
		{
			name: "operator",
			may:  []string{"ingestor.acme.a.status", "ingestor.acme.b.step-down", "$SRV.INFO.genesys-ingestor"},
			mayNot: []string{
				feed, "$KV.RECORDER_ACME_LEASE.leader", "ingestor.other.a.stop", "ingestor.acme.a.other", "$SRV.INFO.other",
				api + "INFO", api + "STREAM.INFO." + stream, api + "STREAM.CREATE." + stream, "_INBOX.x",
			},
			hear:       []string{"_INBOX.>", "_INBOX_ingestor.>"},
			mayNotHear: []string{">", "ingestor.acme.>", "$SRV.>", "recorder.v1.acme.>"},
		},
	} {
		t.Run(role.name, func(t *testing.T) {
			try := func(verb, subject string, want bool, do func(nc *nats.Conn) error) {
				nc := s.connect(t, role.name)
				if err := do(nc); err != nil {
					t.Fatalf("%s %s: %v", verb, subject, err)
				}
				if got := !refused(t, nc); got != want {
					t.Errorf("%s may %s %s: %v, want %v", role.name, verb, subject, got, want)
				}
				nc.Close()
			}
			publish := func(subject string, want bool) {
				try("publish to", subject, want, func(nc *nats.Conn) error { return nc.Publish(subject, nil) })
			}
			subscribe := func(subject string, want bool) {
				try("subscribe to", subject, want, func(nc *nats.Conn) error { _, err := nc.SubscribeSync(subject); return err })
			}
			for _, subject := range role.may {
				publish(subject, true)
			}
			for _, subject := range append(role.mayNot, forbidden()...) {
				publish(subject, false)
			}
			for _, subject := range role.hear {
				subscribe(subject, true)
			}
			for _, subject := range role.mayNotHear {
				subscribe(subject, false)
			}
		})
	}
}

// TestWhoIsNobody: without a key, with a wrong password, or without TLS, there is no
// connection.
func TestWhoIsNobody(t *testing.T) {
	s := newSite(t, 1)
	ca := nats.RootCAs(s.secret("ca.crt"))
	for name, options := range map[string][]nats.Option{
		"nobody":         {ca},
		"wrong password": {ca, nats.UserInfo("recorder", "guess")},
		"a role's name":  {ca, nats.UserInfo("ingestor", "")},
	} {
		if nc, err := nats.Connect(s.url(), options...); err == nil || !strings.Contains(err.Error(), "Authorization") {
			nc.Close()
			t.Errorf("%s: %v, want an authorization violation", name, err)
		}
	}
	if nc, err := nats.Connect(s.url(), nats.UserInfo("recorder", s.environment()["NATS_RECORDER_PASSWORD"])); err == nil {
		nc.Close()
		t.Error("a certificate of an unknown authority was accepted")
	}
}

// TestEachWriteIsSynced holds the one setting that cannot be seen from outside.
func TestEachWriteIsSynced(t *testing.T) {
	s := newSite(t, 1)
	if o := s.configuration(false, "0"); !o.SyncAlways {
		t.Error("sync_interval is not always")
	}
	if s.servers[0].JetStreamEnabled() != true || s.servers[0].SystemAccount().Name != "SYSTEM" {
		t.Error("no JetStream, or no system account")
	}
}

// TestDetours tries what the server would do on behalf of a recorder: answers to a
// reply subject, and deliveries of a consumer.
func TestDetours(t *testing.T) {
	s := newSite(t, 1)
	s.provision()
	own := natstest.JetStream(t, s.connect(t, "ingestor"))
	if _, err := own.Publish(t.Context(), "recorder.v1.acme.call.u.c.l", []byte(`{"verb":"start"}`)); err != nil {
		t.Fatal(err)
	}
	recorder := s.connect(t, "recorder")
	js := natstest.JetStream(t, recorder)
	s.mirrored(t, js)
	before := s.stored(t)

	t.Run("reply", func(t *testing.T) {
		// The control: within the account of the stream the answer is stored. It is what
		// the accounts are for, and proves that the attempt below is a real one.
		if err := own.Conn().PublishRequest(api+"STREAM.INFO."+stream, "recorder.v1.acme.agent.x", nil); err != nil {
			t.Fatal(err)
		}
		natstest.Eventually(t, "the answer is stored", func() bool { return s.stored(t) == before+1 })
		before++
		for _, subject := range []string{api + "STREAM.INFO." + stream, api + "CONSUMER.CREATE." + stream + ".x"} {
			if err := recorder.PublishRequest(subject, "recorder.v1.acme.call.u.c.forged", nil); err != nil {
				t.Fatal(err)
			}
		}
		s.unchanged(t, js, before)
	})
	t.Run("operator's reply", func(t *testing.T) {
		operator := s.connect(t, "operator")
		if err := operator.PublishRequest("ingestor.acme.a.status", "recorder.v1.acme.call.u.c.forged", nil); err != nil {
			t.Fatal(err)
		}
		if err := operator.Flush(); err != nil {
			t.Fatal(err)
		}
		s.unchanged(t, js, before)
	})
	t.Run("delivery", func(t *testing.T) {
		lease := s.revisions(t, "KV_"+stream+"_LEASE")
		for i, deliver := range []string{
			"recorder.v1.acme.call.u.c.forged", "$KV.RECORDER_ACME_LEASE.leader", "source.API.CONSUMER.CREATE.RECORDER_ACME",
			"deliver.recorders.x", "ingestor.acme.a.stop", "$SRV.PING",
			api + "STREAM.PURGE." + stream,
			api + "STREAM.DELETE." + stream,
		} {
			for _, bare := range []bool{false, true} {
				// Whether the server makes such a consumer is its affair.
				if _, err := js.CreatePushConsumer(t.Context(), stream, jetstream.ConsumerConfig{
					Name: fmt.Sprintf("detour-%d-%v", i, bare), DeliverSubject: deliver, HeadersOnly: bare, AckPolicy: jetstream.AckNonePolicy,
				}); err != nil {
					t.Logf("deliver to %s: %v", deliver, err)
				}
			}
		}
		// The one subject that leads out of the account is delivered to.
		natstest.Eventually(t, "the consumer of that subject has delivered", func() bool {
			c, err := js.PushConsumer(t.Context(), stream, "detour-2-true")
			return err == nil && c.CachedInfo().Delivered.Consumer >= before
		})
		if got := s.stored(t); got != before {
			t.Errorf("the stream has %d messages, want %d", got, before)
		}
		if got := s.revisions(t, "KV_"+stream+"_LEASE"); got != lease {
			t.Errorf("the lease has %d revisions, want %d", got, lease)
		}
	})
}

// revisions is the last sequence of a stream of the ingestor's account.
func (s *site) revisions(t *testing.T, name string) uint64 {
	t.Helper()
	found, err := natstest.JetStream(t, s.connect(t, "ingestor")).Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return found.CachedInfo().State.LastSeq
}

// unchanged reads both streams after everything asked for so far was answered.
func (s *site) unchanged(t *testing.T, js jetstream.JetStream, want uint64) {
	t.Helper()
	mirror, err := js.Stream(t.Context(), stream) // a round trip on the same connection
	if err != nil {
		t.Fatal(err)
	}
	if got := s.stored(t); got != want || mirror.CachedInfo().State.LastSeq > want {
		t.Errorf("the stream has %d messages and the mirror ends at %d, want %d", got, mirror.CachedInfo().State.LastSeq, want)
	}
}
