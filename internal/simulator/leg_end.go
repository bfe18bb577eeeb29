package simulator

import "time"

// Disconnect ends the leg: disconnected first, terminated in the next snapshot.
func (l *Leg) Disconnect(disconnectType string) {
	changed := false
	l.call.step(func(at time.Time) bool {
		changed = l.disconnect(disconnectType, at)
		return changed
	})
	if changed {
		l.call.step(func(at time.Time) bool { return l.terminate("", at) })
	}
}

// DisconnectFlapping ends the leg as the platform ends a transferred one: the
// disconnect type changes from snapshot to snapshot, and the last one counts.
func (l *Leg) DisconnectFlapping(first, last string) {
	changed := false
	l.call.step(func(at time.Time) bool {
		changed = l.disconnect(first, at)
		return changed
	})
	if !changed {
		return
	}
	l.call.step(func(time.Time) bool {
		l.disconnectType = last
		return true
	})
	l.call.step(func(at time.Time) bool { return l.terminate("", at) })
}

// Terminate ends the leg without the snapshot that says disconnected.
func (l *Leg) Terminate(disconnectType string) {
	l.call.step(func(at time.Time) bool { return l.terminate(disconnectType, at) })
}

// Fail ends the leg with an error of the platform, such as a phone that was
// never reached.
func (l *Leg) Fail(code, message string) {
	l.call.step(func(at time.Time) bool {
		if l.over() {
			return false
		}
		l.fault = &errorInfo{
			Message: message, Code: code, MessageWithParams: message,
			MessageParams: map[string]string{}, Details: []any{}, Errors: []any{},
		}
		l.reasons = []disconnectReason{{Type: "sip", Code: 408, Phrase: "Request Timeout"}}
		return l.disconnect("error", at)
	})
	l.call.step(func(at time.Time) bool { return l.terminate("", at) })
}

// Complain attaches an error to a healthy leg; the platform does that, too.
func (l *Leg) Complain(code, message string) {
	l.call.step(func(time.Time) bool {
		l.fault = &errorInfo{
			Message: message, Code: code, MessageWithParams: message,
			MessageParams: map[string]string{}, Details: []any{}, Errors: []any{},
		}
		return true
	})
}

// disconnect is the first half of an end. It reports whether anything changed.
func (l *Leg) disconnect(disconnectType string, at time.Time) bool {
	if l.over() {
		return false
	}
	wasHeld := l.held
	l.state, l.disconnectType, l.end = stateDisconnected, disconnectType, at
	l.endV = l.call.version
	if !l.call.org.opts.StaleFlags {
		l.held, l.muted, l.confined, l.securePause = false, false, false, false
		l.startHold = time.Time{}
	}
	l.leaveConsult()
	l.endCallback(disconnectType, at)
	if l.member != nil && !l.connected.IsZero() && l.queue.ID != "" {
		l.startACW = at
	}
	// Who holds takes the far end out of its music by leaving.
	if wasHeld {
		for _, other := range l.call.legs {
			if other.farEnd() {
				other.confined = false
			}
		}
	}
	return true
}

// terminate is the second half, or the whole, of an end.
func (l *Leg) terminate(disconnectType string, at time.Time) bool {
	if l.state == stateTerminated {
		return false
	}
	if !l.over() {
		l.disconnect(disconnectType, at)
	}
	if disconnectType != "" {
		l.disconnectType = disconnectType
	}
	l.state = stateTerminated
	if l.callback != nil && !l.callback.ended.IsZero() {
		l.callback.state = stateTerminated
	}
	return true
}
