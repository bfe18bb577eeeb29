package simulator

import (
	"fmt"
	"slices"
	"time"
)

// Opening is how a conversation begins: [Inbound], [Direct], [Outbound],
// [Internal], [Campaign] or [Callback].
type Opening interface {
	open(c *Call, at time.Time)
}

// Inbound is a call of a customer to a queue. It has passed the IVR and waits in
// the queue, ready for [Call.Alert].
type Inbound struct {
	// Queue id. Default: the first queue.
	Queue string
	// From and To are addresses such as tel:+15550100. Default: made up.
	From, To string
	// IVR leaves the caller in the IVR until [Call.Enqueue].
	IVR bool
}

// Direct is a call of a customer to a person's own number, without a queue.
type Direct struct{ From, To string }

// Outbound is a call that a person places. The person's leg is contacting (the
// phone of the person rings) until Answer, the far end dialing until
// [Call.FarEndAnswers].
type Outbound struct {
	User User
	// Queue on whose behalf the call is placed; empty for a personal call.
	Queue string
	From  string
	To    string
}

// Internal is a call between two persons of the organization.
type Internal struct{ From, To User }

// Campaign is a call that the dialer places; a person is alerted when the far
// end has answered, see [Call.FarEndAnswers].
type Campaign struct {
	Queue string
	To    string
}

// Callback waits in a queue for a person who accepts it and then calls back. See
// [Call.OfferCallback].
type Callback struct {
	Queue string
	To    string
}

