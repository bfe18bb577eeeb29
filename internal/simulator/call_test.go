package simulator_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// scene is an organization with one client that follows the calls of some users
// in both shapes.
type scene struct {
	t     *testing.T
	org   *simulator.Org
	api   *client
	l     *listener
	users []simulator.User
}

func newScene(t *testing.T, opts simulator.Options, follow int) *scene {
	t.Helper()
	org := start(t, opts)
	s := &scene{t: t, org: org, api: standard(t, org), users: org.Users()}
	ch := s.api.channel()
	s.l = listen(t, ch)
	var topics []string
	for _, u := range s.users[:follow] {
		topics = append(topics, callsTopic(u), nestedTopic(u))
	}
	s.api.subscribe(ch, topics...)
	return s
}

// flat returns the flat bodies of one user so far, in the order of arrival.
func (s *scene) flat(u simulator.User) []map[string]any { return s.bodies(callsTopic(u)) }

func (s *scene) nested(u simulator.User) []map[string]any { return s.bodies(nestedTopic(u)) }

func (s *scene) bodies(topic string) []map[string]any {
	s.t.Helper()
	var bodies []map[string]any
	for _, n := range s.l.sync() {
		if n.Topic == topic {
			bodies = append(bodies, n.Body)
		}
	}
	return bodies
}

func last[T any](list []T) T { return list[len(list)-1] }

// history returns the values of one field of one participant, without repeats.
func history(bodies []map[string]any, id, field string) []any {
	var values []any
	for _, body := range bodies {
		if p := part(body, id); p != nil && (len(values) == 0 || last(values) != p[field]) {
			values = append(values, p[field])
		}
	}
	return values
}

func expect(t *testing.T, what string, got []any, want ...any) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func connectedCall(s *scene) (*simulator.Call, *simulator.Leg) {
	call := s.org.Call(simulator.Inbound{From: "tel:+15550100", To: "tel:+15550199"})
	leg := call.Alert(s.users[0])
	leg.Answer()
	return call, leg
}

func TestFlatFrameHasTheShapeOf2026(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	_, leg := connectedCall(s)
	body := last(s.flat(s.users[0]))
	p := part(body, leg.ID())
	for _, key := range []string{"startTime", "ani", "dnis", "endTime", "disconnectType", "startHoldTime", "errorInfo", "wrapup"} {
		if _, ok := p[key]; ok {
			t.Errorf("%s must be absent", key)
		}
	}
	for key, want := range map[string]any{
		"held": false, "muted": false, "confined": false, "securePause": false, "recording": false, "recordingState": "none",
		"purpose": "agent", "state": "connected", "initialState": "alerting", "direction": "inbound", "transferSource": "ACD",
	} {
		if p[key] != want {
			t.Errorf("%s is %v, want %v", key, p[key], want)
		}
	}
	user, _ := p["user"].(map[string]any)
	if len(user) != 1 || user["id"] != s.users[0].ID {
		t.Errorf("user %v, want the id alone", user)
	}
	if body["securePause"] != false || body["address"] != "tel:+15550199" {
		t.Errorf("conversation %v %v", body["securePause"], body["address"])
	}
	var purposes []string
	for _, other := range parts(body) {
		purpose, _ := other["purpose"].(string)
		purposes = append(purposes, purpose)
	}
	if !slices.Equal(purposes, []string{"customer", "ivr", "acd", "agent"}) {
		t.Errorf("purposes %v", purposes)
	}
	for _, other := range parts(body)[1:3] {
		if other["state"] != "terminated" || other["disconnectType"] != "transfer" {
			t.Errorf("%v is %v %v", other["purpose"], other["state"], other["disconnectType"])
		}
	}
}

func TestFlatFrameHasTheShapeOf2022(t *testing.T) {
	s := newScene(t, simulator.Options{Shape2022: true}, 1)
	_, leg := connectedCall(s)
	body := last(s.flat(s.users[0]))
	p := part(body, leg.ID())
	for _, key := range []string{"address", "securePause", "initialState"} {
		if _, ok := p[key]; ok {
			t.Errorf("%s must be absent", key)
		}
	}
	if _, ok := body["securePause"]; ok || p["ani"] == nil {
		t.Errorf("conversation %v, ani %v", body["securePause"], p["ani"])
	}
}

