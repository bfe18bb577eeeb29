package bridge_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/bridge"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

// muted is an agent who has muted the microphone.
func muted(id, user string) call.Participant {
	p := talking(id, user)
	p.Muted = call.Yes
	return p
}

// words is what was told, in short.
func words(told []*recording.CallData) (list []string) {
	for _, d := range told {
		list = append(list, string(d.Verb)+" "+string(d.Cause))
	}
	return list
}

func (i *instance) expects(want ...string) {
	i.t.Helper()
	if diff := cmp.Diff(want, words(i.sends())); diff != "" {
		i.t.Errorf("told otherwise (-want +got):\n%s", diff)
	}
}

// One event of a leg is on its way at a time, and every message expects the one before.
func TestOneInFlight(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.sees("ua", caller(), talking("leg", "ua"))
	i.sends()
	i.sees("ua", caller(), muted("leg", "ua"))
	first := i.Next(r.now)
	if len(first) != 1 || first[0].Expect != r.stream.last[first[0].Subject] {
		t.Fatalf("%+v", first)
	}
	i.sees("ua", caller(), talking("leg", "ua"))
	r.wait(time.Minute)
	i.Tick(r.now)
	if more := i.Next(r.now); len(more) != 0 {
		t.Errorf("%d more messages while one is on its way", len(more))
	}
}

// An outcome that is not known is not guessed: the same bytes go out again, later and
// later, and what the tail shows meanwhile settles them.
func TestUnsure(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.sees("ua", caller(), talking("leg", "ua"))
	first := i.Next(r.now)[0]
	for range 5 {
		i.Resolve(bridge.Outcome{Token: first.Token, Subject: first.Subject, Verdict: bridge.Unsure}, r.now)
		if early := i.Next(r.now); len(early) != 0 {
			t.Fatal("again at once")
		}
		r.wait(2 * time.Second)
		again := i.Next(r.now)
		if len(again) != 1 || again[0].ID != first.ID || !bytes.Equal(again[0].Data, first.Data) || again[0].Expect != first.Expect {
			t.Fatalf("something else goes out the second time: %+v", again)
		}
		first = again[0]
	}
	r.stream.store(&first, r.now) // it arrives, the acknowledgement does not
	i.reads()
	if n := i.Core.Stats().Published; n != 1 || !i.Idle() {
		t.Errorf("%d published, idle %v", n, i.Idle())
	}
	i.Resolve(bridge.Outcome{Token: first.Token, Subject: first.Subject, Verdict: bridge.Unsure}, r.now)
	r.wait(time.Minute)
	i.expects()
}

// A broker that was away stores one message: so all others that it did not answer are sent
// again at once, by a leader and by who tells a pause without being one.
func TestBrokerIsBack(t *testing.T) {
	for name, follows := range map[string]bool{"a leader": false, "a standby": true} {
		t.Run(name, func(t *testing.T) {
			r, one, _ := pair(t)
			one.sees("ub", caller(), talking("other", "ub"))
			one.expects("start established")
			r.wait(time.Second)
			one.sees("ua", caller(), on())
			lost := func() {
				for _, m := range one.Next(r.now) {
					one.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Unsure}, r.now)
				}
			}
			for range 40 {
				lost()
				r.wait(100 * time.Millisecond)
			}
			one.Resolve(bridge.Outcome{}, r.now) // of nothing that is known
			if early := one.Next(r.now); len(early) > 0 {
				t.Fatalf("sent without an answer: %+v", early)
			}
			if follows {
				one.Follow()
				two := r.instance("two")
				two.reads()
				two.Lead(2)
				two.Announce(recording.FeedData{Event: recording.FeedLeader}, r.now)
				two.sends()
				one.reads() // that is an answer, too
			} else {
				one.Announce(recording.FeedData{Event: recording.FeedHeartbeat}, r.now)
				m := one.Next(r.now)
				if len(m) != 1 {
					t.Fatalf("%d messages, want the heartbeat", len(m))
				}
				one.Resolve(bridge.Outcome{Token: m[0].Token, Subject: m[0].Subject, Verdict: bridge.Stored, Sequence: 1000}, r.now)
			}
			if m := one.Next(r.now); len(m) != 2 {
				t.Errorf("%d messages, want one for each leg", len(m))
			}
		})
	}
}

// A message that alone is never answered is not sent again with every other one.
func TestOneMessageIsNeverAnswered(t *testing.T) {
	r, one, _ := pair(t)
	one.sees("ua", caller(), muted("leg", "ua"))
	tries := 0
	for n := range 60 {
		r.wait(100 * time.Millisecond)
		one.Announce(recording.FeedData{Event: recording.FeedHeartbeat}, r.now)
		for _, m := range one.Next(r.now) {
			o := bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Stored, Sequence: uint64(1000 + n)}
			if strings.Contains(m.Subject, ".call.") {
				tries++
				o.Verdict = bridge.Unsure
			}
			one.Resolve(o, r.now)
		}
	}
	if tries > 12 {
		t.Errorf("sent %d times in six seconds", tries)
	}
}

