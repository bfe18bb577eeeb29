package bridge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
	"github.com/recorderbridge/genesys-ingestor/internal/control"
)

// rig is a stream and the clock of some instances, for tests of one schedule. The
// model draws schedules, the rig plays those that were thought of.
type rig struct {
	t      *testing.T
	now    time.Time
	stream stream
}

// instance is a core with its place in the stream.
type instance struct {
	*rig
	*bridge.Core
	tail int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, now: start}
	r.stream.last, r.stream.ids = map[string]uint64{}, map[string]uint64{}
	return r
}

func (r *rig) instance(name string, change ...func(*bridge.CoreOptions)) *instance {
	o := coreOptions(name)
	for _, f := range change {
		f(&o)
	}
	return &instance{rig: r, Core: bridge.NewCore(o)}
}

func coreOptions(name string) bridge.CoreOptions {
	return bridge.CoreOptions{
		Adapter: "acme", Source: "/genesys/example/acme", Instance: name, Names: noNames{},
		Policy:  control.Policy{Purposes: []string{"agent"}, DataSource: "acme"},
		Tracker: call.Options{Subscribed: func(string) bool { return true }},
	}
}

func (r *rig) wait(d time.Duration) { r.now = r.now.Add(d) }

// sees folds a frame of the conversation on the topic of a user, or an answer of REST.
func (i *instance) sees(user string, parties ...call.Participant) {
	s := &call.Snapshot{ConversationID: "conv", View: user, Topic: user, Received: i.now, SecurePause: call.No}
	if user == call.ViewREST {
		s.Asked = i.now
	}
	for _, p := range parties {
		s.SecurePause = max(s.SecurePause, p.SecurePause)
	}
	s.Participants = parties
	i.Observe(s, i.now)
}

// sends stores what the instance has to send, and tells it.
func (i *instance) sends() (told []*recording.CallData) {
	i.t.Helper()
	for {
		messages := i.Next(i.now)
		if len(messages) == 0 {
			return told
		}
		for k := range messages {
			m := &messages[k]
			v, seq := i.stream.store(m, i.now)
			if v != bridge.Stored {
				i.t.Fatalf("%s: verdict %d", m.Subject, v)
			}
			i.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: v, Sequence: seq}, i.now)
			if d := dataOf(i.t, m.Data); d != nil {
				told = append(told, d)
			}
		}
	}
}

// begins lets the instance lead, as an instance does: it says so first.
func (i *instance) begins() {
	i.t.Helper()
	i.Announce(recording.FeedData{Event: recording.FeedLeader}, i.now)
	i.sends()
	i.Lead(i.LeaderEvent())
}

// reads takes the rest of the stream.
func (i *instance) reads() {
	i.t.Helper()
	for ; i.tail < len(i.stream.log); i.tail++ {
		if err := i.Stored(&i.stream.log[i.tail], i.now); err != nil {
			i.t.Fatal(err)
		}
	}
}

// dataOf decodes a call event, nil for another one.
func dataOf(t *testing.T, data []byte) *recording.CallData {
	t.Helper()
	v, err := recording.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := v.(*recording.CallEvent); ok {
		return &e.Data
	}
	return nil
}

// last is what the stream says about the only leg.
func (r *rig) last() *recording.CallData {
	r.t.Helper()
	for _, e := range slices.Backward(r.stream.log) {
		if d := dataOf(r.t, e.Data); d != nil {
			return d
		}
	}
	r.t.Fatal("nothing is stored")
	return nil
}

// talking is an agent who has answered.
func talking(id, user string) call.Participant {
	return call.Participant{
		ID: id, UserID: user, Purpose: "agent", State: "connected", Direction: "inbound", Connected: start,
		Held: call.No, Muted: call.No, SecurePause: call.No,
	}
}

func caller() call.Participant {
	return call.Participant{ID: "cust", Purpose: "customer", State: "connected", Direction: "inbound", Address: far, Connected: start}
}