func TestNestedFrameAndRESTShapes(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	call, leg := connectedCall(s)
	leg.Hold()
	leg.Retrieve()
	p := part(last(s.nested(s.users[0])), leg.ID())
	calls, _ := p["calls"].([]any)
	comm, _ := calls[0].(map[string]any)
	if p["userId"] != s.users[0].ID || comm["state"] != "connected" || comm["id"] == leg.ID() || comm["segments"] != nil || p["user"] != nil {
		t.Errorf("nested participant %v", p)
	}
	flat := s.api.want(http.StatusOK, http.MethodGet, "/api/v2/conversations/calls/"+call.ID(), nil)
	fp := part(flat, leg.ID())
	if fp["startTime"] == nil || fp["ani"] != "tel:+15550100" || fp["dnis"] == nil || flat["selfUri"] == nil {
		t.Errorf("flat REST participant %v", fp)
	}
	nested := s.api.want(http.StatusOK, http.MethodGet, "/api/v2/conversations/"+call.ID(), nil)
	np := part(nested, leg.ID())
	calls, _ = np["calls"].([]any)
	comm, _ = calls[0].(map[string]any)
	var kinds []any
	segments, _ := comm["segments"].([]any)
	for _, item := range segments {
		seg, _ := item.(map[string]any)
		kinds = append(kinds, seg["type"])
	}
	kinds = slices.DeleteFunc(kinds, func(k any) bool { return k == "alert" }) // Absent when answered in the same millisecond.
	expect(t, "segments", kinds, "interact", "hold", "interact")
	for _, path := range []string{"/api/v2/conversations", "/api/v2/conversations/calls"} {
		if got := s.api.want(http.StatusOK, http.MethodGet, path, nil); got["total"] != 0.0 {
			t.Errorf("%s is not empty for a client", path)
		}
	}
	s.api.want(http.StatusNotFound, http.MethodGet, "/api/v2/conversations/calls/none", nil)
	s.api.want(http.StatusNotFound, http.MethodGet, "/api/v2/conversations/none", nil)
}

func TestHoldIsShownTwiceAndConfinesTheCustomer(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	call, leg := connectedCall(s)
	before := len(s.flat(s.users[0]))
	leg.Hold()
	leg.Hold()
	bodies := s.flat(s.users[0])[before:]
	if len(bodies) != 2 {
		t.Fatalf("%d snapshots of a hold, want 2", len(bodies))
	}
	customer := call.Legs()[0]
	for _, body := range bodies {
		p, c := part(body, leg.ID()), part(body, customer.ID())
		if p["held"] != true || p["startHoldTime"] == nil || c["held"] != false || c["confined"] != true {
			t.Fatalf("agent %v, customer %v", p, c)
		}
	}
	leg.Retrieve()
	body := last(s.flat(s.users[0]))
	if p := part(body, leg.ID()); p["held"] != false || p["startHoldTime"] != nil || part(body, customer.ID())["confined"] != false {
		t.Fatalf("after retrieve: %v", p)
	}
	s.l.sync()
	toggles := leg.Truth().Toggles
	if len(toggles) != 2 || !toggles[0].On || toggles[1].On || !toggles[0].Seen || !toggles[1].Seen {
		t.Fatalf("toggles %+v", toggles)
	}
}

func TestSecurePauseOfALegThatJoinsDuringIt(t *testing.T) {
	s := newScene(t, simulator.Options{}, 2)
	call, leg := connectedCall(s)
	leg.SecurePause(true)
	other := leg.Consult(s.users[1])
	other.Answer()
	leg.Conference()
	body := last(s.flat(s.users[1]))
	if body["securePause"] != true || part(body, leg.ID())["securePause"] != true || part(body, other.ID())["securePause"] != false {
		t.Fatalf("conversation %v, legs %v %v", body["securePause"], part(body, leg.ID())["securePause"], part(body, other.ID())["securePause"])
	}
	other.SecurePause(false)
	body = last(s.flat(s.users[0]))
	if body["securePause"] != false || part(body, leg.ID())["securePause"] != false {
		t.Fatal("the pause goes on")
	}
	toggles := other.Truth().Toggles
	if len(toggles) != 2 || !toggles[0].On || toggles[0].At != other.Truth().ConnectedAt || toggles[1].On {
		t.Fatalf("toggles of the leg that joined: %+v", toggles)
	}
	if pauses := call.Truth().SecurePauses; len(pauses) != 2 || !pauses[0].Seen || !pauses[1].Seen {
		t.Fatalf("pauses %+v", pauses)
	}
}

