package simulator

import "time"

// callback is the communication that waits for a call to be placed. It is shown
// by the nested shape only: the flat one knows calls and nothing else.
type callback struct {
	id               string
	state            string
	direction        string
	connected, ended time.Time
	disconnectType   string
	numbers          []string
}

func (k Callback) open(c *Call, at time.Time) {
	c.kind, c.direction = "callback", outbound
	c.setQueue(k.Queue)
	c.setNumbers("", k.To)
	waiting := func(state string) *callback {
		return &callback{id: c.org.dice.uuid(), state: state, direction: inbound, numbers: []string{c.dnis}}
	}
	c.join(&Leg{purpose: "customer", name: "Caller", address: c.dnis, state: stateConnected, callback: waiting(stateConnected), queue: c.queue}, at)
	c.join(&Leg{purpose: "acd", name: c.queue.Name, state: stateConnected, callback: waiting(stateConnected), queue: c.queue}, at)
}

// OfferCallback offers a waiting callback to a user. It is not a call yet.
func (c *Call) OfferCallback(u User) *Leg {
	var leg *Leg
	c.step(func(at time.Time) bool {
		leg = c.join(&Leg{
			purpose: "agent", member: c.org.mustMember(u), state: stateAlerting, queue: c.queue,
			ani: c.ani, dnis: c.dnis, source: "ACD",
			callback: &callback{id: c.org.dice.uuid(), state: stateAlerting, direction: inbound, numbers: []string{c.dnis}},
		}, at)
		return true
	})
	return leg
}

// AcceptCallback takes the callback. The participant is connected by it, the call
// does not exist before [Leg.PlaceCallback].
func (l *Leg) AcceptCallback() {
	l.call.step(func(at time.Time) bool {
		if l.callback == nil || l.callback.state != stateAlerting {
			return false
		}
		l.callback.state, l.callback.connected = stateConnected, at
		for _, other := range l.call.legs {
			if other.purpose == "acd" {
				other.callback.state, other.callback.ended = stateTerminated, at
				other.callback.disconnectType = "transfer"
				other.terminate("transfer", at)
			}
		}
		return true
	})
}

// PlaceCallback dials the customer from the leg that accepted the callback, and
// returns the leg of the customer. Both are connected by Answer.
func (l *Leg) PlaceCallback() *Leg {
	c := l.call
	var far *Leg
	c.step(func(at time.Time) bool {
		if l.callback == nil || l.callback.state != stateConnected || l.hasCall {
			return false
		}
		l.hasCall, l.state, l.initialState, l.direction = true, stateContacting, stateContacting, outbound
		l.start = at
		far = c.joinFarEnd("customer", stateDialing, outbound, at)
		l.peer = far.commID
		return true
	})
	return far
}

// endCallback ends the waiting communication together with its leg.
func (l *Leg) endCallback(disconnectType string, at time.Time) {
	if l.callback != nil && l.callback.ended.IsZero() {
		l.callback.state, l.callback.ended, l.callback.disconnectType = stateDisconnected, at, disconnectType
	}
}