// A connection that answers nothing is abandoned: what was on its way goes out again.
func TestAbandon(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.sees("ua", caller(), talking("leg", "ua"))
	first := i.Next(r.now)[0]
	i.Abandon()
	if again := i.Next(r.now); len(again) != 1 || again[0].ID != first.ID {
		t.Errorf("%+v", again)
	}
}

// A message that is refused is not sent again at once, or it would be sent all the time.
func TestRefused(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.sees("ua", caller(), talking("leg", "ua"))
	m := i.Next(r.now)[0]
	i.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Refused}, r.now)
	if again := i.Next(r.now); len(again) != 0 {
		t.Error("again at once")
	}
	r.wait(5 * time.Second)
	i.expects("start established")
}

// A conflict is news: what stands in the way is read, compared, and only what is still
// missing goes out after it.
func TestConflict(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	for _, i := range []*instance{one, two} {
		i.Lead(1)
		i.sees("ua", caller(), talking("leg", "ua"))
	}
	one.expects("start established")
	two.sees("ua", caller(), muted("leg", "ua"))
	m := two.Next(r.now)[0]
	v, seq := r.stream.store(&m, r.now)
	two.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: v, Sequence: seq}, r.now)
	if v != bridge.Conflict {
		t.Fatal(v)
	}
	// The tail would bring what is in the way. When it does not, it is asked for.
	if loads := two.Loads(); len(loads) != 0 {
		t.Fatalf("loads %v at once", loads)
	}
	r.wait(5 * time.Second)
	m = two.Next(r.now)[0]
	v, seq = r.stream.store(&m, r.now)
	two.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: v, Sequence: seq}, r.now)
	loads := two.Loads()
	if len(loads) != 1 || loads[0] != (bridge.Load{Subject: m.Subject, Sequence: 1}) {
		t.Fatalf("loads %v", loads)
	}
	two.reads()
	r.wait(5 * time.Second)
	two.expects("update muted")
	// An answer that is older than what the tail has shown changes nothing.
	two.Resolve(bridge.Outcome{Token: m.Token, Subject: m.Subject, Verdict: bridge.Conflict, Sequence: 1}, r.now)
	two.expects()
}

// A standby sends nothing; when it leads, all that is not in the stream goes out.
func TestLeadTellsWhatWasSeen(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.sees("ua", caller(), talking("leg", "ua"))
	i.expects()
	i.Lead(1)
	i.expects("start established")
}

// What another instance has told first is not told again when it is seen.
func TestAheadIsSwallowed(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	two.Lead(1)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), talking("leg", "ua"))
	}
	two.expects("start established")
	one.reads()
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update muted")
	two.reads()
	two.sees("ua", caller(), muted("leg", "ua"))
	two.expects()
	two.sees("ua", caller(), talking("leg", "ua"))
	two.expects("update unmuted")
}

// What another instance has told and this one never sees is believed after a while:
// its end is then told.
func TestBelieveAfterPatience(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	two.Lead(1)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), talking("leg", "ua"))
	}
	two.expects("start established")
	one.reads()
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update muted")
	two.reads() // and its own frame is lost
	r.wait(31 * time.Second)
	two.Tick(r.now)
	two.sees("ua", caller(), talking("leg", "ua"))
	two.expects("update unmuted")
}

// What another instance has told and REST, asked later, does not show, did not last.
func TestRESTSettlesWhatWasAhead(t *testing.T) {
	r := newRig(t)
	one, two := r.instance("one"), r.instance("two")
	one.Lead(1)
	two.Lead(1)
	for _, i := range []*instance{one, two} {
		i.sees("ua", caller(), talking("leg", "ua"))
	}
	two.expects("start established")
	one.reads()
	one.sees("ua", caller(), muted("leg", "ua"))
	one.expects("update muted")
	two.reads()
	r.wait(5 * time.Second)
	two.sees(call.ViewREST, caller(), talking("leg", "ua"))
	two.expects("update unmuted")
	if d := r.last(); d.Confidence != recording.Reconciled {
		t.Error(d.Confidence)
	}
}