func TestSecurePauseOfTheConversationIsOnEveryConnectedLeg(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	call, leg := connectedCall(s)
	for _, on := range []bool{true, false} {
		call.SecurePause(on)
		body := last(s.flat(s.users[0]))
		for _, p := range parts(body) {
			if want := on && p["state"] == "connected"; p["securePause"] != want {
				t.Errorf("pause %v: %v is %v", on, p["purpose"], p["securePause"])
			}
		}
		if body["securePause"] != on {
			t.Errorf("pause %v: the conversation is %v", on, body["securePause"])
		}
	}
	if n := len(leg.Truth().Toggles); n != 2 {
		t.Errorf("%d toggles", n)
	}
}

func TestPauseOutlivesTheLegThatBeganIt(t *testing.T) {
	s := newScene(t, simulator.Options{}, 2)
	_, leg := connectedCall(s)
	leg.SecurePause(true)
	next := leg.BlindTransfer(s.users[1])
	next.Answer()
	body := last(s.flat(s.users[1]))
	if body["securePause"] != true || part(body, leg.ID())["securePause"] != false {
		t.Fatalf("conversation %v, first leg %v", body["securePause"], part(body, leg.ID())["securePause"])
	}
	if toggles := next.Truth().Toggles; len(toggles) != 1 || !toggles[0].On {
		t.Fatalf("toggles of the next leg %+v", toggles)
	}
}

func TestBlindTransferFlaps(t *testing.T) {
	s := newScene(t, simulator.Options{}, 2)
	call, leg := connectedCall(s)
	next := leg.BlindTransfer(s.users[1])
	next.Answer()
	bodies := s.flat(s.users[0])
	expect(t, "states of who leaves", history(bodies, leg.ID(), "state"), "alerting", "connected", "disconnected", "terminated")
	expect(t, "disconnect types of who leaves", history(bodies, leg.ID(), "disconnectType"), nil, "transfer", "peer")
	expect(t, "states of who comes", history(s.flat(s.users[1]), next.ID(), "state"), "alerting", "connected")
	call.CustomerHangsUp()
	if !call.Ended() {
		t.Error("the call is not over")
	}
}

func TestConsultLooksAsCaptured(t *testing.T) {
	s := newScene(t, simulator.Options{}, 2)
	call, leg := connectedCall(s)
	customer := call.Legs()[0]
	target := leg.Consult(s.users[1])
	body := last(s.flat(s.users[0]))
	for _, l := range []*simulator.Leg{customer, leg, target} {
		if got := part(body, l.ID())["consultParticipantId"]; got != customer.ID() {
			t.Errorf("consultParticipantId %v, want the customer", got)
		}
	}
	p, q := part(body, leg.ID()), part(body, target.ID())
	attributes, _ := p["attributes"].(map[string]any)
	if p["held"] != false || part(body, customer.ID())["confined"] != true || attributes["consultInitiator"] != "true" {
		t.Errorf("initiator %v", p)
	}
	if q["state"] != "alerting" || q["peer"] == p["peer"] {
		t.Errorf("target %v", q)
	}
	leg.CancelConsult()
	body = last(s.flat(s.users[0]))
	q = part(body, target.ID())
	if q["disconnectType"] != "client" || q["connectedTime"] != nil || part(body, leg.ID())["consultParticipantId"] != nil || part(body, customer.ID())["confined"] != false {
		t.Errorf("after the cancel: %v", q)
	}
	second := leg.Consult(s.users[1])
	second.Answer()
	leg.CompleteConsult()
	body = last(s.flat(s.users[1]))
	if p = part(body, leg.ID()); p["state"] != "terminated" || p["disconnectType"] != "transfer.consult" {
		t.Errorf("initiator after the transfer: %v", p)
	}
	if part(body, second.ID())["state"] != "connected" || second.Truth().Role != "consult_target" {
		t.Error("the target does not go on")
	}
}

func TestSupervisorMorphsWithinOneParticipant(t *testing.T) {
	s := newScene(t, simulator.Options{}, 2)
	call, leg := connectedCall(s)
	sup := leg.Monitor(s.users[1])
	sup.Coach()
	sup.Barge()
	bodies := s.flat(s.users[1])
	expect(t, "monitored", history(bodies, sup.ID(), "monitoredParticipantId"), leg.ID(), nil)
	expect(t, "coached", history(bodies, sup.ID(), "coachedParticipantId"), nil, leg.ID(), nil)
	expect(t, "barged", history(bodies, sup.ID(), "bargedParticipantId"), nil, leg.ID())
	if part(last(bodies), sup.ID())["bargedTime"] == nil || sup.Truth().Role != "barge" {
		t.Errorf("after the barge: %v", part(last(bodies), sup.ID()))
	}
	call.CustomerHangsUp()
	if !sup.Truth().EndedAt.Equal(leg.Truth().EndedAt) {
		t.Error("the supervisor stays on a call that is over")
	}
}

