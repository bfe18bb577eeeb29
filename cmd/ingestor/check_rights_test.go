package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// The clock of this host is ten minutes behind that of Genesys.
func TestCheckOfTheClock(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{}), natstest.New(t)
	ahead := func(d time.Duration) string {
		return behind(t, org, func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(d).UTC().Format(http.TimeFormat))
			return nil
		})
	}
	f := checked(t, broker.URL(), via(ahead(10*time.Minute))...)
	f.only("clock")
	f.is("clock", "failed", "behind Genesys", "NTP")
	f = checked(t, broker.URL(), via(ahead(0))...)
	f.only()
	f.is("clock", "ok")
}

// Topics that the organization does not offer, or refuses.
func TestCheckOfTopics(t *testing.T) {
	t.Parallel()
	broker := natstest.New(t)
	org := newOrg(t, simulator.Options{RejectFlatTopic: true})
	f := checked(t, broker.URL(), via(without(t, org, "conversations"))...)
	f.only("topics")
	f.is("topics", "failed", "v2.users.{id}.conversations.calls")
	f = checked(t, broker.URL(), via(without(t, org, ".calls"))...)
	f.only()
	f.is("topics", "warning", "GENESYS_TOPIC")
	f.is("websocket", "warning", "refused: v2.users.{id}.conversations.calls")
	gateway := without(t, org, "presence")
	f = checked(t, broker.URL(), via(gateway)...)
	f.is("topics", "warning", "AGENT_EVENTS=false")
	f = checked(t, broker.URL(), via(gateway, "AGENT_EVENTS=false", "GENESYS_TOPIC=conversations")...)
	f.only()
	f.is("topics", "ok")
	f.is("websocket", "ok")
}

// without is a gateway behind which the topics that contain the word are not offered.
func without(t *testing.T, org *simulator.Org, word string) string {
	t.Helper()
	return behind(t, org, func(r *http.Response) error {
		if !strings.HasSuffix(r.Request.URL.Path, "/availabletopics") {
			return nil
		}
		var list struct {
			Entities []map[string]any `json:"entities"`
		}
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
			return err
		}
		kept := list.Entities[:0]
		for _, e := range list.Entities {
			if id, _ := e["id"].(string); !strings.Contains(id, word) {
				kept = append(kept, e)
			}
		}
		list.Entities = kept
		data, err := json.Marshal(list)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
		r.Header.Set("Content-Length", strconv.Itoa(len(data)))
		return err
	})
}

// Channels run out: the check takes none from those who have them.
func TestCheckOfChannels(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{}), natstest.New(t)
	if r := execute(t, environment(nil, broker.URL(), "127.0.0.1:0", via(org.URL())...), "provision"); r.code != 0 {
		t.Fatal(r.stderr)
	}
	token := bearer(t, org)
	for n := range 20 {
		if n == 17 {
			checked(t, broker.URL(), via(org.URL())...).is("websocket", "ok") // the 18th is that of the check
		}
		if n == 18 {
			f := checked(t, broker.URL(), via(org.URL())...)
			f.only()
			f.is("channels", "warning", "19 of 20", "GENESYS_MAX_CHANNELS")
			f.is("websocket", "skipped", "19 of 20 channels in use")
		}
		if n < 19 {
			call(t, org, token, http.MethodPost, "/api/v2/notifications/channels")
		}
	}
	f := checked(t, broker.URL(), via(org.URL())...)
	f.only("channels")
	f.is("channels", "failed", "20 of 20", "OAuth client of its own")
	f.is("websocket", "skipped", "needs channels")
	if n := org.ChannelsEvicted(); n != 0 {
		t.Errorf("%d channels were evicted", n)
	}
}

// bearer is a token of the organization.
func bearer(t *testing.T, org *simulator.Org) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, org.URL()+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(clientID, clientSecret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token string `json:"access_token"`
	}
	do(t, req, &answer)
	return answer.Token
}

func call(t *testing.T, org *simulator.Org, token, method, path string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, org.URL()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	do(t, req, &struct{}{})
}

func do(t *testing.T, req *http.Request, v any) {
	t.Helper()
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it is read to its end
	if err := json.NewDecoder(res.Body).Decode(v); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", req.URL.Path, res.StatusCode, err)
	}
}

