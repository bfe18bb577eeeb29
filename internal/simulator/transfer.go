package simulator

import (
	"slices"
	"time"
)

// BlindTransfer gives the far end to another user and leaves at once. The
// disconnect type of the leaving leg flaps on the way.
func (l *Leg) BlindTransfer(to User) *Leg {
	c := l.call
	var target *Leg
	c.step(func(at time.Time) bool {
		if !l.connectedNow() {
			return false
		}
		l.disconnect("transfer", at)
		c.noteTransfer(l, to.ID, "unattended", at)
		target = c.alert(c.org.mustMember(to), at)
		return true
	})
	if target == nil {
		return nil
	}
	c.step(func(time.Time) bool {
		l.disconnectType = "peer"
		return true
	})
	c.step(func(at time.Time) bool { return l.terminate("", at) })
	return target
}

// TransferToQueue gives the far end back to a queue and leaves at once.
func (l *Leg) TransferToQueue(queueID string) {
	c, left := l.call, false
	c.step(func(at time.Time) bool {
		if !l.connectedNow() {
			return false
		}
		left = true
		l.disconnect("transfer", at)
		c.setQueue(queueID)
		c.joinMachine("acd", at)
		return true
	})
	c.step(func(at time.Time) bool { return left && l.terminate("transfer", at) })
}

// TransferOut gives the far end to a number outside and leaves at once.
func (l *Leg) TransferOut(address string) *Leg {
	c := l.call
	var target *Leg
	c.step(func(at time.Time) bool {
		if !l.connectedNow() {
			return false
		}
		l.disconnect("transfer", at)
		target = c.join(&Leg{
			purpose: "external", name: "Outside", address: address, ani: c.ani, dnis: address,
			state: stateDialing, direction: outbound,
		}, at)
		return true
	})
	c.step(func(at time.Time) bool { return target != nil && l.terminate("", at) })
	return target
}

// Consult asks another user while the far end hears music. It returns the leg of
// the user asked, which is alerting. End it with [Leg.CompleteConsult] or
// [Leg.CancelConsult] of the leg that began.
func (l *Leg) Consult(to User) *Leg {
	c := l.call
	var target *Leg
	c.step(func(at time.Time) bool {
		far := c.far()
		if !l.connectedNow() || far == nil || l.consult != "" {
			return false
		}
		// The one who asks is not shown as holding, although the far end is confined.
		if l.held {
			l.held, l.startHold = false, time.Time{}
			l.note(ToggleHeld, false, at)
		}
		far.confined = true
		target = c.alert(c.org.mustMember(to), at)
		target.peer, target.source, target.consultTarget = l.commID, "", true
		l.setAttributes(map[string]string{"consultInitiator": "true"})
		for _, leg := range []*Leg{l, far, target} {
			leg.consult = far.id
		}
		c.noteTransfer(l, to.ID, "attended", at)
		return true
	})
	return target
}

// CompleteConsult hands the far end to the user asked and leaves.
func (l *Leg) CompleteConsult() {
	c := l.call
	c.step(func(at time.Time) bool {
		if l.consult == "" || l.over() {
			return false
		}
		c.endConsult()
		l.disconnect("transfer.consult", at)
		return true
	})
	c.step(func(at time.Time) bool { return l.over() && l.terminate("", at) })
}

// CancelConsult sends the user asked away and goes back to the far end.
func (l *Leg) CancelConsult() {
	c := l.call
	c.step(func(at time.Time) bool {
		if l.consult == "" || l.over() {
			return false
		}
		for _, leg := range c.legs {
			if leg.consultTarget {
				leg.disconnect("client", at)
			}
		}
		c.endConsult()
		return true
	})
	c.finish()
}

// Conference joins everybody of a consultation into one conversation.
func (l *Leg) Conference() {
	c := l.call
	c.step(func(time.Time) bool {
		if l.consult == "" || l.over() {
			return false
		}
		for _, leg := range c.legs {
			if leg.consult != "" {
				leg.conferenced = true
			}
		}
		c.endConsult()
		return true
	})
}

// leaveConsult ends the consultation when one of its two persons leaves it.
func (l *Leg) leaveConsult() {
	if l.consult != "" && l.member != nil {
		l.call.endConsult()
	}
}

// endConsult takes the marks of a consultation away.
func (c *Call) endConsult() {
	for _, leg := range c.legs {
		if leg.farEnd() && leg.consult != "" {
			leg.confined = false
		}
		leg.consult = ""
	}
}

// far returns the customer, or whoever is the far end, while connected.
func (c *Call) far() *Leg {
	i := slices.IndexFunc(c.legs, func(l *Leg) bool { return l.farEnd() && l.hasCall && l.connectedNow() })
	if i < 0 {
		return nil
	}
	return c.legs[i]
}

func (c *Call) noteTransfer(by *Leg, to, kind string, at time.Time) {
	c.transfers = append(c.transfers, nestedTransfer{
		ID: c.org.dice.uuid(), State: "active", DateIssued: stamp(at), TransferType: kind,
		Initiator: idRef{UserID: by.UserID()}, Destination: idRef{UserID: to},
	})
}