// Call begins a conversation. It panics when the opening names a queue or a user
// that does not exist: that is a mistake of the script.
func (o *Org) Call(opening Opening) *Call {
	c := &Call{org: o, id: o.dice.uuid(), started: now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	o.calls.add(c)
	c.version++
	opening.open(c, c.started)
	c.publish()
	return c
}

func (c *Call) setQueue(id string) {
	if id == "" {
		c.queue = c.org.directory.queues[0]
		return
	}
	q, ok := c.org.directory.queue(id)
	if !ok {
		panic(fmt.Sprintf("simulator: no queue %q", id))
	}
	c.queue = q
}

func (c *Call) setNumbers(from, to string) {
	c.ani, c.dnis = from, to
	orDefault(&c.ani, c.org.number())
	orDefault(&c.dnis, c.org.number())
}

// number makes up an address of the range that is reserved for fiction.
func (o *Org) number() string { return fmt.Sprintf("tel:+1555%07d", int(o.dice.float()*1e7)) }

func (o *Org) mustMember(u User) *member {
	m := o.directory.member(u.ID)
	if m == nil {
		panic(fmt.Sprintf("simulator: no user %q", u.ID))
	}
	return m
}

// join adds a participant with what all of them have in common.
func (c *Call) join(l *Leg, at time.Time) *Leg {
	l.call = c
	l.id, l.commID = c.org.dice.uuid(), c.org.dice.uuid()
	l.start = at
	l.initialState = l.state
	l.hasCall = l.callback == nil
	orDefault(&l.direction, inbound)
	if l.member != nil {
		l.address = l.member.address
		l.alertV = c.version
	}
	if l.state == stateConnected {
		l.connect(at)
	}
	if l.peer == "" && !l.farEnd() {
		for _, other := range c.legs {
			if other.farEnd() && other.hasCall {
				l.peer = other.commID
			}
		}
	}
	c.legs = append(c.legs, l)
	return l
}

func (c *Call) joinFarEnd(purpose, state, direction string, at time.Time) *Leg {
	address := c.ani
	if direction == outbound {
		address = c.dnis
	}
	return c.join(&Leg{
		purpose: purpose, name: "Caller", address: address, ani: c.ani, dnis: c.dnis,
		state: state, direction: direction, queue: c.queue,
	}, at)
}

func (c *Call) joinMachine(purpose string, at time.Time) *Leg {
	address := fmt.Sprintf("sip:%s@127.0.0.1;language=en-US;user=%s", c.org.dice.uuid(), purpose)
	l := &Leg{purpose: purpose, name: purpose, address: address, ani: c.ani, dnis: address, state: stateConnected}
	if purpose == "acd" {
		l.name, l.queue = c.queue.Name, c.queue
	}
	l = c.join(l, at)
	l.initialState = stateOffering
	return l
}

func (i Inbound) open(c *Call, at time.Time) {
	c.kind, c.direction = "acd", inbound
	c.setQueue(i.Queue)
	c.setNumbers(i.From, i.To)
	c.joinFarEnd("customer", stateConnected, inbound, at).initialState = stateOffering
	c.joinMachine("ivr", at)
	if !i.IVR {
		c.enqueue(at)
	}
}

// Enqueue moves the caller from the IVR to the queue.
func (c *Call) Enqueue() {
	c.step(func(at time.Time) bool {
		c.enqueue(at)
		return true
	})
}

func (c *Call) enqueue(at time.Time) {
	for _, leg := range c.legs {
		if leg.purpose == "ivr" {
			leg.terminate("transfer", at)
		}
	}
	c.joinMachine("acd", at)
}

// Voicemail ends the wait in the queue with a voicemail box.
func (c *Call) Voicemail() {
	c.step(func(at time.Time) bool {
		for _, leg := range c.legs {
			if leg.purpose == "ivr" || leg.purpose == "acd" {
				leg.terminate("transfer", at)
			}
		}
		c.joinMachine("voicemail", at)
		return true
	})
}

func (d Direct) open(c *Call, at time.Time) {
	c.kind, c.direction = "direct", inbound
	c.setNumbers(d.From, d.To)
	c.joinFarEnd("customer", stateConnected, inbound, at).initialState = stateOffering
}

func (out Outbound) open(c *Call, at time.Time) {
	c.kind, c.direction = "direct", outbound
	purpose, far := "user", "external"
	if out.Queue != "" {
		c.kind = "acd"
		c.setQueue(out.Queue)
		purpose, far = "agent", "customer"
	}
	c.setNumbers(out.From, out.To)
	m := c.org.mustMember(out.User)
	c.join(&Leg{
		purpose: purpose, member: m, state: stateContacting, direction: outbound, dialed: true,
		ani: c.ani, dnis: c.dnis, queue: c.queue,
	}, at)
	c.joinFarEnd(far, stateDialing, outbound, at)
	c.legs[0].peer = c.legs[1].commID
}

// FarEndAnswers connects a far end that is dialed.
func (c *Call) FarEndAnswers() {
	for _, leg := range c.Legs() {
		if leg.farEnd() {
			leg.Answer()
		}
	}
}

func (i Internal) open(c *Call, at time.Time) {
	c.kind, c.direction = "internal", outbound
	from, to := c.org.mustMember(i.From), c.org.mustMember(i.To)
	c.ani, c.dnis = from.address, to.address
	a := c.join(&Leg{purpose: "user", member: from, state: stateDialing, direction: outbound, dialed: true, ani: c.ani, dnis: c.dnis}, at)
	b := c.join(&Leg{purpose: "user", member: to, state: stateAlerting, ani: c.ani, dnis: c.dnis}, at)
	a.peer, b.peer = b.commID, a.commID
}

func (k Campaign) open(c *Call, at time.Time) {
	c.kind, c.direction = "campaign", outbound
	c.setQueue(k.Queue)
	c.setNumbers("", k.To)
	c.joinMachine("dialer", at)
	c.joinFarEnd("customer", stateDialing, outbound, at)
}

// Person returns the newest leg of a user, or nil.
func (c *Call) Person(u User) *Leg {
	legs := c.Legs()
	for _, leg := range slices.Backward(legs) {
		if leg.UserID() == u.ID {
			return leg
		}
	}
	return nil
}

// Alert offers the call to a user: as an agent when there is a queue, otherwise
// as a plain user.
func (c *Call) Alert(u User) *Leg {
	var leg *Leg
	c.step(func(at time.Time) bool {
		leg = c.alert(c.org.mustMember(u), at)
		return true
	})
	return leg
}

func (c *Call) alert(m *member, at time.Time) *Leg {
	l := &Leg{purpose: "user", member: m, state: stateAlerting, ani: c.ani, dnis: m.address}
	if c.queue.ID != "" {
		l.purpose, l.queue, l.source = "agent", c.queue, "ACD"
	}
	return c.join(l, at)
}