// The stream and the buckets are missing, or other than they must be.
func TestCheckOfStreamAndBuckets(t *testing.T) {
	t.Parallel()
	org, broker := newOrg(t, simulator.Options{}), natstest.New(t)
	env := environment(nil, broker.URL(), "127.0.0.1:0", via(org.URL())...)
	f := checked(t, broker.URL(), via(org.URL(), "NATS_PROVISION=false")...)
	f.only("stream", "lease_bucket", "state_bucket")
	f.is("state_bucket", "failed", "does not exist", "ingestor provision")
	if r := execute(t, env, "provision"); r.code != 0 { // as advised
		t.Fatal(r.stderr)
	}
	checked(t, broker.URL(), via(org.URL(), "NATS_PROVISION=false")...).only()

	js := natstest.JetStream(t, natstest.Connect(t, broker.URL()))
	stream, err := js.Stream(t.Context(), "RECORDER_ACME")
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.MaxAge = time.Hour
	if _, err = js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	f = checked(t, broker.URL(), via(org.URL())...)
	f.only("stream")
	f.is("stream", "failed", "max_age is 1h0m0s, wanted 72h0m0s", "nats stream edit RECORDER_ACME --max-age=72h0m0s")
	f.is("publish", "ok") // to the buckets
	config.MaxAge = 72 * time.Hour
	if _, err = js.UpdateStream(t.Context(), config); err != nil { // as advised
		t.Fatal(err)
	}
	checked(t, broker.URL(), via(org.URL())...).only()

	if err = js.DeleteKeyValue(t.Context(), "RECORDER_ACME_LEASE"); err != nil {
		t.Fatal(err)
	}
	f = checked(t, broker.URL(), via(org.URL(), "NATS_PROVISION=false")...)
	f.only("lease_bucket")
	if info, err := stream.Info(t.Context()); err != nil || info.State.LastSeq != 0 {
		t.Errorf("the checks stored %d messages, %v", info.State.LastSeq, err)
	}
}

// rights is a server with a user who may do everything, admin, and one with rights.
func rights(t *testing.T, user string, p *server.Permissions) (*natstest.Server, *nats.Conn) {
	t.Helper()
	broker := natstest.New(t, func(o *server.Options) {
		o.Users = []*server.User{
			{Username: "admin", Password: "admin"},
			{Username: user, Password: "secret-" + user, Permissions: p},
		}
	})
	return broker, natstest.Connect(t, broker.URL(), nats.UserInfo("admin", "admin"))
}

// What the NATS user may not do is named as it has to be granted.
func TestCheckOfNATSRights(t *testing.T) {
	t.Parallel()
	org := newOrg(t, simulator.Options{})
	denied := &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.CREATE.>"}}
	broker, admin := rights(t, "ingestor", &server.Permissions{Publish: denied})
	user := via(org.URL(), "NATS_USER=ingestor", "NATS_PASSWORD=secret-ingestor")

	f := checked(t, broker.URL(), user...)
	f.only("stream", "lease_bucket", "state_bucket")
	f.is("stream", "failed", "does not exist", "$JS.API.STREAM.CREATE.RECORDER_ACME", "NATS_PROVISION=false")
	provision := environment(nil, broker.URL(), "127.0.0.1:0", via(org.URL(), "NATS_USER=admin", "NATS_PASSWORD=admin")...)
	if r := execute(t, provision, "provision"); r.code != 0 { // as advised
		t.Fatal(r.stderr)
	}
	checked(t, broker.URL(), user...).only()

	for _, c := range []struct {
		deny, check string
		words       []string
	}{
		{"recorder.v1.acme.call.>", "publish", []string{"recorder.v1.acme.call._._._", "grant the user publish"}},
		{"$KV.RECORDER_ACME_LEASE.>", "publish", []string{"$KV.RECORDER_ACME_LEASE.leader"}},
		{"$JS.API.STREAM.INFO.RECORDER_ACME", "stream", []string{"grant the user publish $JS.API.STREAM.INFO.RECORDER_ACME"}},
		{"$JS.API.CONSUMER.CREATE.RECORDER_ACME.>", "read", []string{"publish $JS.API.CONSUMER.CREATE.RECORDER_ACME.*.recorder.v1.acme.>"}},
		{"$JS.API.CONSUMER.MSG.NEXT.>", "read", []string{"publish $JS.API.CONSUMER.MSG.NEXT.RECORDER_ACME.*"}},
		{"$JS.API.DIRECT.GET.RECORDER_ACME.>", "read", []string{"$JS.API.DIRECT.GET.RECORDER_ACME.recorder.v1.acme.feed"}},
	} {
		other := natstest.New(t, func(o *server.Options) {
			o.Users = []*server.User{
				{Username: "admin", Password: "admin"},
				{Username: "ingestor", Password: "secret-ingestor", Permissions: &server.Permissions{
					Publish: &server.SubjectPermission{Deny: []string{c.deny}},
				}},
			}
		})
		provision = environment(nil, other.URL(), "127.0.0.1:0", via(org.URL(), "NATS_USER=admin", "NATS_PASSWORD=admin")...)
		if r := execute(t, provision, "provision"); r.code != 0 {
			t.Fatal(r.stderr)
		}
		f = checked(t, other.URL(), user...)
		f.only(c.check)
		f.is(c.check, "failed", c.words...)
	}
	// A missing bucket in which the channel is remembered does not make the check
	// waste channels.
	if n := org.ChannelsCreated(); n > 10 {
		t.Errorf("%d channels were created", n)
	}
	js, err := jetstream.New(admin)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := js.Stream(t.Context(), "RECORDER_ACME"); err != nil || s.CachedInfo().State.LastSeq != 0 {
		t.Errorf("the checks stored something, %v", err)
	}
}