// The stream is the only state: a new instance goes on where the old one was.
func TestRestartFromTheStream(t *testing.T) {
	r := newRig(t)
	old := r.instance("one")
	old.Lead(1)
	held := muted("leg", "ua")
	held.Held, held.StartHold, held.SecurePause = call.Yes, start, call.Yes
	old.sees("ua", caller(), talking("leg", "ua"))
	old.expects("start established")
	old.sees("ua", caller(), held)
	old.expects("pause secure_paused", "update held", "update muted")

	r.wait(time.Minute)
	i := r.instance("one")
	i.reads()
	i.Lead(2)
	i.expects()
	// A frame that leaves out what it may leave out changes nothing.
	short := call.Participant{ID: "leg", UserID: "ua", Purpose: "agent", State: "connected", Connected: start}
	i.Observe(&call.Snapshot{ConversationID: "conv", View: "ua", Received: r.now, Participants: []call.Participant{caller(), short}}, r.now)
	i.expects()
	// Who joins now starts paused.
	other := call.Participant{ID: "other", UserID: "ub", Purpose: "agent", State: "connected", Connected: r.now}
	i.Observe(&call.Snapshot{ConversationID: "conv", View: "ub", Received: r.now, Participants: []call.Participant{caller(), short, other}}, r.now)
	i.sends()
	if d := r.last(); d.Leg.ID != "other" || d.Verb != recording.Start || d.State != recording.Paused {
		t.Errorf("%s %s of %s", d.Verb, d.State, d.Leg.ID)
	}
	gone, paused := talking("leg", "ua"), caller()
	gone.State, gone.End, gone.DisconnectType, paused.SecurePause = "terminated", r.now, "client", call.Yes
	r.wait(time.Minute)
	i.sees("ua", paused, gone)
	i.expects("stop cleared")
	if d := r.last(); d.Revision != 5 || d.Epoch != 2 {
		t.Errorf("revision %d in epoch %d", d.Revision, d.Epoch)
	}
}

// A leg that stopped long ago is history: a new instance does not keep it.
func TestOldStopsAreNotKept(t *testing.T) {
	r := newRig(t)
	old := r.instance("one")
	old.Lead(1)
	gone := talking("leg", "ua")
	gone.State, gone.End = "terminated", start
	old.sees("ua", caller(), gone)
	old.expects("start established", "stop cleared")
	r.wait(time.Hour)
	i := r.instance("two")
	i.reads()
	late := r.instance("three") // of which the tail begins with the stop
	late.tail = 1
	late.reads()
	if n := late.LegsByState(); len(n) != 0 {
		t.Errorf("made known: %v", n)
	}
	// Of two events the first could not know that the second is the end.
	i.expects()
	i.Tick(r.now)
	if n := i.LegsByState(); len(n) != 0 {
		t.Errorf("kept: %v", n)
	}
}

// Nobody can say whether the end of a leg that is older than the stream was told.
func TestTooOldIsNotTold(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	gone := talking("leg", "ua")
	gone.State, gone.End = "terminated", start
	r.wait(73 * time.Hour)
	i.sees(call.ViewREST, caller(), gone)
	i.expects()
	if n := i.Core.Stats().TooOld; n != 1 {
		t.Errorf("%d too old", n)
	}
}

// Facts that only REST has shown have another cause than those of a notification: nobody knows since
// when they hold. A cause that says more is told all the same.
func TestWhatOnlyRESTShowsIsRecovered(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.sees("ua", caller(), talking("leg", "ua"))
	i.expects("start established")
	for n, view := range []string{"ua", call.ViewREST} {
		r.wait(time.Minute)
		other := caller()
		other.Address = "tel:+1555011" + strconv.Itoa(n)
		i.sees(view, other, talking("leg", "ua"))
		r.wait(time.Second)
		i.expects([]string{"update data_changed", "update recovered"}[n])
		want := []recording.Confidence{recording.Observed, recording.Reconciled}[n]
		if d := r.last(); d.Confidence != want || d.Peers[0].Address != other.Address {
			t.Errorf("told as %s, with %v", d.Confidence, d.Peers)
		}
	}
	r.wait(time.Minute)
	over := hungUp()
	over.Wrapup = &call.Wrapup{Code: "sale"}
	i.sees("ua", caller(), hungUp())
	i.expects("stop cleared")
	r.wait(time.Minute)
	i.sees(call.ViewREST, caller(), over)
	r.wait(time.Second)
	i.expects("update wrapped_up")
	if d := r.last(); d.Confidence != recording.Reconciled {
		t.Errorf("a wrap-up code of REST is told as %s", d.Confidence)
	}
}

// Changes of facts are gathered, control is not.
func TestControlDoesNotWaitForFacts(t *testing.T) {
	r := newRig(t)
	i := r.instance("one")
	i.Lead(1)
	i.sees("ua", caller(), talking("leg", "ua"))
	i.expects("start established")
	other := caller()
	other.Address = "tel:+15550111"
	i.sees("ua", other, talking("leg", "ua"))
	i.expects()
	r.wait(10 * time.Millisecond)
	i.sees("ua", other, muted("leg", "ua"))
	i.expects("update muted")
	if d := r.last(); len(d.Peers) != 1 || d.Peers[0].Address != "tel:+15550111" {
		t.Errorf("facts do not ride along: %v", d.Peers)
	}
	r.wait(time.Second)
	i.expects()
}
