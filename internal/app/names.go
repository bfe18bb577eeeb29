package app

import (
	"sync"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
)

// names are the names and devices of the directory, kept up to date by
// notifications about stations.
type names struct {
	mu       sync.RWMutex
	queues   map[string]string
	stations map[string]genesys.Station // by id, as the directory has them
	people   map[string]person
}

// person is a user, with the station that was notified last, which is replaced and never
// changed.
type person struct {
	name      string
	monitored bool
	station   *recording.Station
}

func newNames() *names { return &names{people: make(map[string]person)} }

// User implements control.Names.
func (n *names) User(id string) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.people[id].name
}

// Queue implements control.Names.
func (n *names) Queue(id string) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.queues[id]
}

// Station implements control.Names.
func (n *names) Station(userID string) *recording.Station {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if s := n.people[userID].station; s != nil && s.ID != "" {
		return s
	}
	return nil
}

// Monitored reports whether the topic of a user is subscribed. Before the directory
// is known nobody is: snapshots are then folded from any topic.
func (n *names) Monitored(userID string) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.people[userID].monitored
}

// replace takes a new directory and returns the users whose station changed.
func (n *names) replace(d *genesys.Directory) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queues, n.stations = d.Queues, d.Stations
	for id, p := range n.people {
		if _, known := d.Users[id]; known {
			continue
		}
		if delete(n.people, id); p.station != nil {
			n.people[id] = person{station: p.station}
		}
	}
	var moved []string
	for id, u := range d.Users {
		n.people[id] = person{name: u.Name, monitored: u.Monitored, station: n.people[id].station}
		if u.Station.ID != "" && n.set(id, u.Station) {
			moved = append(moved, id)
		}
	}
	return moved
}

// move takes a notification about a station and reports whether it changed
// anything. A user who logs off the phone keeps the last station in events of the
// call that is on.
func (n *names) move(userID string, s genesys.Station) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.set(userID, s)
}

func (n *names) set(userID string, s genesys.Station) bool {
	now := &recording.Station{ID: s.ID, Name: s.Name, Type: s.Type}
	if d, ok := n.stations[s.ID]; ok {
		now.Name, now.Type = first(now.Name, d.Name), first(now.Type, d.Type)
	}
	p := n.people[userID]
	known := p.station
	if known == nil {
		known = &recording.Station{}
	}
	if known.ID == now.ID {
		now.Name, now.Type = first(now.Name, known.Name), first(now.Type, known.Type)
	}
	p.station = now
	n.people[userID] = p
	return known.ID != now.ID
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