// The check needs no right that the service does not need.
func TestCheckWithTheRightsOfTheService(t *testing.T) {
	t.Parallel()
	org := newOrg(t, simulator.Options{})
	allow := []string{
		"recorder.v1.acme.>", "$JS.API.STREAM.INFO.RECORDER_ACME", "$JS.API.DIRECT.GET.RECORDER_ACME.recorder.v1.acme.>",
		"$JS.API.CONSUMER.CREATE.RECORDER_ACME.*.recorder.v1.acme.>", "$JS.API.CONSUMER.MSG.NEXT.RECORDER_ACME.*",
		"$JS.API.CONSUMER.DELETE.RECORDER_ACME.*",
	}
	for _, bucket := range []string{"RECORDER_ACME_LEASE", "RECORDER_ACME_STATE"} {
		allow = append(allow, "$KV."+bucket+".>", "$JS.API.STREAM.INFO.KV_"+bucket, "$JS.API.DIRECT.GET.KV_"+bucket+".>",
			"$JS.API.CONSUMER.CREATE.KV_"+bucket+".>", "$JS.API.CONSUMER.INFO.KV_"+bucket+".*", "$JS.API.CONSUMER.DELETE.KV_"+bucket+".*",
			"$JS.FC.KV_"+bucket+".>")
	}
	broker, _ := rights(t, "ingestor", &server.Permissions{
		Publish: &server.SubjectPermission{Allow: allow},
		Subscribe: &server.SubjectPermission{Allow: []string{
			"_INBOX_ingestor.>", "ingestor.acme.>", "$SRV.PING", "$SRV.PING.genesys-ingestor", "$SRV.PING.genesys-ingestor.*",
			"$SRV.INFO", "$SRV.INFO.genesys-ingestor", "$SRV.INFO.genesys-ingestor.*", "$SRV.STATS", "$SRV.STATS.genesys-ingestor",
			"$SRV.STATS.genesys-ingestor.*",
		}},
		Response: &server.ResponsePermission{MaxMsgs: 1, Expires: 10 * time.Second},
	})
	if r := execute(t, environment(nil, broker.URL(), ":0", via(org.URL(), "NATS_USER=admin", "NATS_PASSWORD=admin")...), "provision"); r.code != 0 {
		t.Fatal(r.stderr)
	}
	user := via(org.URL(), "NATS_USER=ingestor", "NATS_PASSWORD=secret-ingestor", "NATS_PROVISION=false")
	launch(t, nil, broker.URL(), user...).ready()
	f := checked(t, broker.URL(), user...)
	f.only()
	for name, c := range f.of {
		if c.Status != "ok" {
			t.Errorf("%s is %s: %s", name, c.Status, c.Detail)
		}
	}
	for _, args := range [][]string{{"legs"}, {"legs", "--json"}} {
		if r := execute(t, reading(broker.URL(), user[2:]...), args...); r.code != 0 {
			t.Errorf("%v: %s", args, r.stderr)
		}
	}
}
