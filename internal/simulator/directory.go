package simulator

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// User is a person of the organization, as the directory knows it.
type User struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
	State    string   `json:"state"` // active, inactive or deleted
	Division string   `json:"divisionId"`
	Queues   []string `json:"queueIds"`
	Groups   []string `json:"groupIds"`
	Station  Station  `json:"station"` // zero when the user is logged off the phone
}

// Station is a phone.
type Station struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// Queue is a queue of the contact centre.
type Queue struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Division string `json:"divisionId"`
}

// Named is anything of which only the id and the name matter: groups, divisions.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// member is one user with its state. The fixed part is read without a lock.
type member struct {
	fixed   User
	address string
	topics  memberTopics

	mu         sync.Mutex
	state      string
	station    Station
	presence   string
	presenceAt time.Time
	routing    string
	routingAt  time.Time
	away       bool // out of office
	awayAt     time.Time
	calls      int // connected legs now
	acdCalls   int // of these, through a queue
}

type memberTopics struct {
	flat, nested, presence, routing, station, activity, summary, outOfOffice string
}

func (m *member) user() User {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.fixed
	u.State, u.Station = m.state, m.station
	u.Queues, u.Groups = slices.Clone(u.Queues), slices.Clone(u.Groups)
	return u
}

// directory holds the people. Members are only ever added.
type directory struct {
	mu        sync.RWMutex
	order     []*member
	byID      map[string]*member
	stations  []Station
	queues    []Queue
	groups    []Named
	divisions []Named
}

func (d *directory) member(id string) *member {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byID[id]
}

func (d *directory) members() []*member {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Clip(d.order)
}

func (d *directory) queue(id string) (Queue, bool) {
	i := slices.IndexFunc(d.queues, func(q Queue) bool { return q.ID == id })
	if i < 0 {
		return Queue{}, false
	}
	return d.queues[i], true
}

func (o *Org) populate() {
	d := &o.directory
	d.byID = make(map[string]*member, o.opts.Users)
	for _, name := range []string{"Home", "Branch"} {
		d.divisions = append(d.divisions, Named{ID: o.dice.uuid(), Name: name})
	}
	for i := range o.opts.Queues {
		d.queues = append(d.queues, Queue{
			ID: o.dice.uuid(), Name: fmt.Sprintf("Queue %02d", i+1), Division: d.divisions[i%2].ID,
		})
	}
	for i := range o.opts.Groups {
		d.groups = append(d.groups, Named{ID: o.dice.uuid(), Name: fmt.Sprintf("Group %02d", i+1)})
	}
	for range o.opts.Users {
		o.addMember()
	}
}

func (o *Org) addMember() *member {
	d := &o.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.order)
	station := Station{
		ID: o.dice.uuid(), Name: fmt.Sprintf("Station %04d", n+1), Type: "inin_webrtc_softphone",
	}
	u := User{
		ID: o.dice.uuid(), Name: fmt.Sprintf("Agent %04d", n+1),
		Email: fmt.Sprintf("agent%04d@%s", n+1, o.opts.Domain), State: "active",
		Division: d.divisions[n%2].ID, Queues: []string{d.queues[n%len(d.queues)].ID},
		Groups: []string{d.groups[n%len(d.groups)].ID},
	}
	if second := d.queues[(n+1)%len(d.queues)].ID; second != u.Queues[0] {
		u.Queues = append(u.Queues, second)
	}
	at := now()
	m := &member{
		fixed: u,
		address: fmt.Sprintf("sip:%s+%s;tgrp=%s;trunk-context=sim@localhost",
			o.dice.word(24), o.opts.Domain, station.ID),
		state: u.State, station: station,
		presence: "Available", presenceAt: at, routing: "IDLE", routingAt: at,
		topics: memberTopics{
			flat:     "v2.users." + u.ID + ".conversations.calls",
			nested:   "v2.users." + u.ID + ".conversations",
			presence: "v2.users." + u.ID + ".presence",
			routing:  "v2.users." + u.ID + ".routingStatus",
			station:  "v2.users." + u.ID + ".station",
			activity: "v2.users." + u.ID + ".activity",
			summary:  "v2.users." + u.ID + ".conversationsummary",

			outOfOffice: "v2.users." + u.ID + ".outofoffice",
		},
	}
	d.order = append(d.order, m)
	d.byID[u.ID] = m
	d.stations = append(d.stations, station)
	o.casting.join(u.ID)
	return m
}

// Users returns every user in the order of creation.
func (o *Org) Users() []User {
	members := o.directory.members()
	users := make([]User, len(members))
	for i, m := range members {
		users[i] = m.user()
	}
	return users
}

// Queues returns every queue.
func (o *Org) Queues() []Queue { return slices.Clone(o.directory.queues) }

// Groups returns every group.
func (o *Org) Groups() []Named { return slices.Clone(o.directory.groups) }

// Divisions returns every division.
func (o *Org) Divisions() []Named { return slices.Clone(o.directory.divisions) }

// AddUser hires one more user.
func (o *Org) AddUser() User { return o.addMember().user() }

// SetUserState makes a user active, inactive or deleted. Only active ones are
// listed by default. It reports whether the user exists.
func (o *Org) SetUserState(userID, state string) bool {
	m := o.directory.member(userID)
	if m == nil {
		return false
	}
	m.mu.Lock()
	m.state = state
	m.mu.Unlock()
	return true
}