func TestCallbackIsNoCallUntilItIsPlaced(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	call := s.org.Call(simulator.Callback{})
	leg := call.OfferCallback(s.users[0])
	leg.AcceptCallback()
	if n := len(s.flat(s.users[0])); n != 0 {
		t.Fatalf("%d flat frames of a callback", n)
	}
	p := part(last(s.nested(s.users[0])), leg.ID())
	if p["connectedTime"] == nil || p["calls"] != nil || p["callbacks"] == nil {
		t.Fatalf("accepted callback %v", p)
	}
	if truth := leg.Truth(); truth.Voice || !truth.ConnectedAt.IsZero() {
		t.Fatalf("truth of an accepted callback %+v", truth)
	}
	far := leg.PlaceCallback()
	leg.Answer()
	far.Answer()
	expect(t, "states", history(s.flat(s.users[0]), leg.ID(), "state"), "contacting", "connected")
	if truth := leg.Truth(); !truth.Voice || truth.ConnectedAt.IsZero() || !truth.SeenConnected {
		t.Fatalf("truth of the call %+v", truth)
	}
	call.CustomerHangsUp()
}

func TestOneChangeHasOneCorrelationAndReachesEverybody(t *testing.T) {
	s := newScene(t, simulator.Options{}, 2)
	_, leg := connectedCall(s)
	leg.BlindTransfer(s.users[1]).Answer()
	byCorrelation := map[string][]string{}
	for _, n := range s.l.sync() {
		byCorrelation[n.Metadata.CorrelationID] = append(byCorrelation[n.Metadata.CorrelationID], n.Topic)
	}
	widest := 0
	for _, topics := range byCorrelation {
		slices.Sort(topics)
		if len(slices.Compact(slices.Clone(topics))) != len(topics) {
			t.Fatalf("one topic twice with one correlation id: %v", topics)
		}
		widest = max(widest, len(topics))
	}
	if widest != 4 {
		t.Fatalf("the widest change went to %d topics, want 4", widest)
	}
}

func TestQueueTopicCarriesTheCall(t *testing.T) {
	org := start(t, simulator.Options{})
	c := standard(t, org)
	ch := c.channel()
	l := listen(t, ch)
	topic := "v2.routing.queues." + org.Queues()[1].ID + ".conversations.calls"
	c.subscribe(ch, topic)
	call := org.Call(simulator.Inbound{Queue: org.Queues()[1].ID})
	org.Call(simulator.Inbound{})
	call.CustomerHangsUp()
	for _, n := range l.sync() {
		if n.Topic != topic || n.Body["id"] != call.ID() {
			t.Errorf("got %s", n.raw)
		}
	}
	if n := len(l.sync()); n < 3 {
		t.Errorf("%d frames of the queue", n)
	}
}

func TestStepsOnAFinishedLegChangeNothing(t *testing.T) {
	s := newScene(t, simulator.Options{}, 1)
	call, leg := connectedCall(s)
	call.CustomerHangsUp()
	before := call.Truth().Versions
	for _, step := range []func(){
		leg.Answer, leg.Hold, leg.Retrieve, leg.Mute, leg.Park, leg.Unpark, leg.Decline, leg.Coach, leg.Barge,
		leg.CompleteConsult, leg.CancelConsult, leg.Conference, call.CustomerHangsUp,
		func() { leg.SecurePause(true) }, func() { call.SecurePause(true) }, func() { leg.Disconnect("client") },
		func() { leg.TransferToQueue("") }, func() { leg.TransferOut("tel:+15550111") },
		func() { leg.Consult(s.users[1]) }, func() { leg.Monitor(s.users[1]) }, func() { leg.BlindTransfer(s.users[1]) },
	} {
		step()
	}
	if after := call.Truth().Versions; after != before {
		t.Errorf("%d changes of a finished call", after-before)
	}
}

func TestUnknownUserIsAMistakeOfTheScript(t *testing.T) {
	org := start(t, simulator.Options{})
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, `no user "x"`) {
			t.Errorf("recovered %q", text)
		}
	}()
	org.Call(simulator.Inbound{}).Alert(simulator.User{ID: "x"})
}
