package call

import (
	"slices"
	"strings"
	"time"
)

// conversationFacts reads what one snapshot says about the conversation as a whole.
func conversationFacts(s *Snapshot) ConversationFacts {
	var f ConversationFacts
	var outside, first *Participant // the outside party and the person who started first
	staff := 0
	for i := range s.Participants {
		p := &s.Participants[i]
		f.Start = earliest(f.Start, startOf(p))
		switch {
		case isOutside(p.Purpose):
			if outside == nil || sooner(p, outside) {
				outside = p
			}
		case isStaff(p.Purpose):
			staff++
			if first == nil || sooner(p, first) {
				first = p
			}
		}
		f.Kind = max(f.Kind, kindOf(p))
		if p.QueueID != "" && f.QueueID == "" {
			f.QueueID, f.QueueName = p.QueueID, p.QueueName
		}
	}
	switch {
	case outside != nil:
		f.Kind = max(f.Kind, KindDirect)
		f.Direction, f.directionRank = outside.Direction, 2
		f.ANI, f.DNIS, f.addressRank = addresses(outside)
	case first != nil:
		if staff > 1 { // one alone may be dialing anybody
			f.Kind = max(f.Kind, KindInternal)
		}
		f.Direction, f.directionRank = first.Direction, 1
	}
	return f
}

// kindOf is what one participant says about the kind of its conversation.
func kindOf(p *Participant) ConversationKind {
	switch p.Purpose {
	case "campaign", "dialer", "outbound":
		return KindCampaign
	case "callback":
		return KindCallback
	case "acd":
		return KindACD
	case "agent", "customer":
		if p.QueueID != "" {
			return KindACD
		}
	}
	return KindUnknown
}

// addresses returns who called whom. Explicit numbers are better (rank 2) than the
// address of the outside party (rank 1).
func addresses(p *Participant) (ani, dnis string, rank uint8) {
	if p.ANI != "" || p.DNIS != "" {
		return p.ANI, p.DNIS, 2
	}
	if p.Address == "" {
		return "", "", 0
	}
	if p.Direction == "outbound" {
		return "", p.Address, 1
	}
	return p.Address, "", 1
}

func startOf(p *Participant) time.Time {
	if !p.Start.IsZero() {
		return p.Start
	}
	return p.Connected
}

// sooner reports whether p began before q. A party without a time is being called: it
// comes after those who have one.
func sooner(p, q *Participant) bool {
	a, b := startOf(p), startOf(q)
	return !a.IsZero() && (b.IsZero() || a.Before(b))
}

// settle makes what is known count as well known, so that a poorer view does not
// replace what was published from a better one.
func (f *ConversationFacts) settle() {
	if f.Direction != "" {
		f.directionRank = 2
	}
	if f.ANI != "" || f.DNIS != "" {
		f.addressRank = 2
	}
}

// join takes over from g what is better known there.
func (f *ConversationFacts) join(g ConversationFacts) {
	if g.directionRank > f.directionRank && g.Direction != "" {
		f.Direction, f.directionRank = g.Direction, g.directionRank
	}
	if g.addressRank > f.addressRank {
		f.ANI, f.DNIS, f.addressRank = g.ANI, g.DNIS, g.addressRank
	}
	f.Kind = max(f.Kind, g.Kind)
	f.Start = earliest(f.Start, g.Start)
	if f.QueueID == "" {
		f.QueueID, f.QueueName = g.QueueID, g.QueueName
	}
	if f.QueueName == "" && f.QueueID == g.QueueID {
		f.QueueName = g.QueueName
	}
}

// company is who is on the call with a leg now.
type company struct {
	peers []Peer // in the order of their ids
	// people are the peers who are persons, talking those of them who are not kept
	// waiting.
	people, talking int
}

// companyOf finds the parties that are on the call with self, in the room of peers.
// Listeners are not on the call: they are told as supervisors.
func companyOf(s *Snapshot, self string, peers []Peer) company {
	people, talking := 0, 0
	for i := range s.Participants {
		p := &s.Participants[i]
		if p.ID == self || p.ID == "" || phaseOf(p) != Connected {
			continue
		}
		peers = append(peers, Peer{ID: p.ID, Purpose: p.Purpose, Address: addressOf(p), Name: p.Name})
		if isStaff(p.Purpose) || isOutside(p.Purpose) {
			people++
			if p.Confined != Yes {
				talking++
			}
		}
	}
	slices.SortFunc(peers, func(a, b Peer) int { return strings.Compare(a.ID, b.ID) })
	return company{peers, people, talking}
}

func addressOf(p *Participant) string {
	if p.Address != "" {
		return p.Address
	}
	return p.ANI
}

// supervisorsOf lists who listens to or speaks into self now.
func supervisorsOf(s *Snapshot, self string) []Supervisor {
	var all []Supervisor
	for i := range s.Participants {
		p := &s.Participants[i]
		if p.ID == "" || p.ID == self || supervises(p) != self || stateOf(p) != Connected || !p.End.IsZero() {
			continue
		}
		all = append(all, Supervisor{LegID: p.ID, Mode: roleOf(p)})
	}
	slices.SortFunc(all, func(a, b Supervisor) int { return strings.Compare(a.LegID, b.LegID) })
	return all
}

// attributesOf collects the wanted attributes of a leg: of the other participants
// first, so that what stands on the leg itself wins.
func attributesOf(s *Snapshot, self *Participant, wanted []string) map[string]string {
	if len(wanted) == 0 {
		return nil
	}
	var tags map[string]string
	take := func(p *Participant) {
		for _, key := range wanted {
			if v := p.Attributes[key]; v != "" {
				if tags == nil {
					tags = make(map[string]string, len(wanted))
				}
				tags[key] = v
			}
		}
	}
	for i := range s.Participants {
		if p := &s.Participants[i]; p.ID != self.ID {
			take(p)
		}
	}
	take(self)
	return tags
}
